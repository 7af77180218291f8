"""A target that was drawn anywhere in the patient lands on the same pixels of the reference."""

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK

from gatekeeper.cli.target import drawn_of, reference_of
from gatekeeper.config import MaskConfig, PointsConfig, TrackradLabelConfig
from gatekeeper.core.contour import Role
from gatekeeper.core.errors import RecordingError, TargetError
from gatekeeper.core.frame import Plane
from gatekeeper.session.planned import Planned, setup_of
from gatekeeper.session.target import Drawn, Reference
from replay.formats.format import Use
from replay.formats.trackrad import write_case
from tests.support.cases import breathing_case
from tests.support.dicom_objects import REFERENCE
from tests.support.live_sessions import drawn_mm, live_config
from tests.support.live_sessions import reference_of as first_of
from tests.support.recordings import disc
from tests.support.structure_sets import ellipsoid, written

PLANE = Plane((12.0, -80.0, 140.0))
GRID = Reference(np.arange(40 * 30, dtype=np.uint16).reshape(40, 30), (2.0, 1.5), PLANE, "the plan")
MASK = disc((40, 30), (18.0, 14.0), 6.0)


def moved(grid, rows=0.0, cols=0.0, across=0.0, shape=None):
    """Return the grid moved by so many pixels along itself, and across by so many mm."""
    origin = grid.plane.to_patient_mm(np.array([(rows, cols)]), grid.spacing_mm)[0] + (across, 0.0, 0.0)
    image = np.zeros(grid.image.shape if shape is None else shape, np.float32)
    return Reference(image, grid.spacing_mm, Plane(tuple(float(v) for v in origin)), "frame 0")


def test_mask_on_the_reference_itself_stays_as_it_is():
    ragged = MASK.copy()
    ragged[2, 2] = True
    assert Drawn.of_mask("target", ragged, GRID).on(GRID, 1.0) is ragged


def test_mask_goes_by_way_of_the_patient_to_an_image_that_lies_elsewhere():
    drawn = Drawn.of_mask("target", MASK, GRID)
    there = drawn.on(moved(GRID, rows=-5.0, cols=-3.0, shape=(60, 50)), 1.0)
    expected = np.zeros((60, 50), bool)
    expected[5:45, 3:33] = MASK
    assert np.array_equal(there, expected)


def test_outline_of_points_lands_on_the_pixels_inside_it():
    case = breathing_case()
    drawn = Drawn("target", (drawn_mm(case),))
    assert np.array_equal(drawn.on(first_of(case), 1.0), case.first_mask)


def test_outlines_of_other_planes_are_left_out_and_those_of_this_one_joined():
    one, other = (Drawn.of_mask("part", disc((40, 30), center, 4.0), GRID) for center in ((10.0, 8.0), (28.0, 20.0)))
    beside = one.contours_mm[0] + (5.0, 0.0, 0.0)
    joined = Drawn("both", (one.contours_mm[0], other.contours_mm[0], beside)).on(GRID, 1.0)
    assert np.array_equal(joined, one.mask | other.mask)


@pytest.mark.parametrize(
    ("grid", "says"),
    [
        (moved(GRID, across=2.5), "lies 2.5 mm beside the plane of frame 0, the limit is 1 mm"),
        (moved(GRID, rows=100.0), "not on the image"),
    ],
)
def test_structure_that_is_not_on_the_image_is_refused(grid, says):
    with pytest.raises(TargetError, match=says):
        Drawn.of_mask("GTV", MASK, GRID).on(grid, 1.0)


@pytest.mark.parametrize(("mask", "says"), [(MASK[1:], "39, 30"), (np.zeros_like(MASK), "is empty")])
def test_mask_that_is_none_is_refused(mask, says):
    with pytest.raises(TargetError, match=says):
        Drawn.of_mask("GTV", mask, GRID)


def test_outline_that_is_not_finite_is_on_no_plane():
    broken = Drawn.of_mask("GTV", MASK, GRID).contours_mm[0].copy()
    broken[3, 0] = np.nan
    with pytest.raises(TargetError, match="inf mm beside"):
        Drawn("GTV", (broken,)).on(GRID, 1.0)


def test_setup_waits_for_an_operator_and_carries_what_is_to_be_avoided():
    avoid = Drawn.of_mask("bowel", disc((40, 30), (30.0, 20.0), 4.0), GRID)
    setup = setup_of("s", Drawn.of_mask("target", MASK, GRID), [Planned(avoid, Role.AVOID)], GRID, 1.0)
    assert not setup.armed
    assert [(one.name, one.role) for one in setup.structures] == [("bowel", Role.AVOID)]
    assert setup.plane == PLANE


