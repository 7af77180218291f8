"""Canonical: frames of any real type as the kernels want them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatekeeper.core.errors import InputError
from gatekeeper.tracking.region import Region
from kernels.binning import Pixels, bin_coarsely, bin_pixels
from kernels.image_checks import is_finite_and_varied_within

JOINED = (np.dtype(np.float32), np.dtype(np.uint16), np.dtype(np.int16), np.dtype(np.uint8))
"""Pixels that are joined as they are."""


@dataclass(slots=True, eq=False)
class Resampler:
    """A frame at the region's resolution, of which no more is read than is looked at.

    Attributes
    ----------
    image : ndarray of float32, shape (h, w), C-contiguous
        Where pixels are joined, each is the mean over one row of its block: good enough to search. It is the frame
        itself when nothing has to be done to it, or else a buffer that the next frame overwrites.
    """

    image: NDArray[np.float32]
    _source: Pixels
    _factor: int
    _part: tuple[int, int, int, int]
    _line: NDArray[np.float32]
    _whole: NDArray[np.float32]

    def look(self, top: int, bottom: int, left: int, right: int) -> NDArray[np.float32] | None:
        """Return the image with all pixels of each block joined in a part, undefined elsewhere.

        The part may reach beyond what can be read, whose edge repeats there.

        Parameters
        ----------
        top, bottom, left, right : int
            First and one beyond the last row and column.

        Returns
        -------
        ndarray of float32, shape (h, w), or None
            A buffer that the next look overwrites; None when the part is constant, or holds NaN or infinity.
        """
        if self._factor == 1:
            return self.image
        first_row, end_row, first_col, end_col = self._part
        top, left = min(max(top, first_row), end_row - 1), min(max(left, first_col), end_col - 1)
        bottom, right = max(min(bottom, end_row), top + 1), max(min(right, end_col), left + 1)
        bin_pixels(self._source, self._factor, top, bottom, left, right, self._line, self._whole)
        return self._whole if is_finite_and_varied_within(self._whole, top, bottom, left, right) else None

    def whole(self) -> NDArray[np.float32] | None:
        """Return a copy of all that may be read, see `look`."""
        image = self.look(*self._part)
        return None if image is None else image.copy()


class CanonicalImage:
    """Frames as C-contiguous float32 at the region's resolution, looked at and copied only as far as they are read.

    Parameters
    ----------
    region : Region
        Says which shape every frame must have, and how many of its pixels are joined.
    reach : tuple of slice
        Rows and columns that are read at most, at the region's resolution.
    """

    def __init__(self, region: Region, reach: tuple[slice, slice]) -> None:
        self._shape = region.frame_shape
        self._factor = region.factor
        rows, cols = reach
        self._part = (rows.start, rows.stop, cols.start, cols.stop)
        # The same part in pixels of the frame.
        self._reach = tuple(slice(ends.start * self._factor, ends.stop * self._factor) for ends in reach)
        # Beyond the reach the buffers stay as they are; there they are not read.
        self._image = np.zeros(region.image.shape, np.float32)
        self._frame = self._image if self._factor == 1 else np.zeros(self._shape, np.float32)
        self._whole = np.zeros_like(self._image)
        self._line = np.zeros(self._shape[1], np.float32)

    def of(self, image: ArrayLike) -> Resampler | None:
        """Return the frame; None when it is constant within the reach, or holds NaN or infinity where it is read.

        Raises
        ------
        InputError
            When it has another shape, or no real numbers.
        """
        frame = np.asarray(image)
        if frame.shape != self._shape or frame.dtype.kind not in "buif":
            raise InputError(
                f"frame: {frame.dtype} of shape {frame.shape}; it must be real numbers of the reference's shape "
                f"{self._shape}"
            )
        plain = frame.flags.c_contiguous and frame.flags.aligned
        if not (plain and frame.dtype in (JOINED if self._factor > 1 else JOINED[:1])):
            with np.errstate(over="ignore"):
                np.copyto(self._frame[self._reach], frame[self._reach], casting="unsafe")
            frame = self._frame
        seen = frame
        if self._factor > 1:
            # NaN and infinity make their block so.
            bin_coarsely(frame, self._factor, *self._part, self._image)
            seen = self._image
        if not is_finite_and_varied_within(seen, *self._part):
            return None
        return Resampler(seen, frame, self._factor, self._part, self._line, self._whole)
