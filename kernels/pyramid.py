"""Reduce the resolution of images by means over blocks of pixels, and smooth them."""

import numpy as np
from numpy.typing import NDArray

from kernels.jit import f4, f4_2d, f4_2d_in, i8, kernel, void

Image = NDArray[np.float32]
single = np.float32


@kernel(void(f4_2d_in, i8, i8, i8, f4_2d))
def block_mean(image: Image, row: int, col: int, factor: int, out: Image) -> None:
    """Fill `out` with means over blocks of `factor` x `factor` pixels, the first of which starts at (row, col).

    Parameters
    ----------
    image : ndarray of float32, shape (H, W), at least 1 x 1
        Beyond the image its edge repeats.
    row, col : int
        Image pixel in the corner of the first block; may be negative or beyond the image.
    factor : int
        Side of a block in pixels, 1 or more.
    out : ndarray of float32, shape (h, w)
        Receives the means.
    """
    height, width = image.shape
    rows, cols = out.shape
    scale = single(1.0) / f4(factor * factor)
    # Blocks [first, last) of each row lie inside the image and need no check per pixel.
    first = min(max(-(col // factor), 0), cols)
    last = max(min((width - col) // factor, cols), first)
    for i in range(rows):
        for j in range(cols):
            out[i, j] = single(0.0)
        for a in range(factor):
            source = image[min(max(row + i * factor + a, 0), height - 1)]
            for j in range(first):
                for b in range(factor):
                    out[i, j] += source[min(max(col + j * factor + b, 0), width - 1)]
            for j in range(last, cols):
                for b in range(factor):
                    out[i, j] += source[min(max(col + j * factor + b, 0), width - 1)]
            # Unsigned indices need no check for negative values, so the loops can be vectorised.
            begin = np.uint64(max(col + first * factor, 0))
            inner = np.uint64(last - first)
            line = out[i, first:last]
            if factor == 1:
                for j in range(inner):
                    line[j] += source[begin + j]
            elif factor == 2:
                for j in range(inner):
                    k = begin + np.uint64(2) * j
                    line[j] += source[k] + source[k + np.uint64(1)]
            elif factor == 4:
                for j in range(inner):
                    k = begin + np.uint64(4) * j
                    line[j] += (source[k] + source[k + np.uint64(1)]) + (
                        source[k + np.uint64(2)] + source[k + np.uint64(3)]
                    )
            elif factor % 4 == 0:
                for b in range(np.uint64(factor // 4)):
                    for j in range(inner):
                        k = begin + np.uint64(factor) * j + np.uint64(4) * b
                        line[j] += (source[k] + source[k + np.uint64(1)]) + (
                            source[k + np.uint64(2)] + source[k + np.uint64(3)]
                        )
            else:
                for j in range(first, last):
                    total = single(0.0)
                    for b in range(factor):
                        total += source[col + j * factor + b]
                    out[i, j] += total
        for j in range(cols):
            out[i, j] *= scale


@kernel(void(f4_2d, f4, f4_2d, f4_2d))
def smooth(image: Image, share: float, scratch: Image, out: Image) -> None:
    """Convolve with (share, 1 - 2 share, share) along rows and along columns; edges repeat.

    The kernel has the variance 2 share (px^2) along each axis.

    Parameters
    ----------
    image, scratch, out : ndarray of float32, shape (H, W), at least 1 x 1
        `out` may be `image`; `scratch` must be another array.
    share : float
        Weight of either neighbour, 0 to 0.25.
    """
    rows, cols = image.shape
    centre = single(1.0) - single(2.0) * share
    for i in range(rows):
        scratch[i, 0] = (centre + share) * image[i, 0] + share * image[i, min(1, cols - 1)]
        for j in range(1, cols - 1):
            scratch[i, j] = centre * image[i, j] + share * (image[i, j - 1] + image[i, j + 1])
        scratch[i, cols - 1] = (centre + share) * image[i, cols - 1] + share * image[i, max(cols - 2, 0)]
    for i in range(rows):
        above = max(i - 1, 0)
        below = min(i + 1, rows - 1)
        for j in range(cols):
            out[i, j] = centre * scratch[i, j] + share * (scratch[above, j] + scratch[below, j])
