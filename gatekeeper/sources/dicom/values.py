"""Single values of a DICOM object, each told by name when it is missing or is not what it must be."""

import math
from functools import cache
from typing import Any

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from gatekeeper.core.errors import InputError
from gatekeeper.core.frame import Vector

NOTHING = Dataset()
"""What is there where nothing is; not to be written to."""


@cache
def _tag(keyword: str) -> BaseTag:
    number = tag_for_keyword(keyword)
    assert number is not None, keyword  # noqa: S101
    return BaseTag(number)


def value_of(dataset: Dataset, keyword: str) -> Any:
    """Return the value of an element, or None where it is missing; quicker than asking for an attribute."""
    tag = _tag(keyword)
    return dataset[tag].value if tag in dataset else None


def first_item(dataset: Dataset, sequence: str) -> Dataset:
    """Return the first item of a sequence, or an empty dataset."""
    items = value_of(dataset, sequence)
    first: Dataset = items[0] if items else NOTHING
    return first


def numbers(dataset: Dataset, keyword: str, count: int, where: str) -> tuple[float, ...]:
    """Return exactly `count` finite numbers; raises InputError when they are missing or are none."""
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
    """Return a number, or None where it is missing or empty; raises InputError when it is none."""
    value = value_of(dataset, keyword)
    if value is None or value == "":
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InputError(f"{where}: its {keyword} is no number; export it again") from None


def whole_number(dataset: Dataset, keyword: str, where: str, absent: int | None) -> int | None:
    """Return a whole number, or `absent` where it is missing or empty; raises InputError when it is none."""
    value = value_of(dataset, keyword)
    if value is None or value == "":
        return absent
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{where}: its {keyword} is no whole number; export it again") from None


def vector(three: tuple[float, ...]) -> Vector:
    """Return three numbers as a vector."""
    first, second, third = three
    return first, second, third
