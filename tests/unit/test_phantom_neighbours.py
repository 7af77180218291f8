"""Second lesion, duodenum and stomach are where their truth says, and off unless they are asked for."""

import json

import numpy as np
import pytest

from gatekeeper.core.axes import ORIENTATIONS
from gatekeeper.core.errors import ConfigError
from kernels.polygon import area, centroid
from replay.formats.open import open_recording
from replay.phantom import with_target, write_phantom
from replay.phantom.lattice import PITCH_MM, Lattice
from replay.phantom.neighbours import Neighbour
from tests.support.phantoms import clear_phantom, phantom_config

NEAR = {"matrix": (72, 72), "pixel_mm": (1.8, 1.8), "duration_s": 1.0, "frame_rate_hz": 4.0, "center_mm": (80.0, -36.0)}
NAMES = ("second_lesion", "duodenum", "stomach")
LESION = {"center_mm": (40.0, -40.0)}


def moving(name):
    """Return settings in which an organ moves within a second as it otherwise does in some."""
    quick = {"center_mm": (80.0, -36.0), "radii_mm": (14.0, 12.0), "lift_mm": 9.0, "period_s": 1.5}
    return {"shown": True, "second_lesion": {"center_mm": (-30.0, 20.0)}, name: quick}


@pytest.mark.parametrize("name", ["duodenum", pytest.param("stomach", marks=pytest.mark.slow)])
def test_the_image_moves_as_the_truth_of_an_organ_does(name):
    other = {"stomach": "duodenum", "duodenum": "stomach"}[name]
    away = {"center_mm": (150.0, 40.0), "radii_mm": (4.0, 4.0), "lift_mm": 0.0, "period_s": 9.0}
    parts = {"acquisition": NEAR, "lesion": LESION | {"texture": 0.0}, "breathing": {"amplitude_mm": 2.0}}
    made = with_target(clear_phantom(organs=moving(name) | {other: away}, **parts), name)
    without = clear_phantom(**parts).recording.frames
    assert np.ptp(made.displacement_mm[:, 0]) > 7.0
    for image, plain, label, contour in zip(
        made.recording.frames, without, made.recording.labels, made.contours, strict=True
    ):
        changed = np.abs(image.astype(float) - plain)
        row, col = np.indices(label.shape)
        points = np.stack([row, col], axis=-1).reshape(-1, 1, 2)
        off_px = np.linalg.norm(points - contour, axis=-1).min(axis=1).reshape(label.shape)
        shown = changed > 0.2 * np.median(changed[label])
        assert shown[label & (off_px > 3.0)].mean() > 0.97
        assert not shown[~label & (off_px > 4.0)].any()
        middle = np.array([axis[label].mean() for axis in (row, col)])
        # Its content is brighter than its wall; what is around it may be too.
        content = label & (off_px > 1.5) & (image > 270)
        assert content.sum() > 0.4 * label.sum()
        assert np.hypot(*(np.array([axis[content].mean() for axis in (row, col)]) - middle)) < 1.0


def test_an_organ_has_a_phase_of_its_own_and_keeps_its_size():
    config = phantom_config(organs=moving("duodenum"), breathing={"amplitude_mm": 0.0, "drift_mm_per_min": 0.0})
    organ = Neighbour("duodenum", config)
    poses = organ.poses(np.linspace(0.0, 1.5, 9))
    assert poses[0].middle_mm[0] - poses[4].middle_mm[0] == pytest.approx(9.0)
    assert poses[8].middle_mm == pytest.approx(poses[0].middle_mm)
    extents_mm = np.array([np.ptp(organ.outline_mm(pose), axis=0) for pose in poses])
    assert np.ptp(extents_mm, axis=0).min() > 1.0
    np.testing.assert_allclose(extents_mm.mean(axis=0), (28.0, 24.0), atol=1.0)


def test_what_is_written_can_be_named_as_target_and_organs(tmp_path):
    acquisition = NEAR | {"duration_s": 0.25, "matrix": (64, 48), "pixel_mm": (3.0, 3.0), "center_mm": (45.0, -28.0)}
    config = phantom_config(organs={"shown": True}, acquisition=acquisition, breathing={"start_phase": 0.0})
    folder = write_phantom(config, tmp_path / "P")
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))["structures"]
    assert set(truth) == {"lesion", *NAMES}
    for name, told in truth.items():
        mask = open_recording(folder / "masks" / f"{name}.mha").frames[0] > 0
        assert told["visible"] == [True]
        middle = np.array([axis[mask].mean() for axis in np.indices(mask.shape)])
        assert np.hypot(*(middle - np.mean(told["contours_rc"][0], axis=0))) < 1.0


