"""Breath-holds as they are recognised sample by sample, and what drift and unusual positions are of who holds."""

import math
from dataclasses import replace

import numpy as np
import pytest

from gatekeeper.config import BreathHoldConfig, GateConfig, build
from gatekeeper.core.axes import SAGITTAL
from gatekeeper.core.breath_holds import HoldRecogniser, breath_holds
from gatekeeper.core.decision import Reason
from gatekeeper.core.usual_breath import RECENT_S
from gatekeeper.display.terminal.publisher import snapshot_of
from gatekeeper.display.web.breath_holds import breath_holds_for_page, shifts_for_page
from gatekeeper.gating.gate import Gate
from gatekeeper.gating.held_positions import FEWEST_COMPARED, FEWEST_HOLDS, HeldPositions
from gatekeeper.session.hold_rows import beside_wanted, hold_event, hold_row, mean_and_sd
from gatekeeper.session.status import Status
from replay.phantom.breathing import course, times_of
from replay.phantom.config import PhantomConfig
from tests.support.gates import ENVELOPE, ON, frame, gate, track
from tests.support.steps import silent_step, step

RATE_HZ = 4.0


def motion(minutes=6.0, seed=0, noise_mm=0.3, rate_hz=RATE_HZ, **breathing):
    """Times in s, and positions (row, col) in mm of a simulated patient, as a tracker finds them."""
    acquisition = {"duration_s": 60.0 * minutes, "frame_rate_hz": rate_hz}
    config = build(PhantomConfig, {"seed": seed, "acquisition": acquisition, "breathing": breathing}, "patient")
    times_s = times_of(config)
    moved = course(config, times_s)
    positions_mm = np.stack([moved.si_mm, moved.ap_mm], axis=1)
    return times_s, positions_mm + noise_mm * np.random.default_rng(seed).standard_normal(positions_mm.shape)


def found(times_s, positions_mm, expected=False):
    return breath_holds(times_s.tolist(), positions_mm.tolist(), expected)


def held(rows_mm, config=None, rate_hz=RATE_HZ):
    """What is known of a patient's holds after each position."""
    one, seen = HeldPositions(config or BreathHoldConfig(), 5), []
    for k, row_mm in enumerate(rows_mm):
        one.recogniser.add(k / rate_hz, float(row_mm), 0.0)
        seen.append(one.drift())
    return one, seen


def cycles(levels_mm, hold_s=15.0, rest_s=12.0, amplitude_mm=14.0, noise_mm=0.2):
    """Rows in mm of inhale-holds at these levels, with breaths of 4 s before each."""
    rest = amplitude_mm * np.sin(0.25 * np.pi * np.arange(0.0, rest_s, 1.0 / RATE_HZ)) ** 2
    parts = [np.concatenate([rest, np.full(int(hold_s * RATE_HZ), level)]) for level in levels_mm]
    rows_mm = np.concatenate([*parts, rest])
    return rows_mm + noise_mm * np.random.default_rng(1).standard_normal(len(rows_mm))


@pytest.mark.parametrize("pattern", ["inhale_hold", "exhale_hold"])
@pytest.mark.parametrize(("hold_s", "rest_s"), [(20.0, 12.0), (10.0, 6.0), (30.0, 60.0)])
def test_every_hold_is_recognised_once_and_measured(pattern, hold_s, rest_s):
    breathing = {"pattern": pattern, "hold_s": hold_s, "rest_s": rest_s, "hold_variation_mm": 1.0}
    holds = found(*motion(seed=3, **breathing))
    expected = 360.0 / (hold_s + rest_s + 3.0)
    assert expected - 3.0 < len(holds) < expected + 2.0
    assert [hold.number for hold in holds] == list(range(1, len(holds) + 1))
    # An exhale-hold joins the pauses of the breaths beside it.
    assert all(hold_s - 1.5 < hold.lasted_s < hold_s + 6.0 for hold in holds[:-1])
    level_mm = 17.0 if pattern == "inhale_hold" else 0.0
    assert all(abs(hold.mean_mm[0] - level_mm) < 6.0 for hold in holds)
    if pattern == "inhale_hold":
        # 0.06 mm/s superior.
        assert np.median([hold.drift_mm_per_min for hold in holds]) == pytest.approx(-3.6, abs=1.2)


