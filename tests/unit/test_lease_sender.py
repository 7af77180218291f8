"""The sender asks only for what it may, and believes only its interlock."""

import pytest

from gatekeeper.core.errors import LinkError
from gatekeeper.linac.lease.messages import (
    SIZE,
    STATE_ON,
    Kind,
    Message,
    Refusal,
    decode,
    encode,
    is_signed,
    session_key,
)
from gatekeeper.linac.lease.sender import UNANSWERED, SenderSession
from tests.support.leases import INTERLOCK_NONCE, KEY, MS, OTHER_KEY, SENDER_NONCE

SESSION = int.from_bytes(INTERLOCK_NONCE[:8], "big")
SESSION_KEY = session_key(KEY, INTERLOCK_NONCE, SENDER_NONCE)
CHALLENGE = Message(Kind.CHALLENGE, session=SESSION, nonce=INTERLOCK_NONCE)
WELCOME = Message(Kind.WELCOME, session=SESSION, stamp_ns=900, lifetime_ms=100)
LONG = 10_000 * MS


def begun():
    return SenderSession(KEY, SENDER_NONCE, 100, 0)


def opened(lifetime_ms=100, allowed_ms=100, now_ns=0):
    session = SenderSession(KEY, SENDER_NONCE, lifetime_ms, now_ns)
    session.receive(encode(CHALLENGE, KEY), now_ns)
    session.receive(encode(WELCOME._replace(lifetime_ms=allowed_ms), SESSION_KEY), now_ns)
    return session


def ack(number, stamp_ns=1000):
    return encode(Message(Kind.ACK, STATE_ON, SESSION, number, 7, stamp_ns, lifetime_ms=99), SESSION_KEY)


def test_challenge_is_answered_with_a_hello_under_the_session_key():
    session = begun()
    hello = session.receive(encode(CHALLENGE, KEY), 0)
    assert decode(hello) == Message(Kind.HELLO, session=SESSION, nonce=SENDER_NONCE)
    assert is_signed(hello, SESSION_KEY)
    assert not session.is_open
    assert session.lease(1, LONG, 0) is None, "nothing is asked for before the welcome"


def test_lease_carries_number_frame_newest_stamp_and_lifetime():
    session = opened()
    assert decode(session.lease(7, LONG, 0)) == (Kind.LEASE, 0, SESSION, 1, 7, 900, bytes(16), 100)
    session.receive(ack(1, stamp_ns=1234), 0)
    assert decode(session.lease(8, LONG, 0)) == (Kind.LEASE, 0, SESSION, 2, 8, 1234, bytes(16), 100)


def test_hold_carries_number_and_frame_alone():
    assert decode(opened().hold(-1, 0)) == Message(Kind.HOLD, session=SESSION, number=1, frame=-1)


@pytest.mark.parametrize(("wanted_ms", "allowed_ms", "asked_ms"), [(100, 60, 60), (60, 100, 60), (100, 100, 100)])
def test_no_more_is_asked_for_than_the_interlock_allows(wanted_ms, allowed_ms, asked_ms):
    assert decode(opened(wanted_ms, allowed_ms).lease(7, LONG, 0)).lifetime_ms == asked_ms


def test_lease_ends_with_the_freshness_of_the_decision():
    assert decode(opened().lease(7, 30 * MS, 10 * MS)).lifetime_ms == 30, "counted from the stamp, not from now"


@pytest.mark.parametrize("now_ms", [23, 25, 30, 1000])
def test_nothing_is_asked_for_when_the_decision_is_about_to_be_stale(now_ms):
    session = opened()
    assert session.lease(7, 30 * MS, 22 * MS) is not None
    assert session.lease(7, 30 * MS, now_ms * MS) is None


def test_nothing_is_asked_for_when_the_interlock_was_not_heard_for_three_quarters_of_a_lifetime():
    session = opened()
    assert session.lease(7, LONG, 75 * MS - 1) is not None
    assert session.lease(7, LONG, 75 * MS) is None


