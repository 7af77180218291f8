"""Recorder: what the loop needs of anything that keeps or shows what happened."""

from collections.abc import Mapping
from typing import Protocol

from gatekeeper.core.step import Step


class Recorder(Protocol):
    """Takes in every pass of the loop, after its decision is on the way to the linac; nothing here raises."""

    @property
    def fault(self) -> str | None:
        """Why the record is no longer kept, in one line; None while it is. Once there, it stays."""
        ...

    def record(self, step: Step, total_ms: float) -> None:
        """Keep one pass; `total_ms` is the real time from the frame's arrival until its decision was sent."""
        ...

    def event(self, name: str, time_s: float, values: Mapping[str, object]) -> None:
        """Keep what an operator did at session time `time_s`, in seconds; `values` are plain values for JSON."""
        ...


class PassedOn:
    """A Recorder that passes everything on to another one; for those that do something besides.

    Parameters
    ----------
    recorder : Recorder
        The other one.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    @property
    def fault(self) -> str | None:
        """Why the record is no longer kept."""
        return self._recorder.fault

    def record(self, step: Step, total_ms: float) -> None:
        """Pass on one pass of the loop."""
        self._recorder.record(step, total_ms)

    def event(self, name: str, time_s: float, values: Mapping[str, object]) -> None:
        """Pass on what an operator did."""
        self._recorder.event(name, time_s, values)
