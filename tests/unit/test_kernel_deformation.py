import numpy as np
import pytest

from kernels.deformation import (
    CORRELATION,
    GAIN,
    INSIDE,
    ITERATIONS,
    LEAST_EXPLAINED,
    PENALTY,
    RESULTS,
    displace,
    fit,
    products,
    project_out,
)
from tests.oracles.deformation import displaced, gauss_newton
from tests.support.fit_problems import Problem
from tests.support.guarded_arrays import assert_fence_stands, fenced


def moved(points, modes, params, row_scale=0.5, col_scale=2.0):
    out = fenced(np.full((2, points.shape[1]), np.nan))
    displace(*fenced(points), fenced(modes), fenced(params), row_scale, col_scale, *out)
    assert_fence_stands(out)
    return out


@pytest.mark.parametrize(("modes", "points"), [(1, 1), (1, 9), (5, 40), (14, 33)])
def test_points_move_by_the_weighted_sum_of_the_modes(modes, points):
    rng = np.random.default_rng(0)
    start, shapes, params = (rng.normal(size=size) for size in ((2, points), (modes, points), 2 * modes))
    np.testing.assert_allclose(
        moved(start, shapes, params), displaced(start, shapes, params, 0.5, 2.0), rtol=1e-5, atol=1e-5
    )


def test_without_parameters_points_stay_exactly_and_with_nan_they_are_nowhere():
    rng = np.random.default_rng(0)
    start, shapes = rng.normal(size=(2, 9)), rng.normal(size=(3, 9))
    np.testing.assert_array_equal(moved(start, shapes, np.zeros(6)), start.astype(np.float32))
    rows, cols = moved(start, shapes, (0.0, np.nan, 0.0, 0.0, 0.0, 0.0))
    assert np.isnan(rows).all()
    np.testing.assert_array_equal(cols, start[1].astype(np.float32))


@pytest.mark.parametrize(("directions", "points"), [(1, 1), (3, 9), (4, 40), (9, 33), (28, 850)])
def test_products_are_those_of_matrix_and_vector(directions, points):
    rng = np.random.default_rng(0)
    matrix, vector = fenced(rng.normal(size=(directions, points))), fenced(rng.normal(size=points))
    out = fenced(np.full(directions + 2, 7.0))
    products(matrix, vector, out)
    assert_fence_stands(out)
    np.testing.assert_allclose(out[:directions], matrix.astype(float) @ vector.astype(float), rtol=1e-4, atol=1e-4)
    assert (out[directions:] == 7.0).all()


@pytest.mark.parametrize("length", [1.0, 0.6])
@pytest.mark.parametrize(("directions", "points"), [(1, 1), (2, 7), (4, 50), (14, 60)])
def test_what_is_projected_out_is_told_and_gone_by_the_squared_length_of_the_direction(directions, points, length):
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(points, directions)))[0].T
    parts = rng.normal(size=directions)
    beside = rng.normal(size=points)
    beside -= beside @ basis.T @ basis
    residual, norms = fenced(parts @ basis + beside), fenced(np.full(directions + 2, 7.0))
    project_out(fenced(length * basis), norms, residual)
    np.testing.assert_allclose(residual, (1.0 - length**2) * parts @ basis + beside, atol=2e-6)
    np.testing.assert_allclose(norms[:directions], length * parts, atol=2e-6)
    assert (norms[directions:] == 7.0).all()


@pytest.mark.parametrize("iterations", [1, 2, 5])
@pytest.mark.parametrize("seed", range(4))
def test_the_fit_does_what_its_docstring_tells(seed, iterations):
    problem = Problem(seed)
    done, params, out = problem.run(iterations)
    expected_params, expected_out = problem.twin(iterations)
    assert done
    np.testing.assert_allclose(params, expected_params, rtol=1e-4, atol=2e-4)
    np.testing.assert_allclose(out, expected_out, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("points", "modes"), [(4, 1), (5, 2), (12, 9)])
def test_the_fit_works_for_the_smallest_templates(points, modes):
    problem = Problem(1, points, modes)
    done, params, _ = problem.run(2)
    assert done
    np.testing.assert_allclose(params, problem.twin(2)[0], rtol=1e-4, atol=2e-4)


def test_the_problems_reach_every_limit():
    problems = [Problem(seed) for seed in range(4)]
    unlimited = [gauss_newton(*problem.inputs(1, 0.0), problem.start, clip=1e9)[0] for problem in problems]
    limited, results = zip(*[problem.twin() for problem in problems], strict=True)
    assert (np.abs(np.subtract(limited, unlimited)).max(axis=1) > 1e-3).sum() >= 3
    assert all(out[INSIDE] < 1.0 for out in results)
    assert min(out[CORRELATION] for out in results) < LEAST_EXPLAINED < max(out[CORRELATION] for out in results)


@pytest.mark.parametrize("shape", [(2, 2), (2, 14), (14, 2)])
def test_the_smallest_windows_are_read_within_their_ends(shape):
    problem = Problem(0)
    problem.image = fenced(problem.image[10 : 10 + shape[0], 8 : 8 + shape[1]])
    problem.window[:2] = 14.0, 8.0
    done, params, _ = problem.run(2)
    assert done
    np.testing.assert_allclose(params, problem.twin(2)[0], rtol=1e-4, atol=2e-4)


