"""Play the frames of a recorded session at the times of their decisions."""

from dataclasses import replace

from gatekeeper.core.clock import Clock
from gatekeeper.core.frame import Frame
from gatekeeper.core.json_values import measured
from gatekeeper.core.protocols import Recorder
from gatekeeper.session.arming import Armed
from gatekeeper.session.loop import TRACKER_FAILED
from replay.formats.session import RecordedSession
from replay.sessions.events import apply_events, keep_references


class SessionPlayer:
    """A frame source that delivers the frames of a session with their numbers, each at the time of its decision.

    Parameters
    ----------
    session : RecordedSession
        The session; frames that were not recorded are missing.
    clock : Clock
        The session's clock. A virtual clock that starts at `begin_s` gives the times of the recording exactly.
    armed : Armed
        The session to which each event is applied again, before the frame that followed it.
    recorder : Recorder
        Records these events.
    """

    def __init__(self, session: RecordedSession, clock: Clock, armed: Armed, recorder: Recorder) -> None:
        self._session, self._clock, self._armed, self._recorder = session, clock, armed, recorder
        self._left = [
            entry for entry in session.entries if entry["kind"] == "event" or entry.get("frame_row") is not None
        ]
        while self._left and self._left[-1]["kind"] == "event":
            self._left.pop()
        keep_references(armed, self._left)
        self._left.reverse()
        self._offset_s: float | None = None

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Return the next frame when its decision is due within `timeout_s` of session time, else None after that.

        Parameters
        ----------
        timeout_s : float
            Longest wait, in seconds of session time.

        Returns
        -------
        Frame or None
        """
        while self._left and self._left[-1]["kind"] == "event":
            event, now_s = self._left.pop(), self._clock.now_s()
            apply_events(self._armed, event, self._session.gathered, now_s)
            # The loop records a failure of the tracker itself when it happens again.
            if event["event"] != TRACKER_FAILED:
                self._recorder.event(event["event"], now_s, event["values"])
        if self.ended():
            return None
        entry, now_s = self._left[-1], self._clock.now_s()
        if self._offset_s is None:
            self._offset_s = now_s - self._session.begin_s
        decided_s = measured(entry["decided_s"])
        due_s = decided_s + self._offset_s
        if due_s > now_s + timeout_s:
            self._clock.sleep_until(now_s + timeout_s)
            return None
        if due_s > now_s:
            self._clock.sleep_until(due_s)
        self._left.pop()
        frame, _ = self._session.frames.frame(int(entry["frame_row"]))
        return replace(
            frame,
            acquired_s=frame.acquired_s + self._offset_s,
            received_s=frame.received_s + self._offset_s,
            skipped=int(entry["skipped"]),
            aside=int(entry.get("aside", 0)),
        )

    def ended(self) -> bool:
        """Return True after the last frame, or after `close`."""
        return not self._left

    def close(self) -> None:
        """Deliver no more frames."""
        self._left.clear()
