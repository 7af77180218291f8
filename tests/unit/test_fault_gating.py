"""Every fault of a source through loop, engine and gate: the beam is never on for longer than detection takes."""

import pytest

from replay.faults.source import on_while_faulty
from tests.support.faulty_sessions import HOLD, MAX_AGE_S, ON, session
from tests.support.matrices import mostly_slow

RATES_HZ = [pytest.param(4.0, marks=pytest.mark.slow), 8.0]
MEANT = range(20, 25)


@pytest.mark.parametrize("rate_hz", mostly_slow(RATES_HZ))
def test_without_faults_the_beam_is_on(rate_hz):
    found = session(rate_hz=rate_hz)
    assert [one.state for one in found.decisions] == [HOLD] + [ON] * (len(found.decisions) - 1)
    assert found.oldest_s() == pytest.approx(1.0 / rate_hz)


@pytest.mark.parametrize("rate_hz", mostly_slow(RATES_HZ))
@pytest.mark.parametrize(
    ("fault", "undetected"),
    [
        ("nan@20+5", 0),
        ("nan@20+5=900", 0),
        ("inf@20+5", 0),
        ("zero@20+5", 0),
        ("shape@20+5", 0),
        ("spacing@20+5=1.01", 0),
        ("delay@20+5=0.6", 0),
        ("saturate@20+5", 0),
        ("plane@20+5", 0),
        ("freeze@20+5", 1),
        ("duplicate@20+5", 0),
        ("reorder@20+5", 0),
    ],
)
def test_beam_is_never_on_a_faulty_frame_beyond_detection(fault, undetected, rate_hz):
    found = session(fault, rate_hz=rate_hz)
    assert found.error is None
    assert sum(bool(frame.faults) for frame in found.delivered) >= 2
    assert len(on_while_faulty(found.delivered, found.decisions)) <= undetected
    assert found.oldest_s() <= MAX_AGE_S + 1e-9


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("delay@20+5=0.6", "stale_frame"),
        ("nan@20+5", "not_finite"),
        ("inf@20+5", "not_finite"),
        ("zero@20+5", "constant"),
        ("shape@20+5", "wrong_shape"),
        ("spacing@20+5=1.01", "wrong_spacing"),
        ("saturate@20+5", "saturated"),
        ("plane@20+5", "wrong_plane"),
    ],
)
def test_hold_says_what_is_wrong_with_each_faulty_frame(fault, reason):
    found = session(fault)
    assert len(found.reasons(MEANT)) == 5
    assert all(reason in reasons for reasons in found.reasons(MEANT))


@pytest.mark.parametrize(
    ("fault", "sequences", "reason"),
    [
        ("freeze@20+5", range(21, 25), "frozen"),
        ("duplicate@20", [20], "sequence_not_rising"),
        ("reorder@20", [20], "sequence_not_rising"),
        ("drop@20+2", [22], "sequence_gap"),
    ],
)
def test_hold_says_what_is_wrong_with_the_order_of_frames(fault, sequences, reason):
    reasons = session(fault).reasons(sequences)
    assert any(reason in found for found in reasons)


@pytest.mark.parametrize("rate_hz", mostly_slow(RATES_HZ))
@pytest.mark.parametrize("fault", ["nan@20+5", "inf@20", "zero@20+3", "delay@20+5=0.6", "drop@20+5", "burst@20+5"])
def test_beam_comes_back_by_itself_once_the_fault_is_over(fault, rate_hz):
    found = session(fault, rate_hz=rate_hz)
    assert any(one.state is HOLD for one in found.decisions[15:])
    assert [one.state for one in found.decisions[-4:]] == [ON] * 4


@pytest.mark.parametrize("rate_hz", mostly_slow(RATES_HZ))
@pytest.mark.parametrize("fault", ["silence@20", "drop@20+9", "burst@20+9"])
def test_silent_source_is_held_one_age_limit_after_its_last_frame(fault, rate_hz):
    found = session(fault, rate_hz=rate_hz)
    last_s = found.acquired_s[19]
    silent = next(one for one in found.decisions if one.sequence == -1)
    assert silent.time_s == pytest.approx(last_s + MAX_AGE_S)
    assert found.oldest_s() == pytest.approx(MAX_AGE_S)


@pytest.mark.parametrize("rate_hz", mostly_slow(RATES_HZ))
@pytest.mark.parametrize(
    "fault", mostly_slow(["drop@5+~0.4", "delay@10+~0.3=0.7", "burst@20+6", "reorder@10+~0.5=2"], 2)
)
def test_beam_is_never_on_for_a_frame_older_than_the_limit(fault, rate_hz):
    for seed in range(3):
        found = session(fault, rate_hz=rate_hz, seed=seed)
        assert found.delivered or found.lost
        assert 0.0 < found.oldest_s() <= MAX_AGE_S + 1e-9


@pytest.mark.parametrize("bits", [pytest.param(1, marks=pytest.mark.slow), 3, pytest.param(30, marks=pytest.mark.slow)])
def test_flipped_bits_never_let_the_beam_on_where_the_target_is_not(bits):
    good = session()
    for seed in range(3):
        found = session(f"flip@10+={bits}", seed=seed)
        assert found.error is None
        for step, clean in zip(found.steps, good.steps, strict=True):
            if step.decision.state is ON:
                assert step.track.center_mm == pytest.approx(clean.track.center_mm, abs=2.0)


def test_source_that_dies_in_the_middle_of_a_frame_ends_in_hold():
    found = session("die@20")
    assert "frame 20: the source has failed" in str(found.error)
    assert found.told[-1][1] is HOLD
    assert found.told[-2][2] == 19
    assert found.told[-1][0] == pytest.approx(found.acquired_s[20])


def test_many_faults_at_once_never_let_the_beam_on_a_broken_frame():
    found = session("drop@5+~0.2", "nan@5+~0.2", "delay@5+~0.2=0.6", "zero@5+~0.2", seed=3)
    assert {name for frame in found.delivered for name in frame.faults} == {"nan", "delay", "zero"}
    assert found.lost
    assert on_while_faulty(found.delivered, found.decisions) == []
