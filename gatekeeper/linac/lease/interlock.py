"""The reference interlock: a TCP server around the receiver's state machine, for one sender at a time."""

import secrets
import selectors
import socket
from collections import Counter
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import NamedTuple

from gatekeeper.core.clock import monotonic_ns
from gatekeeper.core.decision import BeamState
from gatekeeper.core.errors import ConfigError
from gatekeeper.linac.lease.beam_delay import BeamDelays, DelayedBeam
from gatekeeper.linac.lease.messages import NONCE_SIZE, MessageBuffer, Refusal
from gatekeeper.linac.lease.receiver import (
    Answer,
    Cause,
    Interlock,
    Rules,
    connected,
    disconnected,
    elapsed,
    next_event_ns,
    received,
)
from gatekeeper.linac.lease.rehearsal import LeaseRehearsal
from gatekeeper.linac.lease.waiting import Waiting, received_now, send_now
from gatekeeper.runtime.pace import Pace
from gatekeeper.wire.waiting import crowded

RESUMED_S = 0.01
"""Longest wait with the beam on, after which a machine that was suspended notices that its lease has ended, in s."""

LEAD_S = 0.001
"""How long before a lease for a new frame is due its judging is rehearsed, in s."""
REHEARSAL_NS = 2_000_000
"""No rehearsal begins when something else is due within this time, in ns."""
BACKLOG = 128
"""Largest number of connections that wait to be accepted."""


class EventKind(StrEnum):
    """What happened at an interlock."""

    LISTENING = "listening"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    GRANTED = "granted"
    STATE = "state"
    BEAM = "beam"
    REFUSED = "refused"
    STOPPED = "stopped"


class Event(NamedTuple):
    """One event at an interlock.

    Attributes
    ----------
    kind : EventKind
        What happened; STATE on every change of the state, BEAM on every change of a simulated machine's beam.
    time_ns : int
        Clock of the interlock since its machine's boot, in ns.
    state : Interlock
        State after the event; of a BEAM event, with the beam of the machine.
    refusal : Refusal or None
        Why a message was refused.
    counts : mapping
        Number of each event and each refusal so far, by its word.
    address : str
        Address of the interlock, as host:port.
    """

    kind: EventKind
    time_ns: int
    state: Interlock
    refusal: Refusal | None
    counts: Mapping[str, int]
    address: str


