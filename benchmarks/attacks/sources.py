"""Attacks of a sender: one that comes back late, a stranger in its place, a clock that lies, and a delay that grows.

Picture and truth differ: each picture shows whether the target was in its envelope when it was acquired. The target
leaves at the worst moment and stays out, and the time with the beam on after that counts.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks.attacks.attack import Attack, Outcome
from benchmarks.source_fuzz.registry import WIRES
from benchmarks.source_fuzz.session import NoRecord
from gatekeeper.config import GateConfig, SessionConfig
from gatekeeper.core.clock import Clock, PacedClock, VirtualClock
from gatekeeper.core.decision import BeamState, Decision
from gatekeeper.core.frame import Frame, Plane
from gatekeeper.core.protocols import FrameSource
from gatekeeper.core.track import Track
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.gate import Gate
from gatekeeper.session.engine import Engine
from gatekeeper.session.loop import run_loop
from gatekeeper.sources.device_clock import CONFIRMED
from gatekeeper.sources.network import ImageStamps
from gatekeeper.sources.newest_frame import NewestFrame
from replay.feed.port import Feeder

PERIOD_S = 0.125
SILENCE_S = SessionConfig().silence_s(PERIOD_S)
DROPPED_S = SILENCE_S + 0.02
"""Stated time to HOLD after the last frame of a sender, in s."""
BUSY_S = 0.3
"""What the way from sender to loop, and real threads on a busy machine, may add, in s."""
CLOCK_S = 0.6
"""Stated exposure under a clock that lies: what a drift hides before it is found, a frame period and 20 ms, in s."""
LATE_S = 0.5 + PERIOD_S + 0.02
"""Stated exposure under a delay that grows: `gate.max_age_s`, a frame period and 20 ms, in s."""
LEAVES_S = np.arange(24.0, 54.0, 0.5)
"""Times at which the target leaves, in s; the worst one counts."""
SHAPE, SPACING_MM, PLANE = (24, 20), (2.0, 3.0), Plane((7.0, -40.0, 60.0))
ANGLES = np.linspace(0.0, 2.0 * np.pi, 24, endpoint=False)
TARGET_PX = np.stack([12.0 + 4.0 * np.sin(ANGLES), 10.0 + 3.0 * np.cos(ANGLES)], axis=1)
AWAY_PX = 8.0
FRAMES = 8
"""Number of frames with the beam on after which a sender leaves, where more would show nothing else."""
MOST_WARM_UP = 80
"""Largest number of frames until the beam is on; decoders are loaded with the first."""


class ShownTarget:
    """A tracker that finds the target where the picture shows it."""

    def track(self, image: NDArray[np.float32]) -> Track:
        away_px = AWAY_PX if image[0, 0] > image[-1, -1] else 0.0
        return Track(np.add(TARGET_PX, (away_px, 0.0)), (24.0 + 2.0 * away_px, 30.0), 1.0)


class Timeline:
    """A linac port that keeps what it was told and when."""

    alive = True

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.told: list[tuple[float, Decision]] = []

    def send(self, decision: Decision) -> None:
        self.told.append((self._clock.now_s(), decision))

    def close(self) -> None: ...

    @property
    def is_on(self) -> bool:
        return bool(self.told) and self.told[-1][1].state is BeamState.ON

    def outcome(self, since_s: float, until_s: float) -> Outcome:
        """Return what the beam did while the target was out."""
        before = [decision.state for at_s, decision in self.told if at_s <= since_s]
        if not before or before[-1] is not BeamState.ON:
            return Outcome(0.0, math.nan, "not on before")
        on_s, held_s, is_on, at_s, last = 0.0, math.inf, True, since_s, self.told[-1][1]
        for now_s, decision in self.told:
            if not since_s < now_s <= until_s:
                continue
            on_s += now_s - at_s if is_on else 0.0
            is_on, at_s, last = decision.state is BeamState.ON, now_s, decision
            held_s = held_s if is_on else min(held_s, now_s - since_s)
        on_s += until_s - at_s if is_on else 0.0
        return Outcome(on_s, held_s, ", ".join(last.reasons))


def engine() -> Engine:
    """Return an engine that believes the picture, armed."""
    return Engine(ShownTarget(), Gate(Envelope.around(TARGET_PX, 8.0, SPACING_MM, SHAPE, PLANE), GateConfig()))


def run(source: FrameSource, timeline: Timeline, clock: Clock) -> None:
    """Run the loop to the end of a source."""
    run_loop(source, engine(), timeline, NoRecord(), clock, GateConfig().max_age_s, silence_s=SILENCE_S)


def picture(number: int, *, away: bool = False) -> NDArray[np.float32]:
    """Return a picture that is like no other, with the target in its envelope or away."""
    image = np.random.default_rng(number).random(SHAPE, dtype=np.float32) * 500.0
    image[0, 0], image[-1, -1] = (900.0, 100.0) if away else (100.0, 900.0)
    return image


class Live:
    """A session behind a real source over the loopback, in real time."""

    def __init__(self, protocol: str) -> None:
        self._wire = WIRES[protocol]
        self.clock = PacedClock()
        self.timeline = Timeline(self.clock)
        self._source = self._wire.source(self.clock, 2.0)
        self._number = 0
        self._thread = threading.Thread(target=run, args=(NewestFrame(self._source), self.timeline, self.clock))
        self._thread.start()

    def sender(self) -> Feeder:
        """Return a connected sender, once the place is free."""
        return self._wire.feeder(*self._source.address)

    def send(self, sender: Feeder, count: int, late_s: float = 0.0) -> None:
        """Send pictures with the target in its envelope, acquired so long ago by their time stamps."""
        for _ in range(count):
            self._number += 1
            # An hour of its own, so that no stamp is 0.
            acquired_s = 3600.0 + self.clock.now_s() - late_s
            due_s = self.clock.now_s() + PERIOD_S
            sender.send(Frame(picture(self._number), SPACING_MM, self._number, acquired_s, acquired_s, PLANE))
            self.clock.sleep_until(due_s)

    def close(self) -> None:
        self._source.close()
        self._thread.join()


@contextmanager
def left_by_its_sender(protocol: str, frames: int) -> Iterator[tuple[Live, float]]:
    """Provide a session whose sender leaves with the beam on, and when its last frame had been sent."""
    with closing(Live(protocol)) as live:
        with closing(live.sender()) as sender:
            for _ in range(MOST_WARM_UP):
                if live.timeline.is_on:
                    break
                live.send(sender, 1)
            live.send(sender, frames)
            gone_s = live.clock.now_s() - PERIOD_S
        yield live, gone_s


def comes_back_late(protocol: str, seconds: float, frames: int = 2 * CONFIRMED) -> Outcome:
    """Let a sender drop and come back with frames that are 3 s old, for some seconds."""
    with left_by_its_sender(protocol, frames) as (live, gone_s):
        time.sleep(0.5)
        with closing(live.sender()) as again:
            live.send(again, round(seconds / PERIOD_S), late_s=3.0)
        return live.timeline.outcome(gone_s, live.clock.now_s())


def stranger(protocol: str, seconds: float) -> Outcome:
    """Let a stranger take the free place at once, and play old pictures with new numbers and times."""
    with left_by_its_sender(protocol, FRAMES) as (live, gone_s):
        with closing(live.sender()) as other:
            live.send(other, round(seconds / PERIOD_S))
        return live.timeline.outcome(gone_s, live.clock.now_s())


class Scripted:
    """A sender in simulated time, whose frames are stamped as those of a network source are.

    Parameters
    ----------
    clock : VirtualClock
        Session time.
    leaves_s, seconds : float
        When the target leaves, and the end, in s.
    delay_s, stamp_s : callable
        Delay and stamp of a frame by its true time of acquisition, in s.
    clock_kind : str
        The setting ``source.clock``.
    """

    def __init__(
        self,
        clock: VirtualClock,
        leaves_s: float,
        seconds: float,
        delay_s: Callable[[float], float],
        stamp_s: Callable[[float], float],
        clock_kind: str,
    ) -> None:
        self._clock, self._leaves_s, self._seconds = clock, leaves_s, seconds
        self._delay_s, self._stamp_s = delay_s, stamp_s
        self._stamps = ImageStamps(clock_kind, 1 << 32)
        self._next = 0

    def next_frame(self, timeout_s: float) -> Frame | None:
        true_s, until_s = PERIOD_S * self._next, self._clock.now_s() + timeout_s
        received_s = true_s + self._delay_s(true_s)
        self._clock.sleep_until(min(received_s, until_s))
        if received_s > until_s:
            return None
        self._next += 1
        number = self._stamps.number(self._next)
        acquired_s, stamp_s = self._stamps.times_s(self._stamp_s(true_s), received_s)
        image = picture(number, away=true_s >= self._leaves_s)
        return Frame(image, SPACING_MM, number, acquired_s, received_s, PLANE, connection=1, stamp_s=stamp_s)

    def ended(self) -> bool:
        return PERIOD_S * self._next > self._seconds

    def close(self) -> None: ...


def scripted(
    leaves_s: NDArray[np.float64],
    delay_s: Callable[[float], float],
    stamp_s: Callable[[float], float],
    clock_kind: str = "sender",
) -> Outcome:
    """Return the worst outcome of a target that leaves at one of these times."""
    worst, reason = Outcome(0.0, math.nan, "not on before"), ""
    for at_s in leaves_s.tolist():
        clock = VirtualClock()
        timeline = Timeline(clock)
        run(Scripted(clock, at_s, at_s + 4.0, delay_s, stamp_s, clock_kind), timeline, clock)
        found = timeline.outcome(at_s, at_s + 4.0)
        if math.isnan(found.time_to_hold_s):
            # Held already when the target leaves, by what the last decision before says.
            reason = ", ".join(next(one.reasons for then_s, one in reversed(timeline.told) if then_s <= at_s))
        elif not found.time_to_hold_s <= worst.time_to_hold_s:
            worst = found
    return Outcome(worst.on_while_out_s, worst.time_to_hold_s, reason or worst.reason)


def fast_clock(leaves_s: NDArray[np.float64]) -> Outcome:
    """Let the sender's clock run 4 % fast, and so hide a delay that grows by 3 %, both from the 20th second on."""
    return scripted(
        leaves_s,
        lambda at_s: 0.03 + 0.03 * max(at_s - 20.0, 0.0),
        lambda at_s: 500.0 + at_s + 0.04 * max(at_s - 20.0, 0.0),
    )


