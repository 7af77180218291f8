import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kernels.ncc import best_peaks, correlate, subpixel_peak
from tests.oracles.ncc import correlation, peaks, refined
from tests.support.guarded_arrays import assert_fence_stands, fenced

modest = settings(max_examples=60, deadline=None)
anything = st.floats(width=32) | st.floats(-2.0, 2.0, width=32)


def shapes(most):
    return st.tuples(st.integers(1, most), st.integers(1, most))


@st.composite
def images_and_templates(draw, elements):
    """An image, and a template no larger than it."""
    height, width = draw(shapes(9))
    image = draw(arrays(np.float32, (height, width), elements=elements))
    template = draw(
        arrays(np.float32, (draw(st.integers(1, height)), draw(st.integers(1, width))), elements=st.integers(-4, 4))
    )
    centred = template.astype(np.float64) - template.mean(dtype=np.float64)
    assume(centred.any())
    return image, (centred / np.linalg.norm(centred)).astype(np.float32)


def scored(image, template):
    out = fenced(np.full((image.shape[0] - template.shape[0] + 1, image.shape[1] - template.shape[1] + 1), np.nan))
    correlate(fenced(image), fenced(template), out)
    assert_fence_stands(out)
    return out


@modest
@given(images_and_templates(st.integers(-20, 20).map(lambda k: k / 4)))
def test_correlation_agrees_with_pearson(pair):
    np.testing.assert_allclose(scored(*pair), correlation(*pair), atol=1e-5)


@modest
@given(images_and_templates(anything))
def test_correlation_of_anything_is_a_coefficient_and_never_nan(pair):
    image, template = pair
    scores = scored(image, template)
    assert (np.abs(scores) <= 1.0).all()
    for i, j in np.ndindex(*scores.shape):
        if not np.isfinite(image[i : i + template.shape[0], j : j + template.shape[1]]).all():
            assert scores[i, j] == -1.0


@modest
@given(
    shapes(9).flatmap(lambda shape: arrays(np.float32, shape, elements=st.integers(-4, 4).map(lambda k: k / 4))),
    st.integers(0, 4),
    st.integers(0, 6),
)
def test_peaks_agree_with_the_slow_search(scores, apart, most):
    out = np.full((most, 3), np.nan)
    count = best_peaks(scores, apart, out)
    np.testing.assert_allclose(out[:count], peaks(scores, apart, most), atol=1e-6)
    assert np.isnan(out[count:]).all()


@modest
@given(shapes(6).flatmap(lambda shape: arrays(np.float32, shape, elements=anything)), st.integers(0, 4))
def test_peaks_of_anything_are_true_apart_and_best_first(scores, apart):
    out = np.full((8, 3), np.nan)
    best = out[: best_peaks(scores, apart, out)]
    assert (best[1:, 2] <= best[:-1, 2]).all()
    assert (best[:, 2] > -1.0).all()
    assert np.isin(best[:, 2], scores).all()
    for index, peak in enumerate(best):
        assert (np.abs(best[:index, :2] - peak[:2]).max(axis=1) > apart).all()


@modest
@given(arrays(np.float32, (3, 3), elements=anything), st.integers(0, 2), st.integers(0, 2))
def test_a_refined_peak_of_anything_is_at_most_half_a_pixel_away(scores, row, col):
    out = np.full(2, np.nan)
    subpixel_peak(scores, row, col, out)
    assert (np.abs(out - (row, col)) <= 0.5).all()


@modest
@given(arrays(np.float32, (3, 4), elements=st.integers(-8, 8)), st.integers(0, 2), st.integers(0, 3))
def test_a_refined_peak_is_the_vertex_of_the_parabola(scores, row, col):
    out = np.full(2, np.nan)
    subpixel_peak(scores, row, col, out)
    np.testing.assert_allclose(out, refined(scores, row, col), atol=1e-6)
