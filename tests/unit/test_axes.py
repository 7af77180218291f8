"""Axes of the patient on images of the three orientations."""

import math

import numpy as np
import pytest

from gatekeeper.core.axes import (
    AP,
    AXIAL,
    CORONAL,
    ORIENTATIONS,
    RL,
    SAGITTAL,
    SI,
    orientation_of,
    tilt_deg,
    turned_deg,
)
from gatekeeper.core.frame import Plane


def plane_of(orientation, turn_deg=0.0):
    """A canonical plane of an orientation, turned about its rows."""
    row, col = (np.array(axis.step) for axis in orientation.axes)
    angle = math.radians(turn_deg)
    return Plane((1.0, 2.0, 3.0), tuple(row), tuple(math.cos(angle) * col + math.sin(angle) * np.cross(row, col)))


@pytest.mark.parametrize("orientation", ORIENTATIONS.values(), ids=lambda one: one.name)
@pytest.mark.parametrize("turn_deg", [0.0, 20.0, -44.0])
def test_a_plane_has_the_nearest_orientation_and_its_angle_is_told(orientation, turn_deg):
    plane = plane_of(orientation, turn_deg)
    assert orientation_of(plane) is orientation
    assert tilt_deg(plane) == pytest.approx(abs(turn_deg), abs=1e-9)
    assert turned_deg(plane) == pytest.approx(abs(turn_deg), abs=1e-9)


def test_a_plane_that_is_turned_in_itself_is_not_tilted():
    half = math.sqrt(0.5)
    plane = Plane((0.0, 0.0, 0.0), (0.0, -math.sin(0.3), -math.cos(0.3)), (0.0, math.cos(0.3), -math.sin(0.3)))
    assert (tilt_deg(plane), math.degrees(0.3)) == (pytest.approx(0.0), pytest.approx(turned_deg(plane)))
    # Half way between two orientations the first one counts.
    assert orientation_of(Plane((0.0, 0.0, 0.0), (0.0, 0.0, -1.0), (half, half, 0.0))) is SAGITTAL


@pytest.mark.parametrize(("axis", "ends"), [(SI, ("S", "I")), (AP, ("A", "P")), (RL, ("R", "L"))])
def test_an_axis_begins_and_ends_with_its_letters(axis, ends):
    assert axis.ends == ends
    # The index grows towards the last letter, in LPS coordinates.
    assert axis.step["LPS".index({"I": "S", "P": "P", "L": "L"}[ends[1]])] == (-1.0 if ends[1] == "I" else 1.0)


@pytest.mark.parametrize(
    ("orientation", "shown", "words"),
    [
        (SAGITTAL, (-2.0, 3.0), "2.0 mm inferior, 3.0 mm posterior"),
        (CORONAL, (-2.0, 3.0), "2.0 mm inferior, 3.0 mm left"),
        (AXIAL, (2.0, 3.0), "2.0 mm posterior, 3.0 mm left"),
    ],
)
def test_superior_posterior_and_left_are_positive(orientation, shown, words):
    assert orientation.signed((2.0, 3.0)) == shown
    assert orientation.signed(orientation.signed((2.0, 3.0))) == (2.0, 3.0)
    assert orientation.in_words((2.0, 3.0)) == words
