"""Check the grid and the pixels of a frame before tracking."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import GateConfig
from gatekeeper.core.frame import Frame, Plane, Vector
from gatekeeper.gating.envelope import Envelope
from kernels.image_checks import check_image

ENDS = frozenset(float(2**bits - 1) for bits in range(8, 17)) | {float(2**31), float(2**32)}
"""Largest values of pixel types and scanners, of 8 to 16 bits, and of 31 and 32 bits as a float32 has them."""
ENDS_8_BIT = 255.0
NEAR = 0.02
"""Values are near the largest within this fraction of the range of an image."""
STANDS_OUT = 2.0
"""A plateau of more pixels than this multiple of those near it is a cut."""
LEAST_CLIPPED = 0.002
"""Plateaus of a smaller fraction of an image are not looked at."""
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
        Share of the pixels with the largest value where that is the end of a range, 0-100; see `is_clipped`.
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
    elif not varied or (brightest > image.size * LEAST_CLIPPED and not is_clipped(image, brightest)):
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


def is_clipped(image: NDArray[np.float32], brightest: int) -> bool:
    """Return whether the largest value of an image is the end of a range, and not that of a smooth image.

    The end of a range is the largest number of a pixel type or of a scanner (255, 4095, 32767 ...), or a value that far
    more pixels have than come near it: a cut through the brightness of an image leaves few pixels just below, but some,
    unlike a structure of one brightness. Of whole numbers below 255 the range is known: 8 bits.

    Parameters
    ----------
    image : ndarray of float32, shape (H, W)
        The image.
    brightest : int
        Number of its pixels with the largest value.

    Returns
    -------
    bool
        True when the pixels with the largest value may be brighter than it.

    Examples
    --------
    >>> smooth = np.repeat(np.arange(200.0, 230.0, dtype=np.float32), 30).reshape(30, 30)
    >>> is_clipped(smooth, 30), is_clipped(smooth + np.float32(26.0), 30)
    (False, True)
    """
    largest = float(image.max())
    if largest in ENDS:
        return True
    # Reached only by images with a plateau, so that no buffer is kept for it.
    if largest < ENDS_8_BIT and not np.fmod(image, 1.0).any():
        return False
    near = int(np.count_nonzero(image >= largest - NEAR * (largest - float(image.min())))) - brightest
    return 0 < STANDS_OUT * near < brightest


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
