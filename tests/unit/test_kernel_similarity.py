import numpy as np
import pytest

from kernels import similarity as kernel
from tests.oracles.similarity import (
    correlation_without_noise,
    even_slope,
    patchwise_correlation,
    patchwise_slope,
)
from tests.support.guarded_arrays import assert_fence_stands, fenced

PATCHES = np.repeat(np.arange(5, dtype=np.int32), 12)


def problem(seed=0, noise=0.5, patches=PATCHES):
    """Return template, weights and residuals of a frame that is like the template but for noise."""
    rng = np.random.default_rng(seed)
    template = fenced(500.0 + 100.0 * rng.normal(size=patches.size))
    weight = fenced(rng.uniform(0.05, 0.3, patches.size))
    return template, weight, fenced(weight * (noise * 100.0 * rng.normal(size=patches.size)))


def gathered(template, weight, residual, scale=1.0, patches=PATCHES, count=None):
    sums = np.full((max(int(patches.max(initial=0)) + 1, count or 0), 6), np.nan)
    before = [array.copy() for array in (template, weight, residual, patches)]
    kernel.accumulate(template, weight, residual, scale, np.ascontiguousarray(patches[:, None]), sums)
    for array, kept in zip((template, weight, residual, patches), before, strict=True):
        np.testing.assert_array_equal(array, kept)
    return sums


def likeness(*arguments, **named):
    return kernel.similarity(gathered(*arguments, **named))


def detail(*arguments, **named):
    return kernel.detail(gathered(*arguments, **named))


