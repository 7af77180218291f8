"""The vigil: an engine is late when its counter stands still for longer than the limit."""

import math

import pytest

from gatekeeper.core.decision import BeamState
from gatekeeper.core.errors import OutputError
from gatekeeper.linac.watchdog import HeartbeatDeadline, HoldSender


def test_nothing_is_late_before_the_first_beat():
    heartbeat = HeartbeatDeadline(0.5)
    assert not heartbeat.is_late(0, 1e6)
    assert heartbeat.left_s(1e6) == 0.5


def test_counter_that_moves_is_not_late_however_rarely_it_is_looked_at():
    heartbeat = HeartbeatDeadline(0.5)
    assert not any(heartbeat.is_late(count, 10.0 * count) for count in range(1, 10))


def test_counter_that_stands_still_is_late_just_after_the_limit():
    heartbeat = HeartbeatDeadline(0.5)
    heartbeat.is_late(1, 100.0)
    assert not heartbeat.is_late(1, 100.5)
    assert heartbeat.left_s(100.25) == 0.25
    assert heartbeat.is_late(1, 100.500001)
    assert heartbeat.left_s(101.0) == 0.0


def test_the_next_beat_ends_being_late():
    heartbeat = HeartbeatDeadline(0.5)
    heartbeat.is_late(1, 0.0)
    assert heartbeat.is_late(1, 9.0)
    assert not heartbeat.is_late(2, 9.1)


@pytest.mark.parametrize("now_s", [math.nan, math.inf])
def test_time_that_is_no_number_is_late(now_s):
    heartbeat = HeartbeatDeadline(0.5)
    heartbeat.is_late(1, 0.0)
    assert heartbeat.is_late(1, now_s)


class Linac:
    def __init__(self, log, failure=None):
        self.log, self.failure = log, failure

    def send(self, decision):
        if self.failure:
            raise self.failure
        self.log.append(decision.state)

    def close(self):
        self.log.append("close")
        if self.failure:
            raise self.failure


@pytest.mark.parametrize("failure", [OSError("link down"), OutputError("no linac")])
def test_way_that_broke_is_opened_anew_for_the_next_hold(failure):
    log, failures = [], [failure, None]
    hold_sender = HoldSender(lambda: Linac(log, failures.pop(0)))
    assert not hold_sender.hold()
    assert hold_sender.hold()
    assert hold_sender.hold()
    hold_sender.close()
    hold_sender.close()
    assert log == ["close", BeamState.HOLD, BeamState.HOLD, "close"]


def test_linac_that_cannot_be_reached_is_said():
    def connect():
        raise ConnectionRefusedError

    assert not HoldSender(connect).hold()
