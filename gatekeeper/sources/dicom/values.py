"""Single values of a DICOM object, with errors that name the missing or invalid element."""

import math
from functools import cache
from typing import Any

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from gatekeeper.core.errors import InputError
from gatekeeper.core.frame import Vector
from gatekeeper.sources.dicom.elements import Elements

NOTHING: Elements = {}
"""No elements, for missing items; not to be changed."""


@cache
def _tag(keyword: str) -> BaseTag:
    number = tag_for_keyword(keyword)
    assert number is not None, keyword  # noqa: S101
    return BaseTag(number)


def value_of(dataset: Dataset, keyword: str) -> Any:
    """Return the value of an element of a dataset of pydicom, or None when it is missing."""
    tag = _tag(keyword)
    return dataset[tag].value if tag in dataset else None


def first_item(elements: Elements, sequence: str) -> Elements:
    """Return the first item of a sequence, or no elements."""
    items = elements.get(sequence)
    first: Elements = items[0] if items else NOTHING
    return first


def is_told(elements: Elements, keyword: str) -> bool:
    """Return whether an element is there and not empty."""
    return bool(elements.get(keyword, "") != "")


def listed(value: Any) -> list[Any]:
    """Return the values of an element that may have several."""
    return value if isinstance(value, list) else [value]


def real(value: Any) -> float:
    """Return a finite number.

    Raises
    ------
    ValueError
        When it is not one.
    TypeError
        When it is several values.
    """
    number = float(value)
    if not math.isfinite(number) or (isinstance(value, str) and "_" in value):
        raise ValueError
    return number


def whole(value: Any) -> int:
    """Return a whole number.

    Raises
    ------
    ValueError
        When it is not one.
    TypeError
        When it is several values.
    """
    if isinstance(value, int):
        return value
    number = real(value)
    if number != int(number):
        raise ValueError
    return int(number)


def numbers(elements: Elements, keyword: str, count: int, where: str) -> tuple[float, ...]:
    """Return exactly `count` finite numbers.

    Raises
    ------
    InputError
        When they are missing or invalid.
    """
    if not is_told(elements, keyword):
        raise InputError(f"{where}: has no {keyword}; send or export images with their geometry")
    try:
        found = tuple(map(real, listed(elements[keyword])))
    except (TypeError, ValueError):
        found = ()
    if len(found) != count:
        raise InputError(f"{where}: its {keyword} is not {count} numbers; export it again")
    return found


def optional_number(elements: Elements, keyword: str, where: str) -> float | None:
    """Return a number, or None when it is missing or empty.

    Raises
    ------
    InputError
        When it is not a number.
    """
    if not is_told(elements, keyword):
        return None
    try:
        return real(elements[keyword])
    except (TypeError, ValueError):
        raise InputError(f"{where}: its {keyword} is not a number; export it again") from None


def integer(elements: Elements, keyword: str, where: str, absent: int | None) -> int | None:
    """Return an integer, or `absent` when it is missing or empty.

    Raises
    ------
    InputError
        When it is not an integer.
    """
    if not is_told(elements, keyword):
        return absent
    try:
        return whole(elements[keyword])
    except (TypeError, ValueError):
        raise InputError(f"{where}: its {keyword} is not an integer; export it again") from None


def bits_of(elements: Elements, where: str) -> tuple[int, int, int]:
    """Return the bits allocated and stored for a pixel, and 1 where it is signed, otherwise 0.

    Raises
    ------
    InputError
        When they are missing or cannot be.
    """
    allocated, stored = (
        integer(elements, "BitsAllocated", where, None),
        integer(elements, "BitsStored", where, None),
    )
    if allocated not in (8, 16, 32):
        raise InputError(f"{where}: has {allocated} bits allocated per pixel; it must be 8, 16 or 32")
    if stored is None or not 1 <= stored <= allocated:
        raise InputError(f"{where}: has {stored} bits stored per pixel; it must be 1 to {allocated}")
    if integer(elements, "HighBit", where, stored - 1) != stored - 1:
        raise InputError(f"{where}: its HighBit is not BitsStored - 1; export it again")
    sign = integer(elements, "PixelRepresentation", where, None)
    if sign not in (0, 1):
        raise InputError(f"{where}: has no PixelRepresentation 0 or 1; export it again")
    return allocated, stored, sign


def vector(three: tuple[float, ...]) -> Vector:
    """Return three numbers as a vector."""
    first, second, third = three
    return first, second, third
