"""Bin pixels into larger ones, from all pixels of a region or from one row of each block."""

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
    # Unsigned indices need no check for negative values, so the loops can be vectorised.
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
    """Fill a region of `out` with means over blocks of `factor` x `factor` pixels.

    The first block starts at pixel (0, 0). Only pixels below the region are read, each once; `out` is left unchanged
    outside the region.

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
        Receives the means.
    """
    scale = single(1.0) / single(factor * factor)
    begin, end = left * factor, right * factor
    # Unsigned indices need no check for negative values, so the loops can be vectorised.
    wide = np.uint64(max(end - begin, 0))
    for i in range(top, bottom):
        # Reading several rows side by side is as fast as reading one. With fewer than four the last one is repeated.
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
    """Fill a region of `out` like `bin_pixels`, with means over the middle row of each block only.

    For an even `factor` the upper one of the two middle rows is used. No other row is read.

    Parameters
    ----------
    image : ndarray of float32, uint16, int16 or uint8, shape (H, W)
    factor : int
        Side of a block in pixels, 1 or more.
    top, bottom, left, right : int
        First and one beyond the last row and column of the part, on `out`; their blocks must lie on the image.
    out : ndarray of float32, shape (h, w)
        Receives the means.
    """
    scale = single(1.0) / single(factor)
    for i in range(top, bottom):
        source = image[i * factor + (factor - 1) // 2, left * factor : right * factor]
        _along(source, factor, scale, out[i, left:right])
