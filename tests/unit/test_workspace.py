"""One template in its buffers: fitted to a frame from a start nearby."""

import numpy as np
import pytest

from gatekeeper.tracking.freeform import TRANSLATION_SD_MM
from tests.scenes import Scene

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
    for level in (tracker.follower.coarse, tracker.follower.fine[0]):
        for start_mm in ((0.0, 0.0), moved_mm):
            found_mm, _ = fitted_mm(level, frame, start_mm)
            np.testing.assert_allclose(found_mm, moved_mm, atol=0.5)
            assert level.correlation > 0.99
            assert level.inside == 1.0


def test_a_fit_far_from_rest_is_one_at_rest():
    """The window into the frame goes along with the start; only the prior pulls a little towards rest."""
    tracker = SCENE.tracker()
    for level in (tracker.follower.coarse, tracker.follower.fine[0]):
        near_mm, _ = fitted_mm(level, SCENE.image((2.0, 1.0)))
        far_mm, _ = fitted_mm(level, SCENE.image((42.0, -35.0)), (40.0, -36.0))
        np.testing.assert_allclose(far_mm - (40.0, -36.0), near_mm, atol=0.4)


def test_the_misfit_is_the_posterior_and_counts_the_deformation():
    level = SCENE.tracker().follower.coarse
    _, params = fitted_mm(level, SCENE.image((4.0, 1.0), stretch=0.08, about_mm=100.0))
    assert level.penalty == pytest.approx(np.square(params, dtype=float).sum(), rel=1e-5)
    assert level.penalty > 0.1
    unexplained = level.template.norm**2 * (1.0 / level.correlation**2 - 1.0)
    assert level.misfit == pytest.approx(unexplained + level.penalty)


def test_a_template_that_left_the_frame_is_outside():
    level = SCENE.tracker().follower.fine[0]
    assert fitted_mm(level, SCENE.image(), (500.0, -500.0), 1) is not None
    assert level.inside == 0.0


def test_a_fit_to_nothing_fails_and_the_next_one_does_not_know():
    tracker, fresh = SCENE.tracker(), SCENE.tracker()
    params = np.zeros(2 * tracker.follower.fine[0].template.modes.shape[0], np.float32)
    assert not tracker.follower.fine[0].fit(np.full(SCENE.shape, np.nan, np.float32), params, 4)
    frame = SCENE.image((3.0, 1.0))
    np.testing.assert_array_equal(
        fitted_mm(tracker.follower.fine[0], frame)[1], fitted_mm(fresh.follower.fine[0], frame)[1]
    )
