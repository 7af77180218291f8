"""View: what a browser is sent at once, a head of plain values and arrays behind it, and how it is packed.

A message is the length of the head in four bytes, four bytes of nothing, the head as JSON with spaces behind it, and
the arrays as they lie in memory, each beginning at a multiple of eight bytes: a browser can look at them in place.
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
IMAGE = "image"
WHITE = 65535
"""The brightest pixel of a frame as it is sent; the darkest is 0."""


def parts_of(head: Mapping[str, object], arrays: Arrays) -> list[Buffer]:
    """Return a message as the parts it is made of, without a copy of arrays that are contiguous.

    Parameters
    ----------
    head : mapping
        Plain values for JSON; what is not finite must be None.
    arrays : mapping of str to ndarray
        Anything of plain numbers, by name.
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
    """Return a message in one piece; see `parts_of`."""
    return b"".join(parts_of(head, arrays))


def unpacked(message: bytes) -> tuple[dict[str, Any], dict[str, NDArray[np.generic]]]:
    """Return head and arrays of a message; the arrays look into it."""
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
    """Return a message as browsers get it: the image in 16 bits, with the values of its darkest and brightest pixel.

    Parameters
    ----------
    message : bytes
        With an image (H, W) of any real dtype, or none.
    count : int
        Tells a browser which view it has.
    picture : bool
        Whether the image goes along at all.
    """
    head, arrays = unpacked(message)
    head["count"] = count
    image = arrays.pop(IMAGE, None)
    if image is not None and picture:
        pixels, head["low"], head["high"] = scaled(image)
        arrays = {IMAGE: pixels, **arrays}
    return packed(head, arrays)


def scaled(image: NDArray[np.generic]) -> tuple[NDArray[np.uint16], float, float]:
    """Return an image with its darkest pixel at 0 and its brightest at 65535, and the values of these two.

    What is not finite becomes 0. A constant image becomes 0, too.
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
