"""Canonical: frames of any real type as the kernels want them."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatekeeper.errors import InputError
from kernels.validity import is_finite_and_varied


class Canonical:
    """Frames as C-contiguous float32 of one shape, copied only when they are not, and only as far as they are read.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns that every frame must have.
    reach : tuple of slice
        Rows and columns that are read at most. Whole numbers, which are never NaN, are looked at only there.
    """

    def __init__(self, shape: tuple[int, ...], reach: tuple[slice, slice]) -> None:
        self._image = np.zeros(shape, np.float32)
        self._reach = reach

    def of(self, image: ArrayLike) -> NDArray[np.float32] | None:
        """Return the frame; None when it is constant, or holds NaN or infinity.

        Raises
        ------
        InputError
            When it has another shape, or no real numbers.
        """
        frame = np.asarray(image)
        if frame.shape != self._image.shape or frame.dtype.kind not in "buif":
            raise InputError(
                f"frame: {frame.dtype} of shape {frame.shape}; it must be real numbers of the reference's shape "
                f"{self._image.shape}"
            )
        if frame.dtype.kind in "bui":
            # Beyond the reach the buffer keeps what it held; there it is not read.
            np.copyto(self._image[self._reach], frame[self._reach], casting="unsafe")
            return self._image if _is_varied(frame[self._reach]) else None
        if not (frame.dtype == np.float32 and frame.flags.c_contiguous and frame.flags.aligned):
            with np.errstate(over="ignore"):
                np.copyto(self._image, frame, casting="unsafe")
            frame = self._image
        return frame if is_finite_and_varied(frame) else None


def _is_varied(pixels: NDArray[Any]) -> bool:
    """Return whether any two pixels differ; one row nearly always tells."""
    row = pixels[len(pixels) // 2]
    return bool(row.min() != row.max() or pixels.min() != pixels.max())
