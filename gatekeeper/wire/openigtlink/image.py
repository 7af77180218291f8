"""The IMAGE message: pixels with their geometry."""

import math
import struct
import sys
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import WireError
from gatekeeper.core.frame import Vector
from gatekeeper.wire.openigtlink.header import Buffer

LAYOUT = struct.Struct(">HBBBB3H12f3H3H")
IMAGE_HEADER_BYTES = LAYOUT.size
"""72."""
FORMAT_VERSION = 1
SCALAR_TYPES = {2: "i1", 3: "u1", 4: "i2", 5: "u2", 6: "i4", 7: "u4", 10: "f4", 11: "f8"}
"""Numbers of the protocol and numpy's names."""
BYTE_ORDERS = {1: ">", 2: "<"}
COORDINATES: dict[int, Literal["RAS", "LPS"]] = {1: "RAS", 2: "LPS"}

Size = tuple[int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """An image of one or more slices, or a box of it.

    Attributes
    ----------
    pixels : ndarray, shape (K, J, I) or (K, J, I, C)
        One of the types of `SCALAR_TYPES`, either byte order; C above 1 is a vector per pixel. I is the fastest axis.
    i_step_mm, j_step_mm, k_step_mm : tuple of 3 floats
        Vectors from one pixel to the next along each index, in mm.
    centre_mm : tuple of 3 floats
        Centre of all pixels of the full image, in mm.
    coordinates : str
        Patient axes of these vectors: "RAS" (right, anterior, superior) or "LPS" (left, posterior, superior).
    whole : tuple of int
        (I, J, K) of the full image.
    offset : tuple of int
        (i, j, k) of the first pixel in the full image.
    """

    pixels: NDArray[np.generic]
    i_step_mm: Vector
    j_step_mm: Vector
    k_step_mm: Vector
    centre_mm: Vector
    coordinates: Literal["RAS", "LPS"]
    whole: Size
    offset: Size = (0, 0, 0)

    @property
    def is_whole(self) -> bool:
        """Whether the pixels are the full image and not a box of it."""
        return self.whole == self.pixels.shape[2::-1]


def decode_image(content: Buffer) -> Image:
    """Return the image in the content of an IMAGE message; its pixels are a view of the bytes.

    Raises
    ------
    WireError
        When a field is invalid, or the number of pixels differs from the fields.
    """
    if len(content) < IMAGE_HEADER_BYTES:
        raise WireError(f"OpenIGTLink IMAGE: {len(content)} bytes; its fields alone have {IMAGE_HEADER_BYTES}")
    version, components, scalar, endian, coordinates, *numbers = LAYOUT.unpack_from(content)
    for what, value, known in (
        ("format version", version, {FORMAT_VERSION: None}),
        ("scalar type", scalar, SCALAR_TYPES),
        ("byte order", endian, BYTE_ORDERS),
        ("coordinate system", coordinates, COORDINATES),
    ):
        if value not in known:
            raise WireError(f"OpenIGTLink IMAGE: {what} {value}; known are {tuple(known)}")
    if components == 0:
        raise WireError("OpenIGTLink IMAGE: 0 components per pixel; it takes 1 or more")
    whole, matrix, offset, size = numbers[:3], numbers[3:15], numbers[15:18], numbers[18:]
    if not all(n > 0 and at + n <= all_ for n, at, all_ in zip(size, offset, whole, strict=True)):
        raise WireError(f"OpenIGTLink IMAGE: pixels {size} at {offset} are not a part of an image of {whole}")
    dtype = np.dtype(BYTE_ORDERS[endian] + SCALAR_TYPES[scalar])
    expected = math.prod(size) * components * dtype.itemsize
    if len(content) - IMAGE_HEADER_BYTES != expected:
        raise WireError(
            f"OpenIGTLink IMAGE: {len(content) - IMAGE_HEADER_BYTES} bytes of pixels; {size} of {components} x "
            f"{dtype.name} are {expected}"
        )
    shape = (*size[::-1], components) if components > 1 else tuple(size[::-1])
    return Image(
        np.frombuffer(content, dtype, offset=IMAGE_HEADER_BYTES).reshape(shape),
        _vector(matrix[:3]),
        _vector(matrix[3:6]),
        _vector(matrix[6:9]),
        _vector(matrix[9:]),
        COORDINATES[coordinates],
        _size(whole),
        _size(offset),
    )


def encode_image(image: Image) -> bytes:
    """Return the content of an IMAGE message, its pixels in their present byte order.

    Raises
    ------
    WireError
        When the message cannot hold the type, shape or size of the pixels.
    """
    pixels = image.pixels
    scalar = next((number for number, name in SCALAR_TYPES.items() if pixels.dtype.newbyteorder("=") == name), None)
    if scalar is None:
        known = ", ".join(np.dtype(name).name for name in SCALAR_TYPES.values())
        raise WireError(f"OpenIGTLink IMAGE: pixels of {pixels.dtype}; it takes {known}")
    if pixels.ndim not in (3, 4) or pixels.size == 0:
        raise WireError(f"OpenIGTLink IMAGE: pixels of shape {pixels.shape}; it takes (K, J, I) or (K, J, I, C)")
    components = pixels.shape[3] if pixels.ndim == 4 else 1
    size = pixels.shape[2::-1]
    if not all(at >= 0 and at + n <= all_ for n, at, all_ in zip(size, image.offset, image.whole, strict=True)):
        raise WireError(
            f"OpenIGTLink IMAGE: pixels {size} at {image.offset} are not a part of an image of {image.whole}"
        )
    order = pixels.dtype.byteorder
    big = order == ">" or (order == "=" and sys.byteorder == "big")
    matrix = (*image.i_step_mm, *image.j_step_mm, *image.k_step_mm, *image.centre_mm)
    coordinates = {name: number for number, name in COORDINATES.items()}[image.coordinates]
    try:
        start = LAYOUT.pack(
            FORMAT_VERSION,
            components,
            scalar,
            1 if big else 2,
            coordinates,
            *image.whole,
            *matrix,
            *image.offset,
            *size,
        )
    except (struct.error, OverflowError) as error:
        raise WireError(f"OpenIGTLink IMAGE: a number does not fit ({error})") from None
    return start + pixels.tobytes()


def _vector(values: list[float]) -> Vector:
    first, second, third = values
    return first, second, third


def _size(values: list[int]) -> Size:
    first, second, third = values
    return first, second, third
