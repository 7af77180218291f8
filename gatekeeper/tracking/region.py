"""Check the reference image and the target on it, and prepare them for tracking."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import distance_transform_edt

from gatekeeper.core.axes import SAGITTAL
from gatekeeper.core.contour import mask_to_contour
from gatekeeper.core.errors import TargetError
from kernels.binning import bin_pixels
from kernels.polygon import fill

SMALLEST_PX, LARGEST_PX = 32, 1024
FINEST_MM, COARSEST_MM = 0.5, 4.0
"""Limits of the image sides in pixels and of the pixel spacing in mm."""
LARGEST_VALUE = 1e15
"""Upper limit of pixel values, so that their squares can be summed in single precision."""

WORKING_MM = 1.9
"""Approximate pixel size after binning, in mm: the resolution of cine-MR."""
FEWEST_WORKING_PX = 16
"""Lower limit of the shorter side of the image after binning, in pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """The target on the reference at working resolution: finer pixels are binned.

    Attributes
    ----------
    image : ndarray of float32, shape (h, w), C-contiguous
        The reference.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    contour_px : ndarray of float64, shape (N, 2)
        The target's closed outline as (row, col).
    distance_mm : ndarray of float32, shape (h, w)
        Distance of each pixel from the target, in mm; 0 inside.
    factor : int
        Side of the blocks of frame pixels that are binned to one pixel, starting at the frame's first pixel.
    frame_shape : tuple of int
        Rows and columns of the frames; incomplete blocks are left out.
    frame_spacing_mm : tuple of float
        Distance of the frames' pixel centres along rows and columns, in mm.
    axes : tuple of str
        Names of the axes along rows and columns, see `TrackerConfig.axes`.
    """

    image: NDArray[np.float32]
    spacing_mm: tuple[float, float]
    contour_px: NDArray[np.float64]
    distance_mm: NDArray[np.float32]
    factor: int
    frame_shape: tuple[int, int]
    frame_spacing_mm: tuple[float, float]
    axes: tuple[str, str] = SAGITTAL.names

    @property
    def contour_mm(self) -> NDArray[np.float64]:
        """The outline (N, 2) as (row, col) x spacing, in mm."""
        return np.asarray(self.contour_px * np.asarray(self.spacing_mm), dtype=np.float64)

    def scale_to_frame(self, points_px: NDArray[np.float64]) -> None:
        """Convert points (N, 2) in place from pixels of this image to pixels of a frame."""
        if self.factor > 1:
            points_px *= self.factor
            points_px += 0.5 * (self.factor - 1)


def make_region(
    reference: ArrayLike,
    target_mask: ArrayLike,
    spacing_mm: tuple[float, float],
    axes: tuple[str, str] = SAGITTAL.names,
) -> Region:
    """Return the region of a target, checked.

    Parameters
    ----------
    reference : array_like, shape (H, W)
        Image on which the target is known; any real dtype.
    target_mask : array_like of bool, shape (H, W)
        Mask of the target; of several connected parts the largest is used.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    axes : tuple of str, optional
        Names of the axes along rows and columns, see `TrackerConfig.axes`.

    Returns
    -------
    Region
        The target at working resolution.

    Raises
    ------
    TargetError
        When the reference, the mask or the spacing is outside the limits.
    """
    spacing_mm = _checked_spacing(spacing_mm)
    image = _checked_reference(reference)
    mask = np.asarray(target_mask)
    if mask.shape != image.shape:
        raise TargetError(f"target mask: its shape is {mask.shape}; give the shape of the reference, {image.shape}")
    contour_px = mask_to_contour(mask)
    part = np.empty(image.shape, np.bool_)
    fill(contour_px, part)
    distance_mm = distance_transform_edt(~part, sampling=spacing_mm).astype(np.float32)
    factor = max(1, min(round(WORKING_MM / max(spacing_mm)), min(image.shape) // FEWEST_WORKING_PX))
    return Region(
        image=_binned(image, factor),
        spacing_mm=(factor * spacing_mm[0], factor * spacing_mm[1]),
        contour_px=(contour_px - 0.5 * (factor - 1)) / factor,
        distance_mm=_binned(distance_mm, factor),
        factor=factor,
        frame_shape=(image.shape[0], image.shape[1]),
        frame_spacing_mm=spacing_mm,
        axes=axes,
    )


def _binned(image: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Return an image (H, W) with blocks of `factor` x `factor` pixels binned to one."""
    rows, cols = image.shape[0] // factor, image.shape[1] // factor
    out = np.empty((rows, cols), np.float32)
    bin_pixels(image, factor, 0, rows, 0, cols, np.empty(factor * cols, np.float32), out)
    return out


def _checked_spacing(spacing_mm: tuple[float, float]) -> tuple[float, float]:
    """Return the spacing as floats, or raise TargetError when it is outside the limits."""
    steps = np.asarray(spacing_mm)
    if steps.shape != (2,) or steps.dtype.kind not in "iuf" or not FINEST_MM <= min(steps) <= max(steps) <= COARSEST_MM:
        raise TargetError(
            f"reference: pixel spacing {spacing_mm} mm; give two numbers from {FINEST_MM:g} to {COARSEST_MM:g}"
        )
    return float(steps[0]), float(steps[1])


def _checked_reference(reference: ArrayLike) -> NDArray[np.float32]:
    """Return the reference as C-contiguous float32, or raise TargetError when it is outside the limits."""
    image = np.asarray(reference)
    if image.ndim != 2 or image.dtype.kind not in "buif":
        raise TargetError(f"reference: is {image.dtype} of shape {image.shape}; give real numbers as (rows, columns)")
    if not SMALLEST_PX <= min(image.shape) <= max(image.shape) <= LARGEST_PX:
        raise TargetError(
            f"reference: has {image.shape[0]} x {image.shape[1]} pixels; each side must have {SMALLEST_PX} to "
            f"{LARGEST_PX}"
        )
    with np.errstate(over="ignore"):
        single = np.array(image, dtype=np.float32, order="C")
    if not np.abs(single).max() <= LARGEST_VALUE:
        raise TargetError(f"reference: holds NaN or values beyond {LARGEST_VALUE:g}; choose another frame")
    return single
