import numpy as np
import pytest

from kernels.deformation import RESULTS
from kernels.template_fit import fit_frame
from tests.oracles.deformation import gauss_newton
from tests.oracles.pyramid import block_means, smoothed
from tests.support.fit_problems import Problem
from tests.support.guarded_arrays import assert_fence_stands, fenced


@pytest.mark.parametrize("share", [0.0, 0.2])
@pytest.mark.parametrize("corrected", [False, True])
@pytest.mark.parametrize("factor", [1, 2])
def test_a_frame_is_read_corrected_and_fitted(factor, corrected, share):
    problem, rng = Problem(), np.random.default_rng(factor)
    row, col = 3, -2
    rows, cols = problem.image.shape
    # The frame around the window, which begins left of it.
    frame = np.pad(np.repeat(np.repeat(problem.image[:, -col:], factor, 0), factor, 1), ((row * factor, 0), (0, 0)))
    bias = fenced(rng.uniform(0.9, 1.1, (row + rows, cols + col)) if corrected else np.zeros((0, 0)))
    image, smoothing = fenced(np.zeros((rows, cols))), fenced(np.zeros((rows, cols)))
    window, params, out = problem.window.copy(), fenced(problem.start), np.full(RESULTS, np.nan)
    window[:2] = np.nan
    scratch = np.zeros((3, problem.points.shape[1]), np.float32)
    done = fit_frame(
        fenced(frame),
        row,
        col,
        problem.points,
        problem.prior,
        problem.inverse_hessian,
        2,
        params,
        factor,
        share,
        bias,
        image,
        smoothing,
        window,
        problem.modes,
        problem.steepest,
        problem.photometric,
        problem.norm,
        *problem.scale,
        0.0,
        0.0,
        scratch,
        np.zeros((2, 20), np.float32),
        out,
    )
    assert done
    assert window[:2].tolist() == [row, col]
    expected = block_means(frame, row * factor, col * factor, factor, image.shape)
    if share:
        expected = smoothed(expected, share)
    if corrected:
        expected *= np.pad(bias, ((0, 0), (-col, 0)), mode="edge")[row:]
    np.testing.assert_allclose(image, expected, rtol=1e-5)
    twin = problem.inputs(2, 0.0)
    found, results = gauss_newton(image.astype(np.float64), window, *twin[2:], problem.start)
    np.testing.assert_allclose(params, found, atol=2e-3)
    np.testing.assert_allclose(out, results, rtol=1e-3)
    for array in (image, smoothing, params):
        assert_fence_stands(array)
