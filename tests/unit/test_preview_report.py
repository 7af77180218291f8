"""The report on a preview: what a physicist reads before the beam is allowed."""

import math
from dataclasses import replace

import numpy as np
import pytest

from gatekeeper.config import TrackerConfig
from gatekeeper.tracking.preview.report import FEWEST_FRAMES, preview_report
from gatekeeper.tracking.tracker import Tracker
from tests.support.phantoms import FLAT, clear_phantom
from tests.support.previews import breath_mm, known, model_of, reference_of, still

MODEL = model_of()
MOVES_MM = breath_mm(60, 12.0, -4.0)


def told(moves_mm=MOVES_MM, confidence=1.0, model=MODEL, frames=None, first=MODEL):
    return preview_report(known(model, moves_mm, confidence), model, frames, first)


def images(inside=600.0, around=500.0, noise=10.0, count=200):
    """Return still frames of a flat target on flat surroundings."""
    flat = np.where(MODEL.fine.grid.distance_mm == 0.0, inside, around)
    values = flat + np.random.default_rng(0).normal(scale=noise, size=(count, *flat.shape))
    return still(MODEL, values, np.zeros(count))


def test_a_target_that_is_always_found_is_a_go():
    preview = told()
    assert preview.go
    assert preview.reasons == ()
    assert (preview.frames, preview.visible) == (60, 1.0)


def test_ranges_are_the_least_and_the_largest_displacement():
    preview = told()
    assert preview.row_range_mm == pytest.approx((0.0, MOVES_MM[:, 0].max()))
    assert preview.col_range_mm == pytest.approx((MOVES_MM[:, 1].min(), 0.0))


def test_frames_on_which_the_target_was_lost_have_no_share_in_the_ranges():
    moves_mm, confidence = MOVES_MM.copy(), np.ones(60)
    moves_mm[7], confidence[7] = (50.0, 20.0), 0.3
    preview = told(moves_mm, confidence)
    assert preview.row_range_mm[1] == pytest.approx(MOVES_MM[:, 0].max())
    assert preview.visible == pytest.approx(59 / 60)


def test_the_search_leaves_thirty_and_fifteen_millimetres_for_a_deep_breath():
    assert told(breath_mm(60, 12.0, -4.0)).search_mm == (45.0, 20.0)
    assert told(breath_mm(60, -20.5, 0.0)).search_mm == (55.0, 15.0)


def test_too_few_frames_are_a_no_go():
    assert told(MOVES_MM[:FEWEST_FRAMES]).go
    preview = told(MOVES_MM[: FEWEST_FRAMES - 1])
    assert not preview.go
    assert preview.reasons == ("found on 29 frames only, 30 are needed: record a longer preview",)


def test_a_target_that_is_often_lost_is_a_no_go():
    assert told(confidence=np.repeat([1.0, 0.2], [54, 6])).go
    preview = told(confidence=np.repeat([1.0, 0.2], [53, 7]))
    assert not preview.go
    assert preview.reasons == (
        "found on 88 % of the frames, 90 % are needed: choose another plane or another target outline",
    )


@pytest.mark.parametrize(("axis", "far_mm"), [("si", (30.0, 0.0)), ("ap", (0.0, -15.0))])
def test_motion_close_to_the_end_of_the_search_is_a_no_go(axis, far_mm):
    first = replace(MODEL, config=TrackerConfig(search_si_mm=30.0, search_ap_mm=15.0))
    for share, go in ((0.88, True), (0.92, False)):
        preview = told(np.linspace((0.0, 0.0), share * np.array(far_mm), 60), first=first)
        assert preview.go == go
        assert len(preview.reasons) == (not go)
    assert f"along {axis.upper()}" in preview.reasons[0]
    assert preview.reasons[0].endswith(f"raise search_{axis}_mm")


def test_every_reason_is_told():
    preview = told(np.full((40, 2), 58.0), np.repeat([1.0, 0.0], [20, 20]))
    assert len(preview.reasons) == 4
    assert all(reason in preview.as_text() for reason in preview.reasons)


