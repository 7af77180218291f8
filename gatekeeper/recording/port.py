"""Recorder: what the loop needs of anything that keeps or shows what happened."""

from typing import Protocol

from gatekeeper.step import Step


class Recorder(Protocol):
    """Takes in every pass of the loop, after its decision is on the way to the linac."""

    def record(self, step: Step, total_ms: float) -> None:
        """Keep one pass; `total_ms` is the real time from the frame's arrival until its decision was sent."""
        ...
