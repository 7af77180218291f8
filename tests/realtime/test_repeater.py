"""The repeater: the newest decision reaches the device, and no decision waits for a device."""

import threading
import time
from itertools import pairwise

import pytest

from tests.realtime.repeaters import TIMES, Device, repeater
from tests.support.steps import HOLD, ON, decision
from tests.support.waiting import until

SLACK_S = 0.25
"""What a busy machine may add."""


def beam_on(device):
    return bool(device.orders) and device.orders[-1].beam_on


def switched_on(linac, device, sequence=1):
    until(lambda: linac.alive)

    def asked():
        linac.send(decision(ON, sequence=sequence))
        time.sleep(0.002)
        return beam_on(device)

    until(asked)


def test_device_is_told_hold_before_anything_else_and_then_what_is_decided():
    device = Device()
    with repeater(device) as linac:
        switched_on(linac, device, sequence=41)
        assert not device.orders[0].beam_on
        assert device.orders[-1].frame == 41
        linac.send(decision(HOLD, sequence=42))
        until(lambda: not beam_on(device))
        assert device.orders[-1].frame == 42
    assert not beam_on(device)


def test_heartbeat_counts_up_with_every_order_and_begins_anew():
    device = Device()
    with repeater(device) as linac:
        linac._beat = 65_530
        until(lambda: len(device.orders) > 20)
    beats = [order.beat for order in device.orders]
    jumps = {(after - before) % 65536 for before, after in pairwise(beats[1:])}
    assert jumps == {1}
    assert {65_535, 0} <= set(beats)


def test_state_is_repeated_between_two_decisions():
    device = Device()
    with repeater(device) as linac:
        switched_on(linac, device)
        said = len(device.orders)
        until(lambda: len(device.orders) > said + 5)
        assert beam_on(device)


def test_beam_on_is_not_repeated_beyond_its_freshness():
    device = Device()
    with repeater(device, fresh_ms=150) as linac:
        switched_on(linac, device)
        began_s = time.monotonic()
        until(lambda: not beam_on(device))
        assert 0.1 < time.monotonic() - began_s < 0.15 + SLACK_S
        assert linac.alive, "it is the engine that hangs, not the device"


def test_hold_after_the_freshness_does_not_wait_for_the_next_repetition():
    device = Device()
    with repeater(device, refresh_ms=1000, deadline_ms=2000, failure_detect_ms=4000, fresh_ms=100) as linac:
        switched_on(linac, device)
        began_s = time.monotonic()
        until(lambda: not beam_on(device))
        assert time.monotonic() - began_s < 0.1 + SLACK_S


def test_decision_does_not_wait_for_the_next_repetition():
    device = Device()
    with repeater(device, refresh_ms=1000, deadline_ms=2000, failure_detect_ms=4000) as linac:
        until(lambda: linac.alive)
        for sequence in range(4):
            linac.send(decision(ON, sequence=sequence))
            began_s = time.monotonic()
            until(lambda sequence=sequence: device.orders[-1].frame == sequence)
            assert time.monotonic() - began_s < SLACK_S


def test_decision_that_comes_while_the_thread_wakes_up_is_not_overlooked():
    device = Device()

    class Interrupted(threading.Event):
        def clear(self):
            if linac._desired.frame == 6:
                linac.send(decision(HOLD, sequence=7))
            super().clear()

    with repeater(device, refresh_ms=200, deadline_ms=1000, failure_detect_ms=2000) as linac:
        until(lambda: linac.alive)
        said = len(device.orders)
        linac._wake = Interrupted()
        until(lambda: len(device.orders) > said + 1)
        linac.send(decision(ON, sequence=6))
        until(lambda: device.orders[-1].frame == 7)
    assert 6 not in [order.frame for order in device.orders]


def test_decision_never_touches_the_wire():
    device = Device()
    with repeater(device) as linac:
        switched_on(linac, device)
        device.hangs = True
        for sequence in range(10_000):
            linac.send(decision(ON if sequence % 3 else HOLD, sequence=sequence))
    assert threading.get_ident() not in device.threads
    assert len(device.threads) == 1


def test_hung_device_is_noticed_when_it_is_late_and_not_only_when_it_answers():
    device = Device()
    with repeater(device) as linac:
        switched_on(linac, device)
        device.hangs = True
        began_s = time.monotonic()
        until(lambda: not linac.alive)
        assert time.monotonic() - began_s < 1e-3 * TIMES["failure_detect_ms"] + SLACK_S
        assert linac.link.lost == 0, "the wire itself still waits"
        linac.send(decision(ON))
        assert linac.link.withheld == 1


