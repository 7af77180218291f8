"""Structures of a plan are cut by the cine plane where they are, and nothing is guessed."""

import math
from pathlib import Path

import numpy as np
import pytest
import shapely
from pydicom.data import get_testdata_file
from pydicom.filereader import dcmread
from scipy.spatial.transform import Rotation

from gatekeeper.core.contour import Role
from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import Plane
from replay.formats.contour_slicing import slice_contours
from replay.formats.dicom import frame_of_reference
from replay.formats.format import Choices, Use
from replay.formats.rtstruct import ImageGrid, plan_contours
from replay.formats.structure_set import read_structure_set
from tests.support.dicom_folders import write, write_series
from tests.support.dicom_objects import REFERENCE, enhanced
from tests.support.structure_sets import SLICE_MM, box, ellipsoid, ring, written

SHAPE, SPACING_MM = (80, 60), (1.5, 2.0)
PLANE = Plane((0.0, -50.0, 60.0))


def view(plane=PLANE, reference=REFERENCE):
    return ImageGrid(plane, SPACING_MM, SHAPE, reference)


def target_px(path, plane=PLANE, name="GTV"):
    (target,) = plan_contours(path, {name: Use.TARGET}, view(plane)).targets
    return target.contour_px


def target_mm(path, plane=PLANE):
    """The outline as a polygon, in mm from the middle of pixel (0, 0)."""
    return shapely.Polygon(target_px(path, plane) * SPACING_MM)


def tilted(*angles_deg):
    turn = Rotation.from_euler("zyx", angles_deg, degrees=True)
    row, col = turn.apply([(0.0, 0.0, -1.0), (0.0, 1.0, 0.0)])
    # The middle of the image stays on the middle of the patient.
    return Plane(tuple(-60.0 * row - 50.0 * col), tuple(row), tuple(col))


def test_a_box_is_cut_exactly(tmp_path):
    path = written(tmp_path / "plan.dcm", {"GTV": box()})
    rows, cols = target_px(path).T * np.array(SPACING_MM)[:, None]
    # Superior 12 mm is 48 mm below the first row at z = 60 mm; anterior -8 mm is 42 mm behind the first column.
    np.testing.assert_allclose([rows.min(), rows.max()], [48.0, 72.0], atol=1e-6)
    np.testing.assert_allclose([cols.min(), cols.max()], [42.0, 58.0], atol=1e-6)
    assert target_mm(path).area == pytest.approx(24.0 * 16.0)


@pytest.mark.parametrize("angle_deg", [5.0, 15.0, 30.0])
def test_a_box_cut_obliquely_is_wider_by_the_angle(tmp_path, angle_deg):
    path = written(tmp_path / "plan.dcm", {"GTV": box(low=(-40.0, -8.0, -12.0), high=(40.0, 8.0, 12.0))})
    turned = target_mm(path, tilted(angle_deg, 0.0, 0.0))
    assert turned.area == pytest.approx(24.0 * 16.0 / math.cos(math.radians(angle_deg)), rel=1e-6)
    tipped = target_mm(path, tilted(0.0, angle_deg, 0.0))
    assert tipped.area == pytest.approx(24.0 * 16.0 / math.cos(math.radians(angle_deg)), rel=1e-3)


@pytest.mark.parametrize("angles_deg", [(0, 0, 0), (20, 0, 0), (0, 20, 0), (0, 0, 20), (15, -12, 25)])
@pytest.mark.parametrize("shift_mm", [0.0, 6.0])
def test_an_ellipsoid_is_cut_as_the_formula_says(tmp_path, angles_deg, shift_mm):
    radii = np.array([15.0, 12.0, 20.0])
    plane = tilted(*angles_deg)
    normal = np.cross(plane.row_step, plane.col_step)
    center = shift_mm * normal
    path = written(tmp_path / "plan.dcm", {"GTV": ellipsoid(center, radii)})
    outline = target_mm(path, plane)
    # Points of the plane at which |(x - center) / radii| = 1.
    rows, cols = np.meshgrid(np.arange(20.0, 100.0, 0.25), np.arange(10.0, 90.0, 0.25), indexing="ij")
    points = (
        np.array(plane.origin_mm)
        + rows[..., None] * np.array(plane.row_step)
        + cols[..., None] * np.array(plane.col_step)
    )
    inside = (((points - center) / radii) ** 2).sum(axis=-1) <= 1.0
    found = shapely.contains_xy(outline, rows, cols)
    assert 2.0 * (inside & found).sum() / (inside.sum() + found.sum()) > 0.99
    boundary = shapely.boundary(outline)
    true_edge = np.stack([rows, cols], axis=-1)[inside & ~_eroded(inside)]
    distances = shapely.distance(shapely.points(true_edge), boundary)
    assert distances.max() < 1.5 * SLICE_MM


