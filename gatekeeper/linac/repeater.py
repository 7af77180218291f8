"""Repeat the last decision to a device over a connection that may be slow, without making the loop wait.

The newest decision replaces the one before; a thread of the same process sends it to the device at once, and again
every `refresh_ms` as a sign of life. A beam-on is sent only while it is fresh, so that the thread cannot keep the beam
on for an engine that hangs, and the thread ends with its process. A late or failed delivery ends the session; the next
one begins with HOLD, and earlier beam-on decisions are void in it.
"""

import threading
from collections.abc import Callable
from contextlib import closing
from typing import NamedTuple, Protocol

from gatekeeper.config import RepeaterLinacConfig
from gatekeeper.core.clock import monotonic_ns
from gatekeeper.core.decision import BeamState, Decision
from gatekeeper.core.errors import LinkError
from gatekeeper.linac.allowed_time import AllowedTime
from gatekeeper.linac.freshness import AgeOf, left_ns, no_age
from gatekeeper.linac.link_status import LinkStatus

NS_PER_MS = 1_000_000
BEATS = 1 << 16
"""Number of heartbeat values; the heartbeat counts from 0 to one less than this, and starts again."""
LARGEST_FRAME = 2**31 - 1


class BeamOrder(NamedTuple):
    """One message to the device.

    Attributes
    ----------
    beam_on : bool
        Whether the beam may be on.
    beat : int
        Heartbeat, 0 to 65535: one more than in the order before.
    frame : int
        Sequence number of the frame, up to 2147483647; -1 for none. For the log only.
    """

    beam_on: bool
    beat: int
    frame: int


class Wire(Protocol):
    """An open connection to a device; used by one thread."""

    def deliver(self, order: BeamOrder) -> None:
        """Send an order, and return when the device has confirmed it, if it does.

        Raises
        ------
        LinkError, OSError
            When the device does not accept the order, confirms another, or does not answer in time.
        """
        ...

    def close(self) -> None:
        """Disconnect; unsent data are discarded where possible."""
        ...


class DesiredState(NamedTuple):
    """State that the last decision asks for: beam on or not, frame, end of validity in ns, and session."""

    beam_on: bool
    frame: int
    until_ns: int
    session: int


HOLDING = DesiredState(False, -1, 0, 0)