def test_a_hold_is_measured_without_the_ways_to_and_from_it():
    (first, second) = found(np.arange(0.0, 66.0, 0.25), np.stack([cycles([15.0, 16.0], noise_mm=0.0)] * 2, axis=1))
    assert first.mean_mm == pytest.approx((15.0, 15.0))
    assert (first.sd_mm, *first.drift_mm) == pytest.approx((0.0, 0.0, 0.0), abs=1e-6)
    assert second.beside_mm(first) == pytest.approx((1.0, 1.0))
    assert (first.begin_s, first.lasted_s) == pytest.approx((12.0, 15.0), abs=0.6)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "breathing",
    [
        {},
        {"sharpness": 4, "period_s": 6.0},
        {"sharpness": 6, "period_s": 9.0, "period_variation": 0.3},
        {"amplitude_mm": 6.0, "amplitude_variation": 0.3},
        {"amplitude_mm": 3.5},
        {"drift_mm_per_min": 3.0, "coughs": [{"start_s": 40.0}, {"start_s": 90.0}, {"start_s": 91.0}]},
    ],
)
def test_a_patient_who_breathes_freely_does_not_hold_the_breath(seed, breathing):
    _, positions_mm = motion(10.0, seed, **breathing)
    _, seen = held(positions_mm[:, 0])
    assert seen[-1] is None
    assert not any(seen)


def test_a_time_of_shallow_breaths_is_no_hold():
    deep, shallow = (size * np.sin(0.25 * np.pi * np.arange(0.0, 20.0, 1.0 / RATE_HZ)) ** 2 for size in (6.0, 2.0))
    rows_mm = np.concatenate([deep, shallow] * 5)
    assert found(np.arange(len(rows_mm)) / RATE_HZ, np.stack([rows_mm] * 2, axis=1)) == []


def test_a_target_that_only_drifts_and_jumps_is_not_held():
    rng = np.random.default_rng(5)
    rows_mm = np.repeat(rng.normal(0.0, 3.0, 20), 100) + 0.1 * rng.standard_normal(2000)
    assert found(np.arange(2000) / RATE_HZ, np.stack([rows_mm] * 2, axis=1)) == []


def test_what_follows_a_hold_without_a_breath_is_the_same_hold():
    leaking = cycles([14.0, 14.0, 14.0])
    begin = int(39.5 * RATE_HZ)
    leaking[begin : begin + 58] -= np.linspace(0.0, 4.0, 58)
    rows = np.stack([leaking] * 2, axis=1)
    holds = found(np.arange(len(rows)) / RATE_HZ, rows)
    assert [hold.number for hold in holds] == [1, 2, 3]
    assert holds[1].drift_mm[0] == pytest.approx(-4.0, abs=0.5), "it leaks by more than stillness allows at once"


def test_one_wrong_position_and_a_short_gap_do_not_end_a_hold():
    rows_mm = cycles([14.0, 14.0, 14.0])
    times_s = np.arange(len(rows_mm)) / RATE_HZ
    rows_mm[200] = 60.0
    known = np.ones(len(rows_mm), bool)
    known[205:208] = False
    holds = found(times_s[known], np.stack([rows_mm, rows_mm], axis=1)[known])
    assert [hold.lasted_s for hold in holds] == pytest.approx([15.0] * 3, abs=0.6)
    assert holds[1].mean_mm[0] == pytest.approx(14.0, abs=0.1)


def test_a_position_that_is_no_number_or_not_later_is_left_out():
    one = HoldRecogniser(expected=True)
    for k in range(60):
        one.add(k / RATE_HZ, 3.0, 0.0)
    before = one.latest
    for sample in [(99.0, math.nan, 0.0), (math.nan, 3.0, 0.0), (0.5, 3.0, 0.0), (99.0, 3.0, math.inf)]:
        one.add(*sample)
    assert one.latest == before
    assert before.lasted_s == pytest.approx(59 / RATE_HZ)


def test_a_session_that_names_a_hold_counts_the_first_one_before_any_breath():
    rows_mm = np.full(60, 3.0)
    _, unsaid = held(rows_mm)
    named, said = held(rows_mm, BreathHoldConfig(seconds=20.0))
    assert unsaid[-1] is None
    assert said[-1].rows_mm == (3.0, 3.0)
    assert named.newest.number == 1


def test_a_patient_counts_as_holding_from_the_third_hold_until_long_after_the_last():
    rows_mm = cycles([14.0] * FEWEST_HOLDS)
    _, seen = held(rows_mm)
    known = [one is not None for one in seen]
    assert 66.0 < known.index(True) / RATE_HZ < 76.0
    assert known[-1]
    breathing = 7.0 - 7.0 * np.cos(0.5 * np.pi * np.arange(0.0, RECENT_S + 20.0, 1.0 / RATE_HZ))
    assert held(np.concatenate([rows_mm, breathing]))[1][-1] is None, "the rule for free breathing is back"


