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
AMPLITUDE, RETURNED, CHANGE, CHANGE_NEAR = range(4)
"""Places in the result of `compare_noise`."""
RESULTS = 4

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
    found = 0
    for distance in range(1, min(count, memory) + 1):
        if fingerprints[(count - distance) % memory] == fingerprint:
            found = distance
            break
    fingerprints[count % memory] = fingerprint
    return found


@kernel(f4(f4_1d_in, i8, i8))
def _detail(pixels: Array, at: int, cols: int) -> np.float32:
    """Return the detail of the pixel whose 3 x 3 neighbourhood begins at a place."""
    middle = at + cols
    bottom = middle + cols
    return np.float32(
        (pixels[at] - f4(2.0) * pixels[at + 1] + pixels[at + 2])
        - f4(2.0) * (pixels[middle] - f4(2.0) * pixels[middle + 1] + pixels[middle + 2])
        + (pixels[bottom] - f4(2.0) * pixels[bottom + 1] + pixels[bottom + 2])
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
    cols = image.shape[1]
    pixels = image.reshape(image.size)
    last, last_but_one = past[(number + 1) % 2], past[number % 2]
    for i in range(image.shape[0] - 2):
        for j in range(cols - 2):
            value = _detail(pixels, i * cols + j, cols)
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


@kernel(void(f4_2d_in, i8_1d, f4_2d, f4_2d, f4, i8, i8, i8, u8_2d, f8_1d, f8_1d))
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
    details : ndarray of float32, shape (R, RUN)
        Detail of the frame before; receives this frame's.
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
    out : ndarray of float64, shape (RESULTS,)
        Receives the mean absolute noise; the largest covariance with a remembered frame, in the same unit squared, 0 if
        there is none; and the mean absolute difference of the detail from the frame before, of the compared pixels and
        of those near the target.
    """
    cols = image.shape[1]
    pixels = image.reshape(image.size)
    compared, words, memory = means.shape[0], signs.shape[1], signs.shape[0]
    amplitude, change, change_near = 0.0, 0.0, 0.0
    for k in range(words):
        word = u8(0)
        for r in range(RUNS_PER_WORD):
            run = k * RUNS_PER_WORD + r
            noise_sum, change_sum = np.float32(0.0), np.float32(0.0)
            for j in range(RUN):
                value = _detail(pixels, starts[run] + j, cols)
                before = details[run, j]
                mean = means[run, j] + f4(rate) * (before - means[run, j])
                means[run, j] = mean
                details[run, j] = value
                noise_sum += abs(value - mean)
                change_sum += abs(value - before)
                word |= u8(value > mean) << u8(r * RUN + j)
            amplitude += float(noise_sum)
            change += float(change_sum)
        signs[slot, k] = word
    for run in range(compared, starts.size):
        change_sum = np.float32(0.0)
        for j in range(RUN):
            value = _detail(pixels, starts[run] + j, cols)
            change_sum += abs(value - details[run, j])
            details[run, j] = value
        change_near += float(change_sum)
    amplitude /= compared * RUN
    amplitudes[slot] = amplitude
    largest = 0.0
    for distance in range(nearest, held + 1):
        other = slot - distance + memory * (slot < distance)
        differing = i8(0)
        for k in range(words):
            differing += _count_bits(signs[slot, k] ^ signs[other, k])
        # The correlation is the sine of this angle, for noise with a normal distribution.
        angle = math.pi * (0.5 - differing / f8(compared * RUN))
        # The sine is at most the angle, so that few sines are needed.
        if angle * amplitudes[other] > largest:
            largest = max(largest, math.sin(angle) * amplitudes[other])
    out[AMPLITUDE] = amplitude
    out[RETURNED] = largest * amplitude
    out[CHANGE] = change / (compared * RUN)
    near = (starts.size - compared) * RUN
    out[CHANGE_NEAR] = change_near / near if near > 0 else change / (compared * RUN)
