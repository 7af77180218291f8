"""Rehearse a frame's path just before the next frame is due, so that code and data are in the processor's caches.

Between two frames of a scanner, other programs take the caches, and a frame then takes several times as long as in a
hot loop. A rehearsal goes through the last frame once more, with a copy of the engine that has nothing to do with the
session: its decision is dropped, it knows no recorder, and of the linac's port it calls only `rehearse`, which makes a
message that no interlock would accept and sends it to nobody else.
"""

from collections import deque
from dataclasses import replace

from gatekeeper.core.clock import Clock
from gatekeeper.core.frame import Frame
from gatekeeper.core.protocols import FrameSource, LinacPort, RehearsingPort
from gatekeeper.runtime.pace import Pace
from gatekeeper.session.engine import Engine

LONGEST = 0.1
"""A rehearsal that takes longer than this share of the time between two frames is too long."""
COST_OF, MOST_COSTLY = 16, 4
"""Rehearsals are paused when of so many frames more than so many came during one, and had to wait for its end, or came
after one that took too long."""
PAUSE = 64
"""Number of frames of a pause."""


class Rehearsal:
    """A source that rehearses while it waits for the next frame of another source.

    It returns the frames of that source as they are. When frames come at no steady pace, when a rehearsal takes too
    long, or when too many frames come during one, there are none for some time.

    Parameters
    ----------
    source : FrameSource
        Source of the frames.
    engine : Engine
        The engine of the session, of which only copies are used.
    linac : LinacPort
        The session's port.
    clock : Clock
        Session time.

    Attributes
    ----------
    count : int
        Number of rehearsals so far.
    pauses : int
        How often they were paused.
    """

    def __init__(self, source: FrameSource, engine: Engine, linac: LinacPort, clock: Clock) -> None:
        self._source, self._engine, self._clock = source, engine, clock
        self._port = linac if isinstance(linac, RehearsingPort) else None
        self._pace = Pace()
        self._given: Frame | None = None
        self._last: Frame | None = None
        self._twin: Engine | None = None
        self._version = -1
        self._span_s = (0.0, 0.0)
        self._is_long = False
        self._costly: deque[bool] = deque(maxlen=COST_OF)
        self._paused = 0
        self.count = self.pauses = 0

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Return the next frame, or None, as the source does; rehearse when it is time."""
        if self._given is not None:
            self._learn(self._given)
            self._given = None
        end_s = self._clock.now_s() + timeout_s
        while (next_s := self._pace.next_s) < end_s:
            frame = self._source.next_frame(max(0.0, next_s - self._clock.now_s()))
            if frame is not None or self._source.ended():
                return self._give(frame)
            began_s = self._clock.now_s()
            if began_s < next_s:
                return None
            if began_s >= end_s:
                break
            self._rehearse(began_s)
        return self._give(self._source.next_frame(min(max(0.0, end_s - self._clock.now_s()), timeout_s)))

    def ended(self) -> bool:
        """Return whether no frame will come any more."""
        return self._source.ended()

    def close(self) -> None:
        """Close the underlying source."""
        self._source.close()

    def _give(self, frame: Frame | None) -> Frame | None:
        if frame is not None:
            began_s, ended_s = self._span_s
            self._costly.append(self._is_long or began_s < frame.received_s < ended_s)
            self._is_long = False
            self._given = frame
        return frame

    def _learn(self, frame: Frame) -> None:
        """Learn from a frame that the loop has processed, and get ready to rehearse it."""
        self._pace.came(frame.received_s)
        if sum(self._costly) > MOST_COSTLY:
            self._pause()
        if self._paused:
            self._paused -= 1
            self._pace.skip()
            return
        if self._version != self._engine.version:
            # Other trackers and other states of the gate are copied anew, when the frame before was just decided on.
            self._version, self._twin = self._engine.version, _twin_of(self._engine)
        if self._twin is None:
            self._pace.skip()
            return
        # A copy, since a source may write its next frame into the same memory meanwhile.
        image = frame.image
        if self._last is not None and self._last.image.shape == image.shape and self._last.image.dtype == image.dtype:
            self._last.image[...] = image
            self._last = replace(frame, image=self._last.image)
        else:
            self._last = replace(frame, image=image.copy())

    def _rehearse(self, began_s: float) -> None:
        """Go through the last frame once more, and drop what comes out."""
        self._pace.prepared(began_s)
        if self._twin is None or self._last is None:
            self._pace.skip()
            return
        try:
            step = self._twin.step(self._last, self._last.received_s)
            if self._port is not None:
                self._port.rehearse(step.decision)
        except Exception:
            # Where the engine fails, the loop says so.
            self._pause()
            return
        self.count += 1
        ended_s = self._clock.now_s()
        self._span_s = began_s, ended_s
        self._is_long = self._is_long or ended_s - began_s > LONGEST * self._pace.period_s

    def _pause(self) -> None:
        self._pace.skip()
        self._paused = PAUSE
        self._costly.clear()
        self.pauses += 1


def _twin_of(engine: Engine) -> Engine | None:
    """Return a copy of the engine; None when its tracker cannot be copied, or fails to."""
    try:
        return engine.twin()
    except Exception:
        return None
