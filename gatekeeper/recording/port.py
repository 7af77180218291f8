"""Recorder: what the loop needs of anything that keeps or shows what happened."""

from collections.abc import Mapping
from typing import Protocol

from gatekeeper.step import Step


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
