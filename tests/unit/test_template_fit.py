"""One template in its buffers: fitted to a frame from a start nearby."""

import numpy as np
import pytest
from scipy.ndimage import uniform_filter1d

from gatekeeper.tracking import similarity as module
from gatekeeper.tracking.deformation import TRANSLATION_SD_MM
from gatekeeper.tracking.template import DIFFERENCE_SHARE
from kernels.deformation import LEAST_EXPLAINED
from tests.oracles.similarity import patchwise_correlation, patchwise_slope
from tests.support.scenes import Scene

SCENE = Scene()


def fitted_mm(level, frame, start_mm=(0.0, 0.0), iterations=30):
    """Return the translation that a fit ends at, and its parameters."""
    count = level.template.modes.shape[0]
    params = np.zeros(2 * count, np.float32)
    params[[0, count]] = np.array(start_mm) / TRANSLATION_SD_MM
    assert level.fit(frame, params, iterations)
    return params[[0, count]] * TRANSLATION_SD_MM, params


@pytest.mark.parametrize("moved_mm", [(0.0, 0.0), (5.0, -3.0), (-5.0, 3.0), (0.0, 6.0)])
def test_a_fit_starts_wherever_it_is_told(moved_mm):
    """Half a structure away, either level gets there; the deformation takes part of the way over."""
    tracker, frame = SCENE.tracker(), SCENE.image(moved_mm)
    for level in (tracker.template_tracker.coarse, tracker.template_tracker.fine[0]):
        for start_mm in ((0.0, 0.0), moved_mm):
            found_mm, _ = fitted_mm(level, frame, start_mm)
            np.testing.assert_allclose(found_mm, moved_mm, atol=0.5)
            assert level.correlation > 0.99
            assert level.inside == 1.0


def test_a_fit_far_from_rest_is_one_at_rest():
    """The window into the frame goes along with the start; only the prior pulls a little towards rest."""
    tracker = SCENE.tracker()
    for level in (tracker.template_tracker.coarse, tracker.template_tracker.fine[0]):
        near_mm, _ = fitted_mm(level, SCENE.image((2.0, 1.0)))
        far_mm, _ = fitted_mm(level, SCENE.image((42.0, -9.0)), (40.0, -10.0))
        np.testing.assert_allclose(far_mm - (40.0, -10.0), near_mm, atol=0.4)


def test_the_misfit_is_the_posterior_and_counts_the_deformation():
    level = SCENE.tracker().template_tracker.coarse
    _, params = fitted_mm(level, SCENE.image((4.0, 1.0), stretch=0.08, about_mm=100.0))
    assert level.penalty == pytest.approx(level.template.prior @ np.square(params, dtype=float), rel=1e-5)
    assert level.penalty > 0.1
    unexplained = level.template.norm**2 * (1.0 / level.correlation**2 - 1.0)
    for typical in (0.0, 0.05, DIFFERENCE_SHARE):
        assert level.misfit(typical) == pytest.approx(unexplained + level.penalty)
    assert level.misfit(4.0 * DIFFERENCE_SHARE) == pytest.approx(unexplained / 4.0 + level.penalty)


def large_level():
    scene = Scene((170, 130))
    return scene, scene.tracker(scene.disc(50.0)).template_tracker.fine[0]


def test_a_template_of_another_stiffness_is_solved_anew():
    _, level = large_level()
    template = level.template
    prior, inverse, error_mm = template.stiffer(1.0)
    np.testing.assert_array_equal(prior, template.prior)
    np.testing.assert_allclose(inverse, template.inverse_hessian, atol=1e-6)
    assert error_mm == pytest.approx(template.error_mm)
    prior, inverse, error_mm = template.stiffer(4.0)
    assert prior[1] == pytest.approx(16.0 * template.prior[1])
    assert prior[0] == template.prior[0]
    assert error_mm < template.error_mm


