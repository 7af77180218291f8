"""Single values of a DICOM object, with errors that name the missing or invalid element."""

import math
from functools import cache
from typing import Any

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from gatekeeper.core.errors import InputError
from gatekeeper.core.frame import Vector

NOTHING = Dataset()
"""An empty dataset, for missing ones; not to be changed."""


@cache
def _tag(keyword: str) -> BaseTag:
    number = tag_for_keyword(keyword)
    assert number is not None, keyword  # noqa: S101
    return BaseTag(number)


def value_of(dataset: Dataset, keyword: str) -> Any:
    """Return the value of an element, or None when it is missing; faster than attribute access."""
    tag = _tag(keyword)
    return dataset[tag].value if tag in dataset else None


def first_item(dataset: Dataset, sequence: str) -> Dataset:
    """Return the first item of a sequence, or an empty dataset."""
    items = value_of(dataset, sequence)
    first: Dataset = items[0] if items else NOTHING
    return first


def numbers(dataset: Dataset, keyword: str, count: int, where: str) -> tuple[float, ...]:
    """Return exactly `count` finite numbers.

    Raises
    ------
    InputError
        When they are missing or invalid.
    """
    value = value_of(dataset, keyword)
    if value is None or value == "":
        raise InputError(f"{where}: has no {keyword}; send or export images with their geometry")
    try:
        found = tuple(float(part) for part in value)
    except (TypeError, ValueError):
        found = ()
    if len(found) != count or not all(math.isfinite(number) for number in found):
        raise InputError(f"{where}: its {keyword} is not {count} numbers; export it again")
    return found


def optional_number(dataset: Dataset, keyword: str, where: str) -> float | None:
    """Return a number, or None when it is missing or empty.

    Raises
    ------
    InputError
        When it is not a number.
    """
    value = value_of(dataset, keyword)
    if value is None or value == "":
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InputError(f"{where}: its {keyword} is not a number; export it again") from None


def integer(dataset: Dataset, keyword: str, where: str, absent: int | None) -> int | None:
    """Return an integer, or `absent` when it is missing or empty.

    Raises
    ------
    InputError
        When it is not an integer.
    """
    value = value_of(dataset, keyword)
    if value is None or value == "":
        return absent
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{where}: its {keyword} is not an integer; export it again") from None


def vector(three: tuple[float, ...]) -> Vector:
    """Return three numbers as a vector."""
    first, second, third = three
    return first, second, third
