"""The lease: a LinacPort that lends the beam to an interlock for a moment at a time, and never waits for it.

Decisions are written to the socket by the thread that makes them. A thread of the same process, which stops and dies
with it, keeps the connection, takes the answers and renews the lease between two decisions, but only while the last
decision is fresh: an engine that hangs while its process lives is not kept alive by it.
"""

import secrets
import selectors
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from gatekeeper.config import LeaseLinacConfig
from gatekeeper.core.clock import monotonic_ns
from gatekeeper.core.decision import BeamState, Decision
from gatekeeper.core.errors import LinkError
from gatekeeper.linac.lease.messages import NONCE_SIZE, NS_PER_MS, MessageBuffer
from gatekeeper.linac.lease.sender import SenderSession
from gatekeeper.linac.link_status import RST_ON_CLOSE, LinkStatus

GIVE_UP_S = 0.001
"""How long a decision waits for the thread that is just writing; after that the thread passes it on, in s."""
CLOSING_S = 1.0
"""How long closing waits for the thread, in s."""
SEND_BUFFER = 65536
"""Bytes of the kernel's for what waits to be sent, about a hundred messages with all that belongs to them: more than
comes together before the link counts as lost, and nothing that grows."""
CHUNK = 4096
LARGEST_FRAME = 2**63 - 1


class DesiredState(NamedTuple):
    """What the last decision asks for: the beam or not, for which frame, and until when, in ns."""

    beam_on: bool
    frame: int
    until_ns: int


HOLDING = DesiredState(False, -1, 0)


