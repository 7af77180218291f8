"""Check the pixels of an image: not finite, constant or saturated, and its fingerprint.

`check_image` works on the bits of the pixels as integers: the result does not depend on the order of floating-point
operations, and the loop is vectorised.
"""

import numpy as np
from numpy.typing import NDArray

from kernels.jit import b1, f4_2d_in, i4, i8, image_summary, kernel

EXPONENT = 0x7F800000
"""Exponent bits of a float32: all set in NaN and infinity, and in no finite number."""
WEIGHT_STEP = 0x9E3779B1
WEIGHT_FLIP = 0x85EBCA6A


@kernel(i4(i4))
def _rank(bits: np.int32) -> np.int32:
    """Return an integer that orders as the float with these bits does: 0 for 0, and -1 for -0."""
    return np.int32(bits ^ np.int32(np.int32(bits >> np.int32(31)) & np.int32(0x7FFFFFFF)))


@kernel(image_summary(f4_2d_in))
def check_image(image: NDArray[np.float32]) -> tuple[bool, bool, int, int]:
    """Check all pixels of an image in one pass.

    Parameters
    ----------
    image : ndarray of float32, shape (H, W)
        The image to check.

    Returns
    -------
    finite : bool
        True when no pixel is NaN or infinite.
    varied : bool
        True when at least two pixels differ.
    brightest : int
        Number of pixels with the largest value; meaningless unless `finite`.
    fingerprint : int
        Hash of 64 bits: two sums of the pixels' bits with odd weights that depend on the position. A change of one
        pixel always changes it; a change of several is missed with a probability of about 2^-64.
    """
    pixels = image.reshape(image.size).view(np.int32)
    first = np.uint32(0)
    second = np.uint32(0)
    most = np.int32(-2147483648)
    least = np.int32(2147483647)
    broken = np.int32(0)
    for k in range(pixels.size):
        bits = np.int32(pixels[k])
        rank = _rank(bits)
        most = max(most, rank)
        least = min(least, rank)
        broken = np.int32(broken | np.int32(np.int32(bits & np.int32(EXPONENT)) == np.int32(EXPONENT)))
        word = np.uint32(bits)
        weight = np.uint32(np.uint32(k) * np.uint32(WEIGHT_STEP)) | np.uint32(1)
        first = np.uint32(first + np.uint32(word * weight))
        mixed = np.uint32(word ^ np.uint32(word >> np.uint32(15)))
        second = np.uint32(second + np.uint32(mixed * np.uint32(weight ^ np.uint32(WEIGHT_FLIP))))
    # 0 and -0 are equal.
    largest = np.int32(-1) if most == 0 else most
    brightest = np.int32(0)
    for k in range(pixels.size):
        brightest = np.int32(brightest + np.int32(_rank(np.int32(pixels[k])) >= largest))
    fingerprint = (np.uint64(first) << np.uint64(32)) | np.uint64(second)
    return bool(broken == 0), bool(least < largest), int(brightest), int(fingerprint)


@kernel(b1(f4_2d_in, i8, i8, i8, i8))
def is_finite_and_varied_within(image: NDArray[np.float32], top: int, bottom: int, left: int, right: int) -> bool:
    """Return True when all pixels of a region are finite and at least two of them differ.

    Parameters
    ----------
    image : ndarray of float32, shape (H, W)
        The image to check.
    top, bottom, left, right : int
        First and one beyond the last row and column of the region; no other pixel is read.

    Returns
    -------
    bool
        False for a region without pixels.
    """
    varied = False
    broken = False
    if top < bottom and left < right:
        first = image[top, left]
        for i in range(top, bottom):
            line = image[i, left:right]
            for k in range(line.size):
                # x - x is 0 for every finite number, NaN for NaN and infinity.
                broken |= line[k] - line[k] != 0.0
            # Usually the first row varies, and the others need no comparison.
            if not varied:
                for k in range(line.size):
                    varied |= line[k] != first
    return varied and not broken
