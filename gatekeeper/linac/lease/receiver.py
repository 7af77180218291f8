"""The interlock's state machine: from received messages and their times to beam-on or hold, without I/O.

Beam-on is a lease. It lasts `lifetime_ms` on the interlock's own monotonic clock, counted from the stamp that it
echoes: the time at which the interlock wrote the newest message that the sender had when it asked. The stamp is never
later than the receipt, so that any delay of a message shortens the lease and never extends it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from gatekeeper.core.decision import BeamState
from gatekeeper.linac.lease.messages import (
    MACHINE_HOLD,
    MACHINE_ON,
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
"""Number of message numbers for which a replayed message is told from a reordered one."""
ENDS_SESSION = frozenset(Refusal) - {Refusal.LATE, Refusal.LIFETIME, Refusal.STAMP, Refusal.BUSY}
"""Refusals that end the connection, because nothing on it can be trusted any more.

The other refusals come from a slow or faulty sender that has proven to hold the key.
"""


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
    """Key and limits of an interlock.

    Attributes
    ----------
    key : bytes
        The secret shared with the sender.
    max_lifetime_ms : int
        The longest lease that is granted, in ms.
    silence_ms : int
        Time without a valid message after which a sender is disconnected, in ms.
    """

    key: bytes
    max_lifetime_ms: int = 100
    silence_ms: int = 500


class Peer(NamedTuple):
    """The connected sender.

    Attributes
    ----------
    nonce : bytes
        Nonce of the interlock's challenge.
    session : int
        Session number.
    heard_ns : int
        Time of its last valid message, or of its connection, in ns.
    key : bytes or None
        Key of the session; None until its HELLO was accepted.
    welcomed_ns, stamped_ns : int
        First and last stamp sent to it, in ns.
    number : int
        Highest number of its messages.
    received_mask : int
        Bit k is set when message `number` - k was received.
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
    """State of the interlock.

    Attributes
    ----------
    beam : BeamState
        ON only during a lease.
    cause : Cause
        Why.
    until_ns : int
        End of the lease, in ns of the interlock's monotonic clock.
    number, frame : int
        Number of the last lease granted, and its frame.
    refusal : Refusal or None
        The last refusal.
    peer : Peer or None
        The sender, while there is one.
    machine : BeamState or None
        State of the machine's beam, which follows; None where it is not known.
    """

    beam: BeamState = BeamState.HOLD
    cause: Cause = Cause.START
    until_ns: int = 0
    number: int = 0
    frame: int = -1
    refusal: Refusal | None = None
    peer: Peer | None = None
    machine: BeamState | None = None


class Answer(NamedTuple):
    """What to do about one event.

    Attributes
    ----------
    reply : bytes or None
        Message to the sender.
    close : bool
        Whether to close the connection, after the reply.
    refused : Refusal or None
        Why the message was refused.
    """

    reply: bytes | None = None
    close: bool = False
    refused: Refusal | None = None


NOTHING = Answer()


def elapsed(state: Interlock, now_ns: int, rules: Rules) -> tuple[Interlock, Answer]:
    """Return the state, and what to do, after time has passed: leases expire, and a silent sender is disconnected."""
    if state.beam is BeamState.ON and not now_ns < state.until_ns:
        state = _held(state, Cause.EXPIRED)
    peer = state.peer
    if peer is not None and not now_ns < peer.heard_ns + rules.silence_ms * NS_PER_MS:
        return _held(state, Cause.SILENT)._replace(peer=None), Answer(close=True)
    return state, NOTHING


def next_event_ns(state: Interlock, rules: Rules) -> int | None:
    """Return the time at which `elapsed` will next change the state, in ns; None for never."""
    times = [state.until_ns] if state.beam is BeamState.ON else []
    if state.peer is not None:
        times.append(state.peer.heard_ns + rules.silence_ms * NS_PER_MS)
    return min(times, default=None)


def connected(state: Interlock, now_ns: int, nonce: bytes, rules: Rules) -> tuple[Interlock, Answer]:
    """Return the state and the challenge to a sender that has connected, or its refusal while there is another one.

    Parameters
    ----------
    state : Interlock
        State so far.
    now_ns : int
        Monotonic clock in ns.
    nonce : bytes
        16 bytes that were never used before.
    rules : Rules
        Key and limits.
    """
    if state.peer is not None:
        busy = Message(Kind.REFUSED, Refusal.BUSY, stamp_ns=now_ns)
        return state, Answer(encode(busy, rules.key), close=True, refused=Refusal.BUSY)
    peer = Peer(nonce, session_number(nonce), now_ns)
    challenge = Message(Kind.CHALLENGE, session=peer.session, nonce=nonce)
    return state._replace(peer=peer), Answer(encode(challenge, rules.key))


def disconnected(state: Interlock, cause: Cause = Cause.DISCONNECTED) -> Interlock:
    """Return the state after the sender has gone, which is hold."""
    return _held(state, cause)._replace(peer=None)


def received(state: Interlock, now_ns: int, raw: bytes | Refusal, rules: Rules) -> tuple[Interlock, Answer]:
    """Return the state after one message; anything but a valid lease holds the beam.

    Parameters
    ----------
    state : Interlock
        State so far.
    now_ns : int
        Monotonic clock in ns.
    raw : bytes or Refusal
        The bytes of one message, or why the received bytes are not one.
    rules : Rules
        Key and limits.

    Returns
    -------
    tuple of Interlock and Answer
        New state, and what to do.
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
        return _welcomed(state, peer, message, raw, now_ns, rules)
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
    return _executed(state, heard, peer.key, message, now_ns, rules)


def _welcomed(
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


def _executed(
    state: Interlock, peer: Peer, key: bytes, message: Message, now_ns: int, rules: Rules
) -> tuple[Interlock, Answer]:
    """Return the state after an authentic message with a new number."""
    if message.kind == Kind.LEASE:
        if (fault := _lease_fault(peer, message, now_ns, rules)) is not None:
            return _refused(state, peer, message.number, fault, now_ns)
        until_ns = message.stamp_ns + message.lifetime_ms * NS_PER_MS
        state = state._replace(
            beam=BeamState.ON, cause=Cause.LEASE, until_ns=until_ns, number=message.number, frame=message.frame
        )
        code, left_ms = STATE_ON, (until_ns - now_ns) // NS_PER_MS
    else:
        state = _held(state, Cause.REVOKED)
        code, left_ms = STATE_HOLD, 0
    if state.machine is not None:
        code = MACHINE_ON if state.machine is BeamState.ON else MACHINE_HOLD
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
    """Return the hold state; the cause of an existing hold stays."""
    if state.beam is BeamState.HOLD:
        return state
    return state._replace(beam=BeamState.HOLD, cause=cause)


def _refused(state: Interlock, peer: Peer, number: int, fault: Refusal, now_ns: int) -> tuple[Interlock, Answer]:
    """Return the hold for a refused message, and the answer to it."""
    ends = fault in ENDS_SESSION
    reply = None
    if (key := peer.key) is not None:
        peer = peer._replace(stamped_ns=now_ns)
        reply = encode(Message(Kind.REFUSED, fault, peer.session, number, stamp_ns=now_ns), key)
    state = _held(state, Cause.REFUSED)._replace(refusal=fault, peer=None if ends else peer)
    return state, Answer(reply, ends, fault)
