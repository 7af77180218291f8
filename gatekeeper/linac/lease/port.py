"""A LinacPort that asks an interlock for the beam for a short time at once, without waiting for it.

Decisions are written to the socket by the calling thread. Another thread of the same process, which ends with it,
connects, reads the answers and renews the lease between two decisions, but only while the last decision is fresh: it
cannot keep the beam on for an engine that hangs.
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
from gatekeeper.linac.allowed_time import AllowedTime
from gatekeeper.linac.freshness import AgeOf, left_ns, no_age
from gatekeeper.linac.lease.messages import NONCE_SIZE, NS_PER_MS, MessageBuffer
from gatekeeper.linac.lease.scratch_link import ScratchLink
from gatekeeper.linac.lease.sender import FarClock, SenderSession
from gatekeeper.linac.link_status import RST_ON_CLOSE, LinkStatus

LOCK_TIMEOUT_S = 0.001
"""Longest wait of a decision while the other thread is writing, in s; after that the other thread sends it."""
CLOSING_S = 1.0
"""Longest time for closing the thread, in s."""
SEND_BUFFER = 65536
"""Send buffer of the socket in bytes: about a hundred messages with the kernel's overhead, more than can accumulate
before the link counts as lost.
"""
CHUNK = 4096
KEY_SIZE = 32
LARGEST_FRAME = 2**63 - 1


class DesiredState(NamedTuple):
    """State that the last decision asks for: beam on or not, frame, and end of validity in ns."""

    beam_on: bool
    frame: int
    until_ns: int


HOLDING = DesiredState(False, -1, 0)


class LeaseLinac:
    """Permission to irradiate over TCP; reconnects by itself, always in HOLD.

    Parameters
    ----------
    config : LeaseLinacConfig
        Address of the interlock, and the times.
    key : bytes
        The shared secret, see `gatekeeper.linac.lease.key.load_key`.
    now_ns : callable
        Monotonic clock in ns.
    nonce : callable
        Return 16 bytes that were never used before.
    age_s : callable
        Return the age of a decision in s, see `gatekeeper.linac.freshness`.
    """

    def __init__(
        self,
        config: LeaseLinacConfig,
        key: bytes,
        now_ns: Callable[[], int] = monotonic_ns,
        nonce: Callable[[], bytes] = lambda: secrets.token_bytes(NONCE_SIZE),
        age_s: AgeOf = no_age,
    ) -> None:
        self._config, self._key, self._now_ns, self._nonce, self._age_s = config, key, now_ns, nonce, age_s
        self._fresh_ns = config.lease.fresh_ms * NS_PER_MS
        self._renew_ns = config.lease.renew_ms * NS_PER_MS
        self._ack_timeout_ns = config.lease.ack_timeout_ms * NS_PER_MS
        self._desired = HOLDING
        self._unsent = False
        self._allowed = AllowedTime()
        self._lock = threading.Lock()
        self._session: SenderSession | None = None
        self._nowhere = SenderSession(secrets.token_bytes(KEY_SIZE), bytes(NONCE_SIZE), config.lease.lifetime_ms, 0)
        self._scratch = ScratchLink()
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
        """Whether the interlock answers in time."""
        session = self._session
        return session is not None and self._now_ns() - session.heard_ns <= self._ack_timeout_ns

    @property
    def allowed_s(self) -> float:
        """Time for which the leases sent so far allowed the beam, in s."""
        return self._allowed.total_ns(self._now_ns()) * 1e-9

    @property
    def far_clock(self) -> FarClock | None:
        """The interlock's clock beside ours, as measured since `forget_far_clock`; None while nothing was answered."""
        session = self._session
        return None if session is None else session.far_clock

    def forget_far_clock(self) -> None:
        """Measure the interlock's clock anew."""
        if (session := self._session) is not None:
            session.far_clock = None

    @property
    def machine_beam(self) -> bool | None:
        """Whether the machine's beam is on, as the interlock says; None where it does not know or does not answer."""
        session = self._session
        return session.echo.beam if session is not None and self.alive else None

    def beam_delays(self) -> list[tuple[bool, float]]:
        """Return the delays of the machine's beam since the last call, see `BeamEcho.take`."""
        session = self._session
        return [] if session is None else session.echo.take()

    @property
    def link(self) -> LinkStatus:
        """Current state of the link."""
        session = self._session
        age_s = float("inf") if session is None else (self._now_ns() - session.heard_ns) * 1e-9
        rtt_ms = 0.0 if session is None else session.rtt_ns / NS_PER_MS
        return LinkStatus(
            self.alive, rtt_ms, age_s, self._sessions, self._lost, self._withheld, self._refused, self._fault
        )

    def send(self, decision: Decision) -> None:
        """Request or revoke the beam; takes some ten microseconds and does not wait for the network."""
        if self._stopping.is_set():
            return
        good_ns = left_ns(self._fresh_ns, self._age_s(decision)) if decision.state is BeamState.ON else 0
        if decision.state is BeamState.ON and not good_ns:
            self._withheld += 1
        frame = max(-1, min(decision.sequence, LARGEST_FRAME))
        self._desired = DesiredState(good_ns > 0, frame, self._now_ns() + good_ns if good_ns else 0)
        self._write_or_defer()

    def rehearse(self, decision: Decision) -> None:
        """Make the message of a session which no interlock knows, and send it to this process itself."""
        now_ns = self._now_ns()
        left_ns(self._fresh_ns, self._age_s(decision))
        frame = max(-1, min(decision.sequence, LARGEST_FRAME))
        self._scratch.carried(self._nowhere.rehearse(frame, now_ns + self._fresh_ns, now_ns))

    def close(self) -> None:
        """Revoke and disconnect; may be called twice."""
        if self._stopping.is_set():
            return
        self._desired = HOLDING
        self._write_or_defer()
        self._stopping.set()
        self._wake_thread()
        self._thread.join(CLOSING_S)
        self._scratch.close()

    def _write_or_defer(self) -> None:
        """Write the desired state, or leave it to the thread while that is writing."""
        if not self._lock.acquire(timeout=LOCK_TIMEOUT_S):
            self._unsent = True
            self._wake_thread()
            return
        try:
            if self._session is None:
                self._withheld += self._desired.beam_on
            self._write(self._now_ns())
        finally:
            self._lock.release()

    def _wake_thread(self) -> None:
        """Wake the thread."""
        try:
            self._waker.send(b"x")
        except OSError:
            return

    def _write(self, now_ns: int) -> None:
        """Send the desired state; the caller holds the lock. A message that cannot be sent at once ends the session."""
        session, link = self._session, self._socket
        if session is None or link is None:
            return
        self._unsent = False  # before reading: a decision that arrives meanwhile sets it again
        desired = self._desired
        try:
            raw = session.lease(desired.frame, desired.until_ns, now_ns) if desired.beam_on else None
            asks = raw is not None
            if raw is None:
                if desired.beam_on:
                    self._withheld += 1
                    self._desired = HOLDING
                raw = session.hold(desired.frame, now_ns)
            if link.send(raw) != len(raw):
                raise BlockingIOError
            if asks:
                self._allowed.allow(now_ns, session.lease_until_ns)
            else:
                self._allowed.revoke(now_ns)
        except BlockingIOError:
            self._end_session("the interlock does not read what is sent to it")
        except (LinkError, OSError) as error:
            self._end_session(f"sending to the interlock failed: {error}")

    def _end_session(self, fault: str) -> None:
        """End the session; the thread closes the connection."""
        self._fault, self._session = fault, None
        self._wake_thread()

    def _run(self) -> None:
        """Connect, and serve sessions until closed."""
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
        """Serve one session, from connecting to its end."""
        address = f"{self._config.host}:{self._config.port}"
        timeout_s = self._config.lease.connect_timeout_ms / 1000
        try:
            with socket.create_connection((self._config.host, self._config.port), timeout_s) as link:
                self._run_session(link, *self._open_session(link))
        except (LinkError, OSError) as error:
            self._fault = f"{address}: {error}"
            self._lost += 1

    def _open_session(self, link: socket.socket) -> tuple[SenderSession, MessageBuffer]:
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
                raise LinkError("the interlock has not opened the session in time; is it busy, or another program?")
            link.settimeout(left_s)
            self._receive(link, session, buffer)
        return session, buffer

    def _receive(self, link: socket.socket, session: SenderSession, buffer: MessageBuffer) -> None:
        """Process the interlock's messages, and reply."""
        chunk = link.recv(CHUNK)
        if not chunk:
            raise LinkError("the interlock has closed the connection")
        buffer.put(chunk)
        while (raw := buffer.take()) is not None:
            answer = session.receive(raw, self._now_ns())
            if answer is not None:
                link.sendall(answer)

    def _run_session(self, link: socket.socket, session: SenderSession, buffer: MessageBuffer) -> None:
        """Process answers and renew, until the session ends."""
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
                    self._process(link, session, buffer, {key.fileobj for key, _ in ready})
        except (LinkError, OSError):
            # Unsent data must not arrive after closing.
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST_ON_CLOSE)
            raise
        finally:
            with self._lock:
                self._session = self._socket = None
                self._desired = HOLDING

    def _process(self, link: socket.socket, session: SenderSession, buffer: MessageBuffer, ready: set[object]) -> None:
        """Process what has arrived, and renew when it is time."""
        if self._wake in ready:
            self._wake.recv(CHUNK)
        with self._lock:
            refusals = session.refusals
            # A late answer may be waiting because this thread did not run: read before deciding.
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
    """Return a line of text saying that an interlock with the same key is there and free; no session is opened.

    Parameters
    ----------
    config : LeaseLinacConfig
        Address of the interlock, and the times.
    key : bytes
        The shared secret.

    Raises
    ------
    LinkError
        When there is no interlock, it has another key, or it is busy.
    """
    address, timeout_s = f"{config.host}:{config.port}", config.lease.connect_timeout_ms / 1000
    session, buffer = SenderSession(key, bytes(NONCE_SIZE), config.lease.lifetime_ms, 0), MessageBuffer()
    try:
        with socket.create_connection((config.host, config.port), timeout_s) as link:
            while (raw := buffer.take()) is None:
                if not (chunk := link.recv(CHUNK)):
                    raise LinkError("the connection was closed; is this an interlock?")
                buffer.put(chunk)
        session.receive(raw, 0)
    except (LinkError, OSError) as error:
        raise LinkError(f"{address}: no usable interlock: {error}") from None
    return f"interlock at {address}: answers, has the same key, and is free"