class LeaseLinac:
    """Permission to irradiate over TCP; connects by itself, again and again, and always comes back in HOLD.

    Parameters
    ----------
    config : LeaseLinacConfig
        Where the interlock is, and the times.
    key : bytes
        The secret shared with it, see `gatekeeper.linac.lease.key.load_key`.
    now_ns : callable
        Monotonic clock in ns.
    nonce : callable
        Returns 16 bytes that were never used before.
    """

    def __init__(
        self,
        config: LeaseLinacConfig,
        key: bytes,
        now_ns: Callable[[], int] = monotonic_ns,
        nonce: Callable[[], bytes] = lambda: secrets.token_bytes(NONCE_SIZE),
    ) -> None:
        self._config, self._key, self._now_ns, self._nonce = config, key, now_ns, nonce
        self._fresh_ns = config.lease.fresh_ms * NS_PER_MS
        self._renew_ns = config.lease.renew_ms * NS_PER_MS
        self._ack_timeout_ns = config.lease.ack_timeout_ms * NS_PER_MS
        self._desired = HOLDING
        self._unsent = False
        self._lock = threading.Lock()
        self._session: SenderSession | None = None
        self._socket: socket.socket | None = None
        self._fault = ""
        self._sessions = self._lost = self._withheld = self._refused = 0
        self._stopping = threading.Event()
        self._wake, self._waker = socket.socketpair()
        for one in (self._wake, self._waker):
            one.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """True while the interlock answers in time."""
        session = self._session
        return session is not None and self._now_ns() - session.heard_ns <= self._ack_timeout_ns

    @property
    def link(self) -> LinkStatus:
        """How the link is at this moment."""
        session = self._session
        age_s = float("inf") if session is None else (self._now_ns() - session.heard_ns) * 1e-9
        rtt_ms = 0.0 if session is None else session.rtt_ns / NS_PER_MS
        return LinkStatus(
            self.alive, rtt_ms, age_s, self._sessions, self._lost, self._withheld, self._refused, self._fault
        )

    def send(self, decision: Decision) -> None:
        """Ask for the beam, or revoke it; takes some ten microseconds and never waits for the network."""
        if self._stopping.is_set():
            return
        beam_on = decision.state is BeamState.ON
        frame = max(-1, min(decision.sequence, LARGEST_FRAME))
        self._desired = DesiredState(beam_on, frame, self._now_ns() + self._fresh_ns if beam_on else 0)
        self._pass_on()

    def close(self) -> None:
        """Revoke and disconnect; may be called twice."""
        if self._stopping.is_set():
            return
        self._desired = HOLDING
        self._pass_on()
        self._stopping.set()
        self._poke()
        self._thread.join(CLOSING_S)

    def _pass_on(self) -> None:
        """Write what is wanted, here where nobody is in the way, or else by the thread."""
        if not self._lock.acquire(timeout=GIVE_UP_S):
            self._unsent = True
            self._poke()
            return
        try:
            if self._session is None:
                self._withheld += self._desired.beam_on
            self._write(self._now_ns())
        finally:
            self._lock.release()

    def _poke(self) -> None:
        """Make the thread look."""
        try:
            self._waker.send(b"x")
        except OSError:
            return

    def _write(self, now_ns: int) -> None:
        """Send what is wanted now; the caller holds the lock. What cannot be sent at once ends the session."""
        session, link = self._session, self._socket
        if session is None or link is None:
            return
        self._unsent = False  # first: a decision that comes meanwhile sets it after it has said what it wants
        desired = self._desired
        try:
            raw = session.lease(desired.frame, desired.until_ns, now_ns) if desired.beam_on else None
            if raw is None:
                if desired.beam_on:
                    self._withheld += 1
                    self._desired = HOLDING
                raw = session.hold(desired.frame, now_ns)
            if link.send(raw) != len(raw):
                raise BlockingIOError
        except BlockingIOError:
            self._end_session("the interlock does not read what is sent to it")
        except (LinkError, OSError) as error:
            self._end_session(f"sending to the interlock failed: {error}")

    def _end_session(self, fault: str) -> None:
        """End the session; the thread sees to it."""
        self._fault, self._session = fault, None
        self._poke()

    def _run(self) -> None:
        """Connect, keep the session, and begin anew, until closed."""
        retry_s = self._config.lease.retry_ms / 1000
        try:
            while not self._stopping.is_set():
                self._serve()
                self._stopping.wait(retry_s)
        finally:
            self._session = None
            self._wake.close()
            self._waker.close()

    def _serve(self) -> None:
        """Have one session, from connecting to its end."""
        place = f"{self._config.host}:{self._config.port}"
        timeout_s = self._config.lease.connect_timeout_ms / 1000
        try:
            with socket.create_connection((self._config.host, self._config.port), timeout_s) as link:
                self._keep(link, *self._greet(link))
        except (LinkError, OSError) as error:
            self._fault = f"{place}: {error}"
            self._lost += 1

    def _greet(self, link: socket.socket) -> tuple[SenderSession, MessageBuffer]:
        """Return the open session of a new connection."""
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        now_ns = self._now_ns()
        deadline_ns = now_ns + self._config.lease.connect_timeout_ms * NS_PER_MS
        session, buffer = (
            SenderSession(self._key, self._nonce(), self._config.lease.lifetime_ms, now_ns),
            MessageBuffer(),
        )
        while not session.is_open:
            left_s = (deadline_ns - self._now_ns()) * 1e-9
            if self._stopping.is_set() or left_s <= 0.0:
                raise LinkError("the interlock has not finished its greeting in time; is it busy, or no interlock?")
            link.settimeout(left_s)
            self._receive(link, session, buffer)
        return session, buffer

    def _receive(self, link: socket.socket, session: SenderSession, buffer: MessageBuffer) -> None:
        """Take what the interlock has sent, and answer."""
        chunk = link.recv(CHUNK)
        if not chunk:
            raise LinkError("the interlock has closed the connection")
        buffer.put(chunk)
        while (raw := buffer.take()) is not None:
            answer = session.receive(raw, self._now_ns())
            if answer is not None:
                link.sendall(answer)

    def _keep(self, link: socket.socket, session: SenderSession, buffer: MessageBuffer) -> None:
        """Take answers and renew, until the session ends or is ended."""
        link.setblocking(False)
        with self._lock:
            self._desired = HOLDING
            self._session, self._socket = session, link
            self._sessions += 1
            self._write(self._now_ns())
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(link, selectors.EVENT_READ)
                selector.register(self._wake, selectors.EVENT_READ)
                while not self._stopping.is_set():
                    due_ns = session.sent_ns + self._renew_ns - self._now_ns()
                    ready = selector.select(max(0.0, due_ns * 1e-9))
                    self._attend(link, session, buffer, {key.fileobj for key, _ in ready})
        except (LinkError, OSError):
            # What still waits to be sent must not arrive after all.
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST_ON_CLOSE)
            raise
        finally:
            with self._lock:
                self._session = self._socket = None
                self._desired = HOLDING

    def _attend(self, link: socket.socket, session: SenderSession, buffer: MessageBuffer, ready: set[object]) -> None:
        """Take what has come, and renew when it is time."""
        if self._wake in ready:
            self._wake.recv(CHUNK)
        with self._lock:
            refusals = session.refusals
            # When it seems silent, it may be us who were not running: look before judging.
            if link in ready or session.waiting_ns(self._now_ns()) > self._ack_timeout_ns:
                with suppress(BlockingIOError):
                    self._receive(link, session, buffer)
            if session.refusals != refusals:
                self._refused += session.refusals - refusals
                self._desired = HOLDING
            now_ns = self._now_ns()
            if session.waiting_ns(now_ns) > self._ack_timeout_ns:
                raise LinkError(f"the interlock has not answered for {self._config.lease.ack_timeout_ms} ms")
            if self._unsent or now_ns >= session.sent_ns + self._renew_ns:
                self._write(now_ns)
            if self._session is None:
                raise LinkError(self._fault)


def probe(config: LeaseLinacConfig, key: bytes) -> str:
    """Return that an interlock with the same key is there and free; no session is begun with it.

    Parameters
    ----------
    config : LeaseLinacConfig
        Where the interlock is, and the times.
    key : bytes
        The secret shared with it.

    Raises
    ------
    LinkError
        When nothing is there, or something else, or the interlock is busy.
    """
    place, timeout_s = f"{config.host}:{config.port}", config.lease.connect_timeout_ms / 1000
    session, buffer = SenderSession(key, bytes(NONCE_SIZE), config.lease.lifetime_ms, 0), MessageBuffer()
    try:
        with socket.create_connection((config.host, config.port), timeout_s) as link:
            while (raw := buffer.take()) is None:
                if not (chunk := link.recv(CHUNK)):
                    raise LinkError("the connection was closed; is this an interlock?")
                buffer.put(chunk)
        session.receive(raw, 0)
    except (LinkError, OSError) as error:
        raise LinkError(f"{place}: no interlock can be driven there: {error}") from None
    return f"interlock at {place}: answers, has the same key, and is free"