def constant_stamp(leaves_s: NDArray[np.float64]) -> Outcome:
    """Let the stamp stand still while a delay grows by 3 %, from the 24th second on."""
    return scripted(
        leaves_s,
        lambda at_s: 0.03 + 0.03 * max(at_s - 24.0, 0.0),
        lambda at_s: 500.0 + min(at_s, 24.0),
    )


def growing_delay(leaves_s: NDArray[np.float64]) -> Outcome:
    """Let a delay grow by 3 % where the sender has no clock, from the 24th second on."""
    return scripted(leaves_s, lambda at_s: 0.03 + 0.03 * max(at_s - 24.0, 0.0), lambda _: 0.0, "none")


def no_clock(leaves_s: NDArray[np.float64]) -> Outcome:
    """Send no times at all, 3 s late from the start, to a session that was not told of that; it must be refused."""
    clock = VirtualClock()
    timeline, at_s = Timeline(clock), float(leaves_s[0])
    run(Scripted(clock, at_s, at_s + 4.0, lambda _: 3.0, lambda _: 0.0, "sender"), timeline, clock)
    was_on = any(decision.state is BeamState.ON for _, decision in timeline.told)
    reasons = [decision.reasons for _, decision in timeline.told if decision.sequence >= 0]
    return timeline.outcome(at_s, at_s + 4.0) if was_on else Outcome(0.0, 0.0, ", ".join(reasons[-1]))


