import numpy as np
import pytest

from kernels.frame_noise import mean_change
from tests.support.guarded_arrays import assert_fence_stands, fenced


@pytest.mark.parametrize("scale", [1.0, 2.5])
@pytest.mark.parametrize("size", [1, 7, 300])
def test_the_change_is_that_from_the_last_residual_which_is_kept(size, scale):
    rng = np.random.default_rng(size)
    before, weight = fenced(np.zeros(size)), fenced(rng.uniform(0.1, 1.0, size))
    last = np.zeros(size)
    for _ in range(3):
        residual = fenced(rng.normal(size=size))
        now = scale * residual.astype(np.float64)
        expected = np.abs(now - last) @ weight.astype(np.float64)
        assert mean_change(residual, scale, before, weight) == pytest.approx(expected, rel=1e-5)
        np.testing.assert_allclose(before, now, rtol=1e-6)
        last = now
    assert_fence_stands(before)


def test_a_residual_that_is_no_number_gives_no_change():
    residual = np.array([1.0, np.nan], np.float32)
    assert np.isnan(mean_change(residual, 1.0, np.zeros(2, np.float32), np.ones(2, np.float32)))
