"""Every linac port over its real wire: decisions arrive, and a far end that fails delays nothing."""

import time

import pytest

from gatekeeper.core.errors import LinkError
from gatekeeper.linac.open import probe_linac
from tests.realtime.linac_ports import SLACK_S, TIMES, driven, far_end, lost_after_s, switched_on
from tests.support.far_ends import InterlockFarEnd, SerialFarEnd
from tests.support.far_ends_modbus import ModbusFarEnd
from tests.support.far_ends_openigtlink import CxxFarEnd, ReceiverFarEnd, ReceiveServerFarEnd
from tests.support.leases import measured
from tests.support.steps import HOLD, ON, decision
from tests.support.waiting import until

ANSWERING = {
    "modbus": (ModbusFarEnd, {}),
    "serial": (SerialFarEnd, {}),
    "openigtlink status": (ReceiverFarEnd, {}),
    "openigtlink string": (ReceiverFarEnd, {"message": "string"}),
}
SILENT = {
    "serial without answers": (SerialFarEnd, {"acknowledge": False}),
    "openigtlink without answers": (ReceiverFarEnd, {"acknowledge": False}),
}
OUTSIDE = {
    "C++ receiver, status": (CxxFarEnd, {}),
    "C++ receiver, string": (CxxFarEnd, {"message": "string"}),
    "C++ receiver without answers": (CxxFarEnd, {"acknowledge": False}),
    "ReceiveServer": (ReceiveServerFarEnd, {}),
}
QUIET_S = 0.1
"""Longer than any period of these links: a port that is still there says something within it."""


def every(*tables, quick=None):
    """Parametrize with each far end; those after the first few of each table are slow, where that is asked for."""
    cases = [
        pytest.param(*case, id=name, marks=[] if quick is None or place < quick else pytest.mark.slow)
        for table in tables
        for place, (name, case) in enumerate(table.items())
    ]
    return pytest.mark.parametrize(("kind", "settings"), cases)


PATIENT = {"lifetime_ms": 1000, "renew_ms": 20, "fresh_ms": 10_000, "ack_timeout_ms": 2000}
"""A lease that a busy machine does not let expire between two decisions."""


@every({"lease": (InterlockFarEnd, {"lease": PATIENT})}, ANSWERING, SILENT, OUTSIDE, quick=1)
def test_far_end_is_told_every_state_at_eight_frames_a_second(kind, settings, tmp_path):
    settings = settings if kind is InterlockFarEnd else {**TIMES, **settings}
    with kind(tmp_path, **settings) as far, driven(far) as linac:
        lost, sent, due_s = linac.link.lost, [False], time.monotonic()
        for number, state in enumerate("1101001010"):
            linac.send(decision(ON if state == "1" else HOLD, sequence=number))
            sent.append(state == "1")
            due_s += 0.125
            time.sleep(max(0.0, due_s - time.monotonic()))
        expected = [state for at, state in enumerate(sent) if at == 0 or state != sent[at - 1]]
        until(lambda: len(far.record.states) >= len(expected))
        assert far.record.states == expected
        assert linac.link.lost == lost
        assert far.record.faults == []


@every(ANSWERING)
def test_hung_far_end_is_noticed_in_the_stated_time_and_no_decision_waits_for_it(kind, settings, tmp_path):
    with far_end(kind, settings, tmp_path) as far, driven(far) as linac:
        switched_on(linac, far)
        far.mute = True
        began_s = time.monotonic()
        assert lost_after_s(linac, far, began_s) < far.config.failure_detect_s + SLACK_S
        longest_s = 0.0
        for sequence in range(2000):
            before_s = time.monotonic()
            linac.send(decision(ON if sequence % 3 else HOLD, sequence=sequence))
            longest_s = max(longest_s, time.monotonic() - before_s)
        measured(f"{far.config.kind}: longest send() before a hung far end: {longest_s * 1e6:.0f} us")
        until(lambda: linac.link.lost > 0)
        assert linac.link.fault


