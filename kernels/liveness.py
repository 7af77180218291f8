"""Compare the noise of a frame with that of the frames before it.

The detail of a pixel is what remains of the image after a second difference along rows and columns: noise, and hardly
any anatomy. Pixels are taken in runs of `RUN` neighbours along a row.
"""

import math

import numpy as np
from numpy.typing import NDArray

from kernels.jit import f4, f4_1d_in, f4_2d, f4_2d_in, f4_3d, f8, f8_1d, i8, i8_1d, kernel, u8, u8_1d, u8_2d, void

RUN = 8
"""Number of pixels of a run."""
RUNS_PER_WORD = 8
"""Number of runs whose signs fill a word of 64 bits."""
AMPLITUDE, RETURNED, TOGETHER, CHANGE, CHANGE_NEAR = range(5)
"""Places in the result of `compare_noise`."""
RESULTS = 5
SEVERAL = 16
"""Number of the nearest frames over which the covariance is averaged."""

Array = NDArray[np.float32]


@kernel(i8(u8_1d, i8, u8))
def frames_since(fingerprints: NDArray[np.uint64], count: int, fingerprint: int) -> int:
    """Remember a fingerprint, and return how many frames ago it was there last.

    Parameters
    ----------
    fingerprints : ndarray of uint64, shape (M,)
        Fingerprints of the last M frames, that of frame k at ``k % M``; receives this one.
    count : int
        Number of frames before this one.
    fingerprint : int
        Fingerprint of this frame.

    Returns
    -------
    int
        1 for the frame before; 0 when it is not remembered.
    """
    memory = fingerprints.size
    place, never = count % memory, memory + 1
    least = never
    for k in range(min(count, memory)):
        distance = place - k + memory * (k >= place)
        least = min(least, distance if fingerprints[k] == fingerprint else never)
    fingerprints[place] = fingerprint
    return least % never


@kernel(f4(f4_1d_in, f4_1d_in, f4_1d_in, i8))
def _detail(top: Array, middle: Array, bottom: Array, j: int) -> np.float32:
    """Return the detail of a pixel from three rows, of which its 3 x 3 neighbourhood begins at a column."""
    return np.float32(
        (top[j] - f4(2.0) * top[j + 1] + top[j + 2])
        - f4(2.0) * (middle[j] - f4(2.0) * middle[j + 1] + middle[j + 2])
        + (bottom[j] - f4(2.0) * bottom[j + 1] + bottom[j + 2])
    )


@kernel(void(f4_2d_in, i8, f4_3d, f4_3d))
def add_detail(image: Array, number: int, past: Array, sums: Array) -> None:
    """Add the detail of a frame to the sums from which pixels are selected.

    Parameters
    ----------
    image : ndarray of float32, shape (H, W)
        The frame, at least 3 x 3 pixels.
    number : int
        Number of the frame, from 0.
    past : ndarray of float32, shape (2, H - 2, W - 2)
        Detail of the two frames before; receives this frame's.
    sums : ndarray of float32, shape (5, H - 2, W - 2)
        Sums over the frames from the third on of the detail, of its square, of the squares of its differences from the
        last frame and from the last but one, and of the number of frames with a difference from the last but one.
    """
    last, last_but_one = past[(number + 1) % 2], past[number % 2]
    for i in range(image.shape[0] - 2):
        top, middle, bottom = image[i], image[i + 1], image[i + 2]
        for j in range(image.shape[1] - 2):
            value = _detail(top, middle, bottom, j)
            if number >= 2:
                change, change_of_two = value - last[i, j], value - last_but_one[i, j]
                sums[0, i, j] += value
                sums[1, i, j] += value * value
                sums[2, i, j] += change * change
                sums[3, i, j] += change_of_two * change_of_two
                sums[4, i, j] += f4(change_of_two != f4(0.0))
            last_but_one[i, j] = value


@kernel(i8(u8))
def _count_bits(word: np.uint64) -> np.int64:
    """Return the number of bits of a word that are set."""
    pairs = word - ((word >> u8(1)) & u8(0x5555555555555555))
    fours = (pairs & u8(0x3333333333333333)) + ((pairs >> u8(2)) & u8(0x3333333333333333))
    eights = (fours + (fours >> u8(4))) & u8(0x0F0F0F0F0F0F0F0F)
    return np.int64((eights * u8(0x0101010101010101)) >> u8(56))


@kernel(void(f4_2d_in, i8_1d, f4_2d))
def _take_details(image: Array, starts: NDArray[np.int64], details: Array) -> None:
    """Write the detail of each run of pixels to its row."""
    cols = image.shape[1]
    pixels = image.reshape(image.size)
    for run in range(starts.size):
        at = starts[run]
        top = pixels[at : at + RUN + 2]
        middle = pixels[at + cols : at + cols + RUN + 2]
        bottom = pixels[at + 2 * cols : at + 2 * cols + RUN + 2]
        detail = details[run]
        for j in range(RUN):
            detail[j] = _detail(top, middle, bottom, j)


