"""Cases of a matrix: the first ones run with every change, all of them with `make test-slow`."""

import pytest


def mostly_slow(cases, quick=1):
    """Return the cases for `pytest.mark.parametrize`; all but the first few are marked as slow."""
    return [case if place < quick else _slow(case) for place, case in enumerate(cases)]


def _slow(case):
    return pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.slow)
