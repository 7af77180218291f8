import numpy as np
import pytest

from kernels.deformation import CORRELATION, GAIN, PENALTY
from tests.oracles.deformation import gauss_newton
from tests.support.fit_problems import Problem
from tests.support.textures import COLS, ROWS, SHAPE, displacement_model, fitted, level_of, moved_px, texture

SEEDS = [0, 1, 2, 3]
NO_PRIOR = 100.0


def away(level, params, other):
    """Farthest that a point of the target lies from where other parameters, or a translation, put it."""
    expected = np.reshape(other, (2, 1)) if len(other) == 2 else moved_px(level, other)
    return np.abs(moved_px(level, params) - expected).max()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shift", [(0.3, -0.2), (0.5, 0.5), (1.5, -1.0), (2.2, 1.9), (-3.0, 2.0)])
def test_a_translation_is_found_to_a_fiftieth_of_a_pixel(seed, shift):
    tissue = texture(seed)
    level = level_of(tissue(ROWS, COLS))
    done, params = fitted(level, tissue(ROWS - shift[0], COLS - shift[1]))
    assert done
    assert away(level, params, shift) < 0.02
    assert level.correlation > 0.9999
    assert level.inside == 1.0


@pytest.mark.parametrize("seed", SEEDS)
def test_a_smooth_deformation_is_found_to_a_fiftieth_of_a_pixel(seed):
    tissue, model = texture(seed), displacement_model()
    bent = 0.3 * np.random.default_rng(seed + 100).normal(size=2 * model.count)
    bent[0], bent[model.count] = 0.05, -0.03  # these two are the translation
    modes_mm = model.at(np.stack([ROWS.ravel(), COLS.ravel()], axis=1))
    down, right = (bent.reshape(2, -1) @ modes_mm).reshape(2, *SHAPE)
    level = level_of(tissue(ROWS + down, COLS + right), certainty=NO_PRIOR)
    done, params = fitted(level, tissue(ROWS, COLS))
    assert done
    assert np.ptp(moved_px(level, bent), axis=1).max() > 0.5
    assert away(level, params, bent) < 0.02


@pytest.mark.parametrize("seed", SEEDS)
def test_on_the_reference_itself_nothing_moves_and_all_correlates(seed):
    reference = texture(seed)(ROWS, COLS)
    level = level_of(reference)
    done, params = fitted(level, reference)
    assert done
    np.testing.assert_allclose(params, 0.0, atol=1e-5)
    np.testing.assert_allclose(level._result[[GAIN, CORRELATION]], 1.0, atol=1e-5)
    assert level.penalty == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("gain", [0.1, 0.5, 2.0, 50.0])
@pytest.mark.parametrize("offset", [0.0, -3.0, 100.0])
def test_neither_gain_nor_offset_matters(gain, offset):
    tissue = texture()
    level, frame = level_of(tissue(ROWS, COLS)), tissue(ROWS - 1.3, COLS + 0.8)
    _, plain = fitted(level, frame)
    correlation, relative = level.correlation, level._result[GAIN]
    _, changed = fitted(level, gain * frame + offset)
    assert away(level, changed, plain) < 1e-3
    np.testing.assert_allclose(level.correlation, correlation, atol=1e-4)
    np.testing.assert_allclose(level._result[GAIN], gain * relative, rtol=1e-3)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("down", "right"), [(0.02, 0.0), (0.0, -0.02), (-0.015, 0.015)])
def test_shading_across_the_frame_hardly_matters(seed, down, right):
    tissue = texture(seed)
    level, frame = level_of(tissue(ROWS, COLS)), tissue(ROWS - 1.3, COLS + 0.8)
    _, plain = fitted(level, frame)
    _, shaded = fitted(level, frame + down * ROWS + right * COLS)
    shift = (moved_px(level, shaded) - moved_px(level, plain)).mean(axis=1)
    assert np.abs(shift).max() < 0.05
    assert away(level, shaded, plain) < 0.15
    assert level.correlation > 0.99


