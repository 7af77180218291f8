import numpy as np
import pytest

from kernels.ncc import best_peaks, correlate, correlate_weighted, search, subpixel_peak
from tests.oracles.ncc import correlation, peaks, weighted_correlation
from tests.oracles.pyramid import block_means
from tests.support.guarded_arrays import assert_fence_stands, fenced


def single(values):
    return np.ascontiguousarray(values, dtype=np.float32)


def noise(shape, seed=0):
    return single(np.random.default_rng(seed).normal(size=shape))


def template_of(values):
    values = values.astype(np.float64) - values.mean(dtype=np.float64)
    return single(values / np.linalg.norm(values))


def scored(image, template):
    out = fenced(np.zeros((image.shape[0] - template.shape[0] + 1, image.shape[1] - template.shape[1] + 1)))
    correlate(fenced(image), fenced(template), out)
    assert_fence_stands(out)
    return out


def refined(scores, row, col):
    out = np.full(2, np.nan)
    subpixel_peak(single(scores), row, col, out)
    return tuple(out)


def found(scores, apart=2, most=3):
    out = np.full((most, 3), np.nan)
    return out[: best_peaks(single(scores), apart, out)]


@pytest.mark.parametrize("shape", [(1, 2), (2, 1), (3, 3), (12, 12), (5, 20), (20, 24)])
def test_correlation_is_that_of_the_statistics_books(shape):
    image, template = noise((20, 24)), template_of(noise(shape, seed=1))
    np.testing.assert_allclose(scored(image, template), correlation(image, template), atol=2e-6)


@pytest.mark.parametrize("gain", [1e-6, 0.5, 2.0, 1e6])
@pytest.mark.parametrize("offset", [0.0, -3.0, 100.0])
def test_correlation_does_not_depend_on_gain_and_offset(gain, offset):
    image, template = noise((20, 24)), template_of(noise((7, 5), seed=1))
    changed = single(gain * (image + np.float64(offset)))
    np.testing.assert_allclose(scored(changed, template), scored(image, template), atol=1e-4)


def test_rounding_never_lifts_a_coefficient_above_one():
    for seed in range(200):
        image = noise((5, 6), seed)
        assert abs(scored(image, template_of(image))[0, 0]) <= 1.0
        assert abs(scored(image, template_of(-image))[0, 0]) <= 1.0


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_correlation_is_one_where_the_template_was_cut_out_and_minus_one_for_its_negative(sign):
    image = noise((20, 24))
    scores = scored(image, template_of(sign * image[6:13, 9:14]))
    np.testing.assert_allclose(scores[6, 9], sign, atol=1e-6)
    assert np.abs(scores).argmax() == np.ravel_multi_index((6, 9), scores.shape)


@pytest.mark.parametrize("offset", [1e4, -1e4, 1e6])
def test_a_large_offset_does_not_eat_the_digits(offset):
    image, template = single(noise((20, 24)) + np.float64(offset)), template_of(noise((12, 12), seed=1))
    np.testing.assert_allclose(scored(image, template), correlation(image, template), atol=2e-5)


@pytest.mark.parametrize("value", [0.0, 0.1, -1234.567, 3e38])
def test_a_constant_image_matches_nothing(value):
    assert (scored(single(np.full((9, 9), value)), template_of(noise((3, 4)))) == -1.0).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("at", [(0, 0), (4, 5), (8, 9)])
def test_a_bad_pixel_matches_nothing_wherever_it_is_below_the_template(bad, at):
    image, template = noise((9, 10)), template_of(noise((3, 4), seed=1))
    image[at] = bad
    np.testing.assert_allclose(scored(image, template), correlation(image, template), atol=2e-6)


@pytest.mark.parametrize("scale", [1e-40, 1e-30, 1e-22, 1e-17, 1e20, 1e30, 1e38])
def test_numbers_too_large_or_too_small_to_be_squared_match_nothing(scale):
    image = single(scale * np.sign(noise((9, 10))))
    template = template_of(image[2:5, 3:7] / scale)
    assert (scored(image, template) == -1.0).all()


def test_a_template_without_anything_on_it_matches_nothing_and_a_bad_one_neither():
    image = noise((9, 10))
    assert (scored(image, single([[1.0]])) == -1.0).all()
    template = template_of(noise((3, 4)))
    template[1, 1] = np.nan
    assert (scored(image, template) == -1.0).all()


@pytest.mark.parametrize("down", [-0.5, -0.25, 0.0, 0.125, 0.5])
@pytest.mark.parametrize("right", [-0.5, -0.375, 0.0, 0.25, 0.5])
def test_the_vertex_of_a_parabola_is_found_exactly(down, right):
    row, col = np.mgrid[:6, :7]
    scores = 1.0 - (row - 3 - down) ** 2 / 64.0 - (col - 2 - right) ** 2 / 32.0
    assert refined(scores, 3, 2) == (3 + down, 2 + right)


@pytest.mark.parametrize(("row", "col"), [(0, 0), (0, 6), (5, 0), (5, 6), (0, 3), (5, 3), (3, 0), (3, 6)])
def test_a_peak_on_the_border_stays_whole_across_it(row, col):
    i, j = np.mgrid[:6, :7]
    scores = 1.0 - (i - row - 0.25) ** 2 / 64.0 - (j - col + 0.25) ** 2 / 64.0
    assert refined(scores, row, col) == (row + 0.25 * (0 < row < 5), col - 0.25 * (0 < col < 6))