@kernel(void(f4_2d_in, i8_1d, f4_2d, f4_3d, f4, i8, i8, i8, u8_2d, f8_1d, f8_1d, f8_1d))
def compare_noise(
    image: Array,
    starts: NDArray[np.int64],
    means: Array,
    details: Array,
    rate: float,
    slot: int,
    held: int,
    nearest: int,
    signs: NDArray[np.uint64],
    amplitudes: NDArray[np.float64],
    levels: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Compare the noise of a frame with that of the frames remembered, and remember it.

    The noise of a pixel is its detail less its mean. Of each frame the signs of the noise are remembered; from the
    share of signs that agree follows the correlation of two frames.

    Parameters
    ----------
    image : ndarray of float32, shape (H, W)
        The frame.
    starts : ndarray of int64, shape (R,)
        Place in the flattened image at which the neighbourhood of the first pixel of each run begins. The first N runs
        are those whose noise is compared, the others lie near the target.
    means : ndarray of float32, shape (N, RUN)
        Mean detail of the compared pixels; N is a multiple of `RUNS_PER_WORD`. It is first moved towards the detail of
        the frame before.
    details : ndarray of float32, shape (2, R, RUN)
        Detail of the frame before, and room for this frame's, which replaces it.
    rate : float
        Share by which the means are moved.
    slot : int
        Place in `signs` and `amplitudes` at which the frame is remembered.
    held : int
        Number of frames remembered, without this one.
    nearest : int
        Distance of the nearest frame that is compared, at least 1.
    signs : ndarray of uint64, shape (M, N / RUNS_PER_WORD)
        Signs of the frames remembered, the frame before at ``slot - 1``, modulo M.
    amplitudes : ndarray of float64, shape (M,)
        Their amplitudes.
    levels : ndarray of float64, shape (3,)
        Usual amplitude; amplitude beyond which a frame is grainy; and the usual one of such frames.
    out : ndarray of float64, shape (RESULTS,)
        Receives the mean absolute noise; the largest share of the usual noise that a remembered frame had as well, 0 if
        there is none; the mean covariance of a grainy frame with the nearest `SEVERAL` over the usual variance, where a
        missing one counts as 0, and 0 for other frames; and the mean absolute difference of the detail from the frame
        before, of the compared pixels and of those near the target.
    """
    _take_details(image, starts, details[1])
    words, memory, compared, size = signs.shape[1], signs.shape[0], means.size, details[0].size
    # Flat arrays of neighbours, so that the loops are vectorised.
    mean, (before, now) = means.reshape(compared), (details[0].reshape(size), details[1].reshape(size))
    amplitude, change, change_near = f4(0.0), f4(0.0), f4(0.0)
    for j in range(compared):
        moved = mean[j] + f4(rate) * (before[j] - mean[j])
        amplitude += abs(now[j] - moved)
        change += abs(now[j] - before[j])
        mean[j] = moved
    for j in range(compared, size):
        change_near += abs(now[j] - before[j])
    for j in range(size):
        before[j] = now[j]
    for k in range(words):
        word_now, word_mean = now[64 * k : 64 * (k + 1)], mean[64 * k : 64 * (k + 1)]
        word = u8(0)
        for j in range(64):
            word |= u8(word_now[j] > word_mean[j]) << u8(j)
        signs[slot, k] = word
    amplitude /= compared
    amplitudes[slot] = amplitude
    grainy = amplitude > levels[1]
    usual = levels[2] if grainy else levels[0]
    largest, together = 0.0, 0.0
    for distance in range(nearest, held + 1):
        other = slot - distance + memory * (slot < distance)
        differing = i8(0)
        for k in range(words):
            differing += _count_bits(signs[slot, k] ^ signs[other, k])
        # The correlation is the sine of this angle, for noise with a normal distribution.
        angle = math.pi * (0.5 - differing / f8(compared))
        if grainy and distance < nearest + SEVERAL:
            together += math.sin(angle) * amplitudes[other] / SEVERAL
        # The sine is at most the angle, so that few sines are needed.
        # What an earlier frame had beyond the usual noise is not to be expected again.
        shared = min(amplitudes[other], usual)
        if angle * shared > largest:
            largest = max(largest, math.sin(angle) * shared)
    out[AMPLITUDE] = amplitude
    out[RETURNED] = largest * amplitude / usual**2
    out[TOGETHER] = together * amplitude / levels[0] ** 2
    out[CHANGE] = change / compared
    near = size - compared
    out[CHANGE_NEAR] = change_near / near if near > 0 else change / compared
