"""The journal: the line of one pass of the loop, and how journals are read."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import Frame
from gatekeeper.core.json_values import number
from gatekeeper.core.session_counts import ALLOWED, MICROSECONDS
from gatekeeper.recording.hash_chain import LINK_FIELDS, canonical, read_chain

if TYPE_CHECKING:
    # They load Numba, which takes a second; readers of many journals do without.
    from gatekeeper.core.step import Step
    from gatekeeper.core.track import Track

LATENCY = "latency_ms"
STRUCTURES = "structures"
"""The journal's field for each of several structures on a frame."""
UNCOMPARED = frozenset((*LINK_FIELDS, LATENCY, ALLOWED, "frame_row", "frame_hash"))
"""Fields that do not describe the decision: its real time, what the linac's port did, and where it is stored."""


def entry_of(step: "Step", total_ms: float, names: Sequence[str] = ()) -> dict[str, object]:
    """Return the journal's line on one pass of the loop, as JSON values.

    No other function turns a Step into a mapping. The writer adds the hash of each of `arrays_of`, and where the frame
    is stored.

    Parameters
    ----------
    step : Step
        The pass.
    total_ms : float
        Real time from the frame's arrival until its decision was sent, in ms.
    names : sequence of str
        Names of the structures, the primary target first; needed where there are several.

    Returns
    -------
    dict
        Floats unrounded, so that they read back exactly; None for what was not measured.
    """
    frame, track, decision = step.frame, step.track, step.decision
    return {
        "kind": "silence" if frame is None else "frame",
        "sequence": None if frame is None else int(frame.sequence),
        "acquired_s": None if frame is None else number(frame.acquired_s),
        "received_s": None if frame is None else number(frame.received_s),
        "skipped": None if frame is None else frame.skipped,
        **({"aside": frame.aside} if frame is not None and frame.aside else {}),
        # Frames of a recording, and sessions of earlier versions, have no connection.
        **({} if frame is None or not frame.connection else _whence(frame)),
        "decided_s": number(decision.time_s),
        "state": decision.state.value,
        "raw_state": None if decision.raw_state is None else decision.raw_state.value,
        "reasons": [reason.value for reason in decision.reasons],
        "outside_percent": number(decision.outside_percent),
        "predicted_percent": number(decision.predicted_percent),
        "center_mm": None if track is None else [number(value) for value in track.center_mm],
        "confidence": None if track is None else number(track.confidence),
        # Sessions of one structure have it in the fields above.
        **({STRUCTURES: _structures(step, names)} if decision.structures else {}),
        LATENCY: {
            "track": round(step.track_ms, 4),
            "decide": round(step.decide_ms, 4),
            "total": round(total_ms, 4),
        },
        **({} if step.allowed_s is None else {ALLOWED: round(step.allowed_s, MICROSECONDS)}),
    }


def _whence(frame: Frame) -> dict[str, object]:
    return {"connection": frame.connection, "stamp_s": number(frame.stamp_s)}


def _structures(step: "Step", names: Sequence[str]) -> dict[str, dict[str, object]]:
    """Return each of several structures by its name."""
    return {
        name: {
            "center_mm": [number(value) for value in track.center_mm],
            "confidence": number(track.confidence),
            result.measure.value: number(result.value),
            "reasons": [reason.value for reason in result.reasons],
        }
        for name, track, result in zip(names, _tracks(step), step.decision.structures, strict=True)
    }


def _tracks(step: "Step") -> "tuple[Track, ...]":
    return () if step.track is None else (step.track, *step.others)


def arrays_of(step: "Step", names: Sequence[str] = ()) -> dict[str, NDArray[np.generic]]:
    """Return the arrays that the journal stores as hashes: contours of shape (N, 2).

    Parameters
    ----------
    step : Step
        The pass.
    names : sequence of str
        Names of the structures, as for `entry_of`.

    Returns
    -------
    dict
        "contour" of the primary target, and with several structures "contour/<name>" of each.
    """
    if step.track is None:
        return {}
    arrays: dict[str, NDArray[np.generic]] = {"contour": step.track.contour_px}
    if step.decision.structures:
        for name, track in zip(names, _tracks(step), strict=True):
            arrays[f"contour/{name}"] = track.contour_px
    return arrays


def decided(entry: Mapping[str, object]) -> dict[str, object]:
    """Return the fields of a line on which two replays of the same frames must agree."""
    return {name: value for name, value in entry.items() if name not in UNCOMPARED}


def read_decisions(path: Path) -> list[dict[str, object]]:
    """Return the decisions in a journal, oldest first, up to the first line that was changed.

    Parameters
    ----------
    path : Path
        The journal.

    Raises
    ------
    RecordingError
        When the file cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecordingError(
            f"{path}: cannot be read ({error.strerror or error}); name the folder of a session"
        ) from None
    return [entry for entry in read_chain(data).entries if entry["kind"] in ("frame", "silence")]


def without_latency(decisions: list[dict[str, object]]) -> list[str]:
    """Return each decision as text without its latencies, to compare two replays of one case."""
    return [canonical({name: value for name, value in entry.items() if name != LATENCY}) for entry in decisions]
