"""The interlock's state machine: every state against everything that can come, and HOLD unless a lease lives."""

import pytest

from gatekeeper.core.decision import BeamState
from gatekeeper.linac.lease.messages import STATE_HOLD, STATE_ON, Kind, Message, Refusal, decode, encode, is_signed
from gatekeeper.linac.lease.receiver import (
    ENDS_SESSION,
    Cause,
    Interlock,
    connected,
    disconnected,
    elapsed,
    next_event_ns,
    received,
)
from tests.support.leases import (
    INTERLOCK_NONCE,
    KEY,
    MS,
    OTHER_KEY,
    RULES,
    SENDER_NONCE,
    START_NS,
    Bench,
    beam_on_bench,
    challenged,
    greeted,
)

ON, HOLD = BeamState.ON, BeamState.HOLD


def alone():
    return Bench(session=5, stamp_ns=START_NS)


def revoked():
    bench = beam_on_bench()
    bench.say(bench.hold())
    bench.number += 1
    return bench


def nearly_over():
    bench = beam_on_bench()
    bench.wait(99)
    return bench


def over():
    bench = beam_on_bench()
    bench.wait(100)
    return bench


STATES = {make.__name__: make for make in (alone, challenged, greeted, revoked, beam_on_bench, nearly_over, over)}
IN_SESSION = {"greeted", "revoked", "beam_on_bench", "nearly_over", "over"}
STILL_ON = {"beam_on_bench", "nearly_over"}


def turned(raw, at):
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]


BAD = {
    "no message at all": (lambda b: b.hear(bytes(92)), Refusal.MALFORMED),
    "stream of noise": (lambda b: b.hear(Refusal.MALFORMED), Refusal.MALFORMED),
    "stream too large": (lambda b: b.hear(Refusal.OVERSIZED), Refusal.OVERSIZED),
    "cut short": (lambda b: b.hear(encode(b.lease(), b.key)[:91]), Refusal.MALFORMED),
    "too long": (lambda b: b.hear(encode(b.lease(), b.key) + b"!"), Refusal.OVERSIZED),
    "unused field": (lambda b: b.say(b.lease(code=1)), Refusal.MALFORMED),
    "other session": (lambda b: b.say(b.lease(session=b.session + 1)), Refusal.WRONG_SESSION),
    "other key": (lambda b: b.say(b.lease(), OTHER_KEY), Refusal.FORGED),
    "key of the file": (lambda b: b.say(b.lease(), KEY), Refusal.FORGED),
    "turned bit of the signature": (lambda b: b.hear(turned(encode(b.lease(), b.key), 91)), Refusal.FORGED),
    "turned bit of the lifetime": (lambda b: b.hear(turned(encode(b.lease(), b.key), 59)), Refusal.FORGED),
    "hello": (
        lambda b: b.say(Message(Kind.HELLO, session=b.session, nonce=SENDER_NONCE)),
        Refusal.UNEXPECTED,
    ),
    "own challenge": (
        lambda b: b.say(Message(Kind.CHALLENGE, session=b.session, nonce=INTERLOCK_NONCE)),
        Refusal.UNEXPECTED,
    ),
    "own ack": (lambda b: b.say(Message(Kind.ACK, STATE_ON, b.session, b.number + 1)), Refusal.UNEXPECTED),
    "number zero": (lambda b: b.say(b.lease(number=0)), Refusal.REORDERED),
    "lifetime of nothing": (lambda b: b.say(b.lease(lifetime_ms=0)), Refusal.LIFETIME),
    "lifetime above the limit": (lambda b: b.say(b.lease(lifetime_ms=101)), Refusal.LIFETIME),
    "lifetime of ages": (lambda b: b.say(b.lease(lifetime_ms=2**32 - 1)), Refusal.LIFETIME),
    "stamp of never": (lambda b: b.say(b.lease(stamp_ns=0)), Refusal.STAMP),
    "stamp of before the session": (lambda b: b.say(b.lease(stamp_ns=START_NS - 1)), Refusal.STAMP),
    "stamp that was not given": (lambda b: b.say(b.lease(stamp_ns=b.stamp_ns + 1)), Refusal.STAMP),
    "stamp of the future": (lambda b: b.say(b.lease(stamp_ns=2**64 - 1)), Refusal.STAMP),
}
NOT_NOTICED_BEFORE_HELLO = {
    "other key": Refusal.UNEXPECTED,
    "key of the file": Refusal.UNEXPECTED,
    "turned bit of the signature": Refusal.UNEXPECTED,
    "turned bit of the lifetime": Refusal.UNEXPECTED,
    "number zero": Refusal.UNEXPECTED,
    "lifetime of nothing": Refusal.UNEXPECTED,
    "lifetime above the limit": Refusal.UNEXPECTED,
    "lifetime of ages": Refusal.UNEXPECTED,
    "stamp of never": Refusal.UNEXPECTED,
    "stamp of before the session": Refusal.UNEXPECTED,
    "stamp that was not given": Refusal.UNEXPECTED,
    "stamp of the future": Refusal.UNEXPECTED,
}


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("where", sorted(IN_SESSION))
def test_refused_message_holds_the_beam_in_every_state_of_a_session(where, what):
    bench = STATES[where]()
    say, fault = BAD[what]
    answer = say(bench)
    assert answer.refused is fault
    assert bench.state.beam is HOLD
    assert bench.state.refusal is fault
    assert bench.state.cause is (Cause.REFUSED if where in STILL_ON else bench.state.cause)
    assert answer.close == (fault in ENDS_SESSION)
    assert (bench.state.peer is None) == (fault in ENDS_SESSION)
    reply = decode(answer.reply)
    assert (reply.kind, reply.code) == (Kind.REFUSED, fault)
    assert is_signed(answer.reply, bench.key)


