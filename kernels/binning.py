"""Fine pixels joined to larger ones: all pixels of a part, or only one row in each block."""

import numpy as np
from numba import types
from numpy.typing import NDArray

from kernels.jit import f4, f4_1d, f4_2d, f4_2d_in, i2_2d_in, i8, kernel, u1_2d_in, u2_2d_in, void

Image = NDArray[np.float32]
Pixels = NDArray[np.float32] | NDArray[np.uint16] | NDArray[np.int16] | NDArray[np.uint8]
single = np.float32

PIXELS = (f4_2d_in, u2_2d_in, i2_2d_in, u1_2d_in)
ROWS = (f4_1d, *(types.Array(pixels.dtype, 1, "C", readonly=True) for pixels in PIXELS))


@kernel([void(pixels, i8, f4, f4_1d) for pixels in ROWS])
def _along(row: Pixels, factor: int, scale: np.float32, out: Image) -> None:
    """Fill `out` with `scale` times the sums over every `factor` pixels of a row."""
    # Without a sign, so that no index is taken for one from the end, and the loops can be vectorised.
    inner = np.uint64(out.size)
    one, two, three, four = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)
    if factor == 2:
        for j in range(inner):
            first = two * j
            out[j] = scale * (single(row[first]) + single(row[first + one]))
    elif factor == 4:
        for j in range(inner):
            first = four * j
            out[j] = scale * (
                (single(row[first]) + single(row[first + one]))
                + (single(row[first + two]) + single(row[first + three]))
            )
    else:
        for j in range(inner):
            total = single(0.0)
            for b in range(np.uint64(factor)):
                total += single(row[np.uint64(factor) * j + b])
            out[j] = scale * total


@kernel([void(pixels, i8, i8, i8, i8, i8, f4_1d, f4_2d) for pixels in PIXELS])
def bin_pixels(
    image: Pixels, factor: int, top: int, bottom: int, left: int, right: int, line: Image, out: Image
) -> None:
    """Fill a part of `out` with means over blocks of `factor` x `factor` pixels, the first of which starts at (0, 0).

    Each pixel below the part is read once, and no other pixel; the rest of `out` stays as it is.

    Parameters
    ----------
    image : ndarray of float32, uint16, int16 or uint8, shape (H, W)
    factor : int
        Side of a block in pixels, 1 or more.
    top, bottom, left, right : int
        First and one beyond the last row and column of the part, on `out`; their blocks must lie on the image.
    line : ndarray of float32, shape (factor * (right - left),) or longer
        Scratch.
    out : ndarray of float32, shape (h, w)
    """
    scale = single(1.0) / single(factor * factor)
    begin, end = left * factor, right * factor
    # Without a sign, so that no index is taken for one from the end, and the loops can be vectorised.
    wide = np.uint64(max(end - begin, 0))
    for i in range(top, bottom):
        # Rows side by side: memory gives several of them as fast as one. Of fewer than four the last stands in.
        together = min(factor, 4)
        top_row = i * factor
        row_0 = image[top_row, begin:end]
        row_1 = image[top_row + min(1, factor - 1), begin:end]
        row_2 = image[top_row + min(2, factor - 1), begin:end]
        row_3 = image[top_row + min(3, factor - 1), begin:end]
        if together == 1:
            for k in range(wide):
                line[k] = single(row_0[k])
        elif together == 2:
            for k in range(wide):
                line[k] = single(row_0[k]) + single(row_1[k])
        elif together == 3:
            for k in range(wide):
                line[k] = single(row_0[k]) + single(row_1[k]) + single(row_2[k])
        else:
            for k in range(wide):
                line[k] = (single(row_0[k]) + single(row_1[k])) + (single(row_2[k]) + single(row_3[k]))
        for a in range(together, factor):
            source = image[top_row + a, begin:end]
            for k in range(wide):
                line[k] += single(source[k])
        _along(line, factor, scale, out[i, left:right])


@kernel([void(pixels, i8, i8, i8, i8, i8, f4_2d) for pixels in PIXELS])
def bin_coarsely(image: Pixels, factor: int, top: int, bottom: int, left: int, right: int, out: Image) -> None:
    """Fill a part of `out` like `bin_pixels`, but with means over the middle row of each block; no other row is read.

    Where the number of rows is even, it is the upper one of the two in the middle.

    Parameters
    ----------
    image : ndarray of float32, uint16, int16 or uint8, shape (H, W)
    factor : int
        Side of a block in pixels, 1 or more.
    top, bottom, left, right : int
        First and one beyond the last row and column of the part, on `out`; their blocks must lie on the image.
    out : ndarray of float32, shape (h, w)
    """
    scale = single(1.0) / single(factor)
    for i in range(top, bottom):
        source = image[i * factor + (factor - 1) // 2, left * factor : right * factor]
        _along(source, factor, scale, out[i, left:right])
