"""Pass on what a recorder is told, for recorders that do something besides."""

from collections.abc import Mapping

from gatekeeper.core.protocols import Recorder
from gatekeeper.core.step import Step


class ForwardingRecorder:
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
