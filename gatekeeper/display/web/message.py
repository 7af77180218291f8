"""Pack the messages to browsers: a header of plain values, followed by arrays.

A message consists of the length of the header (four bytes, little-endian), four zero bytes, the header as JSON padded
with spaces, and the raw arrays. Each array begins at a multiple of eight bytes, so that a browser can use it without a
copy.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[np.generic]]
Buffer = bytes | memoryview

WORD = 8
IMAGE, REFERENCE = "image", "reference"
"""Names of the newest frame, and of the one that is to become the reference; names that begin with it belong to it."""
WHITE = 65535
"""Value of the brightest pixel of an image for browsers; the darkest is 0."""


def parts_of(head: Mapping[str, object], arrays: Arrays) -> list[Buffer]:
    """Return a message in parts, without copies of contiguous arrays.

    Parameters
    ----------
    head : mapping
        Plain values for JSON; values that are not finite must be None.
    arrays : mapping of str to ndarray
        Arrays of any numeric dtype, by name.

    Returns
    -------
    list of bytes or memoryview
        The message is their concatenation.
    """
    blobs = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    places = {name: [array.dtype.str, list(array.shape)] for name, array in blobs.items()}
    text = json.dumps({**head, "arrays": places}, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-len(text) % WORD)
    parts: list[Buffer] = [len(text).to_bytes(4, "little") + bytes(4), text]
    for array in blobs.values():
        if array.nbytes:
            parts += [array.reshape(-1).view(np.uint8).data, bytes(-array.nbytes % WORD)]
    return parts


def packed(head: Mapping[str, object], arrays: Arrays) -> bytes:
    """Return a message as bytes; see `parts_of`.

    Parameters
    ----------
    head : mapping
        Plain values for JSON; values that are not finite must be None.
    arrays : mapping of str to ndarray
        Arrays of any numeric dtype, by name.

    Returns
    -------
    bytes
        The message.
    """
    return b"".join(parts_of(head, arrays))


def unpacked(message: bytes) -> tuple[dict[str, Any], dict[str, NDArray[np.generic]]]:
    """Return the header and arrays of a message.

    Parameters
    ----------
    message : bytes
        From `packed` or `parts_of`.

    Returns
    -------
    head : dict
        The plain values.
    arrays : dict of str to ndarray
        Read-only views of the message.
    """
    length = int.from_bytes(message[:4], "little")
    head = json.loads(message[WORD : WORD + length])
    arrays, at = {}, WORD + length
    for name, (kind, shape) in head.pop("arrays").items():
        count = math.prod(shape)
        array = np.frombuffer(message, np.dtype(kind), count, at) if count else np.empty(0, np.dtype(kind))
        arrays[name] = array.reshape(shape)
        at += array.nbytes + (-array.nbytes % WORD)
    return head, arrays


def for_page(message: bytes, count: int, picture: bool = True) -> bytes:
    """Return a message for browsers, with its image in 16 bits.

    Parameters
    ----------
    message : bytes
        With or without an image (H, W) of any real dtype.
    count : int
        Number of the message, by which a browser asks for a newer one.
    picture : bool
        Whether to include images.

    Returns
    -------
    bytes
        The message, with the values of the darkest and brightest pixel as `low` and `high`.
    """
    head, arrays = unpacked(message)
    head["count"] = count
    image = arrays.pop(IMAGE, None)
    if not picture:
        arrays = {name: array for name, array in arrays.items() if not name.startswith(REFERENCE)}
    if image is not None and picture:
        pixels, head["low"], head["high"] = scaled(image)
        arrays = {IMAGE: pixels, **arrays}
    return packed(head, arrays)


def scaled(image: NDArray[np.generic]) -> tuple[NDArray[np.uint16], float, float]:
    """Scale an image to 16 bits.

    Parameters
    ----------
    image : ndarray (H, W)
        Of any real dtype.

    Returns
    -------
    pixels : ndarray of uint16 (H, W)
        The darkest pixel is 0, the brightest 65535. Pixels that are not finite, and all pixels of a constant image,
        are 0.
    low, high : float
        Values of the darkest and the brightest pixel.
    """
    values = np.asarray(image, dtype=np.float32)
    finite = np.isfinite(values)
    if not finite.all():
        values = np.where(finite, values, values[finite].min() if finite.any() else np.float32(0.0))
    low, high = float(values.min()), float(values.max())
    if not high > low:
        return np.zeros(values.shape, np.uint16), low, low
    factor = WHITE / (high - low)
    return ((values - np.float32(low)) * np.float32(factor) + np.float32(0.5)).astype(np.uint16), low, high
