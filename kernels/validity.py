"""Whether the pixels of an image can be a picture at all."""

import numpy as np
from numpy.typing import NDArray

from kernels.jit import b1, f4_2d_in, i8, kernel


@kernel(b1(f4_2d_in, i8, i8, i8, i8))
def is_finite_and_varied_within(image: NDArray[np.float32], top: int, bottom: int, left: int, right: int) -> bool:
    """Return True when no pixel of a part is NaN or infinite and at least two of its pixels differ.

    Parameters
    ----------
    image : ndarray of float32, shape (H, W)
    top, bottom, left, right : int
        First and one beyond the last row and column of the part, on the image; nothing else is read.

    Returns
    -------
    bool
        False for a part without pixels.
    """
    varied = False
    broken = False
    if top < bottom and left < right:
        first = image[top, left]
        for i in range(top, bottom):
            line = image[i, left:right]
            for k in range(line.size):
                # x - x is zero for every number, NaN for NaN and infinity.
                broken |= line[k] - line[k] != 0.0
            # Nearly always the first row tells.
            if not varied:
                for k in range(line.size):
                    varied |= line[k] != first
    return varied and not broken
