"""Every target of the phantom is where its truth says, in the same images as the lesion."""

import numpy as np
import pytest

from gatekeeper.core.errors import ConfigError
from kernels.polygon import area, centroid, fill
from replay.phantom import with_target
from replay.phantom.target import Target
from tests.support.matrices import mostly_slow
from tests.support.phantoms import FLAT, STILL, clear_phantom, phantom, phantom_config, scene_mm

ORGANS = ("liver", "kidney", "dome")
DRAWN = ("nodule", "vessel")
ACROSS_MM = (0.0, 9.0, -16.0)
DEEP = {"amplitude_mm": 0.0, "deep_breaths": [{"start_s": 1.0, "depth_mm": 38.0, "duration_s": 0.6}]}
WHOLE = {"matrix": (120, 100), "pixel_mm": (3.0, 3.0), "duration_s": 1.5, "frame_rate_hz": 4.0}


def center_px(contour):
    out = np.empty(2)
    centroid(np.ascontiguousarray(contour), out)
    return out


def profile(image, contour, off_px):
    """Return the brightness beside each point of an outline, off_px outwards along its normal."""
    along = np.roll(contour, -1, axis=0) - np.roll(contour, 1, axis=0)
    normal = np.stack([along[:, 1], -along[:, 0]], axis=-1) / np.linalg.norm(along, axis=1, keepdims=True)
    outwards = np.sign(np.sum(normal * (contour - center_px(contour)), axis=1, keepdims=True))
    row, col = (contour + off_px * outwards * normal).T
    top, left = np.floor(row).astype(int), np.floor(col).astype(int)
    down, right = row - top, col - left
    upper = image[top, left] * (1.0 - right) + image[top, left + 1] * right
    lower = image[top + 1, left] * (1.0 - right) + image[top + 1, left + 1] * right
    return upper * (1.0 - down) + lower * down


@pytest.mark.parametrize("kind", mostly_slow(ORGANS))
def test_naming_an_organ_the_target_changes_the_truth_and_not_the_images(kind):
    here = {"center_mm": (0.0, 0.0)}
    lesion, organ = phantom(acquisition=here | WHOLE), phantom(acquisition=here | WHOLE, target={"kind": kind})
    np.testing.assert_array_equal(organ.recording.frames, lesion.recording.frames)
    again = with_target(lesion, kind)
    assert again.config == organ.config
    np.testing.assert_array_equal(again.recording.labels, organ.recording.labels)
    np.testing.assert_array_equal(again.recording.first_mask, organ.recording.first_mask)
    np.testing.assert_array_equal(again.contours, organ.contours)
    assert organ.visible.all()
    assert (organ.recording.labels != lesion.recording.labels).any(axis=(1, 2)).all()


def test_sizes_are_those_of_organs():
    outlines_mm = {kind: Target(phantom_config(target={"kind": kind})).outline_mm() for kind in (*ORGANS, *DRAWN)}
    area_cm2 = {kind: 0.01 * area(outline_mm) for kind, outline_mm in outlines_mm.items()}
    assert area_cm2["liver"] == pytest.approx(160.0, abs=10.0)
    assert area_cm2["kidney"] == pytest.approx(27.0, abs=2.0)
    assert area_cm2["dome"] == pytest.approx(10.0, abs=1.0)
    assert area_cm2["nodule"] == pytest.approx(np.pi * 0.9**2, rel=0.05)
    assert area_cm2["vessel"] == pytest.approx(np.pi * 0.3**2, rel=0.05)


@pytest.mark.parametrize("across_mm", ACROSS_MM)
@pytest.mark.parametrize("kind", ORGANS)
def test_an_organ_s_outline_encloses_its_points_in_the_plane_and_no_others(kind, across_mm):
    target = Target(phantom_config(target={"kind": kind}))
    row_mm, col_mm = np.arange(-120.0, 180.0, 0.5), np.arange(-110.0, 90.0, 0.5)
    depth_mm = target._depth_mm(row_mm[:, None], col_mm[None, :], across_mm)
    enclosed = np.zeros(depth_mm.shape, dtype=np.bool_)
    fill((target.outline_mm(across_mm) - (row_mm[0], col_mm[0])) / 0.5, enclosed)
    assert enclosed.any()
    # Between two points the outline cuts a corner of the liver short.
    assert np.abs(depth_mm[enclosed != (depth_mm > 0.0)]).max(initial=0.0) < 1.5
    assert np.count_nonzero(enclosed) == pytest.approx(np.count_nonzero(depth_mm > 0.0), rel=0.003)


