"""The displacement modes: a Gaussian process, told by a few numbers."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from gatekeeper.tracking.deformation import MOST_LENGTHS, TRANSLATION_SD_MM, deformation_modes

LOW_MM, HIGH_MM = np.array([20.0, -5.0]), np.array([80.0, 40.0])
LENGTH_MM, SD_MM = 25.0, 3.0


def model(low_mm=LOW_MM, high_mm=HIGH_MM, length_mm=LENGTH_MM, sd_mm=SD_MM, share=0.985, most=100):
    return deformation_modes(np.asarray(low_mm, float), np.asarray(high_mm, float), length_mm, sd_mm, share, most)


def places(n=60, low_mm=LOW_MM, high_mm=HIGH_MM):
    return np.random.default_rng(0).uniform(low_mm, high_mm, (n, 2))


def test_the_first_mode_moves_every_point_alike():
    modes = model().at(places())
    np.testing.assert_array_equal(modes[0], TRANSLATION_SD_MM)
    assert np.ptp(modes[1:], axis=1).min() > 0.1


def test_the_modes_together_have_the_covariance_of_the_process():
    """Luethi et al. 2018, eq. 8: the sum over the modes of the products at two points is their covariance."""
    points_mm = places()
    smooth = model(share=1.0 - 1e-9).at(points_mm)[1:]
    squared = np.square(points_mm[:, None] - points_mm[None]).sum(axis=-1)
    covariance = SD_MM**2 * np.exp(-0.5 * squared / LENGTH_MM**2)
    np.testing.assert_allclose(smooth.T @ smooth, covariance, atol=1e-3 * SD_MM**2)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.985])
def test_as_many_modes_are_kept_as_explain_the_share_of_the_variance_and_no_more(share):
    def explained(free):
        nodes = np.stack(np.meshgrid(*free.nodes_mm, indexing="ij"), axis=-1).reshape(-1, 2)
        return np.square(free.at(nodes)[1:]).sum(axis=0).mean() / SD_MM**2

    free = model(share=share)
    assert explained(free) >= share
    assert explained(model(share=share, most=free.count - 1)) < share


@pytest.mark.parametrize("most", [2, 5, 14])
def test_there_are_never_more_modes_than_allowed(most):
    free = model(length_mm=6.0, most=most)
    assert free.count == most
    assert free.at(places(7)).shape == (most, 7)


def test_the_modes_fade_far_from_the_region_and_only_the_translation_is_left():
    far = model().at(np.array([[500.0, 500.0]]))
    np.testing.assert_allclose(far[1:], 0.0, atol=1e-12)


def test_the_modes_scale_with_the_expected_deformation():
    points_mm = places()
    np.testing.assert_allclose(model(sd_mm=6.0).at(points_mm)[1:], 2.0 * model(sd_mm=3.0).at(points_mm)[1:])


def test_the_modes_are_smooth():
    """A displacement changes over a millimetre by a small part of what it may be over the correlation length."""
    along = np.stack([np.linspace(20.0, 80.0, 601), np.full(601, 10.0)], axis=1)
    steps = np.abs(np.diff(model().at(along)[1:], axis=1)) / 0.1
    assert steps.max() < 3.0 * SD_MM / LENGTH_MM


def test_the_modes_do_not_care_where_the_region_lies_nor_which_axis_comes_first():
    points_mm = places()
    moved = model(LOW_MM + 1000.0, HIGH_MM + 1000.0).at(points_mm + 1000.0)
    np.testing.assert_allclose(moved, model().at(points_mm), atol=1e-9)
    turned = model(LOW_MM[::-1], HIGH_MM[::-1]).at(points_mm[:, ::-1])
    np.testing.assert_allclose(turned[1:].T @ turned[1:], model().at(points_mm)[1:].T @ model().at(points_mm)[1:])


def test_modes_that_explain_the_same_are_never_mixed():
    """Modes (i, j) and (j, i) of a square are a pair that a library may turn as it likes; here each is of one order."""
    square, points_mm = model((0.0, 0.0), (70.0, 70.0), share=0.9999), places(20, 0.0, 70.0)
    modes, turned = square.at(points_mm), square.at(points_mm[:, ::-1])
    alike = np.array([[min(np.abs(a - b).max(), np.abs(a + b).max()) < 1e-6 for b in turned] for a in modes])
    assert (alike.sum(axis=1) == 1).sum() >= len(modes) - 1


@pytest.mark.parametrize("length_mm", [5.0, 25.0, 200.0])
def test_the_largest_region_costs_little(length_mm):
    tracemalloc.start()
    try:
        free = model((0.0, 0.0), (4100.0, 4100.0), length_mm, most=14)
        modes = free.at(places(1200, 0.0, 4100.0))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert np.isfinite(modes).all()
    assert peak < 50e6
    assert free.length_mm == max(length_mm, 4100.0 / MOST_LENGTHS)


def test_a_region_without_extent_has_modes_too():
    free = model((3.0, 4.0), (3.0, 4.0))
    modes = free.at(np.array([[3.0, 4.0]]))
    assert np.isfinite(modes).all()
    assert np.square(modes[1:]).sum() == pytest.approx(SD_MM**2, rel=0.02)


def test_centred_modes_leave_the_mean_of_the_outline_to_the_translation_and_change_nothing_else():
    outline_mm, points_mm = places(30, LOW_MM + 15.0, HIGH_MM - 15.0), places()
    plain, centred = model(), model().centred(outline_mm)
    np.testing.assert_allclose(centred.at(outline_mm)[1:].mean(axis=1), 0.0, atol=1e-12)
    assert np.abs(plain.at(outline_mm)[1:].mean(axis=1)).max() > 0.5
    away = centred.at(points_mm) - plain.at(points_mm)
    np.testing.assert_allclose(away, away[:, :1].repeat(len(points_mm), axis=1), atol=1e-12)
    np.testing.assert_allclose(centred.centred(outline_mm).at(points_mm), centred.at(points_mm), atol=1e-12)


def test_a_wide_part_adds_its_modes_and_its_covariance():
    narrow, wide = model(), model(length_mm=60.0, sd_mm=7.0)
    both, points_mm = replace(narrow, wide=wide), places()
    assert (both.count, both.wide_count) == (narrow.count + wide.count - 1, wide.count)
    np.testing.assert_array_equal(both.at(points_mm)[: wide.count], wide.at(points_mm))
    np.testing.assert_array_equal(both.at(points_mm)[wide.count :], narrow.at(points_mm)[1:])
    np.testing.assert_array_equal(both.smooth_fields(points_mm), wide.at(points_mm)[1:] / 7.0)


def test_no_mode_of_either_part_moves_the_mean_of_an_outline():
    outline_mm = places(40)
    both = replace(model(), wide=model(length_mm=60.0, sd_mm=7.0)).centred(outline_mm)
    np.testing.assert_allclose(both.at(outline_mm)[1:].mean(axis=1), 0.0, atol=1e-9)
