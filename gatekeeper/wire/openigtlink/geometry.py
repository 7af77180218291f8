"""The geometry of an IMAGE: from its steps and its centre to a plane in DICOM LPS, and back."""

import math

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import GeometryError
from gatekeeper.core.frame import Plane, Vector
from gatekeeper.wire.openigtlink.image import Image
from gatekeeper.wire.single import shortest_decimals


def plane_of(image: Image, where: str) -> tuple[Plane, tuple[float, float]]:
    """Return the plane and pixel spacing of an image with one slice as it is stored, rows along j.

    The protocol gives the centre of the full image, which programs that use it place (I - 1) / 2 pixels from the centre
    of the first pixel.

    Parameters
    ----------
    image : Image
        Image with all its pixels and K = 1.
    where : str
        Name of the image in error messages.

    Returns
    -------
    plane : Plane
        Position and orientation.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.

    Raises
    ------
    GeometryError
        When a step has no length or a number is not finite.
    """
    down, right = _in_lps(image.j_step_mm, image), _in_lps(image.i_step_mm, image)
    centre = _in_lps(image.centre_mm, image)
    spacing_mm = math.hypot(*down), math.hypot(*right)
    if not (all(math.isfinite(step) and step > 0.0 for step in spacing_mm) and all(map(math.isfinite, centre))):
        raise GeometryError(
            f"{where}: its orientation matrix has the steps {spacing_mm} mm and the centre {centre} mm; all must be "
            "finite and the steps above 0; correct its sender"
        )
    columns, rows = (size - 1 for size in image.whole[:2])
    first = [
        middle - 0.5 * rows * along_rows - 0.5 * columns * along_columns
        for middle, along_rows, along_columns in zip(centre, down, right, strict=True)
    ]
    return Plane(_vector(first), _unit(down), _unit(right)), spacing_mm


def image_on(plane: Plane, spacing_mm: tuple[float, float], pixels: NDArray[np.generic], thickness_mm: float) -> Image:
    """Return the image of one slice, in LPS, on a plane; the inverse of `plane_of`.

    Parameters
    ----------
    plane : Plane
        Position and orientation.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    pixels : ndarray, shape (H, W)
        Of a type that IMAGE messages know.
    thickness_mm : float
        Thickness of the slice, in mm; an IMAGE cannot leave it open.
    """
    rows, columns = pixels.shape
    down, right = np.array(plane.row_step) * spacing_mm[0], np.array(plane.col_step) * spacing_mm[1]
    across = np.cross(right / spacing_mm[1], down / spacing_mm[0]) * thickness_mm
    centre = np.array(plane.origin_mm) + 0.5 * (rows - 1) * down + 0.5 * (columns - 1) * right
    i_step, j_step, k_step, middle = (_vector(vector.tolist()) for vector in (right, down, across, centre))
    return Image(pixels[np.newaxis], i_step, j_step, k_step, middle, "LPS", (columns, rows, 1))


def _in_lps(vector: Vector, image: Image) -> Vector:
    """Return a vector in left, posterior, superior; adding 0 removes negative zeros."""
    first, second, third = shortest_decimals(vector)
    turn = -1.0 if image.coordinates == "RAS" else 1.0
    return turn * first + 0.0, turn * second + 0.0, third + 0.0


def _unit(step: Vector) -> Vector:
    length = math.hypot(*step)
    return step[0] / length, step[1] / length, step[2] / length


def _vector(values: list[float]) -> Vector:
    first, second, third = values
    return first, second, third