@pytest.mark.parametrize("kind", mostly_slow(["dome", "kidney"]))
def test_the_image_has_the_organ_s_edge_on_its_outline_while_it_moves(kind):
    acquisition = {"matrix": (150, 130), "pixel_mm": (1.6, 1.6), "duration_s": 1.5, "acquired_mm": 1.6}
    center_mm = {"dome": (-20.0, 0.0), "kidney": (90.0, 20.0)}[kind]
    made = clear_phantom(acquisition=acquisition | {"center_mm": center_mm}, breathing=DEEP, target={"kind": kind})
    assert np.ptp(made.displacement_mm[:, 0]) > 20.0
    for image, contour in zip(made.recording.frames, made.contours, strict=True):
        inner, edge, outer = (profile(image.astype(float), contour, off_px) for off_px in (-1.8, 0.0, 1.8))
        # The lower edge of a dome patch is in the liver; a kidney's is against fat, apart from where bowel is.
        clear = np.abs(outer - inner) > 60.0
        assert clear.sum() > 40
        share = (edge - outer)[clear] / (inner - outer)[clear]
        assert np.median(share) == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("kind", mostly_slow(DRAWN))
def test_a_nodule_and_a_vessel_are_drawn_where_their_outline_is(kind):
    acquisition = {"pixel_mm": (1.2, 1.2), "matrix": (150, 130), "duration_s": 1.5, "acquired_mm": 1.6}
    center_mm = {"nodule": (-50.0, 0.0), "vessel": (20.0, -20.0)}[kind]
    parts = {"artefacts": FLAT, "breathing": DEEP, "acquisition": acquisition | {"center_mm": center_mm}}
    # The vessel needs vessels; those of the liver are the same in both.
    parts["tissue"] = {"texture": 0.0, "vessel_contrast": 1.0 if kind == "vessel" else 0.0}
    shown = clear_phantom(target={"kind": kind, "vessel_diameter_mm": 12.0, "nodule_brightness": 2.0}, **parts)
    without = clear_phantom(**parts)
    moved_mm = np.ptp(shown.displacement_mm[:, 0])
    assert moved_mm > 20.0
    row, col = np.indices(shown.recording.frames.shape[1:])
    for image, plain, contour in zip(shown.recording.frames, without.recording.frames, shown.contours, strict=True):
        added = np.abs(image.astype(float) - plain)
        reach = np.hypot(row - center_px(contour)[0], col - center_px(contour)[1]) * 1.2
        assert added[reach < 3.0].min() > 30.0
        assert added[reach > 18.0].max() < 6.0
        rim = np.abs(profile(added, contour, 0.0) - 0.5 * np.median(added[reach < 3.0]))
        assert np.median(rim) < 0.2 * np.median(added[reach < 3.0])


@pytest.mark.parametrize("kind", mostly_slow(DRAWN))
def test_a_nodule_and_a_vessel_leave_the_plane(kind):
    away = [{"start_s": 0.5, "duration_s": 1.0, "ramp_s": 0.2}]
    acquisition = {"pixel_mm": (2.0, 2.0), "matrix": (120, 100), "duration_s": 2.0, "center_mm": (-40.0, 0.0)}
    made = clear_phantom(
        breathing={"amplitude_mm": 0.0, "out_of_plane": away},
        acquisition=acquisition,
        target={"kind": kind, "vessel_diameter_mm": 12.0, "nodule_brightness": 2.0},
        tissue={"vessel_contrast": 1.0},
    )
    assert made.visible.tolist() == [True] * 4 + [False] * 5 + [True] * 3
    row, col = np.rint(center_px(made.contours[0])).astype(int)
    assert made.recording.frames[6][row, col] < 0.7 * made.recording.frames[0][row, col]


