import numpy as np
import pytest

from kernels.liveness import (
    AMPLITUDE,
    CHANGE,
    CHANGE_NEAR,
    RESULTS,
    RETURNED,
    RUN,
    RUNS_PER_WORD,
    SEVERAL,
    TOGETHER,
    add_detail,
    compare_noise,
    frames_since,
)
from tests.oracles.liveness import detail_sums, details, noise_shares

SHAPE = (21, 43)
MEMORY = 20


def pictures(count, seed=0):
    """Return noise in whole grey values, so that differences of none are none in any order of operations."""
    rng = np.random.default_rng(seed)
    return np.rint(100.0 + 10.0 * rng.normal(size=(count, *SHAPE))).astype(np.float32)


def places(seed=0, runs=2 * RUNS_PER_WORD + 3):
    """Return the first pixel (row, col) of some runs, the last of which end at the image's corner."""
    rng = np.random.default_rng(seed)
    rows, cols = rng.integers(0, SHAPE[0] - 2, runs), rng.integers(0, SHAPE[1] - 1 - RUN, runs)
    rows[-1], cols[-1] = SHAPE[0] - 3, SHAPE[1] - 2 - RUN
    return rows, cols


def test_a_fingerprint_is_found_where_it_was_last():
    fingerprints, given = np.zeros(4, np.uint64), [7, 2**64 - 1, 7, 7, 0, 5, 2**64 - 1, 6, 8, 9, 5, 8]
    found = [frames_since(fingerprints, count, one) for count, one in enumerate(given)]
    assert found == [
        next((back for back in range(1, min(count, 4) + 1) if given[count - back] == one), 0)
        for count, one in enumerate(given)
    ]
    assert found[3] == 1
    assert found[-1] == 3


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_sums_are_those_of_the_slow_twin(count):
    images = pictures(count)
    images[-1, :4] = images[max(count - 3, 0), :4]
    past = np.zeros((2, SHAPE[0] - 2, SHAPE[1] - 2), np.float32)
    sums = np.zeros((5, SHAPE[0] - 2, SHAPE[1] - 2), np.float32)
    for number, image in enumerate(images):
        add_detail(image, number, past, sums)
    np.testing.assert_allclose(sums, detail_sums(images) if count > 2 else 0.0, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("nearest", [1, 2, 3])
@pytest.mark.parametrize("rate", [0.0, 0.25])
def test_noise_is_compared_as_by_the_slow_twin(rate, nearest):
    compared = 2 * RUNS_PER_WORD
    rows, cols = places()
    images = pictures(24)
    images[6:9] = images[3:6] + 0.1 * pictures(3, seed=5)
    images[15:] += pictures(9, seed=6)
    levels = np.array([40.0, 55.0, 50.0])
    means = np.full((compared, RUN), 3.0, np.float32)
    kept = np.zeros((2, len(rows), RUN), np.float32)
    signs, amplitudes = np.zeros((MEMORY, compared // RUNS_PER_WORD), np.uint64), np.zeros(MEMORY)
    starts = (rows * SHAPE[1] + cols).astype(np.int64)
    mean, last, noise = np.full((compared, RUN), 3.0), np.zeros((len(rows), RUN)), []
    for number, image in enumerate(images):
        out = np.full(RESULTS, np.nan)
        held = min(number, MEMORY - 1)
        compare_noise(image, starts, means, kept, rate, number % MEMORY, held, nearest, signs, amplitudes, levels, out)
        found = np.array([details(image)[row, col : col + RUN] for row, col in zip(rows, cols, strict=True)])
        mean += rate * (last[:compared] - mean)
        noise = [*noise, (found[:compared] - mean).ravel()][-MEMORY:]
        change = np.abs(found - last)
        expected = np.zeros(RESULTS)
        expected[AMPLITUDE] = np.abs(noise[-1]).mean()
        grainy = expected[AMPLITUDE] > levels[1]
        shares, covariances = noise_shares(noise, nearest, levels[2] if grainy else levels[0])
        expected[RETURNED] = max([0.0, *shares])
        expected[TOGETHER] = grainy * sum(covariances[:SEVERAL]) / SEVERAL / levels[0] ** 2
        expected[CHANGE], expected[CHANGE_NEAR] = change[:compared].mean(), change[compared:].mean()
        np.testing.assert_allclose(out, expected, rtol=1e-4)
        last = found


def test_without_runs_near_the_target_their_change_is_that_of_the_image():
    rows, cols = places(runs=RUNS_PER_WORD)
    out = np.zeros(RESULTS)
    compare_noise(
        pictures(1)[0],
        (rows * SHAPE[1] + cols).astype(np.int64),
        np.zeros((RUNS_PER_WORD, RUN), np.float32),
        np.zeros((2, RUNS_PER_WORD, RUN), np.float32),
        0.0,
        0,
        0,
        2,
        np.zeros((MEMORY, 1), np.uint64),
        np.zeros(MEMORY),
        np.ones(3),
        out,
    )
    assert out[CHANGE_NEAR] == out[CHANGE] > 0.0
    assert out[RETURNED] == 0.0
