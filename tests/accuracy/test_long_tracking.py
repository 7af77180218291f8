"""Upkeep without drift: slow changes of brightness are followed, and 10,000 frames later the tracker is what it was.

Nothing of the appearance of a frame is carried on to the next. What a tracker remembers is where the target was last
seen for sure, and for how many frames it has not been.
"""

import numpy as np
import pytest

from benchmarks.scenes.follow import follow
from gatekeeper.config import build
from gatekeeper.tracking import template as reference
from gatekeeper.tracking.translation import translation_mm
from replay.phantom import PhantomConfig, make_phantom
from tests.support.previews import breath_mm, breathing_frames
from tests.support.scenes import Scene

pytestmark = pytest.mark.slow

SCENE = Scene((80, 72))
LONG = 10_000
BREATH_MM = [(6.0 - 6.0 * np.cos(phase), np.sin(phase)) for phase in np.linspace(0.0, 2.0 * np.pi, 16, endpoint=False)]
BREATH = [SCENE.image(moved_mm) for moved_mm in BREATH_MM]


def whitened(frame, share):
    """Return a frame whose bright tissue has become brighter by a share, and dark tissue has not."""
    return (frame * (1.0 + share * (frame > 500.0))).astype(np.float32)


def played_long(tracker):
    """Show 10,000 frames that whiten by 40 %, flicker, and are lost now and then; return the errors, in mm."""
    rng = np.random.default_rng(0)
    steps = [[whitened(frame, 0.05 * step) for frame in BREATH] for step in range(9)]
    noise = rng.normal(500.0, 150.0, SCENE.shape).astype(np.float32)
    found_mm, gains = np.full((LONG, 2), np.nan), rng.uniform(0.7, 1.3, LONG).astype(np.float32)
    for index in range(LONG):
        if index % 500 == 499:
            tracker.track(noise)
            continue
        track = tracker.track(gains[index] * steps[index * len(steps) // LONG][index % len(BREATH)])
        assert track.confidence > 0.5
        found_mm[index] = track.center_mm
    moved_mm = np.array(BREATH_MM)[np.arange(LONG) % len(BREATH)]
    return np.linalg.norm(found_mm - moved_mm - SCENE.tracker().template_tracker.track(1.0).center_mm, axis=1)


@pytest.fixture(scope="module", params=[False, True], ids=["from the first frame alone", "after a preview"])
def old_and_young(request):
    """A tracker after 10,000 frames, what was wrong on them, and one that has seen none; both learned the same."""
    trackers = [SCENE.tracker(), SCENE.tracker()]
    if request.param:
        preview = breathing_frames(breath_mm(), SCENE, noise=20.0)
        assert trackers[0].learn(preview) == trackers[1].learn(preview)
    return trackers[0], played_long(trackers[0]), trackers[1]


def test_the_error_after_10_000_frames_is_as_after_100(old_and_young):
    _, errors_mm, _ = old_and_young
    first, last = errors_mm[:100], errors_mm[-100:]
    assert np.nanmean(errors_mm) < 0.3
    assert np.nanmean(last) <= np.nanmean(first) + 0.1
    assert np.nanmax(last) < 1.0


def test_10_000_frames_later_a_frame_gives_the_same_up_to_where_its_fit_starts(old_and_young):
    """Either starts where it was on the frame before; fits end within a thousandth of a standard deviation."""
    old, _, young = old_and_young
    for frame in BREATH * 2:
        old.track(frame)
        young.track(frame)
    for frame in BREATH:
        track, other = old.track(frame), young.track(frame)
        np.testing.assert_allclose(track.contour_px, other.contour_px, atol=0.02)
        assert track.confidence == pytest.approx(other.confidence, abs=0.005)


def test_started_from_the_same_place_it_gives_the_same_to_the_last_bit(old_and_young):
    old, _, young = old_and_young
    # The mean of what is usual is one of all frames at first, of the recent ones later.
    for frame in BREATH * 2:
        young.track(frame)
    old.track(BREATH[0])
    young.template_tracker._last[:] = old.template_tracker._last
    young.template_tracker.prior.found_surely(translation_mm(old.template_tracker._last))
    young.template_tracker.typical.unexplained = old.template_tracker.typical.unexplained
    assert old.template_tracker.prior.was_sure
    for frame in (*BREATH, whitened(BREATH[3], 0.4), np.full(SCENE.shape, np.nan), *BREATH[5:9]):
        track, other = old.track(frame), young.track(frame)
        assert track.contour_px.tobytes() == other.contour_px.tobytes()
        assert (track.center_mm, track.confidence) == (other.center_mm, other.confidence)


def test_a_liver_that_whitens_by_40_percent_is_tracked_as_well_as_before():
    """After the first second it is as white as it gets; the reference is from before."""

    def mean_error_mm(**artefacts):
        acquisition = {"duration_s": 16.0, "frame_rate_hz": 4.0}
        phantom = make_phantom(build(PhantomConfig, {"acquisition": acquisition, "artefacts": artefacts}, "test"))
        run = follow(phantom, np.full(len(phantom.recording.frames), "", dtype="U1"))
        assert np.mean(run.confidence >= 0.5) > 0.9
        return run.errors_mm[phantom.recording.times_s >= 10.0].mean()

    assert abs(mean_error_mm(whitening=0.4, whitening_s=1.0) - mean_error_mm()) < 0.1


def test_a_curve_of_brightness_leads_less_astray_than_if_gain_and_shade_alone_were_ignored(monkeypatch):
    def mean_error_mm():
        errors_mm = []
        for seed in range(8):
            scene = Scene(SCENE.shape, seed=seed)
            tracker = scene.tracker()
            for moved_mm in BREATH_MM[::2]:
                track = tracker.track(whitened(scene.image(moved_mm), 0.4))
                assert track.confidence > 0.9
                errors_mm.append(np.linalg.norm(scene.moved_mm(track) - moved_mm))
        return np.mean(errors_mm)

    ignored = mean_error_mm()
    assert ignored < 0.1
    monkeypatch.setattr(reference, "CURVE_SHARE", 1e-6)
    assert ignored < 0.9 * mean_error_mm()