def test_late_order_ends_the_session_although_it_was_taken():
    device = Device()
    with repeater(device, retry_ms=60_000) as linac:
        switched_on(linac, device)
        device.takes_s = 0.15
        until(lambda: linac.link.lost == 1)
        assert "longer than deadline_ms = 60" in linac.link.fault
        assert not linac.alive
        assert device.closed == 1


def test_failed_order_ends_the_session_at_once():
    device = Device()
    with repeater(device, retry_ms=60_000) as linac:
        switched_on(linac, device)
        device.fails = True
        until(lambda: linac.link.lost == 1)
        assert (linac.alive, linac.link.fault, device.closed) == (False, "failed", 1)


def test_unexpected_error_is_a_lost_link_too():
    device = Device()
    with repeater(device) as linac:
        switched_on(linac, device)
        device.takes_s = "nonsense"
        until(lambda: linac.link.lost > 1)
        assert "TypeError: " in linac.link.fault
        assert not linac.alive
        device.takes_s = 0.0
        switched_on(linac, device)


def test_device_that_comes_back_is_told_hold_until_a_new_decision():
    device = Device()
    with repeater(device) as linac:
        switched_on(linac, device)
        device.fails = True
        linac.send(decision(ON, sequence=2))
        until(lambda: not linac.alive)
        linac.send(decision(ON, sequence=3))
        device.orders.clear()
        device.fails = False
        until(lambda: linac.alive)
        until(lambda: len(device.orders) > 5)
        assert device.states == [False], "a beam-on of before is worth nothing"
        switched_on(linac, device)
        assert linac.link.sessions == 2


def test_decision_of_an_earlier_session_that_is_left_late_is_worth_nothing():
    device = Device()
    with repeater(device) as linac:
        switched_on(linac, device)
        late = linac._desired
        device.fails = True
        until(lambda: linac.link.lost > 0)
        device.orders.clear()
        device.fails = False
        until(lambda: linac.alive)
        linac._desired = late
        until(lambda: len(device.orders) > 5)
        assert device.states == [False]


def test_device_that_is_not_there_is_looked_for_again_and_again():
    device = Device()
    device.reachable = False
    with repeater(device) as linac:
        until(lambda: linac.link.lost > 2)
        assert (linac.alive, linac.link.fault, linac.link.sessions) == (False, "nobody there", 0)
        device.reachable = True
        until(lambda: linac.alive)
        assert linac.link.last_ack_age_s < 5.0


def test_every_decision_at_eight_frames_a_second_is_carried():
    device = Device()
    device.takes_s = 0.03
    with repeater(device, deadline_ms=500, failure_detect_ms=600) as linac:
        until(lambda: linac.alive)
        for sequence in range(16):
            linac.send(decision(HOLD if sequence % 2 else ON, sequence=sequence))
            time.sleep(0.125)
    assert device.states == [False] + 8 * [True, False]
    assert {order.frame for order in device.orders} >= set(range(16))


def test_two_decisions_within_one_order_end_in_the_newer():
    device = Device()
    with repeater(device) as linac:
        switched_on(linac, device)
        for sequence in range(500):
            linac.send(decision(HOLD if sequence % 2 else ON, sequence=sequence))
        until(lambda: device.orders[-1].frame == 499)
        assert not beam_on(device)


def test_closing_says_hold_and_nothing_afterwards():
    device = Device()
    with repeater(device) as linac:
        switched_on(linac, device)
        linac.close()
        said = len(device.orders)
        assert not beam_on(device)
        assert not linac.alive
        assert device.closed == 1
        linac.send(decision(ON))
        linac.close()
        assert len(device.orders) == said
        assert linac.link.withheld == 0, "it is not even looked at"


def test_closing_while_a_beam_on_is_on_its_way_says_hold_after_it():
    device = Device()
    with repeater(device, deadline_ms=1000, failure_detect_ms=2000) as linac:
        until(lambda: linac.alive)
        device.takes_s = 0.1
        linac.send(decision(ON))
        time.sleep(0.05)
        linac.close()
        assert not beam_on(device)


def test_beam_on_while_an_order_is_overdue_is_withheld_although_the_session_lives():
    device = Device()
    with repeater(device, refresh_ms=300, deadline_ms=1000, failure_detect_ms=2000) as linac:
        until(lambda: linac.alive)
        linac._alive_until_ns = 0
        linac.send(decision(ON))
        until(lambda: linac.alive)
        assert linac.link.withheld == 1
        assert linac.link.sessions == 1
        assert device.states == [False]


@pytest.mark.parametrize("sequence", [-(2**80), 2**80])
def test_frame_number_of_any_size_is_carried(sequence):
    device = Device()
    with repeater(device) as linac:
        until(lambda: linac.alive)
        linac.send(decision(HOLD, sequence=sequence))
        until(lambda: device.orders[-1].frame == (-1 if sequence < 0 else 2**31 - 1))
        assert linac.alive