_NAMES: Mapping[str, str] = {"mrd": "MRD", "openigtlink": "OpenIGTLink", "dicom": "DICOM"}
_DROP = f"`loop.silence_periods`, {1e3 * SILENCE_S:.0f} ms, after the last frame; {BUSY_S:g} s for a busy machine"
ATTACKS = (
    *(
        Attack(
            f"sender drops and comes back 3 s late, {name}",
            partial(comes_back_late, protocol, 5.0),
            DROPPED_S + BUSY_S,
            _DROP,
            partial(comes_back_late, protocol, 0.5, FRAMES),
        )
        for protocol, name in _NAMES.items()
    ),
    *(
        Attack(
            f"stranger in the free place, {name}",
            partial(stranger, protocol, 6.0),
            DROPPED_S + BUSY_S,
            _DROP,
            partial(stranger, protocol, 0.5),
        )
        for protocol, name in _NAMES.items()
    ),
    Attack(
        "sender's clock 4 % fast, delay grows 3 %",
        partial(fast_clock, LEAVES_S),
        CLOCK_S,
        "a drift hides up to 0.4 s before it is found; a frame period",
        partial(fast_clock, LEAVES_S[:8:2]),
    ),
    Attack(
        "stamp stands still",
        partial(constant_stamp, LEAVES_S[:8]),
        PERIOD_S + 0.02,
        "one frame period after the last good frame",
        partial(constant_stamp, LEAVES_S[:2]),
    ),
    Attack(
        "no time stamps, 3 s late",
        partial(no_clock, LEAVES_S),
        0.0,
        'refused without `clock = "none"`',
    ),
    Attack(
        "no clock, delay grows 3 %",
        partial(growing_delay, LEAVES_S),
        LATE_S,
        "gate.max_age_s and a frame period",
        partial(growing_delay, LEAVES_S[10:40:10]),
    ),
)
