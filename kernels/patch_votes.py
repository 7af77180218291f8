"""Let patches of a template vote for the displacement that they share."""

import numpy as np
from numpy.typing import NDArray

from kernels.jit import f4, f4_1d, f4_2d, f4_2d_in, four_integers, i8, kernel, void
from kernels.ncc import coefficient
from kernels.patches import SIDE, box_sums

Array = NDArray[np.float32]
single = np.float32

STEP = 2
"""Distance of the displacements that are compared, in pixels."""
SCRATCH = 4
"""Number of rows of the scratch of `vote_patches`."""


@kernel(four_integers(f4_1d, f4_1d, i8, i8))
def part_for_votes(rows: Array, cols: Array, down_steps: int, right_steps: int) -> tuple[int, int, int, int]:
    """Return the part of the image that is compared with patches.

    Parameters
    ----------
    rows, cols : ndarray of float32, shape (P,)
        First pixel of each patch on the reference.
    down_steps, right_steps : int
        Number of displacements along rows and along columns, odd.

    Returns
    -------
    top, left : int
        Its first pixel; may lie outside the image.
    high, wide : int
        Its rows and columns, even.
    """
    top = bottom = left = right = 0
    for p in range(rows.shape[0]):
        row, col = int(rows[p]), int(cols[p])
        top, bottom = (row, row) if p == 0 else (min(top, row), max(bottom, row))
        left, right = (col, col) if p == 0 else (min(left, col), max(right, col))
    high = (bottom - top + SIDE + 1) // STEP * STEP + STEP * down_steps
    wide = (right - left + SIDE + 1) // STEP * STEP + STEP * right_steps
    return top - down_steps // 2 * STEP, left - right_steps // 2 * STEP, high, wide


@kernel(void(f4_1d, i8, i8, f4_1d))
def _split(values: Array, high: int, wide: int, planes: Array) -> None:
    """Split rows of `wide` values into four planes of even and odd rows and columns, one after the other."""
    half = wide // STEP
    for i in range(high):
        begin = (i % STEP * high + i // STEP) * half
        line, even, odd = values[i * wide :], planes[begin:], planes[begin + high // STEP * half :]
        for j in range(half):
            even[j] = line[2 * j]
            odd[j] = line[2 * j + 1]


@kernel(void(f4_2d_in, f4_1d, f4_1d, f4_2d, f4_1d, f4, f4_2d, f4_2d))
def vote_patches(
    image: Array,
    rows: Array,
    cols: Array,
    templates: Array,
    weights: Array,
    least: float,
    scratch: Array,
    votes: Array,
) -> None:
    """Let patches vote for the displacement that they share, each over the full range.

    Each patch is compared at every `STEP` pixels by normalised cross-correlation. What its correlation exceeds `least`
    by, squared, is its vote, which counts for the neighbouring displacements as well, so that patches of tissue that
    deforms still agree. A patch of still anatomy votes for no displacement, and is outvoted.

    The image is split into four planes, of even and odd rows and columns. Each lies in memory row by row, so that the
    sums of all displacements of a patch are sums of shifted vectors, at the cost of some that are not used.

    Parameters
    ----------
    image : ndarray of float32, shape (H, W)
        The image to search; beyond it its edge repeats.
    rows, cols : ndarray of float32, shape (P,)
        First pixel of each patch on the reference.
    templates : ndarray of float32, shape (P, SIDE * SIDE)
        Zero-mean unit-norm values of each patch, row by row.
    weights : ndarray of float32, shape (P,)
        Weight of the vote of each patch.
    least : float
        Correlation coefficient below which a patch does not vote, 0 or more.
    scratch : ndarray of float32, shape (SCRATCH, N)
        Scratch, where N is the number of pixels of `part_for_votes`.
    votes : ndarray of float32, shape (2 M + 1, 2 N + 1)
        Receives the sum of the votes for each displacement, of -M to M steps along rows and -N to N along columns.
    """
    height, width = image.shape
    down_steps, right_steps = votes.shape
    top, left, high, wide = part_for_votes(rows, cols, down_steps, right_steps)
    # Relative to a pixel in the middle, so that a large offset costs no precision.
    base = image[min(max(top + high // 2, 0), height - 1), min(max(left + wide // 2, 0), width - 1)]
    values, planes, squares, inverse = scratch[0], scratch[1], scratch[2], scratch[3]
    for i in range(high):
        source, line = image[min(max(top + i, 0), height - 1)], values[i * wide :]
        for j in range(wide):
            line[j] = source[min(max(left + j, 0), width - 1)] - base
    box_sums(values, planes, inverse, wide)
    for k in range(high * wide):
        planes[k] = values[k] * values[k]
    box_sums(planes, squares, planes, wide)
    # 1 over the norm of each patch of the image; 0 where it is constant.
    for k in range(high * wide):
        energy = planes[k] - inverse[k] * inverse[k] / single(SIDE * SIDE)
        inverse[k] = max(coefficient(single(1.0), planes[k], energy), single(0.0))
    # The middle of a patch must lie on the image.
    for i in range(high):
        line, row = inverse[i * wide :], top + i + SIDE // 2
        first, last = max(-(left + SIDE // 2), 0), min(width - left - SIDE // 2, wide)
        for j in range(wide):
            if row < 0 or row >= height or j < first or j >= last:
                line[j] = single(0.0)
    _split(values, high, wide, planes)
    _split(inverse, high, wide, squares)
    half, plane = wide // STEP, high // STEP * (wide // STEP)
    products, scores, highest, sums = values, values[plane:], values[2 * plane :], inverse
    for k in range(plane):
        scores[k] = sums[k] = single(0.0)
    offsets = (down_steps - 1) * half + right_steps
    for p in range(templates.shape[0]):
        first_row, first_col = (
            int(rows[p]) - top - down_steps // 2 * STEP,
            int(cols[p]) - left - right_steps // 2 * STEP,
        )
        for k in range(offsets):
            products[k] = single(0.0)
        for a in range(SIDE):
            patch, row = templates[p, a * SIDE :], first_row + a
            t0, t1, t2, t3 = patch[0], patch[1], patch[2], patch[3]
            t4, t5, t6, t7 = patch[4], patch[5], patch[6], patch[7]
            even = planes[(2 * (row % STEP) + first_col % STEP) * plane + row // STEP * half + first_col // STEP :]
            col = first_col + 1
            odd = planes[(2 * (row % STEP) + col % STEP) * plane + row // STEP * half + col // STEP :]
            for k in range(offsets):
                part = (t0 * even[k] + t2 * even[k + 1]) + (t4 * even[k + 2] + t6 * even[k + 3])
                products[k] += part + ((t1 * odd[k] + t3 * odd[k + 1]) + (t5 * odd[k + 2] + t7 * odd[k + 3]))
        norm = squares[
            (2 * (first_row % STEP) + first_col % STEP) * plane + first_row // STEP * half + first_col // STEP :
        ]
        # With neighbours of 0 on all sides.
        weight, inner = weights[p], scores[half + 1 :]
        for k in range(offsets):
            above = products[k] * norm[k] - least
            inner[k] = weight * above * above if above > single(0.0) else single(0.0)
        for i in range(1, down_steps + 1):
            scores[i * half] = scores[i * half + right_steps + 1] = single(0.0)
        for k in range(offsets + 2 * half):
            highest[k] = max(max(scores[k], scores[k + 1]), scores[k + 2])
        below, last = highest[half:], highest[2 * half :]
        for k in range(offsets):
            sums[k] += max(max(highest[k], below[k]), last[k])
    for i in range(down_steps):
        for j in range(right_steps):
            votes[i, j] = sums[i * half + j]
