"""What makes a template_tracker doubt the end that it comes to."""

import math

import numpy as np
import pytest

from gatekeeper.tracking import position_prior
from gatekeeper.tracking import template_tracker as module
from gatekeeper.tracking.motion_prior import AXIS_PRIORS
from gatekeeper.tracking.position_prior import LARGEST_JUMP_DEVIANCE, LARGEST_PATH_DEVIANCE
from gatekeeper.tracking.surroundings import Surroundings
from gatekeeper.tracking.tracker import Tracker
from replay.phantom import PhantomConfig, make_phantom
from replay.phantom.config import AcquisitionConfig, BreathingConfig, DeepBreath
from tests.support.template_trackers import NOISE, SCENE, a_template_tracker

JUMP_SI_MM, JUMP_AP_MM = AXIS_PRIORS["SI"].jump_mm, AXIS_PRIORS["AP"].jump_mm


@pytest.fixture
def doubts(monkeypatch):
    """Collect what each fit is judged by: error_mm, bending, similarity, deviance."""
    seen = []
    real = module.fit_doubt

    def spy(*doubt):
        seen.append(doubt)
        return real(*doubt)

    monkeypatch.setattr(module, "fit_doubt", spy)
    return seen


# --- what the frame does not explain --------------------------------------------------------------------------


def test_a_frame_that_is_the_reference_is_explained_wholly():
    template_tracker = a_template_tracker()
    template_tracker.locate(SCENE.image())
    assert template_tracker.unexplained == pytest.approx(0.0, abs=1e-6)


def test_unexplained_is_the_variance_left_over_that_explained():
    template_tracker = a_template_tracker()
    left = []
    for share in (0.5, 1.0, 2.0, 4.0):
        assert template_tracker.locate(SCENE.image((5.0, -1.0)) + np.float32(share) * NOISE) > 0.0
        assert template_tracker.unexplained == pytest.approx(1.0 / template_tracker.fine[0].correlation ** 2 - 1.0)
        left.append(template_tracker.unexplained)
    assert left == sorted(left)
    # Four times the standard deviation is sixteen times the variance, as long as the fit does not follow the noise.
    assert 2.0 < left[1] / left[0] < 5.0


@pytest.mark.parametrize("frame", [None, np.full(SCENE.shape, np.nan, np.float32)], ids=["nothing", "NaN"])
def test_where_nothing_is_found_all_is_unexplained_whatever_the_frame_before_was(frame):
    template_tracker = a_template_tracker()
    template_tracker.locate(SCENE.image())
    assert template_tracker.locate(frame) == 0.0
    assert template_tracker.unexplained == math.inf


def test_the_expected_error_grows_with_what_is_unexplained_and_faster_where_that_is_much(doubts):
    """By its root where only the frame is noisy; that the template is as noisy shows in their product."""
    template_tracker = a_template_tracker()
    for share in (0.0, 0.5, 2.0):
        template_tracker.typical.unexplained = 0.0
        template_tracker.locate(SCENE.image() + np.float32(share) * NOISE)
        left, exact_mm = template_tracker.unexplained, template_tracker.fine[0].template.error_mm
        assert doubts[-1][0] == pytest.approx(exact_mm * math.sqrt(left + left**2), abs=1e-9)
    assert left > 0.2


# --- how far is not how bending ----------------------------------------------------------------------------------


@pytest.mark.parametrize("moved_mm", [(45.0, -8.0), (-40.0, 10.0), (55.0, 0.0)])
def test_a_far_target_that_is_not_deformed_is_a_surprise_once_and_then_as_sure_as_one_at_rest(moved_mm, doubts):
    tracker, frame = SCENE.tracker(), SCENE.image(moved_mm)
    at_rest, jumped, far = (tracker.track(image).confidence for image in (SCENE.image(), frame, frame))
    assert 0.8 < jumped < far - 0.03
    assert at_rest - far < 0.05
    assert doubts[-1][1] < 0.2


def test_a_target_that_is_deformed_is_bent_and_the_more_the_less_sure(doubts):
    about_mm = 88.0 * 1.8
    sure = [a_template_tracker().locate(SCENE.image((5.0, 0.0), stretch, about_mm)) for stretch in (0.0, 0.1, 0.2)]
    bending = [doubt[1] for doubt in doubts]
    assert bending == sorted(bending)
    assert bending[0] < 0.1
    assert bending[-1] > 0.4
    assert sure == sorted(sure, reverse=True)


