"""The interlock's mind: a pure state machine from what arrives, and when, to beam-on or hold. No input or output.

Beam-on is a lease. It lives `lifetime_ms` on the interlock's own monotonic clock, counted from the stamp that it
echoes: the time at which the interlock wrote the newest message that the sender had when it asked. The stamp is never
later than the receipt, so that whatever delays a message on its way eats from the lease and is not added to it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from gatekeeper.core.decision import BeamState
from gatekeeper.linac.lease.messages import (
    NS_PER_MS,
    STATE_HOLD,
    STATE_ON,
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

REMEMBERED = 64
"""How many numbers back a replayed message is told from one that is merely too late in the row."""
ENDS_SESSION = frozenset(Refusal) - {Refusal.LATE, Refusal.LIFETIME, Refusal.STAMP, Refusal.BUSY}
"""Refusals after which nothing that comes on this connection can be trusted; the other ones come from a slow or a
mistaken sender that has proven to hold the key."""


class Cause(StrEnum):
    """Why the interlock is in its state."""

    START = "start"
    LEASE = "lease"
    EXPIRED = "expired"
    REVOKED = "revoked"
    REFUSED = "refused"
    DISCONNECTED = "disconnected"
    SILENT = "silent"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Rules:
    """What an interlock goes by.

    Attributes
    ----------
    key : bytes
        The secret shared with the sender.
    max_lifetime_ms : int
        The longest lease that is granted, in ms.
    silence_ms : int
        A sender that has shown no valid message for this long, in ms, is disconnected.
    """

    key: bytes
    max_lifetime_ms: int = 100
    silence_ms: int = 500


class Peer(NamedTuple):
    """The one sender that is connected.

    Attributes
    ----------
    nonce : bytes
        What the interlock challenged it with.
    session : int
        Number of the session.
    heard_ns : int
        Time of its last valid message, or of its connection, in ns.
    key : bytes or None
        Key of the session; None until its HELLO was good.
    welcomed_ns, stamped_ns : int
        First and last stamp that was given to it, in ns.
    number : int
        Highest number of its messages.
    received_mask : int
        Bit k is set when message `number` - k was there.
    """

    nonce: bytes
    session: int
    heard_ns: int
    key: bytes | None = None
    welcomed_ns: int = 0
    stamped_ns: int = 0
    number: int = 0
    received_mask: int = 0


class Interlock(NamedTuple):
    """All that the interlock knows.

    Attributes
    ----------
    beam : BeamState
        ON only while a lease lives.
    cause : Cause
        Why.
    until_ns : int
        When the lease ends, in ns of the interlock's monotonic clock.
    number, frame : int
        Number of the last lease that was granted and of the frame it was given for.
    refusal : Refusal or None
        The last refusal.
    peer : Peer or None
        The sender, while there is one.
    """

    beam: BeamState = BeamState.HOLD
    cause: Cause = Cause.START
    until_ns: int = 0
    number: int = 0
    frame: int = -1
    refusal: Refusal | None = None
    peer: Peer | None = None


class Answer(NamedTuple):
    """What is to be done about one event.

    Attributes
    ----------
    reply : bytes or None
        To be sent to the sender.
    close : bool
        The connection is to be closed, after the reply.
    refused : Refusal or None
        Why the message was refused.
    """

    reply: bytes | None = None
    close: bool = False
    refused: Refusal | None = None


NOTHING = Answer()


def elapsed(state: Interlock, now_ns: int, rules: Rules) -> tuple[Interlock, Answer]:
    """Return what time alone has changed: a lease that is over, a sender that has been silent for too long."""
    if state.beam is BeamState.ON and not now_ns < state.until_ns:
        state = _held(state, Cause.EXPIRED)
    peer = state.peer
    if peer is not None and not now_ns < peer.heard_ns + rules.silence_ms * NS_PER_MS:
        return _held(state, Cause.SILENT)._replace(peer=None), Answer(close=True)
    return state, NOTHING


def next_event_ns(state: Interlock, rules: Rules) -> int | None:
    """Return when `elapsed` will next have something to say, in ns; None for never."""
    times = [state.until_ns] if state.beam is BeamState.ON else []
    if state.peer is not None:
        times.append(state.peer.heard_ns + rules.silence_ms * NS_PER_MS)
    return min(times, default=None)


def connected(state: Interlock, now_ns: int, nonce: bytes, rules: Rules) -> tuple[Interlock, Answer]:
    """Return the challenge to a sender that has connected, or the refusal of one that is not the only one.

    Parameters
    ----------
    nonce : bytes
        16 bytes that were never used before.
    """
    if state.peer is not None:
        busy = Message(Kind.REFUSED, Refusal.BUSY, stamp_ns=now_ns)
        return state, Answer(encode(busy, rules.key), close=True, refused=Refusal.BUSY)
    peer = Peer(nonce, session_number(nonce), now_ns)
    challenge = Message(Kind.CHALLENGE, session=peer.session, nonce=nonce)
    return state._replace(peer=peer), Answer(encode(challenge, rules.key))


def disconnected(state: Interlock, cause: Cause = Cause.DISCONNECTED) -> Interlock:
    """Return the hold after the sender has gone."""
    return _held(state, cause)._replace(peer=None)


def received(state: Interlock, now_ns: int, raw: bytes | Refusal, rules: Rules) -> tuple[Interlock, Answer]:
    """Return what one message does: anything but a good lease holds the beam.

    Parameters
    ----------
    raw : bytes or Refusal
        The bytes of one message, or why the bytes that came can be none.
    """
    state, answer = elapsed(state, now_ns, rules)
    peer = state.peer
    if peer is None:
        return state, answer
    if isinstance(raw, Refusal):
        return _refused(state, peer, 0, raw, now_ns)
    message = decode(raw)
    if isinstance(message, Refusal):
        return _refused(state, peer, 0, message, now_ns)
    if message.session != peer.session:
        return _refused(state, peer, message.number, Refusal.WRONG_SESSION, now_ns)
    if peer.key is None:
        return _greeted(state, peer, message, raw, now_ns, rules)
    if not is_signed(raw, peer.key):
        return _refused(state, peer, message.number, Refusal.FORGED, now_ns)
    if message.kind not in (Kind.LEASE, Kind.HOLD):
        return _refused(state, peer, message.number, Refusal.UNEXPECTED, now_ns)
    ahead = message.number - peer.number
    if ahead <= 0:
        was_received = -ahead < REMEMBERED and peer.received_mask >> -ahead & 1
        fault = Refusal.REPLAYED if was_received else Refusal.REORDERED
        return _refused(state, peer, message.number, fault, now_ns)
    received_mask = (peer.received_mask << min(ahead, REMEMBERED) | 1) & ((1 << REMEMBERED) - 1)
    heard = peer._replace(heard_ns=now_ns, number=message.number, received_mask=received_mask)
    return _obeyed(state, heard, peer.key, message, now_ns, rules)


def _greeted(
    state: Interlock, peer: Peer, message: Message, raw: bytes, now_ns: int, rules: Rules
) -> tuple[Interlock, Answer]:
    """Return the welcome of a sender that answers the challenge with the right key."""
    if message.kind != Kind.HELLO:
        return _refused(state, peer, message.number, Refusal.UNEXPECTED, now_ns)
    key = session_key(rules.key, peer.nonce, message.nonce)
    if not is_signed(raw, key):
        return _refused(state, peer, message.number, Refusal.FORGED, now_ns)
    known = peer._replace(heard_ns=now_ns, key=key, welcomed_ns=now_ns, stamped_ns=now_ns)
    welcome = Message(Kind.WELCOME, session=peer.session, stamp_ns=now_ns, lifetime_ms=rules.max_lifetime_ms)
    return state._replace(peer=known), Answer(encode(welcome, key))


def _obeyed(
    state: Interlock, peer: Peer, key: bytes, message: Message, now_ns: int, rules: Rules
) -> tuple[Interlock, Answer]:
    """Return what an authentic message with a new number does."""
    if message.kind == Kind.LEASE:
        if (fault := _lease_fault(peer, message, now_ns, rules)) is not None:
            return _refused(state, peer, message.number, fault, now_ns)
        until_ns = message.stamp_ns + message.lifetime_ms * NS_PER_MS
        state = Interlock(BeamState.ON, Cause.LEASE, until_ns, message.number, message.frame, state.refusal)
        code, left_ms = STATE_ON, (until_ns - now_ns) // NS_PER_MS
    else:
        state = _held(state, Cause.REVOKED)
        code, left_ms = STATE_HOLD, 0
    ack = Message(Kind.ACK, code, peer.session, message.number, message.frame, now_ns, lifetime_ms=left_ms)
    return state._replace(peer=peer._replace(stamped_ns=now_ns)), Answer(encode(ack, key))


def _lease_fault(peer: Peer, lease: Message, now_ns: int, rules: Rules) -> Refusal | None:
    """Return why a lease is not granted."""
    if not 1 <= lease.lifetime_ms <= rules.max_lifetime_ms:
        return Refusal.LIFETIME
    if not peer.welcomed_ns <= lease.stamp_ns <= min(peer.stamped_ns, now_ns):
        return Refusal.STAMP
    if not in_time(now_ns - lease.stamp_ns, lease.lifetime_ms):
        return Refusal.LATE
    return None


def _held(state: Interlock, cause: Cause) -> Interlock:
    """Return the hold; the cause of one that stands already stays."""
    if state.beam is BeamState.HOLD:
        return state
    return state._replace(beam=BeamState.HOLD, cause=cause)


def _refused(state: Interlock, peer: Peer, number: int, fault: Refusal, now_ns: int) -> tuple[Interlock, Answer]:
    """Return the hold for a message that must not be obeyed, and the answer to it."""
    ends = fault in ENDS_SESSION
    reply = None
    if (key := peer.key) is not None:
        peer = peer._replace(stamped_ns=now_ns)
        reply = encode(Message(Kind.REFUSED, fault, peer.session, number, stamp_ns=now_ns), key)
    state = _held(state, Cause.REFUSED)._replace(refusal=fault, peer=None if ends else peer)
    return state, Answer(reply, ends, fault)
