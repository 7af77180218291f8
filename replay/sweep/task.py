"""One task of a sweep: a case tracked with one setting of the tracker, and judged under all others."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import SessionConfig
from gatekeeper.core.clock import stopwatch_ns
from gatekeeper.core.contour import mask_to_contour
from gatekeeper.core.decision import BeamState
from gatekeeper.core.errors import GatekeeperError
from gatekeeper.recording.session_setup import versions
from gatekeeper.session.arming import zones_of
from gatekeeper.session.structure_info import structure_infos
from replay.formats.open import open_recording
from replay.formats.session import is_session, open_session
from replay.recording import Recording
from replay.run import replay_input
from replay.scores.gating import frame_period_s, gating_score
from replay.sessions.rejudge import Judged, Rejudged, Tracked
from replay.sessions.what_if import MeasuredOut
from replay.sweep.grid import Setting, with_settings
from replay.sweep.track import track_recording

KIND = "tracker.kind"
Scorer = Callable[[SessionConfig, Judged], dict[str, object]]
"""Returns on-while-out time and what else is known of the truth, for settings and what was judged under them."""


@dataclass(frozen=True, slots=True)
class Task:
    """A case with one setting of the tracker.

    Attributes
    ----------
    number : int
        Its place in the sweep.
    case : str
        Path of a recording or a session.
    base : SessionConfig or None
        Settings besides those of the grid; None for a session's own, and the defaults for a recording.
    tracked : Setting
        Settings with which it is tracked.
    judged : tuple of Setting
        Settings under each of which it is judged.
    """

    number: int
    case: str
    base: SessionConfig | None
    tracked: Setting
    judged: tuple[Setting, ...]

    @property
    def words(self) -> str:
        """The task in words."""
        told = ", ".join(f"{name} = {value}" for name, value in self.tracked)
        return f"{self.case} ({told})" if told else self.case

    def key(self) -> str:
        """Return the hash of all that its result depends on: case, settings and versions."""
        basis = {
            "case": self.case,
            "files": stamps_of(Path(self.case)),
            "base": None if self.base is None else self.base.model_dump(mode="json"),
            "tracked": self.tracked,
            "judged": self.judged,
            "versions": versions(),
        }
        return hashlib.sha256(json.dumps(basis, sort_keys=True).encode()).hexdigest()[:32]


@dataclass(slots=True)
class TaskResult:
    """What came of a task.

    Attributes
    ----------
    rows : list of dict
        One for each judged setting.
    fault : str or None
        Why there is none, in one line.
    frames : int
        Number of frames that were tracked.
    track_s, judge_s : float
        Real time of opening and tracking, and of judging under all settings, in s.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    fault: str | None = None
    frames: int = 0
    track_s: float = 0.0
    judge_s: float = 0.0


def stamps_of(path: Path) -> list[list[object]]:
    """Return name, time of the last change and size of a file, or of all files of a folder."""
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    found: list[list[object]] = []
    for file in files:
        try:
            stat = file.stat()
        except OSError:
            continue
        found.append([os.path.relpath(file, path), stat.st_mtime_ns, stat.st_size])
    return found


def run_task(task: Task) -> TaskResult:
    """Track a case and judge it under all settings.

    Parameters
    ----------
    task : Task
        The task.

    Returns
    -------
    TaskResult
        With a fault when the case or a setting cannot be used.

    Raises
    ------
    OSError, MemoryError
        When the machine lacks something, so that another try may succeed.
    """
    began_ns = stopwatch_ns()
    try:
        with _tracked(task) as (kind, tracked, scorer):
            tracked_ns = stopwatch_ns()
            rows = [_row(task, kind, tracked, scorer, setting) for setting in task.judged]
            frames = sum(one.frame is not None for one in tracked.tracked)
    except (OSError, MemoryError):
        raise
    except GatekeeperError as error:
        return TaskResult(fault=" ".join(str(error).split()))
    # Whatever else a file or a plug-in raises costs this task alone.
    except Exception as error:
        return TaskResult(fault=f"{type(error).__name__}: {' '.join(str(error).split())}")
    return TaskResult(rows, None, frames, (tracked_ns - began_ns) * 1e-9, (stopwatch_ns() - tracked_ns) * 1e-9)


