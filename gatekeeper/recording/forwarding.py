"""A recorder that forwards to another one, as a base for recorders that do something besides."""

from collections.abc import Mapping

from gatekeeper.core.protocols import Recorder
from gatekeeper.core.step import Step


class ForwardingRecorder:
    """Forward everything to another recorder.

    Parameters
    ----------
    recorder : Recorder
        The other recorder.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    @property
    def fault(self) -> str | None:
        """Why the record is no longer kept; None while it is."""
        return self._recorder.fault

    def record(self, step: Step, total_ms: float) -> None:
        """Forward one pass of the loop."""
        self._recorder.record(step, total_ms)

    def event(self, name: str, time_s: float, values: Mapping[str, object]) -> None:
        """Forward an event."""
        self._recorder.event(name, time_s, values)
