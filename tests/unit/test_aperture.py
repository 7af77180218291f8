"""Where a smooth edge may have slid along itself, the image leaves open where a small target is."""

import numpy as np
import pytest

from gatekeeper.tracking import template_tracker as module
from gatekeeper.tracking.aperture import FAR_MM, Aperture
from gatekeeper.tracking.template_tracker import TemplateTracker
from gatekeeper.tracking.translation import set_translation
from tests.support.scenes import Scene

SCENE = Scene((130, 110))
TYPICAL = 0.05


def edges(down_mm=0.0, slope=0.0):
    """Return layers along the columns, which look the same wherever they slide along themselves."""
    row, col = np.indices(SCENE.shape)
    depth_mm = row * SCENE.spacing_mm[0] - down_mm - slope * col * SCENE.spacing_mm[1]
    faint = 0.15 * (SCENE.image() - 500.0)
    return (500.0 + 150.0 * np.sin(depth_mm / 7.0) + np.roll(faint, round(down_mm / 1.8), 0)).astype(np.float32)


def aperture_of(image):
    tracker = SCENE.tracker(SCENE.disc(10.0), image=image).template_tracker
    return tracker, Aperture(tracker.coarse, tracker.model.region.image.shape)


def is_open(tracker, aperture, frame, moved_mm):
    params = np.zeros_like(tracker.params)
    set_translation(params, moved_mm)
    assert tracker.coarse.fit(frame, params, 6)
    return aperture.is_open(frame, params, TYPICAL)


def test_along_an_edge_the_place_is_open_and_in_texture_it_is_not():
    tracker, aperture = aperture_of(edges())
    assert np.abs(aperture._along) == pytest.approx((0.0, 1.0), abs=0.1)
    assert is_open(tracker, aperture, edges(36.0), (36.0, 0.0))
    tracker, aperture = aperture_of(SCENE.image())
    assert not is_open(tracker, aperture, SCENE.image((36.0, 0.0)), (36.0, 0.0))


def test_near_the_reference_position_it_is_not_asked(monkeypatch):
    tracker, aperture = aperture_of(edges())
    near_mm = 0.5 * FAR_MM
    assert not is_open(tracker, aperture, edges(near_mm), (near_mm, 0.0))


def test_what_is_held_stays_where_it_is_and_deforms():
    tracker, aperture = aperture_of(SCENE.image())
    params = np.zeros_like(tracker.params)
    aperture._misfit(SCENE.image((34.0, 3.0), stretch=0.1), params, (36.0, 0.0), TYPICAL)
    half = len(params) // 2
    assert 30.0 * aperture._trial[[0, half]] == pytest.approx((36.0, 0.0), abs=0.01)
    assert np.abs(aperture._trial).max() > 0.1 * np.abs(aperture._trial[0])
    assert np.count_nonzero(np.abs(np.delete(aperture._trial, [0, half])) > 1e-3) > 4


@pytest.mark.parametrize(("clear", "share"), [(2.0, 0.5), (0.0, 1.0)], ids=["doubted", "clear"])
def test_a_doubted_target_whose_place_is_open_is_unsure(monkeypatch, clear, share):
    model = SCENE.tracker(SCENE.disc(10.0)).template_tracker.model
    frame = SCENE.image((30.0, 0.0))
    expected = TemplateTracker(model).locate(frame)
    assert expected > 0.5
    tracker = TemplateTracker(model)
    monkeypatch.setattr(module, "CLEAR", clear)
    monkeypatch.setattr(tracker._aperture, "is_open", lambda *_: True)
    assert tracker.locate(frame) == pytest.approx(share * expected, rel=1e-6)
    assert not (tracker._last == tracker.params).all() or share == 1.0
