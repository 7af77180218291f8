"""Convert frames of any real type to float32 at working resolution."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatekeeper.core.errors import InputError
from gatekeeper.tracking.region import Region
from kernels.binning import Pixels, bin_coarsely, bin_pixels
from kernels.image_checks import is_finite_and_varied_within

BINNED_TYPES = (np.dtype(np.float32), np.dtype(np.uint16), np.dtype(np.int16), np.dtype(np.uint8))
"""Pixel types that are binned without conversion."""

ReadPart = Callable[[int, int, int, int], NDArray[np.float32] | None]


@dataclass(slots=True, eq=False)
class ResampledFrame:
    """A frame at working resolution whose pixels are binned where they are needed.

    Attributes
    ----------
    image : ndarray of float32, shape (h, w), C-contiguous
        Image for the search: with binning, the mean over one row of each block. It is the frame itself when no
        conversion is needed, else a buffer that the next frame overwrites.
    """

    image: NDArray[np.float32]
    _source: Pixels
    _factor: int
    _part: tuple[int, int, int, int]
    _line: NDArray[np.float32]
    _whole: NDArray[np.float32]
    _original: NDArray[np.generic]

    @property
    def read_part(self) -> "ReadPart | None":
        """`read`, or None without binning, when all parts of `image` can be read already."""
        return None if self._factor == 1 else self.read

    def read(self, top: int, bottom: int, left: int, right: int) -> NDArray[np.float32] | None:
        """Return the image with all pixels of each block binned within a part; it is undefined elsewhere.

        Parameters
        ----------
        top, bottom, left, right : int
            First and one beyond the last row and column of the part; clipped to the reach.

        Returns
        -------
        ndarray of float32, shape (h, w), or None
            A buffer that the next read overwrites; None when the part is constant, or holds NaN or infinity.
        """
        if self._factor == 1:
            return self.image
        first_row, end_row, first_col, end_col = self._part
        top, left = min(max(top, first_row), end_row - 1), min(max(left, first_col), end_col - 1)
        bottom, right = max(min(bottom, end_row), top + 1), max(min(right, end_col), left + 1)
        bin_pixels(self._source, self._factor, top, bottom, left, right, self._line, self._whole)
        return self._whole if is_finite_and_varied_within(self._whole, top, bottom, left, right) else None

    def beyond_reach(self) -> NDArray[np.float32] | None:
        """Return the image for the search also beyond the reach, which is converted now.

        Returns
        -------
        ndarray of float32, shape (h, w), or None
            None when the frame is constant, or holds NaN or infinity.
        """
        if self._source is not self._original:
            with np.errstate(over="ignore"):
                np.copyto(self._source, self._original, casting="unsafe")
        rows, cols = self.image.shape
        if self._factor > 1:
            bin_coarsely(self._source, self._factor, 0, rows, 0, cols, self.image)
        return self.image if is_finite_and_varied_within(self.image, 0, rows, 0, cols) else None

    def copy(self) -> NDArray[np.float32] | None:
        """Return a copy of the image within the reach, see `read`."""
        image = self.read(*self._part)
        return None if image is None else image.copy()


class Resampler:
    """Convert frames to C-contiguous float32 at working resolution, within the part that tracking reads.

    Parameters
    ----------
    region : Region
        Determines the shape of the frames and the binning.
    reach : tuple of slice
        Rows and columns that tracking reads at most, at working resolution.
    """

    def __init__(self, region: Region, reach: tuple[slice, slice]) -> None:
        self._shape = region.frame_shape
        self._factor = region.factor
        rows, cols = reach
        self._part = (rows.start, rows.stop, cols.start, cols.stop)
        # The reach in pixels of the frame.
        self._reach = tuple(slice(ends.start * self._factor, ends.stop * self._factor) for ends in reach)
        # Beyond the reach only `ResampledFrame.beyond_reach` writes and reads the buffers.
        self._image = np.zeros(region.image.shape, np.float32)
        self._frame = self._image if self._factor == 1 else np.zeros(self._shape, np.float32)
        self._whole = np.zeros_like(self._image)
        self._line = np.zeros(self._shape[1], np.float32)

    def resample(self, image: ArrayLike) -> ResampledFrame | None:
        """Return a frame at working resolution.

        Parameters
        ----------
        image : array_like, shape (H, W)
            The frame, any real dtype.

        Returns
        -------
        ResampledFrame or None
            None when the frame is constant within the reach, or holds NaN or infinity there.

        Raises
        ------
        InputError
            When the shape differs from the reference's, or the dtype is not real.
        """
        frame = np.asarray(image)
        if frame.shape != self._shape or frame.dtype.kind not in "buif":
            raise InputError(
                f"frame: is {frame.dtype} of shape {frame.shape}; give real numbers of the reference's shape "
                f"{self._shape}"
            )
        original = frame
        usable = frame.flags.c_contiguous and frame.flags.aligned
        if not (usable and frame.dtype in (BINNED_TYPES if self._factor > 1 else BINNED_TYPES[:1])):
            with np.errstate(over="ignore"):
                np.copyto(self._frame[self._reach], frame[self._reach], casting="unsafe")
            frame = self._frame
        searched = frame
        if self._factor > 1:
            # NaN and infinity remain in the mean of their block.
            bin_coarsely(frame, self._factor, *self._part, self._image)
            searched = self._image
        if not is_finite_and_varied_within(searched, *self._part):
            return None
        return ResampledFrame(searched, frame, self._factor, self._part, self._line, self._whole, original)
