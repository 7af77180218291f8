"""An organ that slides along what is around it is found where it is, and is unsure where its own inside is unclear."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from gatekeeper import SessionConfig, SessionSetup, StructureTracker, arm
from gatekeeper.config import TrackerConfig, build
from gatekeeper.core.contour import Role, Structure, mask_to_contour
from gatekeeper.tracking import organ_tracker as module
from gatekeeper.tracking.deformation import TRANSLATION_SD_MM
from gatekeeper.tracking.organ_tracker import make_own_model
from gatekeeper.tracking.template_tracker import TemplateTracker
from tests.support.scenes import Scene

SCENE = Scene()
MIDDLE, RADIUS_MM = (85, 40), 12.0
MASK = SCENE.disc(RADIUS_MM, MIDDLE)


def frame(tissue_mm=(0.0, 0.0), organ_mm=(0.0, 0.0), content=1.0):
    """Return an image in which an organ with bright content moves its own way in tissue."""
    image = SCENE.image(tissue_mm)
    rows, cols = np.indices(SCENE.shape)
    row_mm, col_mm = SCENE.spacing_mm
    down_mm, right_mm = (rows - MIDDLE[0]) * row_mm - organ_mm[0], (cols - MIDDLE[1]) * col_mm - organ_mm[1]
    depth_mm = RADIUS_MM - np.hypot(down_mm, right_mm)
    wall = 1.0 / (1.0 + np.exp(-2.0 * depth_mm))
    inner = 1.0 / (1.0 + np.exp(-2.0 * (depth_mm - 3.0)))
    high, low = float(image.max()), float(image.min())
    organ = low + (high - low) * content * inner * (1.2 + 0.2 * np.sin(down_mm / 3.0) * np.cos(right_mm / 4.0))
    return np.asarray((1.0 - wall) * image + wall * organ, dtype=np.float32)


def tracker(sliding=True, **settings):
    config = TrackerConfig(sliding=("organ",) if sliding else (), **settings)
    return StructureTracker(frame(), {"gtv": SCENE.disc(14.0), "organ": MASK}, SCENE.spacing_mm, config)


def organ_moved_mm(made, image):
    """Return where the organ is from its first place, and its track."""
    start_mm = made.track(frame())[1].center_mm
    track = made.track(image)[1]
    return np.subtract(track.center_mm, start_mm), track


def test_it_is_found_where_it_slides_to_and_as_a_target_is_not():
    slid = [frame((0.6 * step, 0.0), (-0.8 * step, 0.3 * step)) for step in range(11)]
    off_mm = {}
    for sliding in (True, False):
        made = tracker(sliding)
        start_mm = made.track(slid[0])[1].center_mm
        found = [made.track(image)[1] for image in slid]
        off_mm[sliding] = np.linalg.norm(np.subtract(found[-1].center_mm, start_mm) - (-8.0, 3.0))
    assert off_mm[True] < 0.5
    assert off_mm[False] > 2.0 * off_mm[True] + 1.0


def test_targets_beside_it_are_tracked_as_without_it():
    images = [frame((0.5 * step, 0.0), (-0.5 * step, 0.0)) for step in range(4)]
    with_it, without = tracker(True), tracker(False)
    for image in images:
        one, other = with_it.track(image)[0], without.track(image)[0]
        assert one.contour_px.tobytes() == other.contour_px.tobytes()
        assert (one.confidence, one.error_mm) == (other.confidence, 0.0)


@pytest.mark.parametrize(
    ("image", "why"),
    [
        (SCENE.image(), "it is not there"),
        (frame((0.0, 0.0), (-module.FARTHEST_MM - 4.0, 0.0)), "what looks like it is too far away"),
    ],
    ids=["gone", "far"],
)
def test_it_is_unsure_when(image, why):
    made = tracker()
    made.track(frame())
    track = made.track(image)[1]
    assert not track.confidence >= 0.5, why
    assert made.track(frame())[1].confidence >= 0.5


@pytest.mark.parametrize(
    ("by_own", "usual_share", "expected", "share"),
    [(0.3, 1.0, 0.3, 1.0), (0.0, 0.6, 0.0, 0.0), (0.3, 0.4, 0.9, 0.0), (math.nan, 1.0, None, 1.0)],
    ids=["unclear", "lost", "attached", "not a number"],
)
def test_an_organ_whose_own_inside_is_unclear_is_sure_only_if_it_is_attached(
    monkeypatch, by_own, usual_share, expected, share
):
    made = tracker().template_trackers[1]
    monkeypatch.setattr(made.own, "locate", lambda *_: by_own)
    monkeypatch.setattr(TemplateTracker, "locate", lambda *_: 0.9)
    made._usual_share = usual_share
    confidence = made.locate(None)
    assert confidence == expected or (expected is None and not confidence >= 0.5)
    assert made._share == share


def test_the_own_position_counts_as_far_as_it_differs_by_more_than_its_error():
    made = tracker().template_trackers[1]
    assert made._share_of(25.0, 0.25) > 0.98
    made.restart()
    for _ in range(2000):
        share = made._share_of(0.2, 0.25)
    assert share == 0.0
    assert made._share_of(4.0, 0.25) == pytest.approx(3.75 / 4.0)
    made.restart()
    assert made._share_of(0.2, 0.25) > 0.9
    assert made._usual_share == 1.0


@pytest.mark.parametrize(("by_own", "is_better"), [(0.05, True), (0.1, False), (0.2, False)])
def test_an_organ_that_looks_alike_at_both_places_is_with_the_tissue_and_judged_for_both(
    monkeypatch, by_own, is_better
):
    organ = tracker().template_trackers[1]
    for one, unexplained in ((organ, 0.1), (organ.own, by_own)):
        one.last_fit = SimpleNamespace(unexplained_in_target=unexplained)
        one.error_mm = 0.1
    organ.own.params[0] = 5.0 / TRANSLATION_SD_MM
    monkeypatch.setattr(organ.own, "locate", lambda *_: 0.8)
    monkeypatch.setattr(TemplateTracker, "locate", lambda *_: 0.9)
    for _ in range(12):
        confidence = organ.locate(None)
    track = organ.track(confidence)
    moved_mm = track.center_mm[0] - TemplateTracker.track(organ, 1.0).center_mm[0]
    if is_better:
        assert moved_mm == pytest.approx(5.0, abs=0.1)
        assert (confidence, track.error_mm) == (0.8, pytest.approx(module.ERRORS * 0.1))
    else:
        assert moved_mm == 0.0
        assert (confidence, track.error_mm) == (0.9, pytest.approx(5.0))


def test_the_own_inside_is_asked_alone():
    made = tracker().template_trackers[1]
    assert made.own.surroundings is None
    assert made.own.stiff is None
    assert made.own.model.config.context_mm < 2.0
    assert made.surroundings is not None


def test_what_is_attached_is_tracked_with_the_tissue_around_it():
    rng = np.random.default_rng(5)
    made = StructureTracker(SCENE.image(), {"organ": MASK}, SCENE.spacing_mm, TrackerConfig(sliding=("organ",)))
    organ = made.template_trackers[0]
    for step in range(200):
        moved = SCENE.image((4.0 * np.sin(step / 3.0), 0.0))
        made.track(moved + rng.normal(0.0, 60.0, SCENE.shape).astype(np.float32))
    assert organ._usual_share < 0.5
    assert organ.own.error_mm > organ.error_mm > 0.0


def test_the_error_is_told_and_the_field_is_that_of_the_organ_inside_and_of_tissue_outside():
    made = tracker()
    for step in range(9):
        image = frame((0.5 * step, 0.0), (-0.8 * step, 0.0))
        track = made.track(image)[1]
    assert 0.0 < track.error_mm < 1.0
    middle_mm = np.array(MIDDLE) * SCENE.spacing_mm
    points_mm = [middle_mm, middle_mm + np.array([0.0, RADIUS_MM + 9.0])]
    inside, beside = track.displacement_mm(points_mm)
    assert inside[0] == pytest.approx(-6.4, abs=0.7)
    around = TemplateTracker.track(made.template_trackers[1], 1.0)
    assert beside.tolist() == around.displacement_mm(points_mm)[1].tolist()


def test_a_large_organ_has_no_model_of_its_own():
    config = TrackerConfig(sliding=("organ",))
    made = StructureTracker(SCENE.image(), {"organ": SCENE.disc(42.0)}, SCENE.spacing_mm, config)
    assert made.template_trackers[0].model.is_large
    assert make_own_model(made.template_trackers[0].model) is None


def test_restarting_forgets_all_frames():
    images = [frame((0.4 * step, 0.0), (-0.9 * step, 0.0)) for step in range(6)]
    fresh = tracker()
    once = [fresh.track(image)[1] for image in images]
    fresh.template_trackers[1].restart()
    fresh.template_trackers[0].restart()
    again = [fresh.track(image)[1] for image in images]
    assert [one.contour_px.tobytes() for one in once] == [one.contour_px.tobytes() for one in again]


@pytest.mark.parametrize(
    ("limits", "organs_slide", "sliding"),
    [
        ({}, True, {"organ", "duct"}),
        ({"duct": {"slides": False, "overlap_mm2": 20.0}, "organ": {"overlap_percent": 2.0}}, True, {"organ"}),
        ({}, False, set()),
    ],
)
def test_a_session_says_which_organs_slide(limits, organs_slide, sliding):
    places = {"organ": MIDDLE, "duct": (40, 60)}
    structures = tuple(
        Structure(name, Role.AVOID, mask_to_contour(SCENE.disc(9.0, place))) for name, place in places.items()
    )
    node = Structure("node", Role.TARGET, mask_to_contour(SCENE.disc(9.0, (60, 70))))
    setup = SessionSetup("a", frame(), SCENE.disc(), SCENE.spacing_mm, structures=(node, *structures))
    config = build(SessionConfig, {"structures": {"oar": limits}}, "test")
    armed = arm(replace(setup, organs_slide=organs_slide), config)
    trackers = dict(zip(setup.names, armed.engine.tracker.template_trackers, strict=True))
    assert {name for name, one in trackers.items() if isinstance(one, module.OrganTracker)} == sliding


@pytest.mark.slow
def test_it_learns_from_a_preview():
    preview = [frame((4.0 - 4.0 * np.cos(at / 4.0), 0.0), (4.0 * np.sin(at / 5.0), 0.0)) for at in range(40)]
    made = tracker()
    made.learn(np.stack(preview))
    moved_mm, track = organ_moved_mm(made, frame((6.0, 0.0), (2.5, 0.0)))
    assert moved_mm == pytest.approx((2.5, 0.0), abs=0.5)
    assert track.confidence >= 0.5