def test_points_outside_the_frame_do_not_pull():
    problem = Problem(0)
    problem.window[2:] = 1e3, 2e3, 1e3, 2e3
    done, params, out = problem.run()
    assert done
    assert out[INSIDE] == 0.0
    expected = problem.start - problem.inverse_hessian @ (problem.prior * problem.start)
    np.testing.assert_allclose(params, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("iterations", [1, 4])
def test_neither_gain_nor_offset_of_the_frame_matters(iterations):
    problem = Problem(0)
    _, plain, expected = problem.run(iterations)
    expected = expected * (3.0, 1.0, 1.0, 1.0, 1.0)
    problem.image[:] = 3.0 * problem.image + 500.0
    _, changed, out = problem.run(iterations)
    np.testing.assert_allclose(changed, plain, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(out, expected, rtol=1e-3)


def test_a_point_that_is_nowhere_counts_as_outside_the_frame():
    problem = Problem(0)
    inside = problem.run()[2][INSIDE]
    problem.modes[:, 0] = np.nan
    assert problem.run()[2][INSIDE] == pytest.approx(inside - 1.0 / 60.0)


def test_the_fit_ends_when_no_parameter_changes_by_more_than_the_tolerance():
    problem = Problem(0)
    assert problem.run(9, tolerance=1e9)[2][ITERATIONS] == 1
    assert problem.run(9, tolerance=0.0)[2][ITERATIONS] == 9
    first = np.abs(problem.run(1)[1] - problem.start).max()
    assert problem.run(9, tolerance=first * 1.0001)[2][ITERATIONS] == 1
    assert problem.run(9, tolerance=first * 0.9999)[2][ITERATIONS] > 1


def test_the_penalty_is_the_sum_of_the_squared_parameters_in_what_is_expected_of_each():
    problem = Problem(2)
    _, params, out = problem.run(3)
    np.testing.assert_allclose(out[PENALTY], problem.prior @ np.square(params.astype(np.float64)), rtol=1e-5)


def assert_nothing_good(done, out):
    assert not done
    assert np.isnan(out).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("iterations", [1, 4])
def test_a_bad_frame_leaves_no_result_not_even_an_earlier_one(bad, iterations):
    problem = Problem(0)
    assert problem.run(iterations)[0]
    problem.image[:] = bad
    done, _, out = problem.run(iterations)
    assert_nothing_good(done, out)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_bad_pixel_below_any_point_leaves_no_result(bad):
    whole = Problem(0)
    rows, cols = displaced(whole.points[:2], whole.modes, whole.start, *whole.scale)
    rows, cols = np.clip(rows - whole.window[0], 0, 23).astype(int), np.clip(cols - whole.window[1], 0, 21).astype(int)
    for row, col in set(zip(rows, cols, strict=True)):
        problem = Problem(0)
        problem.image[row, col] = bad
        done, _, out = problem.run()
        assert_nothing_good(done, out)


def test_a_bad_frame_leaves_no_result_even_when_all_points_are_outside_it():
    problem = Problem(0)
    problem.window[2:] = 1e3, 2e3, 1e3, 2e3
    problem.image[:] = np.nan
    done, _, out = problem.run()
    assert_nothing_good(done, out)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("which", range(8))
def test_a_start_that_is_no_position_leaves_no_result(bad, which):
    problem = Problem(0)
    problem.start[which] = bad
    done, _, out = problem.run(3)
    assert_nothing_good(done, out)


@pytest.mark.parametrize("spoilt", ["points", "steepest", "prior", "inverse_hessian", "photometric"])
def test_a_bad_number_in_the_template_leaves_no_result(spoilt):
    problem = Problem(0)
    getattr(problem, spoilt)[..., -1] = np.nan
    done, _, out = problem.run(2)
    assert_nothing_good(done, out)


def test_without_iterations_there_is_no_result():
    done, _, out = Problem(0).run(0)
    assert_nothing_good(done, out)


@pytest.mark.parametrize("level", [0.0, 0.1, 100.0, 1234.567, 3e4])
@pytest.mark.parametrize("points", [12, 60, 700])
def test_a_constant_frame_does_not_correlate_although_rounding_might(level, points):
    for seed in range(20):
        problem = Problem(seed, points)
        problem.image[:] = level
        done, _, out = problem.run(4)
        assert done
        assert abs(out[CORRELATION]) < 0.05


def test_results_have_their_places():
    assert sorted((GAIN, CORRELATION, ITERATIONS, INSIDE, PENALTY)) == list(range(RESULTS))


def test_other_types_are_refused():
    problem = Problem(0)
    scratch, steps = np.zeros((3, 60), np.float32), np.zeros((2, 8), np.float32)
    arguments = [*problem.inputs(1, 0.0), problem.start, scratch, steps, problem.out]
    for place in (0, 1, 2, 5, 14, 17):
        other = np.float32 if arguments[place].dtype == np.float64 else np.float64
        with pytest.raises(TypeError):
            fit(*arguments[:place], arguments[place].astype(other), *arguments[place + 1 :])
    line = np.zeros(5, np.float32)
    with pytest.raises(TypeError):
        displace(line, line, np.zeros((1, 5)), line, 1.0, 1.0, line, line)
    with pytest.raises(TypeError):
        products(np.zeros((1, 5), np.float32), line, line.astype(np.float64))
    with pytest.raises(TypeError):
        project_out(np.zeros((1, 5), np.float32), line, line.astype(np.float64))
