"""Learning from a preview without labels, through the public tracker."""

import gc
import tracemalloc

import numpy as np
import pytest
from numba.core.event import install_recorder

from gatekeeper.core.errors import InputError
from gatekeeper.tracking.model import STIFF_WIDER_MM, make_model
from gatekeeper.tracking.preview import learn as learning
from gatekeeper.tracking.preview import template_bank as bank
from gatekeeper.tracking.preview.trajectory import track_frames
from gatekeeper.tracking.tracker import Tracker
from tests.support.all_kernels import all_kernels
from tests.support.phantoms import phantom
from tests.support.previews import SCENE, breath_mm, breathing_frames

MOVES_MM = breath_mm(48)
FRAMES = np.round(breathing_frames(MOVES_MM, noise=20.0)).clip(0).astype(np.uint16)


def told(tracker, frames=FRAMES[:12]):
    """Return all that a tracker says about some frames, to the last bit."""
    return [
        (track.contour_px.tobytes(), track.center_mm, track.confidence) for track in map(tracker.track, list(frames))
    ]


def taught(frames=FRAMES):
    tracker = SCENE.tracker()
    return tracker, tracker.learn(frames)


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        (FRAMES[0], r"preview: its shape is \(80, 72\)"),
        (FRAMES[:0], r"preview: its shape is \(0, 80, 72\)"),
        (FRAMES[None], r"preview: its shape is \(1, 48, 80, 72\)"),
        ([], r"preview: its shape is \(0,\)"),
        (FRAMES[:, :-1], r"frame: is uint16 of shape \(79, 72\)"),
        (FRAMES.astype("U5"), "frame: is <U5 of shape"),
        (FRAMES.astype(complex), "frame: is complex128 of shape"),
        ([FRAMES[0], FRAMES[1][:-1]], "preview: its frames differ in shape"),
    ],
    ids=["one frame", "no frames", "four axes", "nothing", "other size", "text", "complex", "two sizes"],
)
def test_frames_that_cannot_be_learned_from_are_named_in_one_line_and_do_no_harm(frames, words):
    tracker = SCENE.tracker()
    with pytest.raises(InputError, match=words) as caught:
        tracker.learn(frames)
    assert "\n" not in str(caught.value)
    assert told(tracker) == told(SCENE.tracker())


def test_frames_that_show_nothing_are_left_out():
    """The report counts them, what was learned does not know them."""
    bad = np.concatenate([FRAMES.astype(np.float32), np.full((3, *SCENE.shape), np.nan, np.float32)])
    bad[-1] = 7.0
    tracker, preview = taught(bad)
    plain, without = taught()
    assert told(tracker) == told(plain)
    assert (preview.frames, preview.visible) == (51, pytest.approx(48 / 51))
    assert preview.states_mm == without.states_mm


def test_a_preview_of_nothing_teaches_nothing():
    tracker, preview = taught(np.zeros((40, *SCENE.shape)))
    assert (preview.visible, preview.go, preview.states_mm) == (0.0, False, (0.0,))
    assert told(tracker) == told(SCENE.tracker())


@pytest.mark.parametrize(
    "dtype", [">u2", *(pytest.param(dtype, marks=pytest.mark.slow) for dtype in (np.float32, np.float64, np.int16))]
)
def test_whole_grey_values_teach_the_same_in_any_type(dtype):
    tracker, preview = taught(FRAMES.astype(dtype))
    plain, expected = taught()
    assert preview == expected
    assert told(tracker) == told(plain)


def test_too_short_a_preview_teaches_nothing_and_says_so():
    tracker, preview = taught(FRAMES[:29])
    assert not preview.go
    assert "record a longer preview" in preview.reasons[0]
    assert "learned     nothing" in preview.as_text()
    assert told(tracker) == told(SCENE.tracker())


def test_a_preview_long_enough_teaches_the_states_and_the_path():
    tracker, preview = taught()
    assert preview.go
    assert len(preview.states_mm) == 3
    path = tracker.template_tracker.model.motion_prior
    assert path.slope == pytest.approx(-0.25, abs=0.03)
    assert path.high_mm == pytest.approx(MOVES_MM[:, 0].max(), abs=0.3)


