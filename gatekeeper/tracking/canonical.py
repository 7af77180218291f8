"""Canonical: frames of any real type as the kernels want them."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatekeeper.errors import InputError
from gatekeeper.tracking.region import Region
from kernels.shrink import join
from kernels.validity import is_finite_and_varied_within

JOINED = (np.dtype(np.float32), np.dtype(np.uint16), np.dtype(np.int16), np.dtype(np.uint8))
"""Pixels that `join` reads as they are."""


class Canonical:
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
        self._line = np.zeros(self._shape[1], np.float32)

    def of(self, image: ArrayLike) -> NDArray[np.float32] | None:
        """Return the frame; None when it is constant within the reach, or holds NaN or infinity there.

        It is the frame itself when nothing has to be done to it, or else a buffer that the next frame overwrites.

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
        if self._factor > 1:
            # NaN and infinity make their block so.
            join(frame, self._factor, *self._part, self._line, self._image)
            frame = self._image
        return frame if is_finite_and_varied_within(frame, *self._part) else None
