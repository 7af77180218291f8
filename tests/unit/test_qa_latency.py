"""A latency test finds the delays of simulated chains, with the record of the session and from outside alone."""

import numpy as np
import pytest

from replay.qa.beam import from_pulses
from replay.qa.edge_latency import Pairs, estimate, first_frame_density, pairs
from replay.qa.measure import measure
from replay.qa.motion import periodic, sweep
from replay.qa.parts import parts_of
from replay.qa.simulate import Chain, simulate
from replay.qa.tracking_fit import fit_tracking
from replay.qa.window import Crossings, crossings
from tests.support.latency_chains import WINDOW, frames_of, measured_chain, short_motion


def errors_ms(result, chain):
    """Return what is wrong of imaging, beam off, beam on, and both sums, in ms."""
    before_s = chain.imaging_s + chain.compute_s
    return np.array(
        [
            result.imaging.mean - 1e3 * chain.imaging_s,
            result.beam_off.mean - 1e3 * chain.off_s,
            result.beam_on.mean - 1e3 * chain.on_s,
            result.off.mean - 1e3 * (before_s + chain.off_s),
            result.on.mean - 1e3 * (before_s + chain.on_s),
        ]
    )


def test_each_part_of_a_chain_is_found():
    chain = Chain(imaging_s=0.137, off_s=0.040, on_s=0.065)
    result = measured_chain(chain, short_motion())
    assert np.abs(errors_ms(result, chain)).max() < 3.0
    assert result.off_minus_on == pytest.approx(-25.0, abs=3.0)
    assert result.off.n >= 15
    # Of a tenth of 400 pulses a second that is missing: 2.5 ms / sqrt(12) would be all of them.
    assert result.resolution_s == pytest.approx(1.136e-3, rel=0.1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("total_s", "rate_hz", "pulse_hz"),
    [(0.02, 8.0, 100.0), (0.1, 4.0, 400.0), (0.4, 4.0, 100.0)],
)
def test_error_is_below_2_ms_with_noise_and_dropped_pulses(total_s, rate_hz, pulse_hz):
    found = []
    for seed in range(3):
        off_s, on_s = 0.4 * total_s, 0.3 * total_s
        chain = Chain(
            0.55 * total_s, 0.01 * total_s, off_s, on_s, rate_hz, noise_mm=0.4, pulse_hz=pulse_hz, dropped=0.3
        )
        found.append(errors_ms(measured_chain(chain, sweep(8), seed), chain))
    assert np.sqrt(np.mean(np.square(found), axis=0)).max() < 2.0


@pytest.mark.slow
@pytest.mark.parametrize("total_s", [0.02, 0.177, 0.4])
def test_sums_are_found_from_outside_alone(total_s):
    motion = periodic("square", 20.0, 2.513, 400.0)
    found = []
    for seed in range(3):
        chain = Chain(0.5 * total_s, 0.001, 0.5 * total_s, 0.6 * total_s, dropped=0.2)
        result = measured_chain(chain, motion, seed, recorded=False)
        found.append(errors_ms(result, chain)[3:])
        assert result.compute is None
        assert result.tracking is None
    assert np.sqrt(np.mean(np.square(found), axis=0)).max() < 2.0


def test_rest_after_a_given_imaging_latency_is_told_from_outside():
    chain = Chain(imaging_s=0.1, off_s=0.05, on_s=0.08)
    result = measured_chain(chain, periodic("square", 20.0, 2.513, 60.0), recorded=False)
    assert result.imaging.n == 0
    assert result.beam_off.mean == pytest.approx(result.off.mean - 100.0)
    assert result.beam_off.mean == pytest.approx(51.0, abs=15.0)


def test_density_of_the_deciding_frame_is_one():
    x = np.arange(-1.0, 1.5, 1e-4)
    for speed, spread, needs in ((80.0, 0.1, 1), (15.0, 0.3, 1), (15.0, 0.3, 2), (8.0, 0.5, 3)):
        total = first_frame_density(x, speed, spread, 0.0, needs, 0.125).sum() * 1e-4
        assert total == pytest.approx(1.0, abs=0.03)


