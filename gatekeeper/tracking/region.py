"""Region: the reference image with the target on it, checked, and what follows from it for any model."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import distance_transform_edt

from gatekeeper.errors import TargetError
from gatekeeper.structure import mask_to_contour
from kernels.polygon import fill

SMALLEST_PX, LARGEST_PX = 32, 1024
FINEST_MM, COARSEST_MM = 0.5, 4.0
"""Images and pixels that can be tracked on."""
LARGEST_VALUE = 1e15
"""Pixel values whose squares still can be summed in single precision."""


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """The target on the reference.

    Attributes
    ----------
    image : ndarray of float32, shape (H, W), C-contiguous
        The reference.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    contour_px : ndarray of float64, shape (N, 2)
        The target's closed outline as (row, col).
    distance_mm : ndarray of float32, shape (H, W)
        Distance of each pixel from the target, in mm; 0 inside.
    """

    image: NDArray[np.float32]
    spacing_mm: tuple[float, float]
    contour_px: NDArray[np.float64]
    distance_mm: NDArray[np.float32]

    @property
    def contour_mm(self) -> NDArray[np.float64]:
        """The outline (N, 2) as (row, col) x spacing, in mm."""
        return np.asarray(self.contour_px * np.asarray(self.spacing_mm), dtype=np.float64)


def make_region(reference: ArrayLike, target_mask: ArrayLike, spacing_mm: tuple[float, float]) -> Region:
    """Return the region of a target.

    Parameters
    ----------
    reference : array_like, shape (H, W)
        Image on which the target is known; any real dtype.
    target_mask : array_like of bool, shape (H, W)
        The target on it; of several parts the largest counts.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.

    Raises
    ------
    TargetError
        When the reference, the mask or the spacing cannot be tracked on.
    """
    spacing_mm = _checked_spacing(spacing_mm)
    image = _checked_reference(reference)
    mask = np.asarray(target_mask)
    if mask.shape != image.shape:
        raise TargetError(f"target mask: has the shape {mask.shape}; give the reference's, {image.shape}")
    contour_px = mask_to_contour(mask)
    part = np.empty(image.shape, np.bool_)
    fill(contour_px, part)
    distance_mm = distance_transform_edt(~part, sampling=spacing_mm).astype(np.float32)
    return Region(image, spacing_mm, contour_px, distance_mm)


def _checked_spacing(spacing_mm: tuple[float, float]) -> tuple[float, float]:
    """Return the spacing as floats; raise TargetError when it cannot be tracked on."""
    steps = np.asarray(spacing_mm)
    if steps.shape != (2,) or steps.dtype.kind not in "iuf" or not FINEST_MM <= min(steps) <= max(steps) <= COARSEST_MM:
        raise TargetError(
            f"reference: pixel spacing {spacing_mm} mm; give two numbers from {FINEST_MM:g} to {COARSEST_MM:g}"
        )
    return float(steps[0]), float(steps[1])


def _checked_reference(reference: ArrayLike) -> NDArray[np.float32]:
    """Return the reference as C-contiguous float32; raise TargetError when it cannot be tracked on."""
    image = np.asarray(reference)
    if image.ndim != 2 or image.dtype.kind not in "buif":
        raise TargetError(f"reference: {image.dtype} of shape {image.shape}; it must be real numbers (rows, columns)")
    if not SMALLEST_PX <= min(image.shape) <= max(image.shape) <= LARGEST_PX:
        raise TargetError(
            f"reference: {image.shape[0]} x {image.shape[1]} pixels; each side must have {SMALLEST_PX} to {LARGEST_PX}"
        )
    with np.errstate(over="ignore"):
        single = np.array(image, dtype=np.float32, order="C")
    if not np.abs(single).max() <= LARGEST_VALUE:
        raise TargetError(f"reference: holds NaN or values beyond {LARGEST_VALUE:g}; choose another frame")
    return single
