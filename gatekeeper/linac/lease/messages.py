"""The messages between sender and interlock: one fixed size, one layout, all signed; no I/O.

docs/reference/lease-protocol.md describes the layout for other implementations; change both together.
"""

import hmac
import struct
from enum import IntEnum
from typing import NamedTuple

MAGIC = b"GKL1"
LAYOUT = struct.Struct(">4sHBBQQqQ16sI")
SIGNATURE_SIZE = 32
SIZE = LAYOUT.size + SIGNATURE_SIZE
"""Bytes of every message, 92."""
NONCE_SIZE = 16
NO_NONCE = bytes(NONCE_SIZE)
START = struct.Struct(">4sH")
SESSION_LABEL = b"gatekeeper lease 1"
STATE_HOLD, STATE_ON = 0, 1
"""State of the beam in the code of an acknowledgement: as the lease allows it."""
MACHINE_HOLD, MACHINE_ON = 2, 3
"""The same as the machine reports its beam, from an interlock that knows it."""
NS_PER_MS = 1_000_000


class Kind(IntEnum):
    """Kind of a message."""

    CHALLENGE = 1
    HELLO = 2
    WELCOME = 3
    LEASE = 4
    HOLD = 5
    ACK = 6
    REFUSED = 7


class Refusal(IntEnum):
    """Why the interlock refuses a message; the number is the code in the answer, the name in small letters the word."""

    MALFORMED = 1
    OVERSIZED = 2
    FORGED = 3
    WRONG_SESSION = 4
    REPLAYED = 5
    REORDERED = 6
    LATE = 7
    LIFETIME = 8
    STAMP = 9
    UNEXPECTED = 10
    BUSY = 11

    @property
    def word(self) -> str:
        """The reason as in logs and documents."""
        return self.name.lower()


class Message(NamedTuple):
    """One message; fields that its kind does not use are zero.

    Attributes
    ----------
    kind : int
        One of `Kind`.
    code : int
        State of the beam in an ACK, 0-3; one of `Refusal` in a REFUSED.
    session : int
        Session number: the first eight bytes of the interlock's nonce.
    number : int
        Number of the sender's message, from 1, strictly increasing; answers carry that of the message they answer.
    frame : int
        Sequence number of the frame; -1 when there was none.
    stamp_ns : int
        The interlock's monotonic clock when it wrote this message, or the newest such stamp known to the sender, in ns.
    nonce : bytes
        16 random bytes of the writer of the message.
    lifetime_ms : int
        Lifetime that a LEASE asks for, that a WELCOME allows at most, or that an ACK still grants, in ms.
    """

    kind: int
    code: int = 0
    session: int = 0
    number: int = 0
    frame: int = 0
    stamp_ns: int = 0
    nonce: bytes = NO_NONCE
    lifetime_ms: int = 0


EMPTY = Message(0)
USES = {
    Kind.CHALLENGE: {"session", "nonce"},
    Kind.HELLO: {"session", "nonce"},
    Kind.WELCOME: {"session", "stamp_ns", "lifetime_ms"},
    Kind.LEASE: {"session", "number", "frame", "stamp_ns", "lifetime_ms"},
    Kind.HOLD: {"session", "number", "frame"},
    Kind.ACK: {"code", "session", "number", "frame", "stamp_ns", "lifetime_ms"},
    Kind.REFUSED: {"code", "session", "number", "stamp_ns"},
}
"""Fields that each kind uses, besides `kind`."""
UNUSED = {
    int(kind): tuple((at, EMPTY[at]) for at, name in enumerate(Message._fields) if at > 0 and name not in USES[kind])
    for kind in Kind
}


def encode(message: Message, key: bytes) -> bytes:
    """Return the `SIZE` bytes of a message, signed with `key`.

    Raises
    ------
    struct.error
        When a field is outside its range.
    """
    kind, code, session, number, frame, stamp_ns, nonce, lifetime_ms = message
    head = LAYOUT.pack(MAGIC, SIZE, kind, code, session, number, frame, stamp_ns, nonce, lifetime_ms)
    return head + hmac.digest(key, head, "sha256")


def decode(raw: bytes) -> Message | Refusal:
    """Return the message in `raw`, without checking its signature, or the reason why it is not one."""
    if (fault := start_fault(raw)) is not None:
        return fault
    if len(raw) != SIZE:
        return Refusal.OVERSIZED if len(raw) > SIZE else Refusal.MALFORMED
    message = Message._make(LAYOUT.unpack_from(raw)[2:])
    unused = UNUSED.get(message.kind)
    if unused is None or any(message[at] != zero for at, zero in unused):
        return Refusal.MALFORMED
    return message


def start_fault(raw: bytes | bytearray) -> Refusal | None:
    """Return what is wrong with the first six bytes of a message, as far as they have arrived; None when nothing is."""
    if len(raw) < START.size:
        return None if raw[: len(MAGIC)] == MAGIC[: len(raw)] else Refusal.MALFORMED
    magic, size = START.unpack_from(raw)
    if magic != MAGIC:
        return Refusal.MALFORMED
    if size > SIZE:
        return Refusal.OVERSIZED
    return None if size == SIZE else Refusal.MALFORMED


def is_signed(raw: bytes, key: bytes) -> bool:
    """Return whether a message of `SIZE` bytes is signed with `key`, in constant time."""
    return hmac.compare_digest(hmac.digest(key, raw[: LAYOUT.size], "sha256"), raw[LAYOUT.size :])


def session_key(key: bytes, interlock_nonce: bytes, sender_nonce: bytes) -> bytes:
    """Return the key of one session, which no earlier session can have had."""
    return hmac.digest(key, SESSION_LABEL + interlock_nonce + sender_nonce, "sha256")


def session_number(interlock_nonce: bytes) -> int:
    """Return the number of the session that the interlock opens with this nonce."""
    return int.from_bytes(interlock_nonce[:8], "big")


def session_words(session: int) -> str:
    """Return a session number as 16 hexadecimal digits, as in logs."""
    return f"{session:016x}"


def in_time(age_ns: int, lifetime_ms: int) -> bool:
    """Return whether less than three quarters of a lease have passed; later it is not granted."""
    return 4 * age_ns < 3 * lifetime_ms * NS_PER_MS


class MessageBuffer:
    """Split a stream of bytes into messages; holds less than one message when emptied after each chunk."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def put(self, chunk: bytes) -> None:
        """Append bytes that have arrived."""
        self._bytes += chunk

    def take(self) -> bytes | Refusal | None:
        """Return the next message, None when it is incomplete, or the reason why no message can follow."""
        if (fault := start_fault(self._bytes)) is not None:
            return fault
        if len(self._bytes) < SIZE:
            return None
        raw = bytes(self._bytes[:SIZE])
        del self._bytes[:SIZE]
        return raw
