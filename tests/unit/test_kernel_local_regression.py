import numpy as np
import pytest

from kernels.local_regression import local_ridge, score_predictions
from kernels.trajectory import interpolate, lagged_positions
from tests.support.regression_twins import hermite, local_regression, uneven_trace

LAGS, LAG, GAP, PLACE = 6, 0.15, 0.5, 0.4


def moments_of(times, positions, max_gap=GAP):
    moments = np.full((len(times), 2, LAGS), np.nan)
    for i in range(len(times)):
        if lagged_positions(times, positions, 0, i + 1, LAG, max_gap, moments[i]) < LAGS:
            moments[i] = np.nan
    return moments


def predicted(times, positions, moments, aheads=(0.3,), likeness=0.8, enough=20.0, ridge=1.0, begin=0, max_gap=GAP):
    end, (out, spread) = len(times), np.empty((2, len(aheads), 2))
    weights, normal = np.full(end, np.nan), np.full((LAGS + len(aheads), LAGS), np.nan)
    limits, scratch = (likeness, PLACE, enough, ridge), (weights, normal)
    support = local_ridge(
        times, positions, moments, begin, end, np.array(aheads), max_gap, *limits, *scratch, out, spread
    )
    return out, spread, support


@pytest.mark.parametrize("samples", [2, 3, 12])
def test_between_samples_the_trace_is_the_cubic_of_its_neighbours(samples):
    times, positions = uneven_trace(samples)
    for axis in range(2):
        for time in np.linspace(times[0], times[-1], 41):
            left = min(int(np.searchsorted(times, time, side="right")) - 1, samples - 2)
            found = interpolate(times, positions, 0, samples, axis, left, time)
            assert found == pytest.approx(hermite(times, positions[:, axis], time), abs=1e-7)


def test_at_a_sample_the_trace_is_the_sample():
    times, positions = uneven_trace(8)
    for i in range(7):
        assert interpolate(times, positions, 0, 8, 0, i, times[i]) == positions[i, 0]


def test_a_moment_is_described_by_the_places_before_it():
    times, positions = uneven_trace(40)
    out = np.full((2, LAGS), np.nan)
    assert lagged_positions(times, positions, 0, 40, LAG, GAP, out) == LAGS
    for axis in range(2):
        assert out[axis, 0] == positions[-1, axis]
        for lag in range(1, LAGS):
            expected = hermite(times, positions[:, axis], times[-1] - lag * LAG)
            assert out[axis, lag] == pytest.approx(expected, abs=1e-7)


def test_a_moment_is_described_only_as_far_back_as_the_trace_is_known():
    times, positions = np.arange(10) * 0.1, np.ones((10, 2))
    out = np.full((2, LAGS), np.nan)
    assert lagged_positions(times, positions, 4, 10, LAG, GAP, out) == 4  # 0, 0.15, 0.3 and 0.45 s before, of 0.5 s
    assert np.isnan(out[:, 4:]).all()
    times[:6] -= 1.0
    assert lagged_positions(times, positions, 0, 10, LAG, GAP, out) == 3  # the gap begins 0.3 s before
    assert lagged_positions(times, positions, 0, 10, LAG, 2.0, out) == LAGS


@pytest.mark.parametrize("enough", [0.0, 20.0, 1e9])
@pytest.mark.parametrize(
    ("aheads", "likeness", "ridge"), [((0.3,), 0.8, 1.0), ((0.25, 0.4, 0.55), 3.0, 0.01), ((0.0,), 0.5, 10.0)]
)
def test_prediction_is_the_weighted_ridge_regression(aheads, likeness, ridge, enough):
    times, positions = uneven_trace()
    moments = moments_of(times, positions)
    found, spread, support = predicted(times, positions, moments, aheads, likeness, enough, ridge)
    expected = local_regression(times, positions, moments, aheads, GAP, likeness, PLACE, enough, ridge)
    np.testing.assert_allclose(found, expected[0], atol=1e-7)
    np.testing.assert_allclose(spread, expected[1], atol=1e-6)
    assert support == pytest.approx(expected[2], rel=1e-9)


