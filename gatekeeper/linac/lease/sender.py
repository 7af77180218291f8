"""The sender's half of one session: what to answer, what to ask, what was acknowledged. No input or output here."""

from collections import deque

from gatekeeper.core.errors import LinkError
from gatekeeper.linac.lease.messages import (
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
"""More messages than this cannot be on their way without something being wrong."""


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
        True since the interlock's welcome.
    heard_ns : int
        When the last authentic answer came, in ns; before that, when the session was begun.
    sent_ns : int
        When the last message was made, in ns.
    rtt_ns : int
        Time from the last acknowledged message to its acknowledgement, in ns; 0 before the first.
    refusals : int
        How many messages the interlock has answered with a refusal.
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

    def receive(self, raw: bytes | Refusal, now_ns: int) -> bytes | None:
        """Take one message of the interlock, and return what to send in return.

        Raises
        ------
        LinkError
            When it is not what the interlock may say now.
        """
        message = raw if isinstance(raw, Refusal) else decode(raw)
        if isinstance(raw, Refusal) or isinstance(message, Refusal):
            raise LinkError("the interlock's answer is no message of this protocol; is it an interlock at all?")
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
        """Return the message that asks for a lease, or None when there is no time left to ask for one.

        The lease is counted from the newest stamp, which came at `heard_ns` at the latest; it is never asked for
        longer than `fresh_until_ns` allows, nor when it would be late already.
        """
        left_ms = min(self._lifetime_ms, (fresh_until_ns - self.heard_ns) // NS_PER_MS)
        if not (self.is_open and left_ms > 0 and in_time(now_ns - self.heard_ns, left_ms)):
            return None
        return self._send(
            Message(Kind.LEASE, 0, self._session, self._number + 1, frame, self._stamp_ns, lifetime_ms=left_ms), now_ns
        )

    def hold(self, frame: int, now_ns: int) -> bytes:
        """Return the message that revokes."""
        return self._send(Message(Kind.HOLD, 0, self._session, self._number + 1, frame), now_ns)

    def waiting_ns(self, now_ns: int) -> int:
        """Return for how long the oldest message without an answer has been waiting for one, in ns; 0 without one."""
        return now_ns - self._unanswered[0][1] if self._unanswered else 0

    def _send(self, message: Message, now_ns: int) -> bytes:
        """Number and sign a message, and remember when."""
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
        """Begin: the interlock has shown that it holds the key, in answer to our nonce."""
        if message.kind != Kind.WELCOME:
            raise LinkError("the interlock does not welcome us")
        self.is_open = True
        self._lifetime_ms = min(self._lifetime_ms, message.lifetime_ms)

    def _answer(self, message: Message, now_ns: int) -> None:
        """Take the answer to one of our messages, which come in the order of these."""
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
