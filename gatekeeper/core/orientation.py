"""Reorient images from the plane in their header to the canonical orientation that is nearest."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.axes import orientation_of
from gatekeeper.core.errors import GeometryError, OtherPlaneError
from gatekeeper.core.frame import Plane, Vector

SKEW = 1e-3
"""Tolerance of the directions' scalar products, which are 1 and 0 for unit vectors at right angles."""
ANY = "any"
"""Images of every orientation are wanted."""


@dataclass(frozen=True, slots=True)
class Reorientation:
    """Transposition and reversal of axes that bring images of one plane to canonical orientation.

    Attributes
    ----------
    transposed : bool
        True when rows and columns are exchanged.
    rows_reversed, cols_reversed : bool
        True when the axis is reversed, after the transposition.
    plane : Plane
        Position of the canonical image in the patient.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns of the canonical image, in mm.
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


def reorientation(
    plane: Plane, spacing_mm: tuple[float, float], shape: tuple[int, int], where: str, wanted: str = ANY
) -> Reorientation:
    """Return the reorientation of images of a plane.

    Sagittal images get rows from superior to inferior and columns from anterior to posterior, coronal ones rows from
    superior to inferior and columns from right to left, axial ones rows from anterior to posterior and columns from
    right to left. An oblique plane counts as the nearest of these and stays oblique: axes are exchanged and reversed,
    and pixels are not interpolated.

    Parameters
    ----------
    plane : Plane
        Position of the stored image, from its header.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns of the stored image, in mm.
    shape : tuple of int
        Rows and columns of the stored image.
    where : str
        Name of the image for the error message, for example a file name.
    wanted : str
        Name of the orientation that images must have; `ANY` for all.

    Returns
    -------
    Reorientation
        Transposition, reversals, and the resulting plane and spacing.

    Raises
    ------
    GeometryError
        When a number is not finite, the spacing is not above 0, or the directions are not unit vectors at right angles.
    OtherPlaneError
        When the orientation is not the wanted one; it is a GeometryError too.
    """
    steps = np.array([plane.row_step, plane.col_step], dtype=np.float64)
    if not (np.isfinite(steps).all() and np.isfinite(plane.origin_mm).all()):
        raise GeometryError(f"{where}: its position or directions hold a number that is not finite; correct its header")
    if not all(math.isfinite(step) and step > 0.0 for step in spacing_mm):
        raise GeometryError(f"{where}: its pixel spacing is {spacing_mm} mm; both must be above 0; correct its header")
    if np.abs(steps @ steps.T - np.eye(2)).max() > SKEW:
        raise GeometryError(
            f"{where}: its directions {_words(plane.row_step)} and {_words(plane.col_step)} are not of unit length and "
            "at right angles; correct its header"
        )
    orientation = orientation_of(plane)
    if wanted not in (ANY, orientation.name):
        raise OtherPlaneError(f"{where}: is {orientation.name}, and {wanted} images are wanted; set plane of [source]")
    along = steps @ np.array([axis.step for axis in orientation.axes]).T  # of stored axes, along canonical ones
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
    """Return three floats without negative zeros."""
    first, second, third = (float(value) + 0.0 for value in values)
    return first, second, third


def _words(vector: tuple[float, ...]) -> str:
    return "(" + ", ".join(f"{value:.3g}" for value in vector) + ")"
