"""Whether confidence ranks the frames of real cine-MR by their error, with frames of other people put in."""

import numpy as np
import pytest

from benchmarks.scenes.cine import EVERY, RUN, follow_mixed, others_of, recordings
from benchmarks.scenes.judge import AUC, SURE, roc_area

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def mixed(cine):
    """Every graded case with four of every forty frames taken from other people: error, and confidence."""
    cases, _ = recordings(cine)
    return {case.name: follow_mixed(case, others_of(case, cases)) for case in cases}


def pooled(runs, field):
    return np.concatenate([getattr(run, field) for run in runs])


@pytest.mark.parametrize("ending", ["_v", "_d", ""], ids=["vessels", "domes", "all"])
def test_confidence_ranks_real_frames_by_their_error(mixed, ending):
    runs = [run for name, run in mixed.items() if name.endswith(ending)]
    errors_mm = pooled(runs, "errors_mm")
    assert 100 < np.count_nonzero(errors_mm > 3.0) < errors_mm.size // 2
    assert roc_area(pooled(runs, "confidence"), errors_mm) >= AUC


def test_the_frames_of_other_people_are_those_that_are_wrong(mixed):
    """On its own frames hardly a track is off by as much, so that without others there would be nothing to rank."""
    for run in mixed.values():
        own = np.isfinite(run.errors_mm)
        assert np.mean(run.errors_mm[own] > 3.0) < 0.02
        assert own.sum() > (EVERY - RUN) // 4


def test_nine_of_ten_frames_of_other_people_are_doubted(mixed):
    errors_mm, confidence = (pooled(mixed.values(), field) for field in ("errors_mm", "confidence"))
    assert np.mean(confidence[np.isinf(errors_mm)] < SURE) > 0.85