def test_each_state_has_its_template_and_the_nearest_is_used():
    template_tracker = taught()[0].template_tracker
    low, middle, high = template_tracker.model.states_mm
    assert len(template_tracker.fine) == 3
    for si_mm, state in ((low - 9.0, 0), (low, 0), (middle, 1), (high, 2), (high + 30.0, 2)):
        template_tracker.params[:] = 0.0
        template_tracker.params[0] = si_mm / 30.0
        assert template_tracker._state() == state


@pytest.mark.slow
def test_learning_again_forgets_what_was_learned_before():
    other = breathing_frames(breath_mm(40, 9.0, 2.0), noise=20.0, seed=1)
    tracker, _ = taught(other)
    preview = tracker.learn(FRAMES)
    once, expected = taught()
    assert preview == expected
    assert told(tracker) == told(once)
    tracker.learn(FRAMES[:5])
    assert told(tracker) == told(SCENE.tracker())


def test_what_was_tracked_before_is_forgotten_too():
    tracker = SCENE.tracker()
    for frame in FRAMES[:9]:
        tracker.track(frame)
    tracker.learn(FRAMES)
    assert told(tracker) == told(taught()[0])


def test_learning_is_the_same_to_the_last_bit():
    first, second = taught(), taught()
    assert first[1] == second[1]
    assert told(first[0], FRAMES) == told(second[0], FRAMES)
    for a, b in zip(
        first[0].template_tracker.model.fine.templates, second[0].template_tracker.model.fine.templates, strict=True
    ):
        assert a.steepest.tobytes() == b.steepest.tobytes()


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_the_frames_are_left_as_they_were(dtype):
    frames = FRAMES.astype(dtype)
    before = frames.copy()
    frames.flags.writeable = False
    taught(frames)
    np.testing.assert_array_equal(frames, before)


def test_frames_written_over_afterwards_do_not_matter():
    frames = FRAMES.astype(np.float32)
    tracker, _ = taught(frames)
    frames[:] = 0.0
    assert told(tracker) == told(taught()[0])


def test_after_learning_frames_keep_no_memory():
    tracker, _ = taught()
    for frame in FRAMES:
        tracker.track(frame)
    gc.collect()
    tracemalloc.start()
    try:
        tracker.track(FRAMES[0])
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for frame in list(FRAMES) * 3:
            tracker.track(frame)
        gc.collect()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 3_000
    assert peak - before < 20_000


def test_learning_and_tracking_after_it_compile_nothing():
    """Stripes make it even out as well, so that every kernel is met."""
    field = 1.0 + 0.25 * np.sin(np.arange(SCENE.shape[0]) * SCENE.spacing_mm[0] * 2.0 * np.pi / 29.0)[:, None]
    signatures = {kernel: list(kernel.signatures) for kernel in all_kernels()}
    with install_recorder("numba:compile") as recorder:
        tracker = Tracker(SCENE.image() * field, SCENE.disc(), SCENE.spacing_mm)
        preview = tracker.learn(FRAMES * field)
        for frame in FRAMES[:5]:
            tracker.track(frame * field)
    assert preview.evened
    assert recorder.buffer == []
    assert {kernel: list(kernel.signatures) for kernel in all_kernels()} == signatures


@pytest.mark.parametrize("deep_mm", [45.0, -30.0])
def test_a_deep_breath_after_learning_is_still_found(deep_mm):
    tall = type(SCENE)(shape=(140, 72))
    tracker = tall.tracker()
    tracker.learn(breathing_frames(MOVES_MM, tall, noise=20.0))
    tracker.track(tall.image())
    track = tracker.track(tall.image((deep_mm, -2.0)))
    np.testing.assert_allclose(tall.moved_mm(track), (deep_mm, -2.0), atol=0.5)
    assert track.confidence > 0.5


