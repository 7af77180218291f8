"""The sender's side of one session: replies, requests and acknowledgements, without I/O."""

from collections import deque
from typing import NamedTuple

from gatekeeper.core.errors import LinkError
from gatekeeper.linac.lease.beam_echo import BeamEcho
from gatekeeper.linac.lease.messages import (
    MACHINE_HOLD,
    MACHINE_ON,
    NS_PER_MS,
    Kind,
    Message,
    Refusal,
    decode,
    encode,
    in_time,
    is_signed,
    session_key,
    session_number,
)

UNANSWERED = 1024
"""Largest number of unanswered messages; more are a fault."""


class FarClock(NamedTuple):
    """The interlock's clock beside ours.

    Attributes
    ----------
    session : int
        Session number of the lease protocol.
    ahead_ns : int
        By how much the interlock's clock is ahead of ours, in ns; at most half of `rtt_ns` off.
    rtt_ns : int
        Round-trip time of the answer that it was measured with, in ns.
    """

    session: int
    ahead_ns: int
    rtt_ns: int


class SenderSession:
    """One connection to an interlock, from its challenge on.

    Parameters
    ----------
    key : bytes
        The secret shared with the interlock.
    nonce : bytes
        16 bytes that were never used before.
    lifetime_ms : int
        The longest lease to ask for, in ms; the interlock may allow less.
    now_ns : int
        Monotonic clock in ns.

    Attributes
    ----------
    is_open : bool
        True after the interlock's welcome.
    heard_ns : int
        Time of the last authentic answer, or of the session's beginning, in ns.
    sent_ns : int
        Time of the last message, in ns.
    rtt_ns : int
        Time from the last acknowledged message to its acknowledgement, in ns; 0 before the first.
    refusals : int
        Number of messages that the interlock has refused.
    lease_until_ns : int
        Latest end of the last lease that was asked for, in ns.
    far_clock : FarClock or None
        The interlock's clock beside ours, from the answer that came fastest since it was None.
    echo : BeamEcho
        Delays of the machine's beam, where the interlock knows it.
    """

    def __init__(self, key: bytes, nonce: bytes, lifetime_ms: int, now_ns: int) -> None:
        self._key = key
        self._nonce = nonce
        self._lifetime_ms = lifetime_ms
        self._challenged = False
        self._session = 0
        self._number = 0
        self._stamp_ns = 0
        self._unanswered: deque[tuple[int, int]] = deque()
        self.is_open = False
        self.heard_ns = self.sent_ns = now_ns
        self.rtt_ns = 0
        self.refusals = 0
        self.lease_until_ns = 0
        self.far_clock: FarClock | None = None
        self.echo = BeamEcho()

    def receive(self, raw: bytes | Refusal, now_ns: int) -> bytes | None:
        """Process one message of the interlock, and return the reply, if any.

        Parameters
        ----------
        raw : bytes or Refusal
            The bytes of one message, or why the received bytes are not one.
        now_ns : int
            Monotonic clock in ns.

        Returns
        -------
        bytes or None
            The reply.

        Raises
        ------
        LinkError
            When the message is not valid at this point.
        """
        message = raw if isinstance(raw, Refusal) else decode(raw)
        if isinstance(raw, Refusal) or isinstance(message, Refusal):
            raise LinkError("the interlock's answer is not a message of this protocol; is it an interlock?")
        if not is_signed(raw, self._key):
            raise LinkError("the interlock's answer is not signed with our key; give both the same key file")
        if not self._challenged:
            return self._challenge(message)
        if message.session != self._session:
            raise LinkError("the interlock's answer belongs to another session")
        if not self.is_open:
            self._welcome(message)
        else:
            self._answer(message, now_ns)
        self._stamp_ns, self.heard_ns = message.stamp_ns, now_ns
        return None

    def lease(self, frame: int, fresh_until_ns: int, now_ns: int) -> bytes | None:
        """Return a message that asks for a lease, or None when there is no time left for one.

        The lease is counted from the newest stamp, which arrived at `heard_ns` at the latest; it never exceeds
        `fresh_until_ns`, and is not requested when it would be refused as late.

        Parameters
        ----------
        frame : int
            Sequence number of the frame.
        fresh_until_ns : int
            Time until which the decision is fresh, in ns.
        now_ns : int
            Monotonic clock in ns.
        """
        left_ms = min(self._lifetime_ms, (fresh_until_ns - self.heard_ns) // NS_PER_MS)
        if not (self.is_open and left_ms > 0 and in_time(now_ns - self.heard_ns, left_ms)):
            return None
        # The stamp was written before it arrived, at `heard_ns`.
        self.lease_until_ns = self.heard_ns + left_ms * NS_PER_MS
        self.echo.asked(True, now_ns)
        return self._send(
            Message(Kind.LEASE, 0, self._session, self._number + 1, frame, self._stamp_ns, lifetime_ms=left_ms), now_ns
        )

    def hold(self, frame: int, now_ns: int) -> bytes:
        """Return the message that revokes the beam."""
        self.echo.asked(False, now_ns)
        return self._send(Message(Kind.HOLD, 0, self._session, self._number + 1, frame), now_ns)

    def rehearse(self, frame: int, fresh_until_ns: int, now_ns: int) -> bytes:
        """Make a lease and a hold in a session that was never connected, and return the hold.

        Raises
        ------
        ValueError
            When the session has been challenged by an interlock.
        """
        if self._challenged:
            raise ValueError("the session belongs to an interlock; a rehearsal has one of its own")
        self.is_open, self.heard_ns = True, now_ns
        self.lease(frame, fresh_until_ns, now_ns)
        hold = self.hold(frame, now_ns)
        self._unanswered.clear()
        self.is_open = False
        return hold

    def waiting_ns(self, now_ns: int) -> int:
        """Return the age of the oldest unanswered message, in ns; 0 without one."""
        return now_ns - self._unanswered[0][1] if self._unanswered else 0

    def _send(self, message: Message, now_ns: int) -> bytes:
        """Return a message with its number and signature, and store its time."""
        if len(self._unanswered) >= UNANSWERED:
            raise LinkError(f"{UNANSWERED} messages are without an answer; the interlock hangs")
        self._number += 1
        self._unanswered.append((self._number, now_ns))
        self.sent_ns = now_ns
        return encode(message, self._key)

    def _challenge(self, message: Message) -> bytes:
        """Answer the challenge; from here on the key is that of the session."""
        if message.kind == Kind.REFUSED:
            raise LinkError("the interlock is busy with another sender")
        if message.kind != Kind.CHALLENGE or message.session != session_number(message.nonce):
            raise LinkError("the interlock does not begin with a challenge")
        self._challenged, self._session = True, message.session
        self._key = session_key(self._key, message.nonce, self._nonce)
        return encode(Message(Kind.HELLO, session=self._session, nonce=self._nonce), self._key)

    def _welcome(self, message: Message) -> None:
        """Open the session: the interlock has proven that it holds the key."""
        if message.kind != Kind.WELCOME:
            raise LinkError("the interlock does not send a welcome")
        self.is_open = True
        self._lifetime_ms = min(self._lifetime_ms, message.lifetime_ms)

    def _answer(self, message: Message, now_ns: int) -> None:
        """Process the answer to one of our messages; answers arrive in the order of the messages."""
        if message.kind not in (Kind.ACK, Kind.REFUSED):
            raise LinkError(f"the interlock sends a message of kind {message.kind} instead of an answer")
        while self._unanswered:
            number, sent_ns = self._unanswered.popleft()
            if number == message.number:
                break
        else:
            raise LinkError(f"the interlock answers message {message.number}, which is not waiting for an answer")
        if message.kind == Kind.REFUSED:
            self.refusals += 1
        else:
            self.rtt_ns = now_ns - sent_ns
            if message.code in (MACHINE_HOLD, MACHINE_ON):
                self.echo.answered(message.code == MACHINE_ON, now_ns - self.rtt_ns // 2)
            if self.far_clock is None or self.rtt_ns <= self.far_clock.rtt_ns:
                ahead_ns = message.stamp_ns - (now_ns - self.rtt_ns // 2)
                self.far_clock = FarClock(self._session, ahead_ns, self.rtt_ns)
