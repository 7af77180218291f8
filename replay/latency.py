"""Measure how long each stage takes on the frames of a recording, played through the live loop without pauses."""

import math
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from gatekeeper.config import SessionConfig
from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.printable import printable
from gatekeeper.recording.journal import LATENCY, read_decisions
from gatekeeper.report.html import BUDGET_MS
from replay.progress import OnProgress
from replay.run import ReplayInput, replay

FEWEST_FRAMES = 1000
"""A short recording is played again until this many frames are timed; a 99th percentile of fewer says little."""
MOST_ROUNDS = 10
WARM_UP_FRAMES = 10
"""The first frames of each round are not counted."""
OVER = "!"
"""Mark of a time that is longer than its budget."""
FIGURES = {"p50": 50, "p99": 99, "max": 100}

Stages = Mapping[str, NDArray[np.float64]]
"""Time of each stage of `BUDGET_MS` on each frame, in ms."""


def stages_of(replay_input: ReplayInput, config: SessionConfig, on_progress: OnProgress) -> Stages:
    """Return how long each stage took on each frame, while decisions and frames are recorded as in any session.

    Parameters
    ----------
    replay_input : ReplayInput
        The recording and its setup.
    config : SessionConfig
        All settings.
    on_progress : callable
        Called after every frame.

    Returns
    -------
    mapping of str to ndarray of float64, shape (N,)
        Time in ms of real time by stage; `total` runs from the frame's arrival until its decision was sent.

    Raises
    ------
    GatekeeperError
        When the recording cannot be tracked, or the temporary session cannot be written.
    """
    frames = len(replay_input.recording.frames)
    warm_up = min(WARM_UP_FRAMES, frames // 2)
    rounds = min(math.ceil(FEWEST_FRAMES / (frames - warm_up)), MOST_ROUNDS)
    taken_ms: dict[str, list[float]] = {stage: [] for stage in BUDGET_MS}
    with tempfile.TemporaryDirectory(prefix="gatekeeper-bench-") as name:
        for k in range(rounds):
            folder = Path(name) / f"{k}"
            label = f"round {k + 1} of {rounds}"
            replay(replay_input, config, folder, VirtualClock(), partial(_report_round, on_progress, label))
            entries: list[dict[str, Any]] = list(read_decisions(folder / "decisions.jsonl"))
            timed = [entry[LATENCY] for entry in entries if entry["kind"] == "frame"][warm_up:]
            for stage, times_ms in taken_ms.items():
                times_ms += [float(one[stage]) for one in timed]
    return {stage: np.array(times_ms) for stage, times_ms in taken_ms.items()}


def stages_json(stages: Stages) -> dict[str, dict[str, float]]:
    """Return p50, p99 and the longest time of each stage in ms, its budget and the number of frames timed."""
    return {
        stage: {
            **dict(
                zip(
                    ("p50_ms", "p99_ms", "max_ms"),
                    np.percentile(times_ms, (50, 99, 100)).round(4).tolist(),
                    strict=True,
                )
            ),
            "budget_ms": BUDGET_MS[stage],
            "frames": len(times_ms),
        }
        for stage, times_ms in stages.items()
    }


def stages_table(name: str, stages: Stages) -> Table:
    """Return a table with one row per stage; what takes longer than its budget is marked."""
    rows = stages_json(stages)
    over = any(row["max_ms"] > row["budget_ms"] for row in rows.values())
    table = Table(
        title=f"{escape(printable(name))}: from frame to decision, {len(stages['total'])} frames",
        caption=f"{OVER} longer than the budget" if over else None,
    )
    table.add_column("stage")
    for heading in ("ms p50", "p99", "worst", "budget"):
        table.add_column(heading, justify="right")
    for stage, row in rows.items():
        taken = (_beside(row[figure], row["budget_ms"]) for figure in ("p50_ms", "p99_ms", "max_ms"))
        table.add_row(stage, *taken, f"{row['budget_ms']:.1f}")
    return table


def _beside(taken_ms: float, budget_ms: float) -> Text:
    """Return a time, marked when it is not within its budget."""
    within = taken_ms <= budget_ms
    return Text(f"{taken_ms:.2f}" if within else f"{OVER} {taken_ms:.2f}", "" if within else "bold red")


def _report_round(on_progress: OnProgress, label: str, _name: str, done: int, total: int) -> None:
    on_progress(label, done, total)