def test_a_baseline_that_wandered_by_the_same_at_all_times_changes_the_prediction_by_as_much():
    times, positions = uneven_trace()
    found, spread, support = predicted(times, positions, moments_of(times, positions))
    higher = positions + np.array([40.0, -7.0])
    again, spread_again, support_again = predicted(times, higher, moments_of(times, higher))
    np.testing.assert_allclose(again, found + np.array([40.0, -7.0]), atol=1e-9)
    np.testing.assert_allclose(spread_again, spread, atol=1e-6)
    assert support_again == pytest.approx(support)


def test_what_came_after_a_moment_is_not_known_across_a_gap():
    times, positions = uneven_trace()
    times[50:] += 1.0
    positions[50:] += 0.3
    moments = moments_of(times, positions)
    found, _, _ = predicted(times, positions, moments)
    expected, _, _ = local_regression(times, positions, moments, (0.3,), GAP, 0.8, PLACE, 20.0, 1.0)
    across, _, _ = local_regression(times, positions, moments, (0.3,), 2.0, 0.8, PLACE, 20.0, 1.0)
    np.testing.assert_allclose(found, expected, atol=1e-7)
    assert np.abs(found - across).max() > 1e-5


def test_nothing_is_predicted_from_nothing():
    times, positions = uneven_trace(12)
    moments = moments_of(times, positions)
    for case in (
        predicted(times, positions, moments, (5.0,)),
        predicted(times, positions, np.full_like(moments, np.nan)),
        predicted(times, np.full_like(positions, np.nan), moments_of(times, np.full_like(positions, np.nan))),
        predicted(times, positions, moments, begin=12),
    ):
        assert np.isnan(case[0]).all()
        assert np.isnan(case[1]).all()
        assert case[2] == 0.0


def settled(times, positions, dues, half_life=1.0):
    """Play the trace from its second sample on; every prediction says 1 mm too much, and that nothing moved."""
    due, missed, out = np.array(dues, float), np.full((len(dues), 2), np.nan), np.empty(2)
    said = np.array([[np.interp(time, times, positions[:, axis]) for axis in range(2)] for time in dues])
    said[:, 0] += 1.0
    counts = [
        score_predictions(times, positions, 0, end, GAP, half_life, due, said, np.zeros_like(said), missed, out)
        for end in range(2, len(times) + 1)
    ]
    return counts, due, missed, out


def test_a_prediction_is_compared_with_what_came_when_it_is_due():
    times, positions = np.arange(11) * 0.1, np.stack([3.0 * np.arange(11) * 0.1, np.zeros(11)], axis=1)
    counts, _, missed, out = settled(times, positions, [0.25, 0.5, 0.75, 5.0])
    assert counts == [0, 0, 1, 1, 2, 2, 2, 3, 3, 3]
    np.testing.assert_allclose(missed[:3], [[1.0, 0.75**2], [1.0, 1.5**2], [1.0, 2.25**2]], atol=1e-12)
    assert np.isnan(missed[3]).all()
    weights = 0.5 ** (1.0 - np.array([0.25, 0.5, 0.75]))
    assert out[0] == pytest.approx(1.0)
    assert out[1] ** 2 == pytest.approx((weights * [0.75**2, 1.5**2, 2.25**2]).sum() / weights.sum())


def test_prediction_for_a_time_without_a_frame_is_dropped():
    times = np.array([0.0, 0.1, 0.9, 1.0])
    counts, due, missed, _ = settled(times, np.zeros((4, 2)), [0.5, 0.95])
    assert counts == [0, 0, 1]
    assert np.isnan(due[0])
    assert np.isnan(missed[0]).all()


def test_old_errors_are_forgotten():
    times = np.arange(100) * 0.1
    counts, _, _, out = settled(times, np.zeros((100, 2)), [0.5], half_life=1.0)
    assert counts[84] == 1
    assert counts[-1] == 0
    assert np.isnan(out).all()