@pytest.mark.parametrize(("factor", "share", "near"), [(1, 0.2, 0.02), (2, 0.0, 0.06), (2, 0.2, 0.06)])
def test_joined_and_smoothed_pixels_lie_where_their_centres_are(factor, share, near):
    tissue = texture(shortest_px=20.0, longest_px=40.0)
    level = level_of(tissue(ROWS, COLS), factor=factor, share=share)
    _, params = fitted(level, tissue(ROWS - 1.4, COLS + 0.7))
    np.testing.assert_allclose(moved_px(level, params).mean(axis=1), (1.4, -0.7), atol=near)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_blob_that_was_not_there_moves_the_target_far_less_than_least_squares(seed):
    tissue = texture(seed)
    level, frame = level_of(tissue(ROWS, COLS)), tissue(ROWS - 1.3, COLS + 0.8)
    _, plain = fitted(level, frame)
    frame[(ROWS - 44.0) ** 2 + (COLS - 50.0) ** 2 <= 4.0] += 5.0
    _, limited = fitted(level, frame)
    template, window = level.template, (0.0, 0.0, -0.5, SHAPE[0] - 0.5, -0.5, SHAPE[1] - 0.5)
    arrays = (template.points, template.modes, template.steepest)
    arrays += (template.prior, template.inverse_hessian, template.photometric)
    scales = (template.norm, template.row_scale, template.col_scale)
    squares, _ = gauss_newton(frame, window, *arrays, *scales, 30, 1e-3, 0.0, np.zeros(len(plain)), clip=np.inf)
    by_blob = np.linalg.norm((moved_px(level, limited) - moved_px(level, plain)).mean(axis=1))
    by_squares = np.linalg.norm((moved_px(level, squares) - moved_px(level, plain)).mean(axis=1))
    assert by_blob < 0.2
    assert by_blob < 0.35 * by_squares


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_frame_that_is_bad_near_the_target_has_no_result_and_farther_away_it_does_not_matter(bad):
    tissue = texture()
    level, frame = level_of(tissue(ROWS, COLS)), tissue(ROWS - 1.3, COLS + 0.8)
    _, plain = fitted(level, frame)
    frame[:3, :3] = bad
    done, same = fitted(level, frame)
    assert done
    np.testing.assert_array_equal(same, plain)
    frame[50, 44] = bad
    done, _ = fitted(level, frame)
    assert not done
    assert np.isnan([level.correlation, level.inside, level.penalty, level.misfit(0.0)]).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_frame_that_is_blank_around_the_target_is_no_match(seed):
    level = level_of(500.0 + 200.0 * texture(seed)(ROWS, COLS))
    frame = np.full(SHAPE, 321.7)
    frame[0] = 900.0
    done, params = fitted(level, frame)
    assert done
    assert abs(level.correlation) < 0.05
    assert np.abs(moved_px(level, params)).max() < 0.2


def test_the_negative_of_the_reference_is_not_the_reference():
    reference = texture()(ROWS, COLS)
    level = level_of(reference)
    fitted(level, 100.0 - reference)
    assert level.correlation < -0.99


@pytest.mark.parametrize("seed", SEEDS)
def test_noise_neither_correlates_nor_moves_the_target_for_free(seed):
    level = level_of(texture(seed)(ROWS, COLS))
    done, _ = fitted(level, np.random.default_rng(seed).normal(size=SHAPE))
    assert not done or level.correlation < 0.5


def test_a_target_beyond_the_frame_is_told_to_be_outside():
    tissue = texture()
    level = level_of(tissue(ROWS, COLS))
    start = np.zeros(2 * displacement_model().count)
    for shift_px, inside in ((30.0, 1.0), (45.0, 0.7), (80.0, 0.0)):
        start[0] = shift_px / 30.0
        done, _ = fitted(level, tissue(ROWS - shift_px, COLS), start, iterations=1)
        assert done
        assert inside - 0.3 <= level.inside <= inside
    assert level._result[PENALTY] > 5.0


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("reject", [3.5, 6.0])
def test_points_beyond_the_limit_of_rejection_count_as_in_the_slow_twin(seed, reject):
    problem = Problem(seed)
    done, params, out = problem.run(iterations=3, reject=reject)
    expected, results = problem.twin(iterations=3, reject=reject)
    assert done
    np.testing.assert_allclose(params, expected, atol=2e-3)
    np.testing.assert_allclose(out, results, rtol=1e-3)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_blob_that_was_not_there_moves_the_target_less_where_its_points_are_rejected(seed):
    tissue = texture(seed)
    frame = tissue(ROWS - 1.3, COLS + 0.8)
    moves = []
    for reject in (0.0, 6.0):
        level = level_of(tissue(ROWS, COLS), reject=reject)
        _, plain = fitted(level, frame)
        blurred = frame.copy()
        blurred[(ROWS - 44.0) ** 2 + (COLS - 50.0) ** 2 <= 4.0] += 5.0
        _, limited = fitted(level, blurred)
        moves.append(np.linalg.norm((moved_px(level, limited) - moved_px(level, plain)).mean(axis=1)))
    assert moves[1] < 0.8 * moves[0]
