"""The template made of the reference: which pixels count, how much, and what they tell about the position."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from gatekeeper.core.errors import TargetError
from gatekeeper.tracking.deformation import TRANSLATION_SD_MM, deformation_modes
from gatekeeper.tracking.grid import FEWEST_POINTS, make_grid, select_points
from gatekeeper.tracking.template import make_template
from gatekeeper.tracking.template_fit import TemplateFit
from tests.support.scenes import Scene

SCENE = Scene()


def template_of(
    image=None,
    mask=None,
    spacing_mm=(1.8, 1.8),
    factor=1,
    share=0.1,
    context_mm=15.0,
    most=10_000,
    stiffness=1.0,
    translation_mm=(30.0, 6.0),
):
    image = SCENE.image() if image is None else np.asarray(image, np.float32)
    mask = SCENE.disc() if mask is None else mask
    extent_mm = np.argwhere(mask) * spacing_mm
    free = deformation_modes(extent_mm.min(0) - context_mm, extent_mm.max(0) + context_mm, 25.0, 3.0, 0.985, 14)
    distance_mm = distance_transform_edt(~mask, sampling=spacing_mm).astype(np.float32)
    grid = make_grid(image, distance_mm, spacing_mm, factor, share)
    template = make_template(grid, select_points(grid, context_mm, most), free, context_mm, stiffness, translation_mm)
    return template, distance_mm, free


def test_its_points_are_the_pixels_within_the_context():
    template, distance_mm, _ = template_of()
    np.testing.assert_array_equal(template.points[:2].T, np.argwhere(distance_mm <= 15.0))


def test_at_half_resolution_its_points_are_blocks_of_four_pixels():
    template, distance_mm, free = template_of(factor=2)
    blocks = distance_mm.reshape(60, 2, 50, 2).mean(axis=(1, 3))
    np.testing.assert_array_equal(template.points[:2].T, np.argwhere(blocks <= 15.0))
    middle_mm = (2.0 * template.points[:2].T + 0.5) * 1.8
    np.testing.assert_allclose(template.modes, free.at(middle_mm), rtol=1e-6, atol=1e-5)
    assert template.row_scale == pytest.approx(1.0 / 3.6)


@pytest.mark.parametrize(
    ("spacing_mm", "factor", "reach_mm"), [((1.8, 1.8), 1, 1.8), ((1.8, 1.8), 2, 3.6), ((1.0, 2.5), 1, 2.5)]
)
def test_to_the_target_belong_its_points_and_those_next_to_it(spacing_mm, factor, reach_mm):
    template, distance_mm, _ = template_of(spacing_mm=spacing_mm, factor=factor)
    rows, cols = distance_mm.shape
    blocks = distance_mm.reshape(rows // factor, factor, cols // factor, factor).mean(axis=(1, 3))
    row, col = template.points[:2].astype(int)
    np.testing.assert_array_equal(template.in_target, blocks[row, col] <= 1.05 * reach_mm)
    assert template.in_target.sum() > (blocks == 0.0).sum()


@pytest.mark.parametrize("pixels", [1, 2])
def test_to_a_target_of_few_points_belong_those_nearest_to_it(pixels):
    mask = np.zeros(SCENE.shape, bool)
    mask[60, 50 : 50 + pixels] = True
    template, distance_mm, _ = template_of(mask=mask)
    row, col = template.points[:2].astype(int)
    inside = template.in_target
    assert FEWEST_POINTS <= inside.sum() < 3 * FEWEST_POINTS
    assert distance_mm[row, col][inside].max() < distance_mm[row, col][~inside].min()


def test_the_weight_falls_from_the_target_outwards():
    template, distance_mm, _ = template_of()
    row, col = template.points[:2].astype(int)
    order = np.argsort(distance_mm[row, col])
    weight = template.points[2][order]
    assert (np.diff(weight) <= 1e-6).all()
    assert weight[-1] == pytest.approx(weight[0] / np.e, rel=0.05)


def test_a_finer_grid_does_not_tell_more_than_the_same_image_on_a_coarser_one():
    coarse = Scene((60, 50), (3.6, 3.6), finest_mm=20.0)
    fine = Scene((240, 200), (0.9, 0.9), finest_mm=20.0)
    norms = [template_of(s.image(), s.disc(), s.spacing_mm, share=0.0)[0].norm for s in (coarse, fine)]
    assert norms[0] == pytest.approx(norms[1], rel=0.1)


def test_the_unit_of_the_pixel_values_changes_nothing():
    plain, other = template_of()[0], template_of(SCENE.image() * 1e-3 + 7.0)[0]
    assert other.norm == pytest.approx(plain.norm, rel=1e-3)
    np.testing.assert_allclose(other.inverse_hessian, plain.inverse_hessian, atol=1e-3)


def test_gain_and_offset_are_the_first_directions_to_ignore_and_do_not_move_the_target():
    template, _, _ = template_of()
    ignored = template.photometric.astype(float)
    np.testing.assert_allclose(ignored[:2] @ ignored[:2].T, np.eye(2), atol=1e-5)
    weight = template.points[2].astype(float)
    for direction in (weight, weight * SCENE.image()[tuple(template.points[:2].astype(int))]):
        left = direction - (direction @ ignored[:2].T) @ ignored[:2]
        assert np.linalg.norm(left) < 0.2 * np.linalg.norm(direction)
    np.testing.assert_allclose(
        template.steepest @ ignored[:2].T, 0.0, atol=1e-3 * np.abs(template.steepest).sum(1).max()
    )
    assert template.norm > 0.0


def test_the_steepest_descent_images_are_what_a_small_motion_changes():
    template, _, _ = template_of(share=0.0)
    weight, ignored = template.points[2].astype(float), template.photometric[:2].astype(float)
    place = tuple(template.points[:2].astype(int))
    moved_mm = 0.2
    for axis, mode in ((0, 0), (1, template.modes.shape[0])):
        vector = np.eye(2)[axis] * moved_mm
        change = (SCENE.image(-vector) - SCENE.image(vector))[place] / (2.0 * moved_mm) * weight
        change -= (change @ ignored.T) @ ignored
        told = template.steepest[mode].astype(float) / template.modes[0, 0]
        assert np.corrcoef(change, told)[0, 1] > 0.99
        assert np.linalg.norm(told) == pytest.approx(np.linalg.norm(change), rel=0.1)


@pytest.mark.parametrize("most", [40, 150, 300])
def test_too_many_points_are_thinned_out_to_the_strongest_everywhere(most):
    every, _, _ = template_of()
    template, _, _ = template_of(most=most)
    assert template.points.shape[1] == most
    kept = {tuple(point) for point in template.points[:2].T}
    assert kept < {tuple(point) for point in every.points[:2].T}
    for low in (every.points[:2].min(axis=1), every.points[:2].mean(axis=1)):
        quarter = (template.points[:2] >= low[:, None]).all(axis=0)
        share = quarter.mean() / (every.points[:2] >= low[:, None]).all(axis=0).mean()
        assert share > 0.8, "a part of the surroundings goes unseen"


def test_a_target_of_the_size_of_the_image_is_seen_from_top_to_bottom():
    scene = Scene((200, 200))
    template, _, _ = template_of(scene.image(), np.ones(scene.shape, bool), most=100)
    assert template.points.shape[1] == 100
    row, col = template.points[:2]
    for low in range(0, 200, 50):
        assert ((row >= low) & (row < low + 50)).sum() >= 10
        assert ((col >= low) & (col < low + 50)).sum() >= 10


def test_the_error_is_what_the_image_leaves_open():
    assert 0.1 < template_of()[0].error_mm < 3.0
    row = np.arange(120.0)[:, None]
    stripes = 500.0 + 100.0 * np.sin(row / 3.0) + np.zeros((120, 100))
    assert template_of(stripes)[0].error_mm == pytest.approx(TRANSLATION_SD_MM, rel=0.05)


def test_along_ap_less_translation_is_expected_and_of_a_stiff_template_less_deformation():
    template, stiff = template_of()[0], template_of(stiffness=3.0)[0]
    count = len(template.modes)
    sideways = (TRANSLATION_SD_MM / 6.0) ** 2
    for prior, of_deformation in ((template.prior, 1.0), (stiff.prior, 9.0)):
        expected = np.full(2 * count, of_deformation)
        expected[[0, count]] = 1.0, sideways
        np.testing.assert_allclose(prior, expected, rtol=1e-6)
    hessian = np.linalg.inv(template.inverse_hessian.astype(float))
    stiffer = np.linalg.inv(stiff.inverse_hessian.astype(float))
    np.testing.assert_allclose(np.diag(stiffer - hessian)[[1, count + 1]], 8.0, rtol=1e-2)


def test_a_constant_image_is_no_template():
    for value in (0.0, 1e-3, 65535.0):
        with pytest.raises(TargetError, match=r"constant around it; choose"):
            template_of(np.full(SCENE.shape, value))


def test_structure_far_from_the_target_does_not_make_up_for_none_around_it():
    image = np.where(SCENE.disc(40.0), 500.0, SCENE.image())
    with pytest.raises(TargetError, match="constant"):
        template_of(image)


def test_too_few_points_are_no_template():
    corner = np.zeros(SCENE.shape, bool)
    corner[0, 0] = True
    with pytest.raises(TargetError, match=rf"target: 4 points within 3 mm .* at least {FEWEST_POINTS} are needed; use"):
        template_of(mask=corner, context_mm=3.0)


def test_where_the_image_says_little_about_ap_a_fit_does_not_slide_along_the_edge():
    """Stripes, and across them something so faint that noise is as strong: where it goes, the target need not go."""
    row, col = np.mgrid[:120, :100]

    def seen(right_px):
        return (500.0 + 100.0 * np.sin(row / 3.0) + 4.0 * np.sin((col - right_px) / 4.0)).astype(np.float32)

    template, _, _ = template_of(seen(0.0))
    assert 10.0 < template.error_mm < 20.0
    params = np.zeros(2 * len(template.modes), np.float32)
    assert TemplateFit(template, (120, 100)).fit(seen(5.0), params, 30)
    assert abs(params[len(template.modes)]) * TRANSLATION_SD_MM < 2.0