def test_an_edge_that_lies_elsewhere_is_told_from_latency_by_the_speed():
    random = np.random.default_rng(3)
    speed = random.choice([6.0, 12.0, 25.0, 60.0], 240)
    crossed_s = 10.0 * np.arange(240)
    wait_s = random.uniform(0.0, 0.125, (2, 240))
    off = Pairs(crossed_s, crossed_s + 0.18 + wait_s[0] + 0.5 / speed, speed)
    on = Pairs(crossed_s, crossed_s + 0.20 + 0.125 + wait_s[1] - 0.5 / speed, speed)
    found = estimate(off, on, 0.125, 2)
    assert found.beyond_mm == pytest.approx(0.5, abs=0.1)
    assert found.off.mean_s == pytest.approx(0.18, abs=0.005)
    assert found.on.mean_s == pytest.approx(0.20, abs=0.005)


def test_few_changes_give_no_estimate():
    few = Pairs(np.arange(4.0), np.arange(4.0) + 0.2, np.full(4, 10.0))
    found = estimate(few, few, 0.125, 2)
    assert (found.off, found.on) == (None, None)


def test_a_change_belongs_to_the_last_crossing_before_it():
    crossed = Crossings(np.array([1.0, 5.0, 9.0]), np.full(3, 10.0))
    seen = pairs(crossed, np.array([5.2, 9.3, 12.0]), np.array([2.0, 6.0, 10.0]))
    assert seen.crossed_s.tolist() == [5.0, 9.0]
    assert seen.delay_s == pytest.approx([0.2, 0.3])


def test_amplitude_and_delay_of_tracking_are_fitted_beside_outliers():
    motion = periodic("sine", 20.0, 4.0, 40.0)
    plane_mm = WINDOW.in_plane(motion.position_mm)
    arrived_s = np.arange(1.0, 40.0, 0.125)
    seen_mm = 0.9 * WINDOW.in_plane(motion.at(arrived_s - 0.31)) + np.array([1.0, -2.0])
    seen_mm[::17] += 9.0
    fit = fit_tracking(arrived_s, seen_mm, motion.times_s, plane_mm)
    assert fit.delay_s == pytest.approx(0.31, abs=0.001)
    assert fit.amplitude == pytest.approx(0.9, abs=0.001)
    assert fit.outliers == len(seen_mm[::17])


def test_a_target_at_rest_has_no_phase():
    still = np.zeros((100, 2))
    assert fit_tracking(np.arange(100) / 8.0, still, np.arange(100) / 8.0, still) is None


def test_a_change_with_another_reason_than_motion_is_not_a_latency():
    ran = simulate(Chain(), short_motion(), WINDOW, 1)
    frames = frames_of(ran)
    beam = from_pulses(ran.pulses_s)
    assert parts_of(frames, beam, None, to_on=False).total_s.size > 0
    frames.armed[:] = False
    assert parts_of(frames, beam, None, to_on=False).total_s.size == 0


def test_crossings_are_where_the_motion_meets_the_edges():
    motion = periodic("sine", 20.0, 4.0, 8.0)
    outward, inward = crossings(WINDOW, motion, 0.0, 8.0)
    assert len(outward.times_s) == len(inward.times_s) == 2
    for crossed, edge_mm in ((outward, 6.0), (inward, 5.7)):
        at_mm = np.hypot(*WINDOW.in_plane(motion.at(crossed.times_s)).T)
        assert at_mm == pytest.approx(edge_mm, abs=0.01)
    assert (outward.mm_per_s > 0.0).all()


def test_linearity_and_gating_are_measured():
    result = measured_chain(Chain(imaging_s=0.1), sweep(1))
    assert len(result.segments) == 10
    assert result.linearity.slope == pytest.approx(1.0, abs=0.02)
    gating = result.gating
    shares = gating.right_percent, gating.on_while_out_percent, gating.off_while_in_percent
    assert sum(shares) == pytest.approx(100.0)
    assert 60.0 < gating.right_percent < 95.0


def test_a_session_that_predicts_has_no_estimate_from_outside():
    ran = simulate(Chain(), short_motion(), WINDOW, 1)
    beam = from_pulses(ran.pulses_s)
    result = measure(short_motion(), WINDOW, beam, 0.125, 2, frames_of(ran), predicts=True)
    assert result.outside is None
    assert result.off is not None