def test_a_target_that_was_never_found_has_no_range_and_no_go():
    preview = told(confidence=0.0)
    assert (preview.row_range_mm, preview.col_range_mm, preview.visible) == ((0.0, 0.0), (0.0, 0.0), 0.0)
    assert not preview.go


def test_contrast_to_noise_is_the_difference_over_the_standard_deviation():
    assert told(frames=images()).contrast_to_noise == pytest.approx(10.0, rel=0.02)


def test_contrast_to_noise_grows_with_contrast_either_way_and_falls_with_noise():
    plain = told(frames=images()).contrast_to_noise
    assert told(frames=images(inside=700.0)).contrast_to_noise == pytest.approx(2.0 * plain, rel=0.01)
    assert told(frames=images(inside=400.0)).contrast_to_noise == pytest.approx(plain, rel=0.01)
    assert told(frames=images(noise=20.0)).contrast_to_noise == pytest.approx(0.5 * plain, rel=0.01)


def test_without_frames_or_without_noise_there_is_no_contrast_to_noise():
    assert math.isnan(told().contrast_to_noise)
    assert math.isnan(told(frames=images(noise=0.0)).contrast_to_noise)
    assert "contrast    not measured" in told().as_text().splitlines()


def test_what_was_learned_is_told():
    stiff = replace(
        MODEL,
        config=TrackerConfig(deformation_mm=1.5),
        fine=replace(MODEL.fine, bias_correction=np.ones_like(reference_of(MODEL))),
        states_mm=(1.0, 2.0, 3.0),
    )
    preview = told(model=stiff)
    assert (preview.stiff, preview.evened, preview.states_mm) == (True, True, (1.0, 2.0, 3.0))
    assert "learned     3 breathing states, stiff anatomy, bias field corrected" in preview.as_text().splitlines()
    assert (told().stiff, told().evened, told().states_mm) == (False, False, (0.0,))
    assert "learned     nothing" in told().as_text().splitlines()


def test_the_lines_of_the_text_line_up():
    for preview in (told(), told(frames=images()), told(confidence=0.2)):
        lines = preview.as_text().splitlines()
        assert [line[:12].strip() for line in lines] == [
            "preview",
            "contrast",
            "motion",
            "search",
            "learned",
            "verdict",
        ]
        assert all(line[11] == " " and line[12] != " " for line in lines)


def test_the_text_says_what_the_fields_say():
    assert told(np.abs(MOVES_MM), frames=images()).as_text().splitlines() == [
        "preview     60 frames, target found on 100 %",
        "contrast    10.0 times the noise",
        "motion      SI -11.9 to +0.0 mm, AP +0.0 to +4.0 mm",
        "search      SI 45 mm, AP 20 mm suggested",
        "learned     nothing",
        "verdict     go",
    ]


def test_on_a_phantom_the_ranges_are_right_to_half_a_millimetre():
    made = clear_phantom(
        acquisition={"matrix": (96, 80), "duration_s": 10.0},
        artefacts=FLAT,
        breathing={"elastic": 0.0, "irregular_mm": 0.0, "cardiac_mm": 0.0},
    )
    recording = made.recording
    preview = Tracker(recording.frames[0], recording.first_mask, recording.spacing_mm).learn(recording.frames)
    low, high = made.displacement_mm.min(axis=0), made.displacement_mm.max(axis=0)
    np.testing.assert_allclose(preview.row_range_mm, (low[0], high[0]), atol=0.5)
    np.testing.assert_allclose(preview.col_range_mm, (low[1], high[1]), atol=0.5)
    assert preview.row_range_mm[1] > 10.0
    assert preview.go


def test_a_range_is_never_told_as_minus_nought():
    preview = replace(told(), row_range_mm=(-0.04, 12.0), col_range_mm=(-0.06, 0.04))
    assert "motion      SI -12.0 to +0.0 mm, AP -0.1 to +0.0 mm" in preview.as_text().splitlines()
