"""Leases at the interlock's state machine: how long each lives, and why no number is taken twice."""

import pytest

from gatekeeper.core.decision import BeamState
from gatekeeper.linac.lease.messages import Kind, Message, Refusal, decode, encode
from gatekeeper.linac.lease.receiver import Cause, disconnected, elapsed
from tests.support.leases import MS, RULES, SENDER_NONCE, START_NS, beam_on_bench, greeted

ON, HOLD = BeamState.ON, BeamState.HOLD


def test_beam_is_on_for_the_lifetime_and_not_a_nanosecond_longer():
    bench = beam_on_bench()
    assert elapsed(bench.state, START_NS + 100 * MS - 1, RULES)[0].beam is ON
    state, _ = elapsed(bench.state, START_NS + 100 * MS, RULES)
    assert (state.beam, state.cause) == (HOLD, Cause.EXPIRED)


def test_lease_is_over_before_the_message_that_comes_too_late_is_looked_at():
    bench = beam_on_bench()
    bench.wait(100)
    bench.say(bench.hold())
    assert bench.state.cause is Cause.EXPIRED


@pytest.mark.parametrize("delay_ms", [0, 1, 20, 49, 74])
def test_delay_on_the_way_eats_from_the_lease(delay_ms):
    bench = greeted()
    bench.wait(delay_ms)
    answer = bench.ask()
    assert bench.state.until_ns == START_NS + 100 * MS
    assert decode(answer.reply).lifetime_ms == 100 - delay_ms


@pytest.mark.parametrize("delay_ms", [75, 76, 99, 100, 400])
def test_lease_of_which_three_quarters_have_passed_on_the_way_is_refused(delay_ms):
    bench = greeted()
    bench.wait(delay_ms)
    answer = bench.ask()
    assert (answer.refused, answer.close, bench.state.beam) == (Refusal.LATE, False, HOLD)


def test_late_lease_ends_the_one_before_it():
    bench = beam_on_bench()
    stamp_ns = bench.stamp_ns
    bench.wait(80)
    assert bench.ask(stamp_ns=stamp_ns).refused is Refusal.LATE
    assert (bench.state.beam, bench.state.cause) == (HOLD, Cause.REFUSED)


def test_sender_whose_lease_was_late_may_ask_again_with_the_stamp_of_the_refusal():
    bench = greeted()
    bench.wait(80)
    bench.ask()
    bench.wait(1)
    assert bench.ask().refused is None
    assert bench.state.beam is ON


def test_leases_that_were_held_back_and_come_all_at_once_do_not_let_the_beam_on():
    bench = greeted()
    held_back = [encode(bench.lease(number=k), bench.key) for k in range(1, 9)]
    bench.wait(80)
    for raw in held_back:
        bench.hear(raw)
        assert bench.state.beam is HOLD


def test_renewal_moves_the_end_of_the_lease():
    bench = beam_on_bench()
    for _ in range(50):
        bench.wait(20)
        assert bench.ask().refused is None
        assert bench.state.beam is ON
        bench.wait(1)
        assert bench.state.until_ns - bench.now_ns >= 78 * MS


def test_shorter_lease_ends_sooner_than_the_one_before_it():
    bench = beam_on_bench()
    bench.ask(lifetime_ms=10)
    assert bench.state.until_ns == START_NS + 10 * MS


@pytest.mark.parametrize("back", range(70))
def test_number_that_has_been_there_is_never_taken_again(back):
    bench = greeted()
    for _ in range(70):
        bench.ask()
    answer = bench.say(bench.lease(number=70 - back))
    assert answer.refused is (Refusal.REPLAYED if back < 64 else Refusal.REORDERED)
    assert (answer.close, bench.state.beam) == (True, HOLD)


@pytest.mark.parametrize("number", [3, 4, 6, 9])
def test_number_that_was_passed_over_is_out_of_order(number):
    bench = greeted()
    for taken in (1, 2, 5, 7, 8, 10):
        assert bench.say(bench.lease(number=taken)).refused is None
    assert bench.say(bench.lease(number=number)).refused is Refusal.REORDERED
    assert bench.state.beam is HOLD


def test_numbers_may_leap_to_the_last_one_there_is():
    bench = greeted()
    assert bench.say(bench.lease(number=2**64 - 1)).refused is None
    assert bench.say(bench.lease(number=2**64 - 1)).refused is Refusal.REPLAYED


def test_same_bytes_twice_are_refused_the_second_time():
    bench = greeted()
    raw = encode(bench.lease(), bench.key)
    assert bench.hear(raw).refused is None
    assert bench.hear(raw).refused is Refusal.REPLAYED
    assert bench.state.beam is HOLD


def test_lease_of_an_earlier_session_is_worth_nothing():
    bench = beam_on_bench()
    old = encode(bench.lease(number=2), bench.key)
    bench.state = disconnected(bench.state)
    bench.connect(nonce=bytes(range(16)))
    bench.say(Message(Kind.HELLO, session=bench.session, nonce=SENDER_NONCE))
    assert bench.hear(old).refused is Refusal.WRONG_SESSION
    assert bench.state.beam is HOLD


def test_lease_of_an_earlier_session_under_the_number_of_this_one_is_forged():
    bench = beam_on_bench()
    key = bench.key
    bench.state = disconnected(bench.state)
    bench.connect(nonce=bytes(range(16)))
    bench.say(Message(Kind.HELLO, session=bench.session, nonce=SENDER_NONCE))
    assert bench.say(bench.lease(), key).refused is Refusal.FORGED
