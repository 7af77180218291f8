"""Hashes of arrays in the journal, and a plane as plain numbers.

The writer's process imports little else, so that it starts quickly.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.frame import Plane


def hashes_of(arrays: Mapping[str, NDArray[np.generic]]) -> dict[str, str]:
    """Return the hash of each array."""
    return {name: array_hash(array) for name, array in arrays.items()}


def with_hashes(entry: Mapping[str, Any], arrays: Mapping[str, NDArray[np.generic]]) -> dict[str, Any]:
    """Return a line of the journal with the hash of each of its arrays.

    Parameters
    ----------
    entry : mapping
        The line.
    arrays : mapping
        Arrays by the name of their field, without ``_hash``; that of a structure is ``<field>/<structure>``.
    """
    found = dict(entry)
    for name, array in arrays.items():
        field, _, structure = name.partition("/")
        if structure:
            parts = found["structures"]
            found["structures"] = {**parts, structure: {**parts[structure], f"{field}_hash": array_hash(array)}}
        else:
            found[f"{field}_hash"] = array_hash(array)
    return found


def array_hash(array: NDArray[np.generic], facts: str = "") -> str:
    """Return the SHA-256 of type, shape, `facts` and values of an array, little-endian and in C order.

    Parameters
    ----------
    array : ndarray
        Of any number type and shape.
    facts : str
        Text that the hash covers too.
    """
    plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    digest = hashlib.sha256(f"{plain.dtype.str} {list(array.shape)} {facts}\n".encode())
    digest.update(plain.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def plane_numbers(plane: Plane) -> list[float]:
    """Return origin, row step and column step as nine numbers."""
    return [float(value) for vector in (plane.origin_mm, plane.row_step, plane.col_step) for value in vector]


def plane_of(numbers: list[float]) -> Plane:
    """Return the plane of nine numbers."""
    a, b, c, d, e, f, g, h, i = (float(value) for value in numbers)
    return Plane((a, b, c), (d, e, f), (g, h, i))