def test_round_trip_is_measured_from_the_message_to_its_answer():
    session = opened()
    session.lease(1, LONG, 1 * MS)
    session.hold(2, 3 * MS)
    session.receive(ack(1), 4 * MS)
    assert session.rtt_ns == 3 * MS
    session.receive(ack(2), 4 * MS)
    assert (session.rtt_ns, session.heard_ns, session.sent_ns) == (1 * MS, 4 * MS, 3 * MS)


def test_waiting_time_is_that_of_the_oldest_message_without_an_answer():
    session = opened()
    assert session.waiting_ns(900 * MS) == 0
    session.hold(1, 10 * MS)
    session.hold(1, 30 * MS)
    assert session.waiting_ns(50 * MS) == 40 * MS
    session.receive(ack(1), 50 * MS)
    assert session.waiting_ns(50 * MS) == 20 * MS


def test_refusal_is_counted():
    session = opened()
    session.lease(1, LONG, 0)
    session.receive(encode(Message(Kind.REFUSED, Refusal.LATE, SESSION, 1, stamp_ns=1), SESSION_KEY), 0)
    assert session.refusals == 1


NOT_BELIEVED = {
    "noise": (begun, Refusal.MALFORMED, "not a message"),
    "zeros": (begun, bytes(SIZE), "not a message"),
    "challenge of a stranger": (begun, encode(CHALLENGE, OTHER_KEY), "same key file"),
    "challenge of another session": (begun, encode(CHALLENGE._replace(session=1), KEY), "challenge"),
    "welcome without a challenge": (begun, encode(WELCOME, KEY), "challenge"),
    "busy": (begun, encode(Message(Kind.REFUSED, Refusal.BUSY), KEY), "busy"),
    "second challenge": (opened, encode(CHALLENGE, SESSION_KEY), "instead of an answer"),
    "second welcome": (opened, encode(WELCOME, SESSION_KEY), "instead of an answer"),
    "own lease": (opened, encode(Message(Kind.LEASE, session=SESSION), SESSION_KEY), "instead of an answer"),
    "answer of another session": (opened, encode(Message(Kind.ACK, session=1), SESSION_KEY), "another session"),
    "answer under the key of the file": (opened, encode(Message(Kind.ACK, session=SESSION), KEY), "same key file"),
    "answer to nothing": (opened, ack(1), "not waiting"),
}


@pytest.mark.parametrize("what", NOT_BELIEVED)
def test_anything_else_ends_the_session(what):
    make, raw, said = NOT_BELIEVED[what]
    with pytest.raises(LinkError, match=said):
        make().receive(raw, 0)


def test_answer_that_comes_twice_ends_the_session():
    session = opened()
    session.lease(1, LONG, 0)
    session.receive(ack(1), 0)
    with pytest.raises(LinkError, match="not waiting"):
        session.receive(ack(1), 0)


def test_welcome_to_another_nonce_is_not_believed():
    session = begun()
    session.receive(encode(CHALLENGE, KEY), 0)
    with pytest.raises(LinkError, match="same key file"):
        session.receive(encode(WELCOME, session_key(KEY, INTERLOCK_NONCE, bytes(16))), 0)


def test_interlock_that_never_answers_costs_no_memory():
    session = opened()
    for _ in range(UNANSWERED):
        session.hold(1, 0)
    with pytest.raises(LinkError, match="without an answer"):
        session.hold(1, 0)


def test_rehearsal_is_made_in_a_session_that_no_interlock_has_challenged():
    session = opened()
    with pytest.raises(ValueError, match="a rehearsal has one of its own"):
        session.rehearse(7, LONG, 0)
    assert decode(session.lease(7, LONG, 0)).number == 1, "no number was used"


def test_session_for_rehearsals_never_opens():
    session = begun()
    for now_ns in range(0, 5 * UNANSWERED * MS, 5 * MS):
        assert decode(session.rehearse(7, now_ns + LONG, now_ns)).kind == Kind.HOLD
    assert not session.is_open
    assert session.lease(7, LONG, 0) is None
    assert session.waiting_ns(LONG) == 0, "no answer is waited for"
