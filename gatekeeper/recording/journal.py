"""The journal: one line of JSON per decision, on its way to the disk before the next frame is waited for."""

import json
import math
from pathlib import Path
from types import TracebackType
from typing import Self

from gatekeeper.errors import OutputError
from gatekeeper.step import Step


class Journal:
    """Writes `decisions.jsonl`.

    Every line goes to the operating system as soon as it is made, so that a crash of this program loses none; a
    crash in the middle of a line leaves a last line without an end, which readers leave out.

    Parameters
    ----------
    path : Path
        The file to be made; it must not exist.

    Raises
    ------
    OutputError
        Here and on each `write`, when the disk does not take the line.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = path.open("xb", buffering=0)
        except OSError as error:
            raise _lost(path, error) from error

    def write(self, step: Step, total_ms: float) -> None:
        """Append one decision; `total_ms` is the real time it took from arrival to linac."""
        line = memoryview(journal_line(step, total_ms).encode())
        try:
            while line:
                line = line[self._file.write(line) :]
        except OSError as error:
            raise _lost(self._path, error) from error

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._file.close()

    def __enter__(self) -> Self:
        """Return the journal itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()


def journal_line(step: Step, total_ms: float) -> str:
    """Return the line of JSON, line end included, that stands for one pass of the loop.

    Floats are written so that they read back exactly; what was not measured is null. The latencies come last.
    """
    frame, track, decision = step.frame, step.track, step.decision
    entry = {
        "sequence": None if frame is None else int(frame.sequence),
        "acquired_s": None if frame is None else _number(frame.acquired_s),
        "received_s": None if frame is None else _number(frame.received_s),
        "decided_s": _number(decision.time_s),
        "state": decision.state.value,
        "reasons": [reason.value for reason in decision.reasons],
        "outside_percent": _number(decision.outside_percent),
        "center_mm": None if track is None else [_number(value) for value in track.center_mm],
        "confidence": None if track is None else _number(track.confidence),
        "latency_ms": {
            "track": round(step.track_ms, 4),
            "decide": round(step.decide_ms, 4),
            "total": round(total_ms, 4),
        },
    }
    return json.dumps(entry, allow_nan=False, separators=(",", ":")) + "\n"


def read_decisions(path: Path) -> list[dict[str, object]]:
    """Return the decisions that `path` holds, oldest first, without a last line that was not finished."""
    lines = path.read_bytes().split(b"\n")[:-1]
    return [json.loads(line) for line in lines]


def without_latency(decisions: list[dict[str, object]]) -> list[str]:
    """Return each decision as a text without its latencies, so that two replays of one case can be compared."""
    return [json.dumps({name: value for name, value in entry.items() if name != "latency_ms"}) for entry in decisions]


def _number(value: float) -> float | None:
    """Return a plain float, or None for what JSON has no number for."""
    return float(value) if math.isfinite(value) else None


def _lost(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"{path}: the journal cannot be written ({error.strerror or error}); the beam is held; "
        "free some space or name another folder"
    )