@every(ANSWERING, SILENT)
def test_far_end_that_is_gone_is_noticed_in_the_stated_time(kind, settings, tmp_path):
    with far_end(kind, settings, tmp_path) as far, driven(far) as linac:
        switched_on(linac, far)
        began_s = time.monotonic()
        far.stop()
        stopped_s = time.monotonic()
        assert lost_after_s(linac, far, began_s) < far.config.failure_detect_s + SLACK_S + (stopped_s - began_s)
        until(lambda: linac.link.lost > 1)
        assert not linac.alive


@every(ANSWERING)
def test_far_end_that_does_the_opposite_is_noticed_at_once(kind, settings, tmp_path):
    with far_end(kind, settings, tmp_path, retry_ms=60_000) as far, driven(far) as linac:
        switched_on(linac, far)
        far.lies = True
        assert lost_after_s(linac, far, time.monotonic()) < far.config.failure_detect_s + SLACK_S
        until(lambda: linac.link.lost == 1)
        assert "refuse" in linac.link.fault


@every(ANSWERING)
def test_far_end_that_is_too_slow_is_given_up(kind, settings, tmp_path):
    with far_end(kind, settings, tmp_path, retry_ms=60_000) as far, driven(far) as linac:
        switched_on(linac, far)
        far.slow_s = 0.3
        assert lost_after_s(linac, far, time.monotonic()) < far.config.failure_detect_s + SLACK_S
        until(lambda: linac.link.lost == 1)


@every(ANSWERING)
def test_far_end_that_is_slow_within_its_deadline_is_kept(kind, settings, tmp_path):
    with far_end(kind, settings, tmp_path, deadline_ms=1500, failure_detect_ms=2000) as far:
        far.slow_s = 0.03
        with driven(far) as linac:
            switched_on(linac, far)
            linac.send(decision(HOLD))
            until(lambda: not far.record.beam_on)
            assert linac.link.lost == 0


@every(ANSWERING)
def test_far_end_that_comes_back_is_told_hold_until_a_new_decision(kind, settings, tmp_path):
    with far_end(kind, settings, tmp_path) as far, driven(far) as linac:
        switched_on(linac, far)
        far.lies = True
        lost_after_s(linac, far, time.monotonic())
        far.lies = False
        heard = len(far.record.heard)
        until(lambda: linac.alive)
        before = linac.link.sessions
        until(lambda: len(far.record.heard) > heard + 6)
        assert not any(one.beam_on for one in far.record.heard[heard + 1 :])
        assert linac.link.sessions == before >= 2
        switched_on(linac, far)


@every(ANSWERING, SILENT)
def test_hold_is_the_last_that_is_said(kind, settings, tmp_path):
    with far_end(kind, settings, tmp_path) as far:
        with driven(far) as linac:
            switched_on(linac, far)
        until(lambda: time.monotonic() - far.record.last_s > QUIET_S)
        assert not far.record.beam_on


@every(ANSWERING, SILENT)
def test_engine_that_decides_nothing_is_not_kept_alive(kind, settings, tmp_path):
    with far_end(kind, settings, tmp_path) as far, driven(far, silence_s=0.2) as linac:
        switched_on(linac, far)
        began_s = time.monotonic()
        until(lambda: not far.record.beam_on)
        assert far.record.last_s - began_s < 0.2 + SLACK_S
        assert linac.alive


@every({"lease": (InterlockFarEnd, {})}, ANSWERING)
def test_probe_says_in_one_line_what_is_there_and_says_no_beam_on(kind, settings, tmp_path):
    with kind(tmp_path, **settings) as far:
        said = probe_linac(far.config)
        assert "\n" not in said
        assert far.config.kind in said.lower() or "interlock" in said
        assert set(far.record.states) <= {False}
        assert getattr(far, "messages", []) == []
        assert all(function in (1, 3) for function, _, _ in getattr(far, "requests", ())), "nothing is written"


@every({"lease": (InterlockFarEnd, {})}, ANSWERING)
def test_probe_says_what_is_missing(kind, settings, tmp_path):
    with kind(tmp_path, **settings) as far:
        far.stop()
        with pytest.raises(LinkError) as told:
            probe_linac(far.config)
    assert "\n" not in str(told.value)
    assert str(far.config.device if kind is SerialFarEnd else far.config.port) in str(told.value)
