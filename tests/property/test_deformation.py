import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kernels.deformation import CORRELATION, displace, project_out
from kernels.warp import warp_contour
from tests.oracles.deformation import displaced
from tests.support.fit_problems import Problem
from tests.support.guarded_arrays import assert_fence_stands, fenced

modest = settings(max_examples=60, deadline=None)
weights = st.floats(-50.0, 50.0, width=32)
scales = st.floats(0.125, 4.0, width=32)


@st.composite
def free_forms(draw):
    """Points (2, N), modes (K, N) and parameters (2 K,)."""
    count, size = draw(st.integers(1, 5)), draw(st.integers(1, 12))
    return tuple(draw(arrays(np.float32, shape, elements=weights)) for shape in ((2, size), (count, size), 2 * count))


@modest
@given(free_forms(), scales, scales)
def test_template_and_contour_move_by_the_product_of_parameters_and_modes(form, row_scale, col_scale):
    points, modes, params = form
    expected = displaced(points, modes, params, row_scale, col_scale)
    out = fenced(np.full(points.shape, np.nan))
    displace(*fenced(points), fenced(modes), fenced(params), row_scale, col_scale, *out)
    assert_fence_stands(out)
    np.testing.assert_allclose(out, expected, rtol=1e-5, atol=0.02)
    contour = np.ascontiguousarray(points.T, dtype=np.float64)
    warp_contour(contour, modes.astype(np.float64), params, row_scale, col_scale, contour)
    np.testing.assert_allclose(contour, expected.T, rtol=1e-12, atol=1e-9)


@modest
@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(5, 40))
def test_nothing_remains_along_a_direction_that_was_projected_out(seed, count, size):
    rng = np.random.default_rng(seed)
    directions = np.linalg.qr(rng.normal(size=(size, count)))[0].T
    residual, norms = fenced(rng.normal(size=size)), fenced(np.zeros(count))
    expected = directions @ residual
    project_out(fenced(directions), norms, residual)
    np.testing.assert_allclose(norms, expected, atol=1e-5)
    np.testing.assert_allclose(directions @ residual, 0.0, atol=1e-5)


@modest
@given(st.integers(0, 10_000), st.integers(8, 80), st.integers(1, 6))
def test_one_step_of_the_fit_agrees_with_linear_algebra(seed, points, modes):
    problem = Problem(seed, points, modes)
    rows, cols = displaced(problem.points[:2], problem.modes, problem.start, *problem.scale)
    ends = np.abs(
        np.stack(
            [rows - problem.window[2], rows - problem.window[3], cols - problem.window[4], cols - problem.window[5]]
        )
    )
    assume(ends.min() > 1e-3)  # else rounding decides whether a point is inside the frame
    done, params, out = problem.run()
    expected_params, expected_out = problem.twin()
    assert done
    np.testing.assert_allclose(params, expected_params, rtol=1e-3, atol=1e-3 * (1.0 + np.abs(expected_params).max()))
    np.testing.assert_allclose(out, expected_out, rtol=1e-2, atol=1e-4)


@modest
@given(st.integers(0, 50), st.data())
def test_a_bad_pixel_never_leaves_a_result_that_only_looks_good(seed, data):
    problem = Problem(seed)
    plain = problem.run(3)[2].copy()
    bad = data.draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    problem.image[data.draw(st.integers(0, 23)), data.draw(st.integers(0, 21))] = bad
    done, params, out = problem.run(3)
    if done:  # no point came near it
        assert np.isfinite(params).all()
        np.testing.assert_array_equal(out, plain)
    else:
        assert np.isnan(out[CORRELATION])
