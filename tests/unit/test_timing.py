"""Lag is counted in constant memory, never shown better than it was, and what is no number counts as endless."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.runtime.timing import GROWTH, Durations, LoopStats

MS = st.floats(0.0, 1e5, allow_nan=False)


@given(st.lists(MS, min_size=1, max_size=200), st.sampled_from([1.0, 50.0, 99.0, 99.9, 100.0]))
def test_percentile_is_never_too_short_and_at_most_a_bin_too_long(times_ms, percent):
    durations = Durations()
    for time_ms in times_ms:
        durations.add(time_ms)
    exact_ms = float(np.percentile(times_ms, percent, method="inverted_cdf"))
    found_ms = durations.percentile_ms(percent)
    assert exact_ms * (1.0 - 1e-9) <= found_ms <= max(exact_ms * GROWTH * (1.0 + 1e-9), 1e-3)
    assert durations.longest_ms == max(times_ms)


def test_without_any_duration_all_numbers_are_zero():
    durations = Durations()
    assert (durations.percentile_ms(99.0), durations.longest_ms) == (0.0, 0.0)


@pytest.mark.parametrize("strange_ms", [math.nan, math.inf])
def test_what_is_no_number_is_the_longest_there_is_and_a_stall(strange_ms):
    stats = LoopStats(stall_ms=20.0)
    stats.add(strange_ms, 1.0)
    assert (stats.summary().late_max_ms, stats.summary().stalls) == (math.inf, 1)


def test_early_counts_as_on_time():
    stats = LoopStats()
    stats.add(-5.0, 1.0)
    assert (stats.summary().late_max_ms, stats.summary().stalls) == (0.0, 0)


def test_a_pass_that_is_late_or_long_is_one_stall():
    stats = LoopStats(stall_ms=20.0)
    for late_ms, busy_ms in [(20.0, 20.0), (20.1, 1.0), (1.0, 20.1), (30.0, 30.0)]:
        stats.add(late_ms, busy_ms)
    summary = stats.summary(4)
    assert (summary.passes, summary.stalls, summary.skipped) == (4, 3, 4)
    assert (summary.late_max_ms, summary.busy_max_ms) == (30.0, 30.0)