@pytest.mark.parametrize(
    ("organs", "kind", "named"),
    [(False, "duodenum", "organs.shown"), (True, "nodule", "alone"), (True, "lesion", "second_lesion")],
)
def test_organs_that_cannot_be(organs, kind, named):
    wide = {"second_lesion": {"center_mm": (60.0, -16.0)}} if kind == "lesion" else {}
    with pytest.raises(ConfigError, match=named):
        write_phantom(phantom_config(organs={"shown": organs, **wide}, target={"kind": kind}), None)


def exactly(own, pose, count=200_000):
    """Return area (mm2) and centroid (mm) of an organ by its definition: the radius on many rays."""
    angle = 2.0 * np.pi * (np.arange(count) + 0.5) / count
    down_mm, back_mm = own.radii_mm
    ellipse_mm = 1.0 / np.hypot(np.sin(angle) / down_mm, np.cos(angle) / back_mm)
    radius_mm = ellipse_mm * (1.0 + own.squeeze * np.cos(2.0 * angle - pose.phase))
    area_mm2 = 0.5 * (radius_mm**2).mean() * 2.0 * np.pi
    rays = np.stack([np.sin(angle), np.cos(angle)])
    moment = (radius_mm**3 * rays).mean(axis=1) * 2.0 * np.pi / 3.0
    return area_mm2, np.array(pose.middle_mm) + moment / area_mm2


@pytest.mark.parametrize("name", ["duodenum", "stomach"])
def test_an_organ_is_drawn_where_its_definition_has_it_to_a_small_part_of_a_pixel(name):
    config = phantom_config(organs=moving(name), breathing={"amplitude_mm": 9.0})
    organ = Neighbour(name, config)
    view = Lattice.covering((40.0, -75.0), (110.0, 5.0))
    for pose in organ.poses(np.array([0.1, 0.4, 0.9])):
        area_mm2, center_mm = exactly(getattr(config.organs, name), pose)
        images = [np.full(view.shape, value, np.float32) for value in (0.0, 1.0)]
        for image in images:
            organ.draw(image, view, pose)
        # What is left of the difference between two backgrounds is what the organ does not cover.
        cover = 1.0 - (images[1] - images[0]).astype(np.float64)
        assert cover.sum() * PITCH_MM**2 == pytest.approx(area_mm2, rel=2e-3)
        drawn_mm = [
            (cover.sum(axis=1 - axis) @ at) / cover.sum() for axis, at in enumerate((view.rows_mm, view.cols_mm))
        ]
        np.testing.assert_allclose(drawn_mm, center_mm, atol=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("plane", ["sagittal", "axial"])
def test_the_written_truth_of_bowel_is_its_definition(plane, tmp_path):
    acquisition = {"duration_s": 0.75, "frame_rate_hz": 4.0, "matrix": (64, 48), "pixel_mm": (3.0, 2.5)}
    acquisition |= {"center_mm": (45.0, -28.0), "plane": plane}
    config = phantom_config(organs={"shown": True}, acquisition=acquisition, breathing={"start_phase": 0.0})
    truth = json.loads((write_phantom(config, tmp_path / "P") / "truth.json").read_text(encoding="utf-8"))
    turned = slice(None, None, -1) if plane == "axial" else slice(None)
    pixel_mm = np.array(config.acquisition.pixel_mm)
    corner_mm = [
        center - 0.5 * (count - 1) * pixel
        for center, count, pixel in zip(
            config.acquisition.center_mm, config.acquisition.matrix[turned], pixel_mm[turned], strict=True
        )
    ]
    for name in ("duodenum", "stomach"):
        organ = Neighbour(name, config, ORIENTATIONS[plane])
        told = truth["structures"][name]["contours_rc"]
        first = None
        for number, (outline, pose) in enumerate(zip(told, organ.poses(np.arange(3) / 4.0), strict=True)):
            area_mm2, center_mm = exactly(getattr(config.organs, name), pose)
            outline_px, center_px = np.array(outline, order="C"), np.empty(2)
            centroid(outline_px, center_px)
            true_px = (np.subtract(center_mm, corner_mm))[turned] / pixel_mm
            # Of 192 points the polygon is smaller by 2 parts in 10000.
            assert area(outline_px) * np.prod(pixel_mm) == pytest.approx(area_mm2, rel=1e-3)
            np.testing.assert_allclose(center_px, true_px, atol=0.005)
            first = true_px if first is None else first
            moved_mm = (true_px - first) * pixel_mm
            np.testing.assert_allclose(truth["structures"][name]["displacement_mm"][number], moved_mm, atol=0.02)