@pytest.mark.parametrize(
    ("image", "kept"),
    [
        (np.array([[0.0, 65535.0]]), np.uint16),
        (np.array([[0.0, 65536.0]]), np.float32),
        (np.array([[0.5, 1.0]]), np.float32),
        (np.array([[-1.0, 1.0]]), np.float32),
        (np.array([[np.nan, 1.0]]), np.float32),
    ],
)
def test_frames_are_kept_in_16_bits_where_the_reference_fits_into_them(image, kept):
    grid = Reference(np.resize(image, (40, 30)), (2.0, 1.5), PLANE, "x")
    assert setup_of("s", Drawn.of_mask("target", MASK, grid), [], grid, 1.0).pixel_type == kept


def test_target_of_a_case_is_that_on_its_first_frame(tmp_path):
    case = breathing_case(frames=3)
    write_case(case, tmp_path / "P_001")
    config = live_config(target={"kind": "trackrad", "case": str(tmp_path / "P_001")})
    assert isinstance(config.target[0], TrackradLabelConfig)
    reference = reference_of(config)
    assert np.array_equal(reference.image, case.frames[0])
    assert np.array_equal(drawn_of(config.target[0], "target", Use.TARGET).on(reference, 1.0), case.first_mask)


def test_case_without_a_target_is_refused(tmp_path):
    case = breathing_case(frames=3)
    write_case(replace(case, first_mask=None, labels=None), tmp_path / "P_001")
    with pytest.raises(TargetError, match="no target is drawn"):
        drawn_of(
            live_config(target={"kind": "trackrad", "case": str(tmp_path / "P_001")}).target[0], "target", Use.TARGET
        )


def test_points_are_taken_as_they_are():
    points = [[0.0, 1.0, 2.0], [0.0, 9.0, 2.0], [0.0, 5.0, 9.0]]
    config = live_config(target={"kind": "points", "points_mm": points})
    assert isinstance(config.target[0], PointsConfig)
    assert np.array_equal(drawn_of(config.target[0], "target", Use.TARGET).contours_mm[0], points)
    assert reference_of(config) is None


def test_mask_image_says_where_it_lies(tmp_path):
    image = SimpleITK.GetImageFromArray(MASK.astype(np.uint8)[None])
    # Columns run to posterior, rows to inferior, slices to the right.
    image.SetDirection((0.0, 0.0, -1.0, 1.0, 0.0, 0.0, 0.0, -1.0, 0.0))
    image.SetOrigin(PLANE.origin_mm)
    image.SetSpacing((1.5, 2.0, 5.0))
    SimpleITK.WriteImage(image, str(tmp_path / "gtv.mha"))
    config = live_config(target={"kind": "mask", "file": str(tmp_path / "gtv.mha")})
    assert isinstance(config.target[0], MaskConfig)
    drawn = drawn_of(config.target[0], "target", Use.TARGET)
    assert np.array_equal(drawn.on(GRID, 1.0), MASK)
    assert np.array_equal(drawn.on(moved(GRID, rows=-2.0), 1.0)[2:], MASK[:-2])


def planned(folder, name="GTV"):
    plan = written(folder / "rs.dcm", {"GTV": ellipsoid(radii=(15.0, 12.0, 20.0))})
    return live_config(target={"kind": "rtstruct", "file": str(plan), "roi": name})


def around(uid=None):
    """Return images of 2 mm pixels through the middle of the patient."""
    return Reference(np.zeros((40, 30), np.uint16), (2.0, 2.0), Plane((0.0, -29.0, 39.0)), "frame 0", uid)


def test_region_of_a_plan_is_cut_by_the_plane_of_the_images(tmp_path):
    mask = drawn_of(planned(tmp_path).target[0], "target", Use.TARGET).on(around(), 1.0)
    rows_mm, cols_mm = (np.arange(count) * 2.0 - 2.0 * (count - 1) / 2.0 for count in (40, 30))
    ellipse = (rows_mm[:, None] / 20.0) ** 2 + (cols_mm[None] / 12.0) ** 2 <= 1.0
    assert np.count_nonzero(mask != ellipse) <= 4
    assert mask.any()


def test_region_that_the_plan_does_not_have_is_named_with_those_it_has(tmp_path):
    with pytest.raises(RecordingError, match="has no region 'PTV'; it has 'GTV'"):
        drawn_of(planned(tmp_path, "PTV").target[0], "target", Use.TARGET)


def test_plan_of_another_scan_is_refused(tmp_path):
    drawn = drawn_of(planned(tmp_path).target[0], "target", Use.TARGET)
    assert drawn.on(around(REFERENCE), 1.0).any()
    with pytest.raises(RecordingError, match="frame of reference"):
        drawn.on(around("1.2.3"), 1.0)


def test_target_that_reaches_beyond_the_image_is_refused_and_an_organ_cut_off(tmp_path):
    edge = Reference(np.zeros((40, 30), np.uint16), (2.0, 2.0), Plane((0.0, 0.0, 39.0)), "frame 0")
    config = planned(tmp_path)
    with pytest.raises(RecordingError, match="outside the image"):
        drawn_of(config.target[0], "target", Use.TARGET).on(edge, 1.0)
    assert drawn_of(config.target[0], "bowel", Use.AVOID).on(edge, 1.0).any()