def test_bent_is_the_penalty_without_the_translation(doubts):
    template_tracker = a_template_tracker()
    template_tracker.typical.unexplained = 0.0
    template_tracker.locate(SCENE.image((35.0, -6.0), 0.1, 88.0 * 1.8))
    params = template_tracker.params.astype(float)
    params[[0, len(params) // 2]] = 0.0
    assert doubts[-1][1] == pytest.approx(np.sqrt(np.mean(params**2)), rel=1e-3)
    assert doubts[-1][1] > 0.1


# --- jumps ----------------------------------------------------------------------------------------------------


def deviance(template_tracker, down_mm, right_mm=0.0):
    return template_tracker.prior.deviance((down_mm, right_mm))


def test_a_jump_surprises_as_a_normally_distributed_one_would_up_to_a_limit():
    template_tracker = a_template_tracker()
    assert deviance(template_tracker, 0.0) == 0.0
    for jump_mm in (-15.0, 2.0, 20.0):
        assert deviance(template_tracker, jump_mm) == pytest.approx((jump_mm / JUMP_SI_MM) ** 2, rel=1e-5)
    assert deviance(template_tracker, 55.0) == deviance(template_tracker, -40.0) == LARGEST_JUMP_DEVIANCE
    assert (25.0 / JUMP_SI_MM) ** 2 > LARGEST_JUMP_DEVIANCE > (20.0 / JUMP_SI_MM) ** 2


def test_a_jump_along_ap_surprises_more_and_one_after_lost_frames_less():
    template_tracker = a_template_tracker()
    path = template_tracker.model.motion_prior
    assert deviance(template_tracker, 0.0, 3.0) == pytest.approx(
        (3.0 / JUMP_AP_MM) ** 2 + path.path_deviance((0.0, 3.0)), rel=1e-5
    )
    assert deviance(template_tracker, 0.0, 3.0) > 3.0 * deviance(template_tracker, 3.0, 0.0)
    assert path.path_deviance((0.0, 25.0)) > LARGEST_PATH_DEVIANCE
    assert deviance(template_tracker, 0.0, 25.0) == LARGEST_JUMP_DEVIANCE + LARGEST_PATH_DEVIANCE
    for _ in range(4):
        template_tracker.locate(None)
    assert deviance(template_tracker, 20.0) == pytest.approx((20.0 / JUMP_SI_MM) ** 2 / 5.0, rel=1e-5)


def test_a_jump_starts_where_the_target_was_last_seen_for_sure():
    template_tracker = a_template_tracker()
    assert template_tracker.locate(SCENE.image((20.0, -1.0))) > 0.9
    assert deviance(template_tracker, 20.0, -1.0) < 0.2
    assert deviance(template_tracker, 0.0) == pytest.approx((20.0 / JUMP_SI_MM) ** 2 + (1.0 / JUMP_AP_MM) ** 2, rel=0.1)


def test_a_far_place_that_is_seen_again_and_again_surprises_less_and_less(monkeypatch):
    template_tracker, image = a_template_tracker(), SCENE.image((40.0, 0.0))
    monkeypatch.setattr(module, "CONFIDENT", 2.0)
    for limit in (
        LARGEST_JUMP_DEVIANCE,
        LARGEST_JUMP_DEVIANCE,
        LARGEST_JUMP_DEVIANCE / 2.0,
        LARGEST_JUMP_DEVIANCE / 3.0,
    ):
        assert deviance(template_tracker, 40.0) == pytest.approx(limit, rel=0.05)
        assert 0.0 < template_tracker.locate(image) < 2.0
    assert deviance(template_tracker, -55.0) == LARGEST_JUMP_DEVIANCE
    template_tracker.locate(SCENE.image())
    assert deviance(template_tracker, 40.0) == pytest.approx((40.0 / JUMP_SI_MM) ** 2 / 6.0, rel=0.05)


def test_frames_of_nothing_are_no_sight_of_the_place(monkeypatch):
    template_tracker, image = a_template_tracker(), SCENE.image((40.0, 0.0))
    monkeypatch.setattr(module, "CONFIDENT", 2.0)
    for frame in (image, image, None):
        template_tracker.locate(frame)
    assert deviance(template_tracker, 40.0) == pytest.approx((40.0 / JUMP_SI_MM) ** 2 / 4.0, rel=0.05)


def test_only_frames_without_a_sure_position_count_as_sightings(monkeypatch):
    template_tracker = a_template_tracker()
    for _ in range(5):
        assert template_tracker.locate(SCENE.image()) > 0.9
    monkeypatch.setattr(module, "CONFIDENT", 2.0)
    template_tracker.locate(SCENE.image((20.0, 0.0)))
    assert deviance(template_tracker, 20.0) == pytest.approx((20.0 / JUMP_SI_MM) ** 2 / 2.0, rel=0.05)


def test_a_deep_breath_is_found_sooner_than_if_jumps_counted_without_limit(monkeypatch):
    """On this one the search has a better match elsewhere, of which the tracker is not sure: lost frames help, too."""
    breath = DeepBreath(start_s=2.0, duration_s=2.0)
    phantom = make_phantom(
        PhantomConfig(
            seed=4,
            acquisition=AcquisitionConfig(matrix=(112, 96), duration_s=4.0, frame_rate_hz=4.0),
            breathing=BreathingConfig(
                amplitude_mm=3.0,
                amplitude_variation=0.0,
                drift_mm_per_min=0.0,
                through_plane_ratio=0.05,
                deep_breaths=(breath,),
            ),
        )
    )

    def frames_astray():
        recording = phantom.recording
        tracker = Tracker(recording.frames[0], recording.first_mask, recording.spacing_mm)
        tracks = [tracker.track(frame) for frame in recording.frames]
        found_mm = np.array([track.center_mm for track in tracks])
        astray = np.linalg.norm(found_mm - found_mm[0] - phantom.displacement_mm, axis=1) > 5.0
        assert not any(track.confidence >= 0.5 for track, is_so in zip(tracks, astray, strict=True) if is_so)
        return int(astray.sum())

    assert np.ptp(phantom.displacement_mm[:, 0]) > 40.0
    # The tissue around the target would tell where it is.
    monkeypatch.setattr(Surroundings, "run", lambda self, frame: 0.0)
    limited = frames_astray()
    monkeypatch.setattr(position_prior, "LARGEST_JUMP_DEVIANCE", math.inf)
    assert limited <= 1
    assert frames_astray() >= 3