@pytest.mark.parametrize("kind", DRAWN)
def test_what_is_drawn_only_as_target_cannot_become_one_in_the_same_images(kind):
    with pytest.raises(ConfigError, match=r"target\.kind"):
        with_target(phantom(), kind)


def kidney_moved_backward(start_phase):
    """Return a kidney that moves under the spine and back in 3 s, by 14 mm."""
    breathing = STILL | {"amplitude_mm": 38.0, "ap_ratio": -0.55, "period_s": 3.0, "amplitude_variation": 0.0}
    return clear_phantom(
        breathing=breathing | {"start_phase": start_phase, "hysteresis_s": 0.0, "elastic": 0.0},
        acquisition={"center_mm": (0.0, 0.0)} | WHOLE,
        target={"kind": "kidney"},
    )


def test_the_spine_covers_the_share_of_a_kidney_that_is_told():
    made = kidney_moved_backward(start_phase=0.0)
    frames, labels = made.recording.frames.astype(float), made.recording.labels
    # The spine stands still, and so does what is seen of it; a kidney shows other tissue than was there before.
    still = [np.mean(np.abs(frame - frames[0])[label] < 8.0) for frame, label in zip(frames, labels, strict=True)]
    assert made.covered[:4].max() < 0.03
    assert still[4:] == pytest.approx(made.covered[4:].tolist(), abs=0.03)
    assert made.covered[-1] > 0.15


def test_what_is_covered_on_the_first_frame_is_no_part_of_the_target():
    whole, part = kidney_moved_backward(start_phase=0.0), kidney_moved_backward(start_phase=0.5)
    assert part.covered[0] < 0.01
    # The rest of the kidney lies beside it, in the same images, once it has come out.
    assert part.signal_mm[-1] == pytest.approx(whole.signal_mm[1], abs=0.3)
    in_part, in_whole = part.recording.labels[-1], whole.recording.labels[1]
    assert in_part.sum() < 0.8 * in_whole.sum()
    assert np.count_nonzero(in_part & ~in_whole) <= 2


@pytest.mark.parametrize(("amplitude_mm", "ap_ratio"), mostly_slow([(60.0, -0.55), (38.0, 0.25), (38.0, -0.55)]))
def test_deep_breath_holds_move_whole_organs_far(amplitude_mm, ap_ratio):
    holds = {"pattern": "inhale_hold", "hold_s": 8.0, "rest_s": 6.0, "amplitude_mm": amplitude_mm}
    acquisition = {"matrix": (120, 100), "pixel_mm": (3.6, 3.6), "frame_rate_hz": 0.5, "duration_s": 28.0}
    made = phantom(breathing=holds | {"ap_ratio": ap_ratio}, acquisition=acquisition, target={"kind": "liver"})
    low_mm, high_mm = made.displacement_mm.min(axis=0), made.displacement_mm.max(axis=0)
    assert (high_mm - low_mm)[0] > 0.9 * amplitude_mm
    assert (high_mm - low_mm)[1] > 0.8 * abs(ap_ratio) * amplitude_mm
    assert made.visible.all()


def test_shallow_breathing_may_come_before_and_between_deep_holds():
    holds = {"pattern": "inhale_hold", "hold_s": 8.0, "rest_s": 8.0, "amplitude_mm": 40.0, "drift_mm_per_min": 0.0}
    acquisition = {"matrix": (64, 64), "frame_rate_hz": 4.0, "duration_s": 20.0}
    shallow = holds | {"rest_share": 0.2, "begins": "rest", "amplitude_variation": 0.0}
    made = phantom(breathing=shallow, acquisition=acquisition)
    before = made.recording.times_s < 7.0
    assert 6.0 < made.signal_mm[before].max() < 8.5
    assert made.signal_mm[(made.recording.times_s > 13.0) & (made.recording.times_s < 14.0)].min() > 35.0


def test_a_lesion_is_the_target_unless_another_is_named():
    made = phantom()
    assert made.config.target.kind == "lesion"
    row_mm, col_mm = (axis.ravel() for axis in scene_mm(made))
    row, col = center_px(made.contours[0])
    assert row_mm[round(row)] == pytest.approx(-8.0, abs=6.0)
    assert col_mm[round(col)] == pytest.approx(5.0, abs=4.0)