def test_a_field_with_which_the_target_is_lost_is_not_believed(monkeypatch):
    def blind(model, frames):
        fine, coarse = model.fine, model.coarse
        noise = np.random.default_rng(0)
        return learning.replace(
            model,
            fine=learning.replace(
                fine, bias_correction=noise.normal(size=fine.grid.distance_mm.shape).astype(np.float32) * 1e3
            ),
            coarse=learning.replace(
                coarse, bias_correction=noise.normal(size=coarse.grid.distance_mm.shape).astype(np.float32) * 1e3
            ),
        )

    plain, expected = taught()
    monkeypatch.setattr(learning, "with_bias_field", blind)
    tracker, preview = taught()
    assert preview == expected
    assert told(tracker) == told(plain)


@pytest.mark.slow
def test_on_a_phantom_the_reference_shows_no_motion_after_learning():
    made = phantom(acquisition={"matrix": (96, 80), "duration_s": 15.0}).recording
    tracker = Tracker(made.frames[0], made.first_mask, made.spacing_mm)
    before = np.array(tracker.track(made.frames[0]).center_mm)
    assert tracker.learn(made.frames).go
    after = np.array(tracker.track(made.frames[0]).center_mm)
    assert np.hypot(*(after - before)) <= 0.15


def noisy(sd, seed=3):
    return breathing_frames(MOVES_MM, noise=sd, seed=seed)


LITTLE_MOTION = breathing_frames(breath_mm(48, si_mm=4.0, ap_mm=-1.0), noise=60.0)
"""So little motion does not show how stiff anatomy is."""


def test_after_a_preview_of_noise_the_target_is_surely_found():
    tracker, _ = taught(noisy(400.0))
    assert np.mean([tracker.track(frame).confidence >= 0.5 for frame in noisy(400.0, 4)]) > 0.95


def test_where_anatomy_may_be_taken_as_stiff_the_steady_model_is_that_of_the_stiff_one():
    first = SCENE.tracker().template_tracker.model
    for frames, stiff in ((noisy(400.0), True), (LITTLE_MOTION, False)):
        model = taught(frames)[0].template_tracker.model
        assert (model.config != first.config) == stiff
        assert model.stiff.fine.context_mm == model.config.context_mm + STIFF_WIDER_MM
        expected = make_model(first.region, model.config).stiff
        for scale, like in ((model.stiff.fine, expected.fine), (model.stiff.coarse, expected.coarse)):
            np.testing.assert_array_equal(scale.points_px, like.points_px)
            np.testing.assert_array_equal(scale.templates[0].modes, like.templates[0].modes)


@pytest.mark.parametrize(
    ("frames", "share"),
    [(LITTLE_MOTION, bank.REFERENCE_SHARE), (noisy(400.0), bank.REFERENCE_SHARE_OF_STIFF)],
    ids=["unknown", "stiff"],
)
def test_where_anatomy_is_stiff_the_reference_has_less_weight_in_the_templates(frames, share, monkeypatch):
    """What differs between frames is noise then, and the reference is as noisy as any."""
    shares = []

    def with_bank(model, frames, weight):
        shares.append(weight)
        return bank.with_template_bank(model, frames, weight)

    monkeypatch.setattr(learning, "with_template_bank", with_bank)
    taught(frames)
    assert shares == [share]


def test_how_stiff_anatomy_is_is_judged_without_the_steady_model_s_say(monkeypatch):
    """It would hide how a stiff and a flexible model differ."""
    has_a_say, judged = [], []

    def noted(template_tracker, frames):
        has_a_say.append(template_tracker.stiff is not None)
        return track_frames(template_tracker, frames)

    def is_stiff(flexible, stiff):
        judged.append(has_a_say[-2:])
        return False

    monkeypatch.setattr(learning, "track_frames", noted)
    monkeypatch.setattr(learning, "is_stiff", is_stiff)
    taught(noisy(400.0))
    assert judged == [[False, False]]
    assert has_a_say[-1]


@pytest.mark.slow
def test_a_target_that_noise_hides_is_not_sure_after_a_preview_of_noise():
    """Noise at which it is sure of the target that is there, see above."""
    tracker, _ = taught(noisy(400.0))
    mask = SCENE.disc()
    for frame, seen in zip(noisy(400.0, 5), np.random.default_rng(6).normal(500.0, 520.0, FRAMES.shape), strict=True):
        assert tracker.track(np.where(mask, seen, frame)).confidence < 0.5
        assert tracker.track(seen).confidence < 0.5