def _eroded(mask):
    return mask & np.roll(mask, 1, 0) & np.roll(mask, -1, 0) & np.roll(mask, 1, 1) & np.roll(mask, -1, 1)


def test_finer_slices_come_nearer_to_the_ellipsoid():
    exact = math.pi * 12.0 * 20.0
    errors = [abs(slice_contours(ellipsoid(slice_mm=step), PLANE, "GTV").area - exact) for step in (4.0, 2.0, 1.0)]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.003 * exact


def test_slices_may_be_listed_in_any_order_and_turned_either_way(tmp_path):
    contours = ellipsoid()
    straight = target_mm(written(tmp_path / "a", {"GTV": contours}))
    mixed = [contour[::-1] if k % 2 else contour for k, contour in enumerate(contours[::2] + contours[1::2])]
    other = target_mm(written(tmp_path / "b", {"GTV": mixed}))
    assert shapely.symmetric_difference(straight, other).area < 1e-6


def test_contours_in_the_cine_plane_are_taken_as_they_are(tmp_path):
    corners = np.array([(0.0, -10.0, 20.0), (0.0, 14.0, 20.0), (0.0, 14.0, -16.0), (0.0, -10.0, -16.0)])
    path = written(tmp_path / "plan.dcm", {"GTV": [corners]})
    found = target_px(path) * SPACING_MM
    assert {tuple(point) for point in np.round(found, 6)} == {(40.0, 40.0), (40.0, 64.0), (76.0, 64.0), (76.0, 40.0)}


def test_sagittal_slices_give_the_one_in_which_the_cine_plane_lies(tmp_path):
    contours = [ring((0.0, 0.0), (8.0 + k, 8.0 + k), 0.0)[:, [2, 0, 1]] + (3.0 * k - 3.0, 0.0, 0.0) for k in range(3)]
    path = written(tmp_path / "plan.dcm", {"GTV": contours})
    near = Plane((1.2, -50.0, 60.0))
    assert target_mm(path, near).area == pytest.approx(math.pi * 81.0, rel=1e-2)
    with pytest.raises(RecordingError, match=r"parallel to the cine plane and 7.0 mm beside it; the limit is 1.5 mm"):
        target_px(path, Plane((10.0, -50.0, 60.0)))


@pytest.mark.parametrize(
    ("contours", "said"),
    [
        ([], "no contours"),
        (box(low=(5.0, -8.0, -12.0)), "does not meet the cine plane"),
        (box()[:1], "one slice only"),
        (box(low=(-10.0, -8.0, -12.0), high=(10.0, -2.0, 12.0)) + box(low=(-10.0, 2.0, -12.0)), "2 pieces"),
        (box()[:8] + box()[-8:], "2 pieces"),
        (box() + box(low=(-5.0, -4.0, -6.0), high=(5.0, 4.0, 6.0)), "hole"),
        (box(high=(10.0, 80.0, 12.0)), "partly outside the image"),
        (box(low=(-10.0, 100.0, -12.0), high=(10.0, 120.0, 12.0)), "all outside the image"),
        ([*box(), np.array([(0.0, 0.0, 0.0), (9.0, 0.0, 5.0), (0.0, 9.0, 9.0)])], "not flat or not in parallel"),
    ],
)
def test_what_is_no_outline_is_one_line(tmp_path, contours, said):
    path = written(tmp_path / "plan.dcm", {"GTV": contours})
    with pytest.raises(RecordingError, match=said) as refusal:
        target_px(path)
    assert "'GTV'" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_an_organ_to_avoid_may_reach_beyond_the_image_and_is_cut_off(tmp_path):
    path = written(tmp_path / "plan.dcm", {"Bowel": box(high=(10.0, 80.0, 12.0))})
    plan = plan_contours(path, {"Bowel": Use.AVOID}, view())
    assert plan.avoid[0].role is Role.AVOID
    assert plan.avoid[0].contour_px[:, 1].max() == pytest.approx(59.5)
    assert "cut off at its edge" in plan.notes[0]