@pytest.mark.parametrize(("measure", "twin"), [(likeness, patchwise_correlation), (detail, patchwise_slope)])
@pytest.mark.parametrize("scale", [0.0, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("noise", [0.1, 1.0, 4.0])
@pytest.mark.parametrize("seed", range(4))
def test_it_is_what_the_slow_twin_says_of_the_patches(seed, noise, scale, measure, twin):
    template, weight, residual = problem(seed, noise)
    shuffled = np.random.default_rng(seed).permutation(PATCHES)
    for patches in (PATCHES, shuffled, np.zeros_like(PATCHES), np.where(shuffled == 2, np.int32(-1), shuffled)):
        found = measure(template, weight, residual, scale, patches)
        assert found == pytest.approx(twin(template, weight, residual, scale, patches), abs=1e-9)
    for array in (template, weight, residual):
        assert_fence_stands(array)


def without_noise(template, weight, residual, noise, scale=1.0):
    sums = gathered(template, weight, residual, scale, np.zeros_like(PATCHES))
    return kernel.similarity_without_noise(sums, noise)


@pytest.mark.parametrize("noise", [0.0, 1e2, 2.5e3, 1e4, 1e6])
@pytest.mark.parametrize("spoilt", [0.1, 0.5, 1.0, 4.0])
@pytest.mark.parametrize("seed", range(4))
def test_likeness_without_noise_is_what_the_slow_twin_says(seed, spoilt, noise):
    template, weight, residual = problem(seed, spoilt)
    for scale in (0.5, 1.0, 3.0):
        found = without_noise(template, weight, residual, noise, scale)
        assert found == pytest.approx(
            correlation_without_noise(template, weight, residual, scale, noise), rel=1e-9, abs=1e-9
        )


def test_what_the_noise_explains_does_not_count_and_what_is_more_does():
    template, weight, residual = problem(3, noise=1.0)
    alike = likeness(template, weight, residual, patches=np.zeros_like(PATCHES))
    found = [without_noise(template, weight, residual, noise) for noise in (0.0, 2e3, 5e3, 1e6)]
    assert found[0] == pytest.approx(alike, rel=1e-12)
    assert found == sorted(found)
    assert found[2] < 1.0
    assert found[3] == 1.0


def test_where_hardly_anything_is_explained_chance_is_compared_with_the_noise():
    """A little more than the noise, and hardly like the template: unlike, but not as if there were no noise."""
    template, weight, _ = problem()
    unlike = weight * (100.0 * np.random.default_rng(8).normal(size=template.size) - 0.6 * (template - 500.0))
    residual = unlike.astype(np.float32)
    alike = likeness(template, weight, residual, patches=np.zeros_like(PATCHES))
    assert 0.0 < alike < 0.3
    found = without_noise(template, weight, residual, 7e3)
    assert alike + 0.2 < found < 1.0


def test_what_is_not_alike_stays_so_whatever_the_noise():
    template, weight, _ = problem()
    opposite = weight * (2.0 * (500.0 - template))
    assert without_noise(template, weight, opposite.astype(np.float32), 1e9) == pytest.approx(-1.0, abs=1e-6)
    broken = opposite.astype(np.float32)
    broken[7] = np.nan
    assert np.isnan(without_noise(template, weight, broken, 1e9))


def test_the_template_itself_is_alike_in_every_patch():
    template, weight, residual = problem(noise=0.0)
    assert likeness(template, weight, residual) == pytest.approx(1.0, abs=1e-12)


def test_a_frame_with_another_gain_and_offset_in_each_patch_is_alike():
    template, weight, residual = problem(noise=0.0)
    seen = template * (0.3 + PATCHES) + 100.0 * PATCHES
    residual[:] = weight * (seen - template)
    assert likeness(template, weight, residual) == pytest.approx(1.0, abs=1e-6)


def test_a_negative_is_unlike_and_the_patches_average():
    template, weight, residual = problem(noise=0.0)
    weight[:] = 0.1
    residual[:] = np.where(PATCHES < 2, -2.0 * weight * template, 0.0)
    assert likeness(template, weight, residual) == pytest.approx((3.0 - 2.0) / 5.0, abs=1e-6)
    assert likeness(template, weight, residual, 0.0) == pytest.approx(1.0, abs=1e-12)


def test_the_course_from_dark_to_bright_is_not_likeness():
    """As a whole the two are alike; that is only because both get brighter from patch to patch."""
    template, weight, residual = problem()
    residual[:] = weight * np.random.default_rng(9).permutation(template) - weight * template
    course = fenced(template + 2000.0 * PATCHES)
    one = likeness(course, weight, residual, patches=np.zeros_like(PATCHES))
    assert one > 0.95
    assert abs(likeness(course, weight, residual)) < 0.3


def test_heavier_points_and_patches_count_more():
    template, weight, residual = problem(noise=0.0)
    weight[:] = np.where(PATCHES == 0, 0.3, 0.1)
    residual[:] = np.where(PATCHES == 0, -2.0 * weight * template, 0.0)
    assert likeness(template, weight, residual) == pytest.approx((4.0 - 9.0) / (4.0 + 9.0), abs=1e-6)


def test_points_of_no_patch_are_not_looked_at():
    template, weight, residual = problem()
    patches = np.where(PATCHES == 4, np.int32(-1), PATCHES)
    expected = likeness(template, weight, residual, patches=patches)
    residual[PATCHES == 4] = np.nan
    template[PATCHES == 4] = np.nan
    assert likeness(template, weight, residual, patches=patches) == expected


def test_a_patch_without_points_counts_nothing():
    template, weight, residual = problem()
    spread = (3 * PATCHES).astype(np.int32)
    assert likeness(template, weight, residual, patches=spread, count=20) == likeness(template, weight, residual)


def test_without_any_patch_there_is_no_likeness():
    template, weight, residual = problem()
    assert np.isnan(likeness(template, weight, residual, patches=np.full_like(PATCHES, -1)))
    nothing = np.zeros(0, np.float32)
    assert np.isnan(likeness(nothing, nothing, nothing, patches=np.zeros(0, np.int32)))


@pytest.mark.parametrize("value", [0.0, 0.25, 512.0])
def test_a_patch_that_is_constant_on_either_is_unlike(value):
    template, weight, residual = problem(noise=0.0)
    weight[:] = 0.125
    template[PATCHES == 1] = value
    assert likeness(template, weight, residual) == pytest.approx(0.8, abs=1e-12)
    residual[PATCHES == 3] = weight[PATCHES == 3] * (value - template[PATCHES == 3])
    assert likeness(template, weight, residual) == pytest.approx(0.6, abs=1e-6)


def test_a_patch_of_one_point_is_unlike():
    template, weight, residual = (array[:12] for array in problem(noise=0.0))
    weight[:] = 0.1
    patches = np.array([0] * 11 + [1], np.int32)
    assert likeness(template, weight, residual, patches=patches) == pytest.approx(11.0 / 12.0, abs=1e-6)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0, 1.2])
def test_detail_is_the_share_of_what_the_template_shows(share):
    """Whatever the patches are as a whole: the course from dark to bright is not detail."""
    template, weight, residual = problem(noise=0.0)
    middle = np.repeat(template.reshape(5, 12).mean(axis=1), 12)
    weight[:] = 0.1
    residual[:] = weight * (middle + share * (template - middle) + 300.0 * PATCHES - template)
    assert detail(template, weight, residual) == pytest.approx(share, abs=1e-5)


def test_noise_on_the_frame_takes_likeness_but_not_detail():
    found = [(likeness(*problem(seed, 2.0)), detail(*problem(seed, 2.0))) for seed in range(40)]
    alike, shown = np.mean(found, axis=0)
    assert alike < 0.6
    assert shown == pytest.approx(1.0, abs=0.1)


