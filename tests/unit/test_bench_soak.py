"""The soak sees what it is for: other decisions, growing memory, growing latency."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.soak import Soaked, run, verdicts
from gatekeeper.runtime.timing import LoopStats
from tests.support.cases import breathing_case

STEADY = Soaked(
    "a" * 64,
    np.full(1000, 0.2),
    np.full(1000, 0.2),
    np.full(10, 5e5),
    np.full(10, 100.0),
    500,
    LoopStats().summary(),
    1.0,
)


def failures(timed=STEADY, traced=STEADY):
    return [what for what, _, holds in verdicts(timed, traced) if not holds]


def test_steady_runs_that_decide_the_same_are_fine():
    assert failures() == []


@pytest.mark.parametrize(
    ("timed", "traced", "what"),
    [
        ({"total_ms": np.linspace(0.2, 0.3, 1000)}, {}, "p99"),
        ({"cpu_ms": np.linspace(0.2, 0.3, 1000)}, {}, "the same of processor time"),
        ({"resident_kb": 5e5 + 200.0 * np.arange(10)}, {}, "growth of the process"),
        ({}, {"heap_kb": 100.0 + 3.0 * np.arange(10)}, "growth of Python's memory"),
        ({}, {"digest": "b" * 64}, "decisions"),
        ({"beam_on": 0}, {}, "beam"),
        ({"beam_on": 1000}, {}, "beam"),
    ],
)
def test_what_is_not_steady_is_found(timed, traced, what):
    found = failures(replace(STEADY, **timed), replace(STEADY, **traced))
    assert len(found) == 1
    assert found[0].startswith(what)


@pytest.mark.slow
def test_two_runs_decide_the_same_and_another_scene_otherwise():
    one, other = breathing_case(), breathing_case(amplitude_px=3.0)
    first, again = run(one, 200, traced=False), run(one, 200, traced=True)
    assert first.digest == again.digest
    assert first.digest != run(other, 200, traced=False).digest
    assert 0 < first.beam_on < 200
    assert (first.total_ms > 0.0).all()
    assert (again.heap_kb > 0.0).all()
    assert (first.heap_kb == 0.0).all()
    assert (first.resident_kb > 0.0).all()
    assert first.lag.passes == 200