class InterlockServer:
    """Serve one sender, time its leases and report each change of the beam.

    The place of the sender goes to the first connection that answers its challenge with the right key. Until then any
    connection is challenged and waits, for `Rules.silence_ms` at most, and keeps nobody out.

    Code that switches a beam is called through `on_event` and must return at once. The loop has one thread, buffers
    less than one message per connection and never blocks on it: a sender that sends slowly, sends nothing or reads
    nothing is disconnected.

    Parameters
    ----------
    host, port : str, int
        Address to listen on; port 0 takes a free one.
    rules : Rules
        Key and limits.
    on_event : callable
        Called with every event, in order.
    now_ns : callable
        Monotonic clock in ns.
    nonce : callable
        Return 16 bytes that were never used before.
    delays : BeamDelays, optional
        Delays of a simulated machine, whose beam is reported by BEAM events; by default there is none.
    rehearse : bool
        Whether the judging of a lease is rehearsed just before one for a new frame is due, see
        `gatekeeper.linac.lease.rehearsal`.

    Attributes
    ----------
    state : Interlock
        Current state.
    machine : DelayedBeam or None
        The simulated machine.
    counts : Counter
        Number of each event and each refusal, by its word.

    Raises
    ------
    ConfigError
        When it cannot listen there.
    """

    def __init__(
        self,
        host: str,
        port: int,
        rules: Rules,
        on_event: Callable[[Event], None],
        now_ns: Callable[[], int] = monotonic_ns,
        nonce: Callable[[], bytes] = lambda: secrets.token_bytes(NONCE_SIZE),
        delays: BeamDelays | None = None,
        rehearse: bool = True,
    ) -> None:
        self.machine = None if delays is None else DelayedBeam(delays)
        self.state = Interlock(machine=None if self.machine is None else self.machine.beam)
        self._pace = Pace(LEAD_S, most=1)
        self.counts: Counter[str] = Counter()
        self._rules, self._on_event, self._now_ns, self._nonce = rules, on_event, now_ns, nonce
        self._sender: socket.socket | None = None
        self._buffer = MessageBuffer()
        self._waiting: list[Waiting] = []
        self._stopping = False
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self._listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
        except (OSError, OverflowError) as error:
            raise ConfigError(f"listen {host}:{port}: not possible ({error}); name another address") from None
        self._listener.setblocking(False)
        self._address = "{}:{}".format(*self.address)
        self._wake, self._waker = socket.socketpair()
        self._waker.setblocking(False)
        # SelectSelector counts in microseconds, epoll in milliseconds; there are 35 descriptors at most.
        self._selector = selectors.SelectSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._wake, selectors.EVENT_READ)
        # Last, as it has sockets of its own: nothing fails after it.
        self._rehearsal = LeaseRehearsal() if rehearse else None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port on which it listens."""
        host, port = self._listener.getsockname()[:2]
        return str(host), int(port)

    def stop(self) -> None:
        """End `run` soon; may be called from another thread or a signal handler."""
        self._stopping = True
        try:
            self._waker.send(b"x")
        except OSError:
            return

    def run(self) -> None:
        """Serve until `stop`; on every exit the beam is held and the sockets are closed."""
        try:
            self._emit(EventKind.LISTENING, self._now_ns())
            while not self._stopping:
                self._serve_once()
        finally:
            self._change(disconnected(self.state, Cause.STOPPED), self._now_ns())
            self._drop()
            self._dismiss_all()
            self._end_machine()
            self._emit(EventKind.STOPPED, self._now_ns())
            self._selector.close()
            if self._rehearsal is not None:
                self._rehearsal.close()
            for one in (self._listener, self._wake, self._waker):
                one.close()

    def _serve_once(self) -> None:
        """Wait for the next event, and process it; expired time comes before messages."""
        ready = self._wait()
        now_ns = self._now_ns()
        self._answer(elapsed(self.state, now_ns, self._rules), now_ns)
        self._run_machine(now_ns)
        for one in tuple(self._waiting):
            self._greet(one, elapsed(one.state, now_ns, self._rules), now_ns)
        links = {key.fileobj for key, _ in ready}
        if self._sender in links:
            self._read()
        # Before a new connection can replace one that has greeted.
        for one in tuple(self._waiting):
            if one in self._waiting and one.link in links:
                self._hear(one)
        if self._listener in links:
            self._accept()

    def _wait(self) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for the next event, and rehearse on the way when a lease for a new frame is due."""
        timeout_s = self._timeout_s()
        if self._rehearsal is None or timeout_s is None:
            return self._selector.select(timeout_s)
        began_ns = self._now_ns()
        until_s = self._pace.next_s - began_ns * 1e-9
        if not until_s < timeout_s - REHEARSAL_NS * 1e-9:
            return self._selector.select(timeout_s)
        ready = self._selector.select(max(0.0, until_s))
        now_ns = self._now_ns()
        if ready or now_ns * 1e-9 < self._pace.next_s:
            return ready
        self._pace.prepared(now_ns * 1e-9)
        self._rehearsal.run(now_ns)
        return self._selector.select(max(0.0, timeout_s - (self._now_ns() - began_ns) * 1e-9))

    def _timeout_s(self) -> float | None:
        """Return how long to wait at most, in s; None for ever.

        The system's waits stand still while the machine is suspended. With the beam on they are short, so that a lease
        that ended meanwhile is noticed soon after.
        """
        states = (self.state, *(one.state for one in self._waiting))
        times_ns = [next_ns for state in states if (next_ns := next_event_ns(state, self._rules)) is not None]
        if self.machine is not None and self.machine.due_ns is not None:
            times_ns.append(self.machine.due_ns)
        if not times_ns:
            return None
        left_s = max(0.0, (min(times_ns) - self._now_ns()) * 1e-9)
        return min(left_s, RESUMED_S) if self.state.beam is BeamState.ON else left_s

    def _accept(self) -> None:
        """Challenge a new connection, or refuse it while there is a sender."""
        try:
            link, (address, *_) = self._listener.accept()
        except OSError:
            return
        now_ns = self._now_ns()
        state, answer = connected(self.state, now_ns, self._nonce(), self._rules)
        if answer.refused is not None:
            self._refused(answer.refused, now_ns)
            send_now(link, answer.reply)
            link.close()
            return
        if (oldest := crowded(self._waiting, str(address))) is not None:
            self._dismiss(oldest)
        link.setblocking(False)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        one = Waiting(link, str(address), state)
        self._waiting.append(one)
        self._selector.register(link, selectors.EVENT_READ)
        self._emit(EventKind.CONNECTED, now_ns)
        self._greet(one, (state, answer), now_ns)

    def _hear(self, one: Waiting) -> None:
        """Process what a waiting connection has sent."""
        chunk = received_now(one.link)
        if chunk == b"":
            self._dismiss(one)
        elif chunk is not None:
            one.buffer.put(chunk)
            while one in self._waiting and (raw := one.buffer.take()) is not None:
                now_ns = self._now_ns()
                self._greet(one, received(one.state, now_ns, raw, self._rules), now_ns)
            if one.link is self._sender:
                self._take_messages(one.link)

    def _greet(self, one: Waiting, outcome: tuple[Interlock, Answer], now_ns: int) -> None:
        """Apply an answer of the state machine to a waiting connection; with the right key it becomes the sender."""
        one.state, answer = outcome
        if answer.refused is not None:
            self.state = self.state._replace(refusal=answer.refused)
            self._refused(answer.refused, now_ns)
        if one.state.peer is not None and one.state.peer.key is not None:
            self._waiting.remove(one)
            self._dismiss_all()
            self.state = self.state._replace(peer=one.state.peer)
            self._sender, self._buffer = one.link, one.buffer
            if not send_now(one.link, answer.reply):
                self._disconnect_sender()
        elif not send_now(one.link, answer.reply) or answer.close:
            self._dismiss(one)

    def _dismiss(self, one: Waiting) -> None:
        """Close a waiting connection."""
        self._waiting.remove(one)
        self._selector.unregister(one.link)
        one.link.close()
        self._emit(EventKind.DISCONNECTED, self._now_ns())

    def _dismiss_all(self) -> None:
        """Close all waiting connections."""
        for one in tuple(self._waiting):
            self._dismiss(one)

    def _read(self) -> None:
        """Process the messages that the sender has sent."""
        sender = self._sender
        if sender is None:
            return
        chunk = received_now(sender)
        if chunk == b"":
            self._disconnect_sender()
        elif chunk is not None:
            self._buffer.put(chunk)
            self._take_messages(sender)

    def _take_messages(self, sender: socket.socket) -> None:
        """Process the complete messages of the sender."""
        while self._sender is sender and (raw := self._buffer.take()) is not None:
            now_ns = self._now_ns()
            self._answer(received(self.state, now_ns, raw, self._rules), now_ns)

    def _answer(self, outcome: tuple[Interlock, Answer], now_ns: int) -> None:
        """Apply an answer of the state machine: first the beam, then the reply, then the counts."""
        state, answer = outcome
        self._change(state, now_ns)
        if answer.reply is not None and self._sender is not None and not send_now(self._sender, answer.reply):
            self._disconnect_sender()
        if answer.refused is not None:
            self._refused(answer.refused, now_ns)
        if answer.close:
            self._drop()

    def _change(self, state: Interlock, now_ns: int) -> None:
        """Set the state, and report what has changed."""
        before, self.state = self.state, state
        if state.beam is not before.beam:
            self._emit(EventKind.STATE, now_ns)
            if self.machine is not None:
                self.machine.order(state.beam, now_ns)
                self._run_machine(now_ns)
        if state.beam is BeamState.ON and (before.beam is BeamState.HOLD or state.number != before.number):
            self._emit(EventKind.GRANTED, now_ns)
            if state.frame != before.frame:
                self._pace.came(now_ns * 1e-9)

    def _run_machine(self, now_ns: int) -> None:
        """Report each change of the simulated machine's beam, at the time at which it was due."""
        if self.machine is not None:
            for at_ns, beam in self.machine.changes(now_ns):
                self._emit(EventKind.BEAM, at_ns, beam=beam)
            self.state = self.state._replace(machine=self.machine.beam)

    def _end_machine(self) -> None:
        """Report the end of the simulated machine's beam, which ends with the program."""
        if self.machine is not None and self.machine.beam is BeamState.ON:
            self._emit(EventKind.BEAM, self._now_ns(), beam=BeamState.HOLD)

    def _disconnect_sender(self) -> None:
        """Hold the beam because the sender has gone or does not read."""
        self._change(disconnected(self.state), self._now_ns())
        self._drop()

    def _drop(self) -> None:
        """Close the connection and discard its unfinished message."""
        if self._sender is None:
            return
        self._selector.unregister(self._sender)
        self._sender.close()
        self._sender, self._buffer = None, MessageBuffer()
        self.state = self.state._replace(peer=None)
        self._emit(EventKind.DISCONNECTED, self._now_ns())

    def _refused(self, refusal: Refusal, now_ns: int) -> None:
        """Count and report a refusal."""
        self.counts[refusal.word] += 1
        self._emit(EventKind.REFUSED, now_ns, refusal)

    def _emit(
        self, kind: EventKind, now_ns: int, refusal: Refusal | None = None, beam: BeamState | None = None
    ) -> None:
        """Count and report an event."""
        self.counts[kind] += 1
        state = self.state if beam is None else self.state._replace(beam=beam)
        self._on_event(Event(kind, now_ns, state, refusal, self.counts, self._address))
