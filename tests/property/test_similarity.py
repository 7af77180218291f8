import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kernels import similarity as kernel
from tests.oracles.similarity import patchwise_correlation, patchwise_slope
from tests.support.guarded_arrays import assert_fence_stands, fenced

modest = settings(max_examples=80, deadline=None)
grey = st.integers(-400, 400).map(lambda k: k / 4)
scales = st.integers(0, 16).map(lambda k: k / 4)


@st.composite
def problems(draw, values=grey):
    """Values that single precision holds exactly, so that a constant patch is constant to the twin as well."""
    size = draw(st.integers(1, 30))
    template, residual = (draw(arrays(np.float32, size, elements=values)) for _ in range(2))
    weight = draw(st.sampled_from([0.5, 1.0, 2.0])) * np.ones(size, np.float32)
    patches = draw(arrays(np.int32, size, elements=st.integers(-1, 4)))
    return template, weight, residual, draw(scales), patches


def both(template, weight, residual, scale, patches):
    template, weight, residual = fenced(template), fenced(weight), fenced(residual)
    sums = np.full((5, 6), np.nan)
    kernel.accumulate(template, weight, residual, scale, patches[:, None], sums)
    for array in (template, weight, residual):
        assert_fence_stands(array)
    return kernel.similarity(sums), kernel.detail(sums)


@modest
@given(problems())
def test_likeness_agrees_with_looking_at_each_patch(problem):
    likeness, detail = both(*problem)
    assert likeness == pytest.approx(patchwise_correlation(*problem), abs=1e-6, nan_ok=True)
    assert detail == pytest.approx(patchwise_slope(*problem), rel=1e-6, abs=1e-6, nan_ok=True)


@modest
@given(problems())
def test_it_is_a_correlation_or_nan_without_any_patch(problem):
    found, _ = both(*problem)
    assert -1.0 <= found <= 1.0 or ((problem[4] < 0).all() and np.isnan(found))


@modest
@given(problems(), st.sampled_from([0.25, 2.0, 8.0]))
def test_the_unit_of_the_weights_and_that_of_the_image_do_not_matter(problem, unit):
    template, weight, residual, scale, patches = problem
    single = np.float32(unit)
    expected = pytest.approx(both(*problem), rel=1e-9, abs=1e-9, nan_ok=True)
    assert both(template, single * weight, single * residual, scale, patches) == expected
    assert both(single * template, weight, single * residual, scale, patches) == expected


@modest
@given(problems(), st.permutations(range(5)))
def test_nor_does_the_order_of_the_patches(problem, order):
    template, weight, residual, scale, patches = problem
    other = np.array([*order, -1], np.int32)[patches]
    assert both(template, weight, residual, scale, other) == pytest.approx(
        both(*problem), rel=1e-9, abs=1e-9, nan_ok=True
    )


@modest
@given(problems(grey | st.just(np.nan)))
def test_what_is_no_number_in_any_patch_makes_it_nan(problem):
    template, _, residual, _, patches = problem
    bad = (np.isnan(template) | np.isnan(residual))[patches >= 0]
    likeness, detail = both(*problem)
    assert np.isnan(likeness) == (bad.any() or bad.size == 0)
    assert np.isnan(detail) or not bad.any()