@contextmanager
def _tracked(task: Task) -> Iterator[tuple[str, Tracked, Scorer]]:
    """Open and track the case of a task; its labels can be read until the end."""
    path = Path(task.case)
    if is_session(path):
        with closing(open_session(path)) as session:
            base = session.config() if task.base is None else task.base
            # What is asked for afterwards never switches a beam.
            config = with_settings(base.model_copy(update={"linac": None}), task.tracked, "grid")
            kind = dict(task.tracked).get(KIND)
            again = Rejudged(session, tracker=None if kind is None else str(kind), config=config)
            yield "session", again, _measured_scorer(again, session.config())
        return
    config = with_settings(task.base or SessionConfig(), task.tracked, "grid")
    recording = open_recording(path)
    tracked = track_recording(replay_input(recording), config)
    yield "recording", tracked, _labels_scorer(recording, tracked)


def _row(task: Task, kind: str, tracked: Tracked, scorer: Scorer, setting: Setting) -> dict[str, Any]:
    config = with_settings(tracked.config, setting, "grid")
    judged = tracked.judge(config)
    counts = judged.counts
    return {
        "task": task.number,
        "case": task.case,
        "kind": kind,
        **dict(task.tracked),
        **dict(setting),
        "frames": counts.frames,
        "lasted_s": round(counts.last_s - counts.begin_s, 6),
        "beam_on_s": counts.beam_on_s,
        "duty_cycle": counts.duty_cycle,
        "holds": counts.holds,
        **scorer(config, judged),
    }


def _labels_scorer(recording: Recording, tracked: Tracked) -> Scorer:
    """Score against the labels of a recording, by the envelope and the limit of each setting."""
    if recording.labels is None:
        return lambda _config, _judged: dict.fromkeys(("out_by", "on_while_out_s", "false_hold_s", "accuracy"))
    outlines = [mask_to_contour(label) if label.any() else None for label in recording.labels]
    known: dict[bytes, NDArray[np.float64]] = {}

    def scored(config: SessionConfig, judged: Judged) -> dict[str, object]:
        zone = zones_of(tracked.setup, config)[0]
        envelope = zone.envelope
        key = envelope.contour_px.tobytes()
        if key not in known:
            known[key] = np.array(
                [np.nan if one is None else envelope.outside_percent(one) for one in outlines], dtype=np.float64
            )
        beam_on = np.zeros(len(outlines), dtype=np.bool_)
        for decision in judged.decisions:
            if decision.sequence >= 0:
                beam_on[decision.sequence] = decision.state is BeamState.ON
        most_percent = config.gate.outside_percent if zone.most_percent is None else zone.most_percent
        found = gating_score(beam_on, known[key], most_percent, frame_period_s(recording.times_s))
        if found is None:
            return {"out_by": None, "on_while_out_s": None, "false_hold_s": None, "accuracy": None}
        return {
            "out_by": "labels",
            "on_while_out_s": found.on_while_out_s,
            "false_hold_s": found.false_hold_s,
            "accuracy": found.accuracy,
        }

    return scored


def _measured_scorer(tracked: Tracked, own: SessionConfig) -> Scorer:
    """Score against what the session measured, by its own limits: it holds no true positions."""
    entries = [one.entry for one in tracked.tracked if one.entry["kind"] != "event"]
    measured = MeasuredOut(entries, structure_infos(tracked.setup, own))

    def scored(_config: SessionConfig, judged: Judged) -> dict[str, object]:
        out_s = measured.on_while_out_s([decision.state for decision in judged.decisions])
        return {"out_by": "session", "on_while_out_s": out_s, "false_hold_s": None, "accuracy": None}

    return scored
