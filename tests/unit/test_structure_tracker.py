"""Several structures on the same frames: each as if it were alone, and the frames looked at once."""

import gc
import tracemalloc

import numpy as np
import pytest
from numba.core.event import install_recorder

from gatekeeper import StructureTracker, Tracker
from gatekeeper.config import TrackerConfig
from gatekeeper.core.errors import InputError, TargetError
from gatekeeper.tracking import resample as canonical
from tests.support.matrices import mostly_slow
from tests.support.previews import breath_mm, breathing_frames
from tests.support.scenes import Scene

SCENE = Scene()
FINE = Scene((240, 200), (0.9, 0.9))
MASKS = {
    "gtv": SCENE.disc(14.0),
    "duodenum": SCENE.disc(8.0, (85, 40)),
    "vessels": SCENE.disc(18.0, (45, 60)),
}
MOVES_MM = [(9.0 - 9.0 * np.cos(phase), np.sin(phase)) for phase in np.linspace(0.0, 6.0, 12)]
FRAMES = [SCENE.image(moved_mm) for moved_mm in MOVES_MM]


def together(masks=MASKS, scene=SCENE, config=None):
    return StructureTracker(scene.image(), masks, scene.spacing_mm, config)


def same(track, other):
    return (
        track.contour_px.tobytes() == other.contour_px.tobytes()
        and track.center_mm == other.center_mm
        and track.confidence == other.confidence
    )


def masks_on(scene):
    middle = np.floor_divide(scene.shape, 2)
    places = {"gtv": (14.0, (0, 0)), "duodenum": (8.0, (25, -10)), "vessels": (18.0, (-15, 10))}
    step = np.round(1.8 / np.array(scene.spacing_mm)).astype(int)
    return {name: scene.disc(radius_mm, middle + step * off) for name, (radius_mm, off) in places.items()}


@pytest.mark.parametrize("dtype", mostly_slow([np.float32, np.uint16, np.float64, np.int16, np.uint8, ">f4"], 2))
@pytest.mark.parametrize("scene", [SCENE, FINE], ids=["as they are", "joined"])
def test_each_is_tracked_as_if_it_were_alone_to_the_last_bit(scene, dtype):
    masks = masks_on(scene)
    alone = [Tracker(scene.image(), mask, scene.spacing_mm) for mask in masks.values()]
    all_of_them = together(masks, scene)
    scale = 0.2 if np.dtype(dtype) == np.uint8 else 1.0
    frames = [(scale * scene.image(moved_mm)).astype(dtype) for moved_mm in MOVES_MM[:6]]
    for frame in (*frames, np.full(scene.shape, 100, dtype), *frames[:2]):
        tracks = all_of_them.track(frame)
        assert len(tracks) == 3
        for track, tracker in zip(tracks, alone, strict=True):
            assert same(track, tracker.track(frame))


def test_tracks_come_in_the_order_of_the_names_which_is_that_of_the_masks():
    tracker, backwards = together(), together(dict(reversed(MASKS.items())))
    assert tracker.names == ("gtv", "duodenum", "vessels")
    assert backwards.names == ("vessels", "duodenum", "gtv")
    tracks = tracker.track(SCENE.image((5.0, -1.0)))
    for track, mask in zip(tracks, MASKS.values(), strict=True):
        np.testing.assert_allclose(SCENE.moved_mm(track, mask), (5.0, -1.0), atol=0.3)
        assert track.confidence > 0.9
    for track, other in zip(tracks, reversed(backwards.track(SCENE.image((5.0, -1.0)))), strict=True):
        assert same(track, other)


def test_one_is_a_tracker():
    one, tracker = together({"gtv": MASKS["gtv"]}), SCENE.tracker()
    for frame in FRAMES:
        (track,) = one.track(frame)
        assert same(track, tracker.track(frame))


def test_the_settings_are_those_of_all():
    config = TrackerConfig(search_si_mm=20.0, search_ap_mm=10.0)
    tracker = together(config=config)
    assert all(template_tracker.model.config == config for template_tracker in tracker.template_trackers)


@pytest.mark.parametrize("masks", [{}, None])
def test_no_structure_is_an_error(masks):
    with pytest.raises(TargetError, match=r"^structures: no mask was given; "):
        together(masks)


BAD_MASKS = {
    "empty": (np.zeros(SCENE.shape, bool), "empty"),
    "too small": (np.ones((8, 8), bool), "shape"),
}


@pytest.mark.parametrize("name", BAD_MASKS)
def test_an_error_names_the_structure_when_there_are_several(name):
    mask, word = BAD_MASKS[name]
    with pytest.raises(TargetError, match=rf"^structure duodenum: .*{word}") as caught:
        together({"gtv": MASKS["gtv"], "duodenum": mask})
    assert "\n" not in str(caught.value)
    with pytest.raises(TargetError, match=word) as alone:
        together({"duodenum": mask})
    assert "duodenum" not in str(alone.value)
    assert str(caught.value) == f"structure duodenum: {alone.value}"


@pytest.mark.parametrize("frame", [SCENE.image()[:-1], SCENE.image().astype(complex), None])
def test_a_frame_of_another_kind_is_refused_for_all(frame):
    tracker = together()
    with pytest.raises(InputError, match=r"^frame: "):
        tracker.track(frame)
    assert all(track.confidence > 0.9 for track in tracker.track(FRAMES[0]))


