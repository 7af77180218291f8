"""Orientation: from the plane that a header tells of to the canonical sagittal one, without a guess."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import GeometryError, NotSagittalError
from gatekeeper.core.frame import Plane, Vector

SKEW = 1e-3
"""Directions may be this much off unit length or a right angle; more is no plane."""
CANONICAL = (0.0, 0.0, -1.0), (0.0, 1.0, 0.0)
"""Rows run from superior to inferior, columns from anterior to posterior; DICOM LPS."""
LARGEST_TILT = math.cos(math.radians(45.0))
"""A plane whose normal is turned further than 45 degrees from left-right is no sagittal one."""


@dataclass(frozen=True, slots=True)
class Reorientation:
    """How images of one plane become canonical: turned over their diagonal or not, then mirrored or not.

    Attributes
    ----------
    transposed : bool
        Rows become columns.
    rows_reversed, cols_reversed : bool
        What runs the wrong way after that is mirrored.
    plane : Plane
        Where the canonical image lies.
    spacing_mm : tuple of float
        Distance of its pixel centres along rows and columns, in mm.
    """

    transposed: bool
    rows_reversed: bool
    cols_reversed: bool
    plane: Plane
    spacing_mm: tuple[float, float]

    def apply(self, image: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return a view of an image (..., H, W) in canonical orientation."""
        if self.transposed:
            image = image.swapaxes(-1, -2)
        if self.rows_reversed:
            image = image[..., ::-1, :]
        return image[..., ::-1] if self.cols_reversed else image


def reorientation(plane: Plane, spacing_mm: tuple[float, float], shape: tuple[int, int], where: str) -> Reorientation:
    """Return how images of a plane become canonical.

    An oblique plane stays oblique: only whole axes are exchanged and mirrored, no pixel is interpolated.

    Parameters
    ----------
    plane : Plane
        As the header tells, for the image as it is stored.
    spacing_mm : tuple of float
        Distance of pixel centres along its rows and columns, in mm.
    shape : tuple of int
        Its (H, W) in pixels.
    where : str
        What the message calls the image, for example a file name.

    Raises
    ------
    GeometryError
        When a number is not finite, spacing is not above zero, the directions are not at right angles.
    NotSagittalError
        When the plane is not within 45 degrees of a sagittal one; it is a GeometryError too.
    """
    steps = np.array([plane.row_step, plane.col_step], dtype=np.float64)
    if not (np.isfinite(steps).all() and np.isfinite(plane.origin_mm).all()):
        raise GeometryError(f"{where}: its position or directions hold a number that is not finite; mend its header")
    if not all(math.isfinite(step) and step > 0.0 for step in spacing_mm):
        raise GeometryError(f"{where}: its pixel spacing is {spacing_mm} mm; both must be above 0; mend its header")
    if np.abs(steps @ steps.T - np.eye(2)).max() > SKEW:
        raise GeometryError(
            f"{where}: its directions {_words(plane.row_step)} and {_words(plane.col_step)} are not of unit length and "
            "at right angles; mend its header"
        )
    normal = np.cross(steps[0], steps[1])
    if not abs(normal[0]) > LARGEST_TILT:
        raise NotSagittalError(
            f"{where}: its plane has the normal {_words(tuple(normal))} and is not sagittal; give a sagittal cine"
        )
    along = steps @ np.array(CANONICAL).T  # of stored rows and columns, along canonical rows and columns
    transposed = bool(abs(along[0, 1]) > abs(along[0, 0]))
    first, second = (1, 0) if transposed else (0, 1)
    rows_reversed, cols_reversed = bool(along[first, 0] < 0.0), bool(along[second, 1] < 0.0)
    spacing = spacing_mm[first], spacing_mm[second]
    lengths = shape[first], shape[second]
    origin = np.array(plane.origin_mm, dtype=np.float64)
    for stored, length, reverse in ((first, lengths[0], rows_reversed), (second, lengths[1], cols_reversed)):
        if reverse:
            origin = origin + steps[stored] * spacing_mm[stored] * (length - 1)
    return Reorientation(
        transposed,
        rows_reversed,
        cols_reversed,
        Plane(
            _vector(origin),
            _vector(-steps[first] if rows_reversed else steps[first]),
            _vector(-steps[second] if cols_reversed else steps[second]),
        ),
        spacing,
    )


def _vector(values: NDArray[np.float64]) -> Vector:
    """Return three plain numbers, without negative zeros."""
    first, second, third = (float(value) + 0.0 for value in values)
    return first, second, third


def _words(vector: tuple[float, ...]) -> str:
    return "(" + ", ".join(f"{value:.3g}" for value in vector) + ")"