def test_roles_are_those_that_were_asked_for(tmp_path):
    path = written(
        tmp_path / "plan.dcm",
        {"GTV": box(), "PTV": box(low=(-15.0, -13.0, -17.0), high=(15.0, 13.0, 17.0)), "Cord": ellipsoid((0, 20, 0))},
    )
    plan = plan_contours(path, {"GTV": Use.TARGET, "PTV": Use.ENVELOPE, "Cord": Use.AVOID}, view())
    assert [one.name for one in plan.targets] == ["GTV"]
    assert [one.name for one in plan.avoid] == ["Cord"]
    assert plan.envelope_px is not None
    assert shapely.Polygon(plan.envelope_px).contains(shapely.Polygon(plan.targets[0].contour_px))
    assert plan.notes == ()


def test_a_region_that_is_not_there_is_told_with_those_that_are(tmp_path):
    path = written(tmp_path / "plan.dcm", {"GTV": box(), "Liver": box()})
    with pytest.raises(RecordingError, match="no region 'gtv'; it has 'GTV', 'Liver'"):
        target_px(path, name="gtv")


@pytest.mark.parametrize("kind", ["OPEN_PLANAR", "POINT", "OPEN_NONPLANAR"])
def test_open_contours_are_refused(tmp_path, kind):
    path = written(tmp_path / "plan.dcm", {"GTV": box()}, kind=kind)
    with pytest.raises(RecordingError, match="no contours with an area" if kind == "POINT" else f"type {kind}"):
        target_px(path)


def test_another_frame_of_reference_is_an_error(tmp_path):
    path = written(tmp_path / "plan.dcm", {"GTV": box()}, reference="2.25.999")
    with pytest.raises(RecordingError, match="another frame of reference"):
        target_px(path)
    plan = plan_contours(path, {"GTV": Use.TARGET}, view(reference=None))
    assert "no frame of reference that could be compared" in plan.notes[0]


def test_images_tell_their_frame_of_reference(tmp_path):
    write_series(tmp_path / "cine", 3)
    assert frame_of_reference(tmp_path / "cine", Choices()) == REFERENCE
    item = enhanced(2)
    del item.FrameOfReferenceUID
    assert frame_of_reference(write(tmp_path / "x", item), Choices()) is None


def test_a_file_of_others_is_read_as_it_says():
    path = get_testdata_file("rtstruct.dcm", download=False)
    regions = read_structure_set(Path(path))
    plain = dcmread(path, force=True)
    assert list(regions.names) == [str(roi.ROIName) for roi in plain.StructureSetROISequence]
    said = plain.ROIContourSequence[0].ContourSequence[0]
    own = regions.region(regions.names[0])
    assert said.ContourGeometricType in own.kinds
    np.testing.assert_allclose(own.contours[0].ravel(), [float(value) for value in said.ContourData])


def test_what_is_no_structure_set_is_one_line(tmp_path):
    (image,) = write_series(tmp_path / "cine", 1)
    with pytest.raises(RecordingError, match="not an RT Structure Set"):
        read_structure_set(image)
    text = tmp_path / "x.txt"
    text.write_text("nothing")
    with pytest.raises(RecordingError, match="not a DICOM file"):
        read_structure_set(text)
    with pytest.raises(RecordingError, match="cannot be read"):
        read_structure_set(tmp_path / "absent")


def test_a_structure_set_cut_short_is_one_line_or_has_fewer_contours(tmp_path):
    whole = written(tmp_path / "plan.dcm", {"GTV": box()}).read_bytes()
    part = tmp_path / "part"
    for at in range(0, len(whole), 211):
        part.write_bytes(whole[:at])
        with pytest.raises(RecordingError) as refusal:
            plan_contours(part, {"GTV": Use.TARGET}, view())
        assert "\n" not in str(refusal.value)
