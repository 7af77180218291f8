"""The gating score counts seconds of beam on the wrong side."""

import numpy as np

from replay.scores.gating import frame_period_s, gating_score, truth_outside_percent
from tests.support.recordings import recording

NAN = np.nan


def test_each_kind_of_mistake_is_counted_in_seconds():
    beam_on = np.array([False, True, True, True, False, False, True])
    outside = np.array([0.0, 0.0, 5.0, 5.1, 80.0, 3.0, NAN])
    result = gating_score(beam_on, outside, limit_percent=5.0, frame_period_s=0.25)
    assert result.frames_scored == 5
    assert result.accuracy == 3 / 5
    assert result.on_while_out_s == 0.25
    assert result.false_hold_s == 0.25


def test_frame_0_is_not_scored():
    result = gating_score(np.array([True, True]), np.array([100.0, 0.0]), 5.0, 1.0)
    assert (result.frames_scored, result.on_while_out_s) == (1, 0.0)


def test_a_beam_that_never_comes_on_is_never_on_while_out():
    result = gating_score(np.zeros(9, dtype=bool), np.linspace(0.0, 100.0, 9), 50.0, 0.5)
    assert result.on_while_out_s == 0.0
    assert result.false_hold_s == 4 * 0.5


def test_without_truth_there_is_no_score():
    assert gating_score(np.array([True, True]), np.array([0.0, NAN]), 5.0, 1.0) is None
    assert gating_score(np.array([True]), np.array([0.0]), 5.0, 1.0) is None
    assert gating_score(np.zeros(0, dtype=bool), np.zeros(0), 5.0, 1.0) is None


def test_truth_is_measured_where_there_is_a_label():
    labels = recording().labels
    labels[2] = False
    outside = truth_outside_percent(labels, lambda mask: float(mask.sum()))
    np.testing.assert_array_equal(outside, [labels[0].sum(), labels[1].sum(), NAN, labels[3].sum()])


def test_frame_period_is_the_median_so_that_a_gap_does_not_count():
    assert frame_period_s(np.array([0.0, 0.25, 0.5, 5.0])) == 0.25
    assert frame_period_s(np.array([0.0])) == 0.0