def test_without_anything_to_be_seen_there_is_no_detail():
    template, weight, residual = problem()
    assert np.isnan(detail(np.full_like(template, 512.0), weight, residual))
    assert np.isnan(detail(template, weight, residual, patches=np.full_like(PATCHES, -1)))


@pytest.mark.parametrize("which", ["template", "weight", "residual"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("place", [0, 30, 59])
def test_one_value_that_is_no_number_makes_it_nan(which, value, place):
    arrays = dict(zip(("template", "weight", "residual"), problem(), strict=True))
    arrays[which][place] = value
    assert np.isnan(likeness(**arrays))
    assert np.isnan(detail(**arrays))


@pytest.mark.parametrize("scale", [np.nan, np.inf])
def test_so_does_the_scale(scale):
    assert np.isnan(likeness(*problem(), scale))
    assert np.isnan(detail(*problem(), scale))


def test_what_the_buffer_held_does_not_matter():
    template, weight, residual = problem()
    sums = np.zeros((5, 6))
    for _ in range(2):
        kernel.accumulate(template, weight, residual, 1.0, PATCHES[:, None], sums)
        np.testing.assert_array_equal(sums, gathered(template, weight, residual))


def test_several_divisions_are_compared_at_once_each_as_by_itself():
    template, weight, residual = problem()
    halves = np.repeat(np.arange(2, dtype=np.int32), PATCHES.size // 2)
    target = np.where(PATCHES == 2, np.int32(0), np.int32(-1))
    # Their sums lie one after the other.
    patches = np.stack([PATCHES, halves + 5, np.where(target == 0, 7, -1)], axis=1).astype(np.int32)
    sums = np.full((8, 6), np.nan)
    found = kernel.compare(template, weight, residual, 0.5, 100.0, patches, sums, 5, 2)
    inputs = template, weight, residual, 0.5
    assert found[0] == pytest.approx(patchwise_correlation(*inputs, PATCHES), abs=1e-9)
    assert found[1] == pytest.approx(patchwise_slope(*inputs, halves), abs=1e-9)
    core = template[target == 0], weight[target == 0], residual[target == 0]
    assert found[2] == pytest.approx(correlation_without_noise(*core, 0.5, 100.0), abs=1e-9)


def test_other_types_are_refused():
    template, weight, residual = problem()
    for wrong in (
        (template.astype(np.float64), weight, residual, 1.0, PATCHES[:, None], np.zeros((5, 6))),
        (template, weight, residual, 1.0, PATCHES[:, None].astype(np.int64), np.zeros((5, 6))),
        (template, weight, residual, 1.0, PATCHES[:, None], np.zeros((5, 6), np.float32)),
        (template[::2], weight, residual, 1.0, PATCHES[:, None], np.zeros((5, 6))),
    ):
        with pytest.raises(TypeError):
            kernel.accumulate(*wrong)


def even_detail(problem, points, noise, patches=PATCHES):
    result = np.full(2, np.inf)
    kernel.even_detail(gathered(*problem, patches=patches), np.asarray(points, float), noise, result)
    return tuple(result)


@pytest.mark.parametrize("noise", [0.0, 1e3, 1e5])
@pytest.mark.parametrize("points", [(3, 3, 3, 3, 3), (0, 3, 0, 1, 2), (0, 0, 0, 0, 0)])
@pytest.mark.parametrize("seed", range(3))
def test_the_even_slope_is_what_the_slow_twin_says(seed, points, noise):
    template, weight, residual = problem(seed, 1.0)
    template[PATCHES == 3] = 500.0
    found = even_detail((template, weight, residual), points, noise)
    expected = even_slope(template, weight, residual, 1.0, PATCHES, points, noise)
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-9, nan_ok=True)


def test_one_strong_edge_does_not_decide_alone():
    template, weight, residual = problem(noise=0.0)
    template[PATCHES == 0] = 500.0 + 1000.0 * np.sign(np.arange(12) - 5.5)
    # All but the edge shows something else.
    residual[PATCHES > 0] = (weight * (500.0 - template))[PATCHES > 0]
    strong = (template, weight, residual)
    assert detail(*strong) > 0.9
    assert even_detail(strong, [3] * 5, 0.0) == pytest.approx((0.2, 1.0), abs=1e-6)
    # Where noise hides all but the edge, little of the target is seen.
    slope, seen = even_detail(strong, [3] * 5, 1e6)
    assert slope > 0.6
    assert seen < 0.2


def test_an_even_slope_of_what_is_no_number_is_none():
    template, weight, residual = problem()
    residual[3] = np.nan
    assert np.isnan(even_detail((template, weight, residual), [3] * 5, 0.0)[0])
