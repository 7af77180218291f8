"""Check the grid and the pixels of a frame before tracking."""

import math
from typing import NamedTuple

import numpy as np

from gatekeeper.config import GateConfig
from gatekeeper.core.frame import Frame, Plane, Vector
from gatekeeper.gating.envelope import Envelope
from kernels.image_checks import check_image

SPACING_TOLERANCE = 1e-4
"""Relative tolerance of the pixel spacing, as headers hold rounded values."""


class FrameChecks(NamedTuple):
    """Results of the checks of one frame.

    When the image is not readable, the results for its pixels are those of a good frame, so that only one reason is
    given.

    Attributes
    ----------
    readable : bool
        True when the image is a C-contiguous matrix of float32 with at least one pixel.
    shape_right, spacing_right : bool
        True when shape and pixel spacing are those of the envelope's grid.
    angle_deg, offset_mm : float
        Rotation of the plane and displacement of its first pixel from the envelope's plane; 0 when it has none.
    finite : bool
        True when no pixel is NaN or infinite.
    varied : bool
        True when at least two pixels differ.
    brightest_percent : float
        Share of the pixels with the largest value, 0-100.
    fingerprint : int or None
        Hash of the pixels; None when they cannot be read.
    live : bool
        True unless the frame shows an earlier picture again, see `gatekeeper.gating.liveness`.
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
    live: bool = True

    def is_on_grid(self, config: GateConfig) -> bool:
        """Return True when shape and spacing are right and the plane is within its limits."""
        return (
            self.shape_right
            and self.spacing_right
            and self.angle_deg <= config.plane_angle_deg
            and self.offset_mm <= config.plane_offset_mm
        )


def check_frame(frame: Frame, envelope: Envelope) -> FrameChecks:
    """Check a frame against the grid of an envelope.

    Parameters
    ----------
    frame : Frame
        The frame.
    envelope : Envelope
        Its spacing and, if given, its shape and plane are those that the frame must have.

    Returns
    -------
    FrameChecks
        The results.
    """
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
        # The shape is compared only when the image is a matrix.
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
    """Return the larger of the angles between rows and between columns of two planes, and their offset."""
    if expected is None or found is expected:
        return 0.0, 0.0
    angles_deg = (_angle_deg(found.row_step, expected.row_step), _angle_deg(found.col_step, expected.col_step))
    # max() does not return NaN reliably.
    angle_deg = math.nan if any(map(math.isnan, angles_deg)) else max(angles_deg)
    return angle_deg, math.dist(found.origin_mm, expected.origin_mm)


def _angle_deg(a: Vector, b: Vector) -> float:
    """Return the angle between two directions, accurate for small angles; NaN when one has no length."""
    if a == b:
        return 0.0
    lengths = math.hypot(*a) * math.hypot(*b)
    if not (0.0 < lengths < math.inf):
        return math.nan
    across = math.hypot(a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    along = a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
    return math.degrees(math.atan2(across, along))
