import numpy as np
import pytest

from kernels.deformation import displace
from kernels.polygon import centroid
from kernels.warp import moved_outline, warp_contour
from tests.oracles.deformation import displaced
from tests.support.polygons import circle

SCALE = (0.5, 2.0)


def warped(contour, modes, params):
    out = np.full(contour.shape, 7.0)
    warp_contour(contour, np.asarray(modes, np.float64), np.asarray(params, np.float32), *SCALE, out)
    return out


def contour_modes_params(points=40, modes=5, seed=0):
    rng = np.random.default_rng(seed)
    params = rng.normal(size=2 * modes).astype(np.float32)
    return circle(9.0, (30.0, 40.0), points), rng.normal(size=(modes, points)), params


@pytest.mark.parametrize(("points", "modes"), [(1, 1), (3, 1), (40, 5), (200, 14)])
def test_a_contour_moves_by_the_weighted_sum_of_the_modes(points, modes):
    contour, shapes, params = contour_modes_params(points, modes)
    expected = displaced(contour.T, shapes, params, *SCALE).T
    np.testing.assert_allclose(warped(contour, shapes, params), expected, rtol=1e-12)


def test_a_contour_moves_as_the_template_does():
    contour, modes, params = contour_modes_params()
    rows, cols = np.zeros((2, len(contour)), np.float32)
    points = np.ascontiguousarray(contour.T, dtype=np.float32)
    displace(*points, modes.astype(np.float32), params, *SCALE, rows, cols)
    np.testing.assert_allclose(warped(contour, modes, params), np.stack([rows, cols], axis=1), atol=2e-5)


def test_without_parameters_the_contour_stays_exactly():
    contour, modes, params = contour_modes_params()
    np.testing.assert_array_equal(warped(contour, modes, 0.0 * params), contour)
    np.testing.assert_array_equal(warped(contour, modes[:0], params[:0]), contour)


def test_a_mode_that_is_the_same_everywhere_keeps_the_shape():
    contour, _, _ = contour_modes_params()
    moved = warped(contour, np.full((1, len(contour)), 30.0), (0.5, -0.25))
    np.testing.assert_allclose(moved - contour, np.broadcast_to((7.5, -15.0), contour.shape), rtol=1e-12)


def test_a_contour_can_be_moved_in_place():
    contour, modes, params = contour_modes_params()
    expected = warped(contour, modes, params)
    warp_contour(contour, modes, params, *SCALE, contour)
    np.testing.assert_array_equal(contour, expected)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_bad_parameter_leaves_no_point_that_looks_good(bad):
    contour, modes, params = contour_modes_params()
    for place in range(len(params)):
        spoilt = params.copy()
        spoilt[place] = bad
        out = warped(contour, modes, spoilt)
        axis = place // len(modes)
        assert not np.isfinite(out[:, axis]).any()
        assert np.isfinite(out[:, 1 - axis]).all()


def test_a_bad_point_spoils_itself_only():
    contour, modes, params = contour_modes_params()
    expected = warped(contour, modes, params)
    contour[3, 1] = expected[3, 1] = np.nan
    np.testing.assert_array_equal(warped(contour, modes, params), expected)


def test_other_types_are_refused():
    contour, modes, params = contour_modes_params()
    for arguments in (
        (contour.astype(np.float32), modes, params),
        (contour, modes.astype(np.float32), params),
        (contour, modes, params.astype(np.float64)),
    ):
        with pytest.raises(TypeError):
            warp_contour(*arguments, 1.0, 1.0, contour)


@pytest.mark.parametrize("modes", [1, 5])
def test_a_moved_outline_comes_with_its_centroid_and_its_parameters(modes):
    contour, shapes, params = contour_modes_params(modes=modes)
    block, center = np.full(contour.size + params.size, np.nan), np.full(2, np.nan)
    found = moved_outline(contour, shapes, params, *SCALE, block)
    moved = block[: contour.size].reshape(contour.shape)
    np.testing.assert_array_equal(moved, warped(contour, shapes, params))
    np.testing.assert_array_equal(block[contour.size :], params)
    centroid(moved, center)
    np.testing.assert_allclose(found, center, rtol=1e-12)
