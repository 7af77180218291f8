import numpy as np
import pytest

from kernels.frame_noise import take_change
from tests.support.guarded_arrays import assert_fence_stands, fenced


@pytest.mark.parametrize("scale", [1.0, 2.5])
@pytest.mark.parametrize("size", [1, 7, 300])
def test_the_change_is_that_from_the_last_residual_which_is_kept(size, scale):
    rng = np.random.default_rng(size)
    before, change = fenced(np.zeros(size)), fenced(np.zeros(size))
    last = np.zeros(size)
    for _ in range(3):
        residual = fenced(rng.normal(size=size))
        now = scale * residual.astype(np.float64)
        take_change(residual, scale, before, change)
        np.testing.assert_allclose(change, np.abs(now - last), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(before, now, rtol=1e-6)
        last = now
    assert_fence_stands(before)
    assert_fence_stands(change)


def test_a_residual_that_is_no_number_gives_none():
    residual, change = np.array([1.0, np.nan], np.float32), np.zeros(2, np.float32)
    take_change(residual, 1.0, np.zeros(2, np.float32), change)
    assert np.isnan(change).tolist() == [False, True]
