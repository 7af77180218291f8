"""Order of the frames of DICOM objects, and times of the frames of an object without functional groups."""

import math
from itertools import accumulate

from pydicom.dataset import Dataset

from gatekeeper.sources.dicom.times import Times
from gatekeeper.sources.dicom.values import value_of

RANK_KINDS = ("TemporalPositionIndex", "DimensionIndexValues", "TemporalPositionIdentifier", "InstanceNumber")
"""Elements that tell the order of images, from the most specific one; an object's own order stands for the last."""
Ranks = tuple[tuple[int, ...] | None, ...]


def optional_value(dataset: Dataset, keyword: str, unread: list[str]) -> float | None:
    """Return a finite number that nothing depends on; None, with its keyword in `unread`, where it is not valid."""
    value = value_of(dataset, keyword)
    if value is None or value == "":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if math.isfinite(number):
        return number
    unread.append(keyword)
    return None


def whole_number(dataset: Dataset, keyword: str, unread: list[str]) -> int | None:
    """Return a whole number that only tells an order; None, with its keyword in `unread`, where it is not valid."""
    value = value_of(dataset, keyword)
    if value is None or value == "":
        return None
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        unread.append(keyword)
        return None


def ranks_of(dataset: Dataset, content: Dataset, number: int | None, is_single: bool, unread: list[str]) -> Ranks:
    """Return the places of an image in the order of frames."""
    index = whole_number(content, "TemporalPositionIndex", unread)
    values = value_of(content, "DimensionIndexValues")
    try:
        many = () if values is None else (values,) if isinstance(values, int) else tuple(int(one) for one in values)
    except (TypeError, ValueError):
        unread.append("DimensionIndexValues")
        many = ()
    identifier = whole_number(dataset, "TemporalPositionIdentifier", unread) if is_single else None
    return (_one(index), many or None, _one(identifier), _one(number))


def _one(number: int | None) -> tuple[int, ...] | None:
    return None if number is None else (number,)


def display_rate_hz(dataset: Dataset, unread: list[str]) -> float | None:
    """Return the frames per second that an object recommends for display, or None."""
    for keyword in ("RecommendedDisplayFrameRate", "CineRate"):
        rate_hz = optional_value(dataset, keyword, unread)
        if rate_hz is not None and rate_hz > 0.0:
            return rate_hz
    return None


def frame_offsets_s(dataset: Dataset, count: int, unread: list[str]) -> list[float] | None:
    """Return the times of the frames of an object without functional groups from the first; None when not told."""
    vector = value_of(dataset, "FrameTimeVector")
    if vector not in (None, ""):
        try:
            steps_s = [float(part) * 1e-3 for part in vector]
        except (TypeError, ValueError):
            steps_s = []
        if len(steps_s) == count and all(math.isfinite(step) and step > 0.0 for step in steps_s[1:]):
            return list(accumulate([0.0, *steps_s[1:]]))
        unread.append("FrameTimeVector")
    frame_ms = optional_value(dataset, "FrameTime", unread)
    if frame_ms is None:
        return None
    if frame_ms > 0.0:
        return [index * frame_ms * 1e-3 for index in range(count)]
    unread.append("FrameTime")
    return None


def begun(times: Times) -> Times:
    """Return the times of the first frame of an object, 0 where it tells none."""
    return times if any(time_s is not None for time_s in times) else (0.0, *times[1:])


def later(times: Times, offsets_s: list[float] | None, index: int) -> Times:
    """Return the times of a later frame of an object."""
    if offsets_s is None:
        return times
    return tuple(None if start_s is None else start_s + offsets_s[index] for start_s in times)
