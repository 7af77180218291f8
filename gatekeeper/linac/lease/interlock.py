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

CHUNK = 4096
"""Bytes read at once; more than one message is available only after a delay."""
RESUMED_S = 0.01
"""Longest wait with the beam on, after which a machine that was suspended notices that its lease has ended, in s."""


class EventKind(StrEnum):
    """What happened at an interlock."""

    LISTENING = "listening"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    GRANTED = "granted"
    STATE = "state"
    REFUSED = "refused"
    STOPPED = "stopped"


class Event(NamedTuple):
    """One event at an interlock.

    Attributes
    ----------
    kind : EventKind
        What happened; STATE on every change of the beam.
    time_ns : int
        Clock of the interlock since its machine's boot, in ns.
    state : Interlock
        State after the event.
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
    """Accept one sender, time its leases and report each change of the beam.

    Code that switches a beam is called through `on_event` and must return at once. The loop has one thread, buffers
    less than one message per sender and never blocks on it: a sender that sends slowly, sends nothing or reads nothing
    is disconnected.

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

    Attributes
    ----------
    state : Interlock
        Current state.
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
    ) -> None:
        self.state = Interlock()
        self.counts: Counter[str] = Counter()
        self._rules, self._on_event, self._now_ns, self._nonce = rules, on_event, now_ns, nonce
        self._sender: socket.socket | None = None
        self._buffer = MessageBuffer()
        self._stopping = False
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self._listener = socket.create_server((host, port), family=family, backlog=8)
        except (OSError, OverflowError) as error:
            raise ConfigError(f"listen {host}:{port}: not possible ({error}); name another address") from None
        self._listener.setblocking(False)
        self._address = "{}:{}".format(*self.address)
        self._wake, self._waker = socket.socketpair()
        self._waker.setblocking(False)
        # SelectSelector counts in microseconds, epoll in milliseconds; there are three descriptors at most.
        self._selector = selectors.SelectSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._wake, selectors.EVENT_READ)

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
            self._emit(EventKind.STOPPED, self._now_ns())
            self._selector.close()
            for one in (self._listener, self._wake, self._waker):
                one.close()

    def _serve_once(self) -> None:
        """Wait for the next event, and process it; expired time comes before messages."""
        ready = self._selector.select(self._timeout_s())
        now_ns = self._now_ns()
        self._answer(elapsed(self.state, now_ns, self._rules), now_ns)
        for key, _ in ready:
            if key.fileobj is self._listener:
                self._accept()
            elif key.fileobj is self._sender:
                self._read()

    def _timeout_s(self) -> float | None:
        """Return how long to wait at most, in s; None for ever.

        The system's waits stand still while the machine is suspended. With the beam on they are short, so that a lease
        that ended meanwhile is noticed soon after.
        """
        next_ns = next_event_ns(self.state, self._rules)
        if next_ns is None:
            return None
        left_s = max(0.0, (next_ns - self._now_ns()) * 1e-9)
        return min(left_s, RESUMED_S) if self.state.beam is BeamState.ON else left_s

    def _accept(self) -> None:
        """Challenge a new sender, or refuse it while there is another one."""
        try:
            sender, _ = self._listener.accept()
        except OSError:
            return
        now_ns = self._now_ns()
        state, answer = connected(self.state, now_ns, self._nonce(), self._rules)
        if answer.refused is not None:
            self._refused(answer.refused, now_ns)
            _send_now(sender, answer.reply)
            sender.close()
            return
        sender.setblocking(False)
        sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sender, self._buffer = sender, MessageBuffer()
        self._selector.register(sender, selectors.EVENT_READ)
        self._emit(EventKind.CONNECTED, now_ns)
        self._answer((state, answer), now_ns)

    def _read(self) -> None:
        """Process the messages that the sender has sent."""
        sender = self._sender
        if sender is None:
            return
        try:
            chunk = sender.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if not chunk:
            self._disconnect_sender()
            return
        self._buffer.put(chunk)
        while self._sender is sender and (raw := self._buffer.take()) is not None:
            now_ns = self._now_ns()
            self._answer(received(self.state, now_ns, raw, self._rules), now_ns)

    def _answer(self, outcome: tuple[Interlock, Answer], now_ns: int) -> None:
        """Apply an answer of the state machine: first the beam, then the reply, then the counts."""
        state, answer = outcome
        self._change(state, now_ns)
        if answer.reply is not None and self._sender is not None and not _send_now(self._sender, answer.reply):
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
        if state.beam is BeamState.ON and (before.beam is BeamState.HOLD or state.number != before.number):
            self._emit(EventKind.GRANTED, now_ns)

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

    def _emit(self, kind: EventKind, now_ns: int, refusal: Refusal | None = None) -> None:
        """Count and report an event."""
        self.counts[kind] += 1
        self._on_event(Event(kind, now_ns, self.state, refusal, self.counts, self._address))


def _send_now(sender: socket.socket, raw: bytes | None) -> bool:
    """Send one message without blocking; return False when it did not fit or the sender is gone."""
    try:
        return raw is None or sender.send(raw, socket.MSG_DONTWAIT) == len(raw)
    except OSError:
        return False
