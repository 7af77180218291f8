"""An image that is put on a plane lies there for whoever reads it, in either set of axes."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from gatekeeper.core.errors import GeometryError
from gatekeeper.core.frame import Plane
from gatekeeper.wire.openigtlink.geometry import image_on, plane_of
from gatekeeper.wire.openigtlink.image import decode_image, encode_image

ANGLES = st.floats(-180.0, 180.0)
POSITIONS = st.floats(-500.0, 500.0)
STEPS = st.floats(0.2, 9.0)


@st.composite
def planes(draw):
    turn = Rotation.from_euler("xyz", [draw(ANGLES), draw(ANGLES), draw(ANGLES)], degrees=True)
    row, col = turn.apply([(0.0, 0.0, -1.0), (0.0, 1.0, 0.0)])
    return Plane(draw(st.tuples(POSITIONS, POSITIONS, POSITIONS)), tuple(row.tolist()), tuple(col.tolist()))


def place(pixels, plane, spacing_mm):
    """Where each pixel of an image lies, by the protocol's own rule: steps from the middle of the whole image."""
    image = decode_image(encode_image(image_on(plane, spacing_mm, pixels, 5.0)))
    rows, columns = np.indices(pixels.shape)
    right, down, centre = np.array([image.i_step_mm, image.j_step_mm, image.centre_mm])
    height, width = pixels.shape
    away = (columns - (width - 1) / 2)[..., None] * right + (rows - (height - 1) / 2)[..., None] * down
    return centre + away


SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 9))


@given(planes(), st.tuples(STEPS, STEPS), SHAPES)
def test_every_pixel_lies_where_the_plane_has_it(plane, spacing_mm, shape):
    pixels = np.zeros(shape, np.float32)
    indices = np.argwhere(pixels == 0).astype(float)
    expected = plane.to_patient_mm(indices, spacing_mm).reshape(*shape, 3)
    np.testing.assert_allclose(place(pixels, plane, spacing_mm), expected, atol=1e-4)


@given(planes(), st.tuples(STEPS, STEPS), SHAPES)
def test_a_plane_is_read_back_to_single_precision(plane, spacing_mm, shape):
    image = decode_image(encode_image(image_on(plane, spacing_mm, np.zeros(shape, np.float32), 5.0)))
    back, back_mm = plane_of(image, "an image")
    for name in ("origin_mm", "row_step", "col_step"):
        np.testing.assert_allclose(getattr(back, name), getattr(plane, name), rtol=0.0, atol=1e-4)
    np.testing.assert_allclose(back_mm, spacing_mm, rtol=1e-6)


@given(planes(), st.tuples(STEPS, STEPS), SHAPES)
def test_the_same_place_in_ras_and_in_lps_is_the_same_plane(plane, spacing_mm, shape):
    lps = image_on(plane, spacing_mm, np.zeros(shape, np.float32), 5.0)
    names = ("i_step_mm", "j_step_mm", "k_step_mm", "centre_mm")
    turned = {name: tuple(np.multiply(getattr(lps, name), (-1, -1, 1)).tolist()) for name in names}
    ras = dataclasses.replace(lps, coordinates="RAS", **turned)
    assert plane_of(ras, "an image") == plane_of(lps, "an image")


@given(st.decimals("0.2", "9", places=3))
def test_a_decimal_spacing_along_an_axis_is_read_back_as_it_was_written(spacing):
    spacing_mm = float(spacing), 1.1
    image = decode_image(encode_image(image_on(Plane(), spacing_mm, np.zeros((4, 4), np.uint8), 5.0)))
    assert plane_of(image, "an image")[1] == spacing_mm


@pytest.mark.parametrize("bad", [(0.0, 0.0, 0.0), (math.nan, 0.0, 1.0), (0.0, math.inf, 0.0)])
@pytest.mark.parametrize("name", ["i_step_mm", "j_step_mm"])
def test_a_step_that_is_none_is_said(name, bad):
    image = dataclasses.replace(image_on(Plane(), (1.0, 1.0), np.zeros((4, 4), np.uint8), 5.0), **{name: bad})
    with pytest.raises(GeometryError, match="scanner: its orientation matrix has the steps"):
        plane_of(image, "scanner")
