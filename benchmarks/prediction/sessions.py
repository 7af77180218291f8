"""Run whole sessions on a phantom that moves as was measured, with the tracker in the loop, and score them."""

import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.prediction.scenes import LEARNED_S, TRACE_FROM_S, WINDOW_MM
from gatekeeper.config import GateConfig, PredictionConfig, SessionConfig
from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.contour import center_mm
from gatekeeper.core.decision import BeamState
from gatekeeper.core.errors import RecordingError
from gatekeeper.gating.envelope import Envelope
from gatekeeper.recording.journal import read_decisions
from gatekeeper.report.exposure import ExposureEstimate
from replay.formats.format import Choices
from replay.formats.trace import open_trace
from replay.motion_trace import MotionTrace, read_trace
from replay.progress import no_progress
from replay.recording import Recording
from replay.run import ReplayInput, replay, replay_input

Array = NDArray[np.float64]
RATE_HZ, LATENCY_S = 8.0, 0.3
RISKS_PERCENT = None, 2.0, 1.0, 0.5
"""Without a risk limit, and with each of these."""
PREDICTION = PredictionConfig(mode="full", imaging_s=0.0, compute_s=0.0, linac_s=LATENCY_S)


@dataclass(frozen=True, slots=True)
class SessionScore:
    """One session beside the truth.

    Attributes
    ----------
    trace : str
        Name of the trace.
    risk_percent : float or None
        The risk limit.
    on_while_out, estimated : float
        Share of the time with the beam on while the target was truly outside, and as the report estimates it from what
        was measured, in percent.
    duty_cycle, inside : float
        Share of the time with the beam on, and with the target truly inside, in percent.
    error_mm : float
        95th percentile of the distance between the target's true and measured centre, in mm.
    """

    trace: str
    risk_percent: float | None
    on_while_out: float
    estimated: float
    duty_cycle: float
    inside: float
    error_mm: float


def run_sessions(folder: Path, seconds: float, on_progress: Callable[[str, int, int], None]) -> list[SessionScore]:
    """Run a session for each trace and each of `RISKS_PERCENT`.

    Parameters
    ----------
    folder : Path
        Holds the traces as CSV files, at any depth.
    seconds : float
        Length of each session, at most that of the trace.
    on_progress : callable
        Called with a name, the number of sessions done and that of all.

    Raises
    ------
    RecordingError
        When the folder has no trace, or a file is not one.
    """
    paths = sorted(folder.rglob("*.csv"))
    if not paths:
        raise RecordingError(f"{folder}: holds no trace; give a folder of CSV files")
    scores = []
    for path in paths:
        trace, recording = read_trace(path), _drawn(open_trace(path, Choices(rate_hz=RATE_HZ)), seconds)
        envelope = _window(trace, recording)
        material = replay_input(recording, target_zone_px=envelope.contour_px)
        for risk_percent in RISKS_PERCENT:
            on_progress("whole sessions on measured motion", len(scores), len(paths) * len(RISKS_PERCENT))
            scores.append(_score(path.stem, material, envelope, risk_percent))
    on_progress("whole sessions on measured motion", len(scores), len(scores))
    return scores


def _drawn(recording: Recording, seconds: float) -> Recording:
    """Return the first part of a recording whose frames are drawn on access, with all of them drawn."""
    part = recording.part(slice(0, int(np.searchsorted(recording.times_s, seconds))))
    return replace(part, frames=np.stack([np.asarray(frame) for frame in part.frames]))


def _window(trace: MotionTrace, recording: Recording) -> Envelope:
    """Return an envelope of `WINDOW_MM` around the target at end-exhale, as the scenes of traces have it."""
    assert recording.outlines_px is not None
    early_mm = trace.at(np.arange(0.0, LEARNED_S, 0.05))
    exhale_mm = early_mm[early_mm[:, 0] >= np.median(early_mm[:, 0])].mean(axis=0)
    superior_mm, posterior_mm, _ = exhale_mm - trace.at(np.zeros(1))[0]
    shift_px = np.divide((-superior_mm, posterior_mm), recording.spacing_mm)
    return Envelope.around(recording.outlines_px[0] + shift_px, WINDOW_MM, recording.spacing_mm)


def _score(name: str, material: ReplayInput, envelope: Envelope, risk_percent: float | None) -> SessionScore:
    config = SessionConfig(gate=GateConfig(risk_percent=risk_percent), prediction=PREDICTION)
    recording = material.recording
    assert recording.outlines_px is not None
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "session"
        replay(material, config, folder, VirtualClock(), no_progress, picture=False)
        entries = [one for one in read_decisions(folder / "decisions.jsonl") if one["kind"] == "frame"]
    scored = [one for one in entries if one["acquired_s"] - entries[0]["acquired_s"] >= TRACE_FROM_S]
    limit = config.gate.outside_percent
    true_percent = np.array([envelope.outside_percent(recording.outlines_px[one["sequence"]]) for one in scored])
    measured_percent = np.array(
        [np.nan if one["outside_percent"] is None else one["outside_percent"] for one in scored]
    )
    on = np.array([one["state"] == BeamState.ON for one in scored], dtype=np.bool_)
    true = ExposureEstimate(scored, [], PREDICTION, true_percent > limit).of(on)
    estimated = ExposureEstimate(scored, [], PREDICTION, ~(measured_percent <= limit)).of(on)
    return SessionScore(
        name,
        risk_percent,
        true.percent,
        estimated.percent,
        100.0 * float(on.mean()),
        100.0 * float((true_percent <= limit).mean()),
        _error_mm(scored, recording.outlines_px, recording.spacing_mm),
    )


def _error_mm(
    scored: Sequence[Mapping[str, Any]], outlines_px: Sequence[Array], spacing_mm: tuple[float, float]
) -> float:
    """Return the 95th percentile of the distance between true and measured centre, in mm."""
    away_mm = [
        math.dist(one["center_mm"], center_mm(outlines_px[one["sequence"]], spacing_mm))
        for one in scored
        if one["center_mm"] is not None
    ]
    return float(np.percentile(away_mm, 95.0)) if away_mm else math.nan


def sessions_table(scores: Sequence[SessionScore]) -> Table:
    """Return a table of all sessions, and the mean over those that move."""
    table = Table(title="Whole sessions on a phantom that moves as measured, 8 frames/s, 300 ms", title_justify="left")
    table.add_column("trace", no_wrap=True)
    for name in ("risk limit %", "on while out %", "as estimated %", "duty %", "inside %", "tracking p95 mm"):
        table.add_column(name, justify="right")
    for one in scores:
        table.add_row(one.trace, *_cells(one))
    for risk_percent in RISKS_PERCENT:
        moving = [one for one in scores if one.risk_percent == risk_percent and one.inside < 100.0]
        if moving:
            names = ("on_while_out", "estimated", "duty_cycle", "inside", "error_mm")
            means = [float(np.mean([getattr(one, name) for one in moving])) for name in names]
            table.add_row("mean of those that move", *_cells(SessionScore("", risk_percent, *means)))
    return table


def _cells(one: SessionScore) -> tuple[str, ...]:
    return (
        "–" if one.risk_percent is None else f"{one.risk_percent:g}",
        f"{one.on_while_out:.2f}",
        f"{one.estimated:.2f}",
        f"{one.duty_cycle:.1f}",
        f"{one.inside:.1f}",
        f"{one.error_mm:.2f}",
    )