def test_a_hold_that_drifts_is_measured_while_it_lasts():
    rows_mm = cycles([14.0] * 4)
    begin = int(93.0 * RATE_HZ)
    rows_mm[begin : begin + 60] += np.linspace(0.0, 4.0, 60)
    _, seen = held(rows_mm)
    assert seen[begin + 58].drift_mm == pytest.approx(4.0, abs=0.8)
    assert seen[begin + 90].drift_mm == 0.0, "it is over"


def test_held_positions_that_lastingly_move_are_a_drift_and_slow_ones_are_followed():
    step, slow = [14.0] * 6 + [18.5] * 6, 14.0 + 0.2 * np.arange(24)
    seen = [one for one in held(cycles(step))[1] if one is not None]
    assert max(one.drift_mm for one in seen) == pytest.approx(4.5, abs=0.3)
    seen = [one for one in held(cycles(slow))[1] if one is not None]
    assert max(abs(one.drift_mm) for one in seen) < 1.5
    assert seen[-1].rows_mm[1] > 17.0, "where the breath is held is no unusual position"
    assert max(abs(one.drift_mm) for one in [*held(cycles([14.0, 18.5, 14.0, 9.5, 14.0]))[1]] if one) < 0.5
    assert FEWEST_COMPARED > 2, "single holds come elsewhere by chance"


def test_the_gate_holds_for_the_drift_of_held_positions_and_not_of_the_breaths_between():
    """Breaths between the holds that come 4 mm deeper with time; the holds stay."""
    held_mm = np.concatenate(
        [np.concatenate([cycles([], amplitude_mm=12.0) - 0.4 * min(k, 10), np.zeros(60)]) for k in range(14)]
    )
    reasons = {}
    for recognised in (True, False):
        judge = gate(frames_to_resume=2, exception_mm=50.0)
        judge = type(judge)(judge.envelope, judge.config, breath_hold=BreathHoldConfig(recognised=recognised))
        decisions = [judge.decide(track(float(mm)), frame(k)) for k, mm in enumerate(held_mm)]
        reasons[recognised] = {reason for one in decisions[-60:] for reason in one.reasons}
        assert (decisions[-1].state is ON) is recognised
    assert Reason.BASELINE_DRIFT in reasons[False]
    assert Reason.BASELINE_DRIFT not in reasons[True]
    assert len(judge.motion.exhales_mm) == judge.config.drift_cycles


def test_rows_have_the_signs_that_people_read():
    first, second = found(np.arange(0.0, 66.0, 0.25), np.stack([cycles([15.0, 17.0]), cycles([2.0, 1.0])], axis=1))
    row = hold_row(second, first, (10.0, 0.0), SAGITTAL)
    assert row.mean_mm == pytest.approx((-7.0, 1.0), abs=0.2), "inferior is negative, posterior positive"
    assert row.beside_first_mm == pytest.approx((-2.0, -1.0), abs=0.2)
    assert "2.0 mm inferior, 1.0 mm anterior of the first" in hold_event(second, first, SAGITTAL)["note"]
    assert beside_wanted(row, BreathHoldConfig(seconds=20.0, position_mm=-5.0)) == pytest.approx((-5.0, -2.0), abs=0.8)
    assert beside_wanted(row, BreathHoldConfig()) == (None, None)
    rows = [hold_row(one, first, (10.0, 0.0), SAGITTAL) for one in (first, second)]
    assert mean_and_sd(rows)["row_mm"] == pytest.approx((-6.0, math.sqrt(2.0)), abs=0.2)


def test_pages_and_terminal_show_the_holds_and_where_the_envelope_can_go():
    judge = Gate(ENVELOPE, GateConfig(), armed=False, breath_hold=BreathHoldConfig(seconds=10.0))
    for k in range(60):
        judge.decide(track(2.0, -0.4), frame(k))
    held_now = (judge.held.recogniser.latest,)
    status = replace(Status(), step=silent_step(), breath_holds=held_now, holding=True)
    told = breath_holds_for_page(status, (19.0, 17.0), SAGITTAL)
    assert told["breath_hold"] == 1
    assert told["breath_holds"]["rows"][0]["mean_mm"] == [-2.0, -0.4]
    assert told["breath_holds"]["all"]["row_mm"] == [pytest.approx(-2.0), None]
    shifts = shifts_for_page(status, judge, SAGITTAL)["shifts"]
    assert shifts == {"hold": [-2.0, -0.4], "baseline": [-2.0, -0.4]}
    assert shifts_for_page(replace(status, breath_holds=()), judge, SAGITTAL)["shifts"]["hold"] is None
    assert shifts_for_page(replace(status, step=step(ON)), judge, SAGITTAL) == {}, "only while held"
    shown = snapshot_of(replace(status, last_frame_step=step(ON)), 0.0, drawn_mm=(19.0, 17.0))
    assert shown.breath_hold.startswith("1: 14.8 s  SI -2.0 AP -0.4 mm")