def test_the_more_is_left_unexplained_the_stiffer_is_the_next_fit():
    scene, level = large_level()
    frame, deformation = scene.image((4.0, 1.0), stretch=-0.1, about_mm=153.0), []
    for unexplained in (0.01, 0.2, 0.7, 9.0):
        assert level.suit(unexplained) == (unexplained != 0.2 or bool(deformation))
        _, params = fitted_mm(level, frame)
        params[[0, len(params) // 2]] = 0.0
        deformation.append(float(np.linalg.norm(params)))
        assert not level.suit(unexplained)
    assert deformation == sorted(set(deformation), reverse=True)


def test_a_small_target_has_one_stiffness():
    level = SCENE.tracker().template_tracker.fine[0]
    assert not any(level.suit(unexplained) for unexplained in (0.0, 0.5, 10.0))


def test_bending_is_the_penalty_without_the_translation():
    level = SCENE.tracker().template_tracker.fine[0]
    _, params = fitted_mm(level, SCENE.image((14.0, -3.0), stretch=0.08, about_mm=100.0))
    rest = params.astype(float)
    rest[[0, len(params) // 2]] = 0.0
    assert level.bending(params) == pytest.approx(level.template.prior @ np.square(rest), rel=1e-3)
    assert 0.1 < level.bending(params) < level.penalty - 0.1


def test_a_template_that_left_the_frame_is_outside():
    level = SCENE.tracker().template_tracker.fine[0]
    assert fitted_mm(level, SCENE.image(), (500.0, -500.0), 1) is not None
    assert level.inside == 0.0


def test_a_fit_to_nothing_fails_and_the_next_one_does_not_know():
    tracker, fresh = SCENE.tracker(), SCENE.tracker()
    params = np.zeros(2 * tracker.template_tracker.fine[0].template.modes.shape[0], np.float32)
    assert not tracker.template_tracker.fine[0].fit(np.full(SCENE.shape, np.nan, np.float32), params, 4)
    frame = SCENE.image((3.0, 1.0))
    np.testing.assert_array_equal(
        fitted_mm(tracker.template_tracker.fine[0], frame)[1], fitted_mm(fresh.template_tracker.fine[0], frame)[1]
    )


def likenesses(level, frame):
    """Return correlation and likeness, patch by patch, in detail and in the target, of a fit to a frame."""
    fitted_mm(level, frame.astype(np.float32))
    return (level.correlation, *level.similarity(noise=0.0))


def both_levels(tracker):
    return tracker.template_tracker.coarse, tracker.template_tracker.fine[0]


def numbered(patches):
    """Return the patches of one division, numbered from 0; those of several share one array of sums."""
    return np.where(patches < 0, -1, patches - patches[patches >= 0].min())


def test_the_reference_is_alike_in_every_patch_in_detail_and_in_the_target():
    for level in both_levels(SCENE.tracker()):
        assert likenesses(level, SCENE.image()) == pytest.approx((1.0, 1.0, 1.0, 1.0), abs=1e-6)
        assert likenesses(level, 0.3 * SCENE.image() + 70.0) == pytest.approx((1.0, 1.0, 1.0, 1.0), abs=1e-6)


def test_likeness_is_what_the_slow_twin_says_of_frame_and_template():
    frame = SCENE.image((4.0, -1.0)) + np.random.default_rng(1).normal(0.0, 100.0, SCENE.shape)
    for level in both_levels(SCENE.tracker()):
        correlation, patchwise, detail, core = likenesses(level, frame)
        assert correlation > LEAST_EXPLAINED
        template = level.template
        inputs = template.values, template.points[2], level._scratch[2], 1.0
        assert patchwise == pytest.approx(patchwise_correlation(*inputs, level._comparison._patches[:, 0]), abs=1e-6)
        assert detail == pytest.approx(patchwise_slope(*inputs, numbered(level._comparison._patches[:, 1])), abs=1e-6)
        assert core == pytest.approx(
            patchwise_correlation(*inputs, numbered(level._comparison._patches[:, 2])), abs=1e-6
        )
        assert 0.3 < patchwise < 0.97
        assert 0.3 < core < 0.97


def test_a_wrong_place_is_less_alike_in_patches_than_as_a_whole():
    """Dark and bright may lie alike by chance, and the fit makes the most of it; the patches are not taken in."""
    slope = 15.0 * np.indices(SCENE.shape)[0]
    tracker = SCENE.tracker(image=SCENE.image() + slope)
    others = [Scene(seed=seed).image() + slope for seed in range(100, 112)]
    for level in both_levels(tracker):
        found = np.array([likenesses(level, frame)[:2] for frame in others])
        assert (found[:, 1] < found[:, 0]).mean() > 0.7
        assert (found[:, 0] - found[:, 1]).mean() > 0.05


def test_the_worse_the_fit_the_less_alike_though_its_residual_is_made_smaller():
    """Below `LEAST_EXPLAINED` the residual of the fit is a share of what it is; that is taken back."""
    noise = np.random.default_rng(2).normal(0.0, 1.0, SCENE.shape)
    level = SCENE.tracker().template_tracker.fine[0]
    found = np.array(
        [likenesses(level, SCENE.image() + sd * noise) for sd in (0.0, 100.0, 200.0, 400.0, 800.0, 1600.0)]
    )
    assert found[-1, 0] < 0.5 * LEAST_EXPLAINED
    assert (np.diff(found[:, [0, 1, 3]], axis=0) < 0.0).all()
    assert found[-1, 1] < 0.4


def test_noise_is_no_lack_of_detail():
    level = SCENE.tracker().template_tracker.fine[0]
    noise = np.random.default_rng(3).normal(0.0, 150.0, SCENE.shape)
    _, patchwise, detail, _ = likenesses(level, SCENE.image() + noise)
    assert patchwise < 0.85
    assert detail == pytest.approx(1.0, abs=0.1)


def test_a_target_of_noise_is_unlike_though_its_surroundings_are_as_they_were():
    mask = SCENE.disc(9.0)
    level = SCENE.tracker(mask).template_tracker.fine[0]
    found = []
    for seed in range(8):
        frame = SCENE.image()
        frame[mask] = np.random.default_rng(seed).normal(500.0, 300.0, SCENE.shape)[mask]
        found.append(likenesses(level, frame)[1:])
    patchwise, _, core = np.mean(found, axis=0)
    assert patchwise > 0.8
    assert core < 0.75


@pytest.mark.parametrize("pixels", [1, 2, 5])
def test_a_target_of_few_points_is_alike_on_the_reference_too(pixels):
    mask = np.zeros(SCENE.shape, bool)
    mask.flat[np.ravel_multi_index([(60, 60, 61, 60, 59), (50, 51, 50, 49, 50)], SCENE.shape)[:pixels]] = True
    for level in both_levels(SCENE.tracker(mask)):
        assert likenesses(level, SCENE.image())[3] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(("smear_px", "shown"), [(5, 0.90), (9, 0.73), (13, 0.61)])
def test_a_smeared_frame_lacks_detail_before_it_is_unlike(smear_px, shown):
    level = SCENE.tracker().template_tracker.fine[0]
    smeared = uniform_filter1d(SCENE.image(), smear_px, axis=0)
    correlation, patchwise, detail, core = likenesses(level, smeared)
    assert detail < min(correlation, patchwise, core)
    assert detail == pytest.approx(shown, abs=0.02)


@pytest.mark.parametrize(
    ("scene", "radius_mm"), [(SCENE, 14.0), (Scene(spacing_mm=(3.5, 3.5)), 20.0), (Scene((64, 56), (4.0, 4.0)), 90.0)]
)
@pytest.mark.parametrize(("division", "of_mm", "fewest"), [(0, 12.0, 6), (1, 6.0, 3)])
def test_patches_are_squares_of_points_as_small_as_leaves_half_of_the_points_in_one(
    division, of_mm, fewest, scene, radius_mm
):
    assert (module.PATCH_MM, module.FEWEST_POINTS) == (12.0, 6)
    assert (module.DETAIL_MM, module.FEWEST_IN_DETAIL) == (6.0, 3)
    for level in both_levels(scene.tracker(scene.disc(radius_mm))):
        patches = numbered(level._comparison._patches[:, division])
        count = (level._comparison._coarse, level._comparison._fine)[division]
        positions_mm = level.template.points[:2].T.astype(float) / (level.template.row_scale, level.template.col_scale)
        share, side_mm = 0.0, 0.5 * of_mm
        while share < 0.5:
            side_mm *= 2.0
            square = np.unique(np.floor(positions_mm / side_mm + 1e-4), axis=0, return_inverse=True)[1].ravel()
            crowd = np.bincount(square)[square]
            share = np.mean(crowd >= fewest)
        np.testing.assert_array_equal(patches >= 0, crowd >= fewest)
        assert count == len(np.unique(square[crowd >= fewest]))
        for patch in range(count):
            mine_mm = positions_mm[patches == patch]
            assert len(mine_mm) >= fewest
            assert (np.ptp(mine_mm, axis=0) < side_mm).all()
