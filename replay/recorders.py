"""Record a replay: keep what is scored and drawn afterwards, and update the session status."""

from gatekeeper.core.decision import Decision
from gatekeeper.core.errors import OutputError
from gatekeeper.core.protocols import LinacPort, Recorder
from gatekeeper.core.step import Step
from gatekeeper.core.track import Track
from gatekeeper.recording.forwarding import ForwardingRecorder
from gatekeeper.recording.session_folder import SessionRecorder
from gatekeeper.session.status import SessionStatus
from replay.progress import OnProgress


class KeepingRecorder(ForwardingRecorder):
    """A Recorder that forwards to the session, and keeps what is scored and drawn afterwards.

    Parameters
    ----------
    session : SessionRecorder
        Records the session.
    on_progress : callable
        Called after every pass of the loop.
    frames : int
        Number of frames to be replayed.

    Attributes
    ----------
    decisions : list of Decision
        Every decision, oldest first.
    tracks : list of Track or None
        The target of each decision.
    others : list of tuple of Track
        The other structures of each decision.
    """

    def __init__(self, session: SessionRecorder, on_progress: OnProgress, frames: int) -> None:
        super().__init__(session)
        self._on_progress = on_progress
        self._frames = frames
        self._frames_done = 0
        self.decisions: list[Decision] = []
        self.tracks: list[Track | None] = []
        self.others: list[tuple[Track, ...]] = []

    def record(self, step: Step, total_ms: float) -> None:
        """Record one pass of the loop, and keep its decision and track.

        Raises
        ------
        OutputError
            When the session can no longer be recorded.
        """
        super().record(step, total_ms)
        if self.fault is not None:
            raise OutputError(f"{self.fault}; free some space or name another folder")
        self.decisions.append(step.decision)
        self.tracks.append(step.track)
        self.others.append(step.others)
        self._frames_done += step.frame is not None
        self._on_progress("replaying", self._frames_done, self._frames)


class StatusRecorder(ForwardingRecorder):
    """A Recorder that forwards, and updates the session status.

    Parameters
    ----------
    recorder : Recorder
        Receives every pass of the loop.
    status : SessionStatus
        Status to be updated.
    linac : LinacPort
        Port whose state is shown.
    """

    def __init__(self, recorder: Recorder, status: SessionStatus, linac: LinacPort) -> None:
        super().__init__(recorder)
        self._status, self._linac = status, linac

    def record(self, step: Step, total_ms: float) -> None:
        """Record one pass of the loop, and update the status."""
        super().record(step, total_ms)
        self._status.update(step, total_ms, self._linac.alive)