def test_one_that_is_lost_does_not_lead_the_others_astray():
    """Noise lies over one of two structures far apart; the other does not hear of it, nor does it recover later."""
    masks = {"gtv": SCENE.disc(9.0, (95, 50)), "vessels": SCENE.disc(9.0, (25, 50))}
    tracker = together(masks)
    alone = SCENE.tracker(masks["vessels"])
    noise = np.random.default_rng(0).normal(500.0, 150.0, SCENE.shape)
    for index, frame in enumerate(FRAMES):
        spoilt = np.where((np.indices(SCENE.shape)[0] > 62) & (3 <= index < 8), noise, frame)
        lost, kept = tracker.track(spoilt)
        assert same(kept, alone.track(spoilt))
        assert kept.confidence > 0.9
        np.testing.assert_allclose(SCENE.moved_mm(kept, masks["vessels"]), MOVES_MM[index], atol=0.4)
        assert (lost.confidence < 0.5) == (3 <= index < 8)


# --- learning -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_learning_is_that_of_each_alone():
    frames = breathing_frames(breath_mm(), SCENE, noise=20.0)
    masks = dict(list(MASKS.items())[:2])
    tracker = together(masks)
    previews = tracker.learn(frames)
    assert len(previews) == 2
    assert all(preview.frames == len(frames) and len(preview.states_mm) == 3 for preview in previews)
    for place, mask in enumerate(masks.values()):
        alone = SCENE.tracker(mask)
        assert alone.learn(frames) == previews[place]
        assert same(tracker.template_trackers[place].track(1.0), alone.template_tracker.track(1.0))
        for frame in FRAMES[:3]:
            assert same(tracker.track(frame)[place], alone.track(frame))
        tracker.learn(frames)


def test_what_is_learned_does_not_depend_on_the_type_of_the_frames():
    """Frames that must be converted go through one buffer; each is kept before the next comes."""
    frames = breathing_frames(breath_mm(), SCENE, noise=20.0).astype(np.uint16)
    masks = {"gtv": MASKS["gtv"]}
    whole, single = together(masks), together(masks)
    assert whole.learn(frames) == single.learn(frames.astype(np.float32))
    for frame in FRAMES[:3]:
        assert same(*whole.track(frame), *single.track(frame))


@pytest.mark.parametrize("frames", [FRAMES[0], np.zeros((0, *SCENE.shape)), [FRAMES[0], FRAMES[1][:-1]]])
def test_a_preview_that_is_none_is_refused_and_nothing_is_forgotten(frames):
    tracker, untouched = together(), together()
    for each in (tracker, untouched):
        each.track(FRAMES[2])
    with pytest.raises(InputError, match=r"^preview: "):
        tracker.learn(frames)
    for track, other in zip(tracker.track(FRAMES[3]), untouched.track(FRAMES[3]), strict=True):
        assert same(track, other)


# --- what is shared -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scene", [SCENE, FINE], ids=["as they are", "joined"])
def test_a_frame_is_checked_and_sketched_once_however_many_structures_there_are(scene, monkeypatch):
    calls = []

    def spy(name):
        real = getattr(canonical, name)
        monkeypatch.setattr(canonical, name, lambda *given: (calls.append(name), real(*given))[1])

    spy("is_finite_and_varied_within")
    spy("bin_coarsely")
    spy("bin_pixels")
    tracker = together(masks_on(scene), scene)
    frame = scene.image((3.0, 1.0))
    # Once frames are known not to be noisy there is one fine fit each.
    tracker.track(frame)
    calls.clear()
    tracker.track(frame)
    checked = "is_finite_and_varied_within"
    # Whole is only what each of them fits.
    assert calls == ([checked] if scene is SCENE else ["bin_coarsely", checked, *["bin_pixels", checked] * len(MASKS)])


def test_what_is_read_of_a_frame_reaches_as_far_as_any_of_them_looks():
    """NaN where only the second one looks makes the frame no picture to either: it is looked at once, for both."""
    scene = Scene((400, 100))
    upper, lower = scene.disc(14.0, (60, 50)), scene.disc(14.0, (340, 50))
    config = TrackerConfig(search_si_mm=10.0)
    frame = scene.image()
    frame[352, 50] = np.nan
    assert StructureTracker(scene.image(), {"a": upper}, scene.spacing_mm, config).track(frame)[0].confidence > 0.9
    both = StructureTracker(scene.image(), {"a": upper, "b": lower}, scene.spacing_mm, config)
    assert [track.confidence for track in both.track(frame)] == [0.0, 0.0]


@pytest.mark.parametrize("dtype", mostly_slow([np.uint16, np.float32]))
def test_tracking_several_keeps_no_memory_and_compiles_nothing(dtype):
    frames = [np.maximum(frame, 0.0).astype(dtype) for frame in FRAMES]
    with install_recorder("numba:compile") as recorder:
        tracker = together()
        for frame in frames * 2:
            tracker.track(frame)
        gc.collect()
        tracemalloc.start()
        try:
            for frame in frames:
                tracker.track(frame)
            gc.collect()
            before, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            for frame in frames * 10:
                tracker.track(frame)
            gc.collect()
            after, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert recorder.buffer == []
    assert after - before < 3_000
    assert peak - before < 40_000, "a frame needs more than its tracks: some buffer is not made once"