@pytest.mark.parametrize(
    "line", [(0.1, 0.2, 0.3), (0.5, 0.1, 0.6), (0.2, 0.2, 0.2), (np.nan, 0.5, 0.1), (0.1, np.nan, 0.2)]
)
def test_where_there_is_no_peak_the_whole_number_stays(line):
    assert refined([line], 0, 1) == (0.0, 1.0)
    assert refined([[value] for value in line], 1, 0) == (1.0, 0.0)


def test_peaks_come_best_first_and_refined():
    scores = np.full((20, 20), -0.5)
    for row, col, score in ((3, 4, 0.6), (10, 15, 0.9), (16, 3, 0.7)):
        scores[row, col] = score
    scores[10, 16] = 0.8
    best = found(scores)
    np.testing.assert_allclose(best[:, 2], (0.9, 0.7, 0.6), rtol=1e-7)
    np.testing.assert_array_equal(best[1:, :2], [(16, 3), (3, 4)])
    np.testing.assert_allclose(best[0, :2], (10.0, 15.0 + 1.3 / 3.0), rtol=1e-6)


def test_a_shoulder_of_a_peak_is_no_peak():
    row, col = np.mgrid[:15, :15]
    assert len(found(1.0 - np.hypot(row - 7, col - 7) / 10.0)) == 1


@pytest.mark.parametrize("apart", [1, 2, 5])
def test_peaks_lie_apart_along_rows_or_columns(apart):
    best = found(noise((25, 30)), apart, most=40)
    assert len(best) > 5
    for index, peak in enumerate(best):
        assert (np.abs(best[:index, :2] - peak[:2]).max(axis=1) > apart).all()


def test_peaks_of_noise_are_those_of_the_slow_search():
    for seed in range(5):
        scores = noise((18, 14), seed)
        np.testing.assert_allclose(found(scores, 2, 6), peaks(scores, 2, 6), atol=1e-5)


@pytest.mark.parametrize("value", [-1.0, np.nan])
def test_without_any_match_there_is_no_peak(value):
    assert len(found(np.full((7, 8), value))) == 0


def test_a_peak_beside_nan_is_not_trusted():
    scores = np.zeros((9, 9))
    scores[2, 2], scores[2, 3], scores[6, 6] = 0.9, np.nan, 0.5
    np.testing.assert_array_equal(found(scores)[0], (6.0, 6.0, 0.5))


@pytest.mark.parametrize("shape", [(0, 0), (0, 4), (1, 1), (1, 6), (6, 1), (2, 2)])
def test_scores_of_any_size_can_be_looked_through(shape):
    scores = np.zeros(shape)
    assert len(found(scores)) <= 1 + max(shape) // 3
    if scores.size:
        scores[-1, -1] = 0.5
        np.testing.assert_array_equal(found(scores)[0], (shape[0] - 1, shape[1] - 1, 0.5))


def test_other_types_are_refused():
    image = noise((9, 9))
    for arguments in ((image.astype(np.float64), image, image), (image, image.astype(np.uint8), image)):
        with pytest.raises(TypeError):
            correlate(*arguments)
    with pytest.raises(TypeError):
        subpixel_peak(image.astype(np.float64), 1, 1, np.zeros(2))
    with pytest.raises(TypeError):
        best_peaks(image, 1, image)


def weighted_template(values, weight):
    weight = weight.astype(np.float64) / weight.sum(dtype=np.float64)
    values = values.astype(np.float64) - (weight * values).sum()
    return single(weight * values / np.sqrt((weight * values**2).sum())), single(weight)


def scored_by_weight(image, values, weight):
    out = fenced(np.zeros((image.shape[0] - values.shape[0] + 1, image.shape[1] - values.shape[1] + 1)))
    template, weight = weighted_template(values, weight)
    correlate_weighted(fenced(image), fenced(template), fenced(weight), out)
    assert_fence_stands(out)
    return out


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_weighted_correlation_is_that_of_the_statistics_books(offset):
    image, values = single(noise((20, 24)) + np.float64(offset)), noise((7, 6), seed=1)
    weight = np.random.default_rng(2).uniform(0.0, 1.0, values.shape)
    np.testing.assert_allclose(
        scored_by_weight(image, values, weight), weighted_correlation(image, values, weight), atol=2e-4
    )


def test_what_lies_under_no_weight_does_not_count():
    image, weight = noise((20, 24)), np.ones((7, 6))
    values, weight[:, 4:] = image[6:13, 9:15].copy(), 0.0
    image[:, 13:] = noise((20, 11), seed=5)
    np.testing.assert_allclose(scored_by_weight(image, values, weight)[6, 9], 1.0, atol=1e-5)
    assert scored(image, template_of(values))[6, 9] < 0.95


@pytest.mark.parametrize("bad", [np.nan, np.inf, 3e38])
def test_a_weighted_template_matches_nothing_where_the_image_is_bad_or_constant(bad):
    assert (scored_by_weight(single(np.full((9, 9), bad)), noise((3, 4)), np.ones((3, 4))) == -1.0).all()


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_a_search_reads_correlates_and_finds_the_peaks(factor):
    image, template = noise((60, 66)), template_of(noise((4, 5), seed=1))
    window, scores, out = fenced(np.zeros((14, 16))), fenced(np.zeros((11, 12))), np.full((3, 3), np.nan)
    count = search(fenced(image), -2, 7, factor, window, template, scores, 2, out)
    expected = correlation(block_means(image, -2, 7, factor, window.shape), template)
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    np.testing.assert_allclose(out[:count], peaks(scores.astype(np.float64), 2, 3), atol=1e-4)
    assert_fence_stands(window)
    assert_fence_stands(scores)
