"""Pass the frames of a source through a chain of faults."""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from gatekeeper.core.clock import Clock
from gatekeeper.core.decision import BeamState, Decision
from gatekeeper.core.frame import Frame
from gatekeeper.core.protocols import FrameSource
from replay.faults.spec import FaultSpec, parse
from replay.faults.stages import STAGES, Delivery, Stage


class Delivered(NamedTuple):
    """One frame as delivered to the loop.

    Attributes
    ----------
    sequence : int
        Sequence number.
    faults : tuple of str
        Names of the faults that changed it; empty for an unchanged frame.
    """

    sequence: int
    faults: tuple[str, ...]


class FaultySource:
    """A source with faults; a late frame delays the frames behind it.

    Parameters
    ----------
    source : FrameSource
        Source of the frames.
    stages : iterable of Stage
        The faults, in order of application.
    clock : Clock
        Clock of the session.

    Attributes
    ----------
    delivered : list of Delivered
        Delivered frames, in order.
    """

    def __init__(self, source: FrameSource, stages: Iterable[Stage], clock: Clock) -> None:
        self.delivered: list[Delivered] = []
        self._source, self._stages, self._clock = source, tuple(stages), clock
        self._waiting: deque[Delivery] = deque()
        self._at_rest = False
        self._delivered_s = -math.inf

    @property
    def lost(self) -> list[int]:
        """Sequence numbers of the frames that faults have removed."""
        return [sequence for stage in self._stages for sequence in stage.lost]

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Return the next frame, or None after `timeout_s` of session time."""
        until_s = self._clock.now_s() + timeout_s
        while True:
            if self._waiting:
                return self._deliver(until_s)
            if self._source.ended():
                if self._at_rest:
                    return None
                self._flush()
                continue
            frame = self._source.next_frame(max(0.0, until_s - self._clock.now_s()))
            if frame is not None:
                self._waiting.extend(_through(self._stages, [Delivery(frame, frame.received_s)]))
            elif not self._source.ended() and not self._clock.now_s() < until_s:
                return None

    def ended(self) -> bool:
        """Return True when the source has ended and no fault holds a frame."""
        if self._source.ended() and not self._waiting and not self._at_rest:
            self._flush()
        return self._source.ended() and not self._waiting

    def close(self) -> None:
        """Close the source; pending frames are lost."""
        self._source.close()
        self._waiting.clear()
        self._at_rest = True

    def _flush(self) -> None:
        """Release the frames that faults hold, the first fault first, each through the faults behind it."""
        self._at_rest = True
        for place, stage in enumerate(self._stages):
            self._waiting.extend(_through(self._stages[place + 1 :], stage.rest()))

    def _deliver(self, until_s: float) -> Frame | None:
        """Return the first pending frame if it is due before `until_s`."""
        first = self._waiting[0]
        if first.at_s > until_s:
            self._clock.sleep_until(until_s)
            return None
        self._clock.sleep_until(first.at_s)
        self._waiting.popleft()
        frame, now_s = first.frame, self._clock.now_s()
        self.delivered.append(Delivered(frame.sequence, first.faults))
        held_up = max(first.at_s, self._delivered_s) > frame.received_s
        self._delivered_s = now_s
        return replace(frame, received_s=now_s) if held_up else frame


def inject(source: FrameSource, faults: Iterable[FaultSpec | str], clock: Clock, seed: int = 0) -> FaultySource:
    """Return a source with faults.

    Parameters
    ----------
    source : FrameSource
        Source of the frames.
    faults : iterable of FaultSpec or str
        The faults, in order of application; a text is parsed by `parse`.
    clock : Clock
        Clock of the session.
    seed : int
        Seed; each fault has its own random numbers.

    Raises
    ------
    ConfigError
        When a text does not describe a fault.
    """
    specs = [parse(fault) if isinstance(fault, str) else fault for fault in faults]
    return FaultySource(source, [STAGES[spec.name](spec, (seed, place)) for place, spec in enumerate(specs)], clock)


def on_while_faulty(delivered: Sequence[Delivered], decisions: Iterable[Decision]) -> list[Delivered]:
    """Return the faulty frames on which the beam was on, in order.

    Parameters
    ----------
    delivered : sequence of Delivered
        Delivered frames.
    decisions : iterable of Decision
        Decisions in order; those on frame timeouts are skipped.
    """
    judged = [decision for decision in decisions if decision.sequence >= 0]
    # The last frame may have no decision, when the loop failed on it.
    return [
        frame
        for frame, decision in zip(delivered, judged, strict=False)
        if frame.faults and decision.state is BeamState.ON
    ]


def _through(stages: Sequence[Stage], deliveries: list[Delivery]) -> list[Delivery]:
    """Return the deliveries after all stages."""
    for stage in stages:
        deliveries = [out for delivery in deliveries for out in stage.feed(delivery)]
    return deliveries