class Repeater:
    """Send decisions to a device; reconnects by itself, always in HOLD.

    Parameters
    ----------
    config : RepeaterLinacConfig
        The times.
    connect : callable
        Return a new connection, or raise LinkError or OSError; called by the thread.
    now_ns : callable
        Monotonic clock in ns.
    age_s : callable
        Return the age of a decision in s, see `gatekeeper.linac.freshness`.
    """

    def __init__(
        self,
        config: RepeaterLinacConfig,
        connect: Callable[[], Wire],
        now_ns: Callable[[], int] = monotonic_ns,
        age_s: AgeOf = no_age,
    ) -> None:
        self._connect, self._now_ns, self._age_s = connect, now_ns, age_s
        self._refresh_ns = config.refresh_ms * NS_PER_MS
        self._deadline_ns = config.deadline_ms * NS_PER_MS
        self._fresh_ns = config.fresh_ms * NS_PER_MS
        self._deadline_ms, self._retry_s = config.deadline_ms, config.retry_ms / 1000
        self._desired = HOLDING
        self._session = self._sessions = self._lost = self._withheld = 0
        self._alive_until_ns = self._heard_ns = self._took_ns = 0
        self._allowed, self._detect_ns = AllowedTime(), config.failure_detect_ms * NS_PER_MS
        self._beat = 0
        self._fault = ""
        self._stopping = False
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="repeater", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the device confirms every order in time; False as soon as one is late or has failed."""
        return self._session > 0 and self._now_ns() <= self._alive_until_ns

    @property
    def allowed_s(self) -> float:
        """Time for which the orders sent so far allowed the beam, each for `failure_detect_ms` at most, in s."""
        return self._allowed.total_ns(self._now_ns()) * 1e-9

    @property
    def link(self) -> LinkStatus:
        """Current state of the link."""
        age_s = (self._now_ns() - self._heard_ns) * 1e-9 if self._session else float("inf")
        rtt_ms = self._took_ns / NS_PER_MS if self._session else 0.0
        return LinkStatus(self.alive, rtt_ms, age_s, self._sessions, self._lost, self._withheld, 0, self._fault)

    def send(self, decision: Decision) -> None:
        """Leave a decision for the thread; takes a few microseconds and does no I/O."""
        if self._stopping:
            return
        session = self._session
        beam_on = decision.state is BeamState.ON
        good_ns = left_ns(self._fresh_ns, self._age_s(decision)) if beam_on else 0
        if beam_on and not (good_ns and self.alive):
            self._withheld += 1
            beam_on = False
        frame = max(-1, min(decision.sequence, LARGEST_FRAME))
        self._desired = DesiredState(beam_on, frame, self._now_ns() + good_ns, session)
        self._wake.set()

    def close(self) -> None:
        """Hold and disconnect; may be called twice. Waits for the order being sent, and for the last HOLD."""
        self._stopping = True
        self._desired = HOLDING
        self._wake.set()
        self._stopped.set()
        self._thread.join(1.0 + 4e-9 * self._deadline_ns)

    def _run(self) -> None:
        """Connect, and serve sessions until closed."""
        while not self._stopping:
            try:
                with closing(self._connect()) as wire:
                    self._serve(wire)
            except Exception as error:  # any exception of a library on a device's malformed data is a lost link too
                reason = str(error) if isinstance(error, (LinkError, OSError)) else f"{type(error).__name__}: {error}"
                self._fault = " ".join(reason.split())
                self._lost += 1
            finally:
                self._session = 0
                self._desired = HOLDING
            self._stopped.wait(self._retry_s)

    def _serve(self, wire: Wire) -> None:
        """Serve one session: HOLD first, HOLD last, and the desired state in between."""
        self._deliver(wire, HOLDING)
        self._sessions += 1
        self._session = self._sessions
        refresh_ns = self._heard_ns + self._refresh_ns
        while not self._stopping:
            desired, now_ns = self._desired, self._now_ns()
            until_ns = min(refresh_ns, desired.until_ns) if self._is_good(desired, now_ns) else refresh_ns
            self._wake.wait(max(0.0, (until_ns - now_ns) * 1e-9))
            self._wake.clear()  # before reading: a decision that arrives meanwhile sets it again
            desired = self._desired
            self._deliver(wire, desired if self._is_good(desired, self._now_ns()) else desired._replace(beam_on=False))
            refresh_ns = self._heard_ns + self._refresh_ns
        self._deliver(wire, HOLDING)

    def _is_good(self, desired: DesiredState, now_ns: int) -> bool:
        """Return whether the beam is asked for, in this session, by a fresh decision."""
        return desired.beam_on and desired.session == self._session > 0 and now_ns < desired.until_ns

    def _deliver(self, wire: Wire, desired: DesiredState) -> None:
        """Send an order; the link counts as dead from the moment it is late."""
        began_ns = self._now_ns()
        self._alive_until_ns = began_ns + self._deadline_ns
        self._beat = (self._beat + 1) % BEATS
        if desired.beam_on:
            self._allowed.allow(began_ns, began_ns + self._detect_ns)
        wire.deliver(BeamOrder(desired.beam_on, self._beat, desired.frame))
        self._heard_ns = self._now_ns()
        if not desired.beam_on:
            self._allowed.revoke(self._heard_ns)
        self._took_ns = self._heard_ns - began_ns
        if self._took_ns > self._deadline_ns:
            raise LinkError(
                f"an order took {self._took_ns / NS_PER_MS:.0f} ms, longer than deadline_ms = {self._deadline_ms}"
            )
        self._alive_until_ns = self._heard_ns + self._refresh_ns + self._deadline_ns
