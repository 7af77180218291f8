"""However an image is stored, its canonical form shows each point of the patient with the same value."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from gatekeeper.core.axes import orientation_of
from gatekeeper.core.errors import GeometryError, OtherPlaneError
from gatekeeper.core.frame import Plane
from gatekeeper.core.orientation import reorientation

SAGITTAL = Plane((10.0, -20.0, 30.0))
STEPS = {
    "sagittal": ((0.0, 0.0, -1.0), (0.0, 1.0, 0.0)),
    "coronal": ((0.0, 0.0, -1.0), (1.0, 0.0, 0.0)),
    "axial": ((0.0, 1.0, 0.0), (1.0, 0.0, 0.0)),
}
ANGLES = st.floats(-25.0, 25.0)


def stored(
    tilt_deg=(0.0, 0.0, 0.0), transposed=False, rows_reversed=False, cols_reversed=False, orientation="sagittal"
):
    """A plane, turned in space, whose axes are stored in another order and direction."""
    turn = Rotation.from_euler("xyz", tilt_deg, degrees=True)
    row, col = turn.apply(STEPS[orientation])
    row, col = (-row if rows_reversed else row), (-col if cols_reversed else col)
    return Plane(SAGITTAL.origin_mm, tuple(col if transposed else row), tuple(row if transposed else col))


@given(
    orientation=st.sampled_from(sorted(STEPS)),
    tilt_deg=st.tuples(ANGLES, ANGLES, ANGLES),
    transposed=st.booleans(),
    rows_reversed=st.booleans(),
    cols_reversed=st.booleans(),
    shape=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    spacing_mm=st.tuples(st.floats(0.1, 5.0), st.floats(0.1, 5.0)),
)
def test_every_pixel_keeps_its_place_in_the_patient(
    orientation, tilt_deg, transposed, rows_reversed, cols_reversed, shape, spacing_mm
):
    plane = stored(tilt_deg, transposed, rows_reversed, cols_reversed, orientation)
    image = np.arange(shape[0] * shape[1]).reshape(shape)
    turned = reorientation(plane, spacing_mm, shape, "an image")
    canonical = turned.apply(image)
    places = np.argwhere(canonical >= 0)
    points_mm = turned.plane.to_patient_mm(places.astype(float), turned.spacing_mm)
    at = np.rint(plane.to_pixel(points_mm, spacing_mm)).astype(int)
    np.testing.assert_allclose(plane.to_pixel(points_mm, spacing_mm), at, atol=1e-6)
    np.testing.assert_array_equal(image[at[:, 0], at[:, 1]], canonical[places[:, 0], places[:, 1]])
    assert orientation_of(turned.plane).name == orientation
    assert np.dot(turned.plane.row_step, STEPS[orientation][0]) > math.sqrt(0.5) - 0.05
    assert np.dot(turned.plane.col_step, STEPS[orientation][1]) > math.sqrt(0.5) - 0.05


def test_a_canonical_image_stays_as_it_is():
    turned = reorientation(SAGITTAL, (2.0, 3.0), (5, 6), "an image")
    assert (turned.transposed, turned.rows_reversed, turned.cols_reversed) == (False, False, False)
    assert turned.plane == SAGITTAL
    assert turned.spacing_mm == (2.0, 3.0)


def test_a_stack_is_turned_frame_by_frame():
    plane = stored(transposed=True, cols_reversed=True)
    stack = np.arange(24).reshape(2, 3, 4)
    turned = reorientation(plane, (1.0, 1.0), (3, 4), "a stack")
    np.testing.assert_array_equal(turned.apply(stack)[1], turned.apply(stack[1]))


@pytest.mark.parametrize(
    ("plane", "spacing_mm", "said"),
    [
        (Plane(row_step=(0.0, 0.0, -2.0)), (1.0, 1.0), "unit length"),
        (Plane(row_step=(0.0, 0.6, -0.8)), (1.0, 1.0), "right angles"),
        (Plane(origin_mm=(math.nan, 0.0, 0.0)), (1.0, 1.0), "not finite"),
        (Plane(col_step=(0.0, math.inf, 0.0)), (1.0, 1.0), "not finite"),
        (Plane(), (0.0, 1.0), "above 0"),
        (Plane(), (1.0, -1.0), "above 0"),
        (Plane(), (math.nan, 1.0), "above 0"),
    ],
)
def test_what_is_no_plane_is_refused(plane, spacing_mm, said):
    with pytest.raises(GeometryError, match=said) as refusal:
        reorientation(plane, spacing_mm, (4, 4), "slice.dcm")
    assert str(refusal.value).startswith("slice.dcm: ")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("orientation", sorted(STEPS))
def test_images_of_another_orientation_than_the_wanted_one_are_refused(orientation):
    plane = Plane((0.0, 0.0, 0.0), *STEPS[orientation])
    assert reorientation(plane, (1.0, 1.0), (4, 4), "an image", orientation).plane == plane
    other = "axial" if orientation != "axial" else "coronal"
    with pytest.raises(OtherPlaneError, match=f"an image: is {orientation}, and {other} images are wanted"):
        reorientation(plane, (1.0, 1.0), (4, 4), "an image", other)
