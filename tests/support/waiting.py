"""Wait for what a test asserts, with a deadline, instead of for a time."""

import time

DEADLINE_S = 20.0
"""Generous, because it is used up only by a test that fails."""


def until(condition, deadline_s=DEADLINE_S):
    """Wait for a condition and return its value; fail when it does not hold before the deadline."""
    end_s = time.monotonic() + deadline_s
    while not (value := condition()):
        assert time.monotonic() < end_s, f"the condition did not hold within {deadline_s:g} s"
        time.sleep(0.002)
    return value