@pytest.mark.parametrize("what", sorted(set(BAD) - {"hello"}))
def test_nothing_but_a_hello_is_taken_before_the_session(what):
    bench = challenged()
    say, fault = BAD[what]
    answer = say(bench)
    assert answer.refused is NOT_NOTICED_BEFORE_HELLO.get(what, fault)
    assert answer == (None, True, answer.refused), "without a session there is no key to sign an answer with"
    assert (bench.state.beam, bench.state.peer) == (HOLD, None)


@pytest.mark.parametrize("what", BAD)
def test_messages_without_a_connection_are_refused(what):
    bench = alone()
    BAD[what][0](bench)
    assert bench.state == Interlock()


@pytest.mark.parametrize("where", STATES)
def test_good_lease_lets_the_beam_on_in_a_session_alone(where):
    bench = STATES[where]()
    answer = bench.say(bench.lease())
    granted = where in IN_SESSION - {"nearly_over", "over"}
    assert (bench.state.beam is ON) == granted
    if granted:
        assert (bench.state.cause, bench.state.number, bench.state.frame) == (Cause.LEASE, bench.number + 1, 7)
        ack = decode(answer.reply)
        assert ack == (Kind.ACK, STATE_ON, bench.session, bench.number + 1, 7, bench.now_ns, bytes(16), 100)
        assert is_signed(answer.reply, bench.key)


@pytest.mark.parametrize("where", sorted(IN_SESSION))
def test_hold_revokes_at_once(where):
    bench = STATES[where]()
    answer = bench.say(bench.hold())
    assert bench.state.beam is HOLD
    assert answer.refused is None
    assert decode(answer.reply)[:5] == (Kind.ACK, STATE_HOLD, bench.session, bench.number + 1, 8)
    if where in STILL_ON:
        assert bench.state.cause is Cause.REVOKED


@pytest.mark.parametrize("where", STATES)
def test_sender_that_goes_takes_the_beam_along(where):
    bench = STATES[where]()
    after = disconnected(bench.state)
    assert (after.beam, after.peer) == (HOLD, None)
    if where in STILL_ON:
        assert after.cause is Cause.DISCONNECTED


@pytest.mark.parametrize("where", STATES)
def test_second_sender_is_refused_and_changes_nothing(where):
    bench = STATES[where]()
    before = bench.state
    after, answer = connected(before, bench.now_ns, bytes(16), RULES)
    if before.peer is None:
        assert (answer.refused, answer.close) == (None, False)
        return
    assert after == before
    assert (answer.refused, answer.close) == (Refusal.BUSY, True)
    assert decode(answer.reply)[:3] == (Kind.REFUSED, Refusal.BUSY, 0)
    assert is_signed(answer.reply, KEY)


@pytest.mark.parametrize("where", STATES)
def test_sender_that_is_silent_is_sent_away(where):
    bench = STATES[where]()
    heard = bench.state.peer is not None
    bench.now_ns = START_NS + RULES.silence_ms * MS - 1
    state, answer = elapsed(bench.state, bench.now_ns, RULES)
    assert not answer.close
    assert state.beam is HOLD
    state, answer = elapsed(state, bench.now_ns + 1, RULES)
    assert answer.close == heard
    assert state.peer is None


def test_challenge_carries_the_nonce_and_is_signed_with_the_key_of_the_file():
    bench = Bench()
    answer = bench.connect()
    assert decode(answer.reply) == Message(Kind.CHALLENGE, session=bench.session, nonce=INTERLOCK_NONCE)
    assert is_signed(answer.reply, KEY)


def test_hello_is_welcomed_with_the_longest_lifetime_and_the_first_stamp():
    bench = Bench()
    answer = bench.greet()
    welcome = Message(Kind.WELCOME, session=bench.session, stamp_ns=START_NS, lifetime_ms=100)
    assert decode(answer.reply) == welcome
    assert is_signed(answer.reply, bench.key)
    assert bench.state.beam is HOLD


@pytest.mark.parametrize("key", [KEY, OTHER_KEY])
def test_hello_with_another_key_is_forged_and_not_answered(key):
    bench = challenged()
    answer = bench.say(Message(Kind.HELLO, session=bench.session, nonce=SENDER_NONCE), key)
    assert answer == (None, True, Refusal.FORGED)


def test_refused_message_does_not_keep_a_connection_open():
    bench = challenged()
    bench.wait(RULES.silence_ms)
    assert bench.hear(bytes(92)) == (None, True, None)
    assert bench.state.peer is None


def test_clock_that_runs_backwards_makes_no_lease_longer():
    bench = greeted()
    bench.now_ns -= 10 * MS
    assert bench.ask().refused is Refusal.STAMP
    assert bench.state.beam is HOLD


def test_next_event_is_the_end_of_the_lease_and_then_the_end_of_patience():
    assert next_event_ns(Interlock(), RULES) is None
    bench = beam_on_bench()
    assert next_event_ns(bench.state, RULES) == START_NS + 100 * MS
    assert next_event_ns(elapsed(bench.state, START_NS + 100 * MS, RULES)[0], RULES) == START_NS + 500 * MS
    unheard = bench.state._replace(peer=None)
    assert next_event_ns(unheard, RULES) == START_NS + 100 * MS


def test_state_machine_gives_the_same_answer_to_the_same_question():
    bench = greeted()
    raw = encode(bench.lease(), bench.key)
    before = bench.state
    assert received(before, bench.now_ns, raw, RULES) == received(before, bench.now_ns, raw, RULES)
    assert before.beam is HOLD
