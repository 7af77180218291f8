"""Picture: what a frame is by itself, its grid and its pixels, before anything is known of the target."""

import math
from typing import NamedTuple

import numpy as np

from gatekeeper.core.frame import Frame, Plane, Vector
from gatekeeper.gating.envelope import Envelope
from kernels.image_checks import check_image

SPACING_TOLERANCE = 1e-4
"""Pixel sizes that differ by this share or less are the same; headers round."""


class FrameChecks(NamedTuple):
    """What was found of a frame by itself.

    What cannot be looked at because the frame is no image at all has the value of a good frame: one reason is
    enough then, and it is the right one.

    Attributes
    ----------
    readable : bool
        The image is a matrix of float32 in C order with at least one pixel.
    shape_right, spacing_right : bool
        Rows and columns, and the distances of pixel centres, are those of the envelope.
    angle_deg, offset_mm : float
        By how much the plane is turned and its first pixel displaced from the envelope's; 0 when it has none.
    finite : bool
        No pixel is NaN or infinite.
    varied : bool
        At least two pixels differ.
    brightest_percent : float
        Share of the pixels that have the largest value, 0-100.
    fingerprint : int or None
        Tells the pixels from any others; None when they cannot be read.
    """

    readable: bool = True
    shape_right: bool = True
    spacing_right: bool = True
    angle_deg: float = 0.0
    offset_mm: float = 0.0
    finite: bool = True
    varied: bool = True
    brightest_percent: float = 0.0
    fingerprint: int | None = None


def check_frame(frame: Frame, envelope: Envelope) -> FrameChecks:
    """Return what a frame is by itself, judged on the grid of the envelope."""
    image = frame.image
    shape_right = envelope.shape is None or image.shape == envelope.shape
    spacing_right = _is_same_spacing(frame.spacing_mm, envelope.spacing_mm)
    angle_deg, offset_mm = _displacement(frame.plane, envelope.plane)
    if not (
        image.ndim == 2
        and image.dtype == np.float32
        and image.flags.c_contiguous
        and image.flags.aligned
        and image.size > 0
    ):
        # A shape can be another one only where there is a matrix.
        return FrameChecks(False, image.ndim != 2 or shape_right, spacing_right, angle_deg, offset_mm)
    finite, varied, brightest, fingerprint = check_image(image)
    if not finite:
        varied, brightest = True, 0
    elif not varied:
        brightest = 0
    return FrameChecks(
        True,
        shape_right,
        spacing_right,
        angle_deg,
        offset_mm,
        finite,
        varied,
        100.0 * brightest / image.size,
        fingerprint,
    )


def _is_same_spacing(found_mm: tuple[float, ...], expected_mm: tuple[float, float]) -> bool:
    return found_mm == expected_mm or (
        len(found_mm) == 2
        and all(
            abs(found - expected) <= SPACING_TOLERANCE * expected
            for found, expected in zip(found_mm, expected_mm, strict=True)
        )
    )


def _displacement(found: Plane, expected: Plane | None) -> tuple[float, float]:
    """Return the larger angle between the rows or columns of two planes, and the distance of their first pixels."""
    if expected is None or found is expected:
        return 0.0, 0.0
    angles_deg = (_angle_deg(found.row_step, expected.row_step), _angle_deg(found.col_step, expected.col_step))
    # The larger of the two would not be NaN for every order in which one of them is.
    angle_deg = math.nan if any(map(math.isnan, angles_deg)) else max(angles_deg)
    return angle_deg, math.dist(found.origin_mm, expected.origin_mm)


def _angle_deg(a: Vector, b: Vector) -> float:
    """Return the angle between two directions; exact for small ones, NaN when one of them is none."""
    if a == b:
        return 0.0
    lengths = math.hypot(*a) * math.hypot(*b)
    if not (0.0 < lengths < math.inf):
        return math.nan
    across = math.hypot(a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    along = a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
    return math.degrees(math.atan2(across, along))
