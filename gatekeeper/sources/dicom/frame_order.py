"""Order of the frames of DICOM objects, and times of the frames of an object without functional groups."""

from itertools import accumulate

from gatekeeper.sources.dicom.elements import Elements
from gatekeeper.sources.dicom.times import Times
from gatekeeper.sources.dicom.values import is_told, listed, real, whole

RANK_KINDS = (
    "TemporalPositionIndex",
    "DimensionIndexValues",
    "FrameAcquisitionNumber",
    "TemporalPositionIdentifier",
    "InstanceNumber",
)
"""Elements that tell the order of images, from the most specific one; an object's own order stands for the last."""
Ranks = tuple[tuple[int, ...] | None, ...]


def optional_value(elements: Elements, keyword: str, unread: list[str]) -> float | None:
    """Return a finite number that nothing depends on; None, with its keyword in `unread`, where it is not valid."""
    if not is_told(elements, keyword):
        return None
    try:
        return real(elements[keyword])
    except (TypeError, ValueError):
        unread.append(keyword)
        return None


def whole_number(elements: Elements, keyword: str, unread: list[str]) -> int | None:
    """Return a whole number that only tells an order; None, with its keyword in `unread`, where it is not valid."""
    if not is_told(elements, keyword):
        return None
    try:
        return whole(elements[keyword])
    except (TypeError, ValueError):
        unread.append(keyword)
        return None


def ranks_of(elements: Elements, content: Elements, number: int | None, is_single: bool, unread: list[str]) -> Ranks:
    """Return the places of an image in the order of frames."""
    index = whole_number(content, "TemporalPositionIndex", unread)
    try:
        is_there = is_told(content, "DimensionIndexValues")
        many = tuple(map(whole, listed(content["DimensionIndexValues"]))) if is_there else ()
    except (TypeError, ValueError):
        unread.append("DimensionIndexValues")
        many = ()
    identifier = whole_number(elements, "TemporalPositionIdentifier", unread) if is_single else None
    acquisition = whole_number(content, "FrameAcquisitionNumber", unread)
    return (_one(index), many or None, _one(acquisition), _one(identifier), _one(number))


def _one(number: int | None) -> tuple[int, ...] | None:
    return None if number is None else (number,)


def display_rate_hz(elements: Elements, unread: list[str]) -> float | None:
    """Return the frames per second that an object recommends for display, or None."""
    for keyword in ("RecommendedDisplayFrameRate", "CineRate"):
        rate_hz = optional_value(elements, keyword, unread)
        if rate_hz is not None and rate_hz > 0.0:
            return rate_hz
    return None


def frame_offsets_s(elements: Elements, count: int, unread: list[str]) -> list[float] | None:
    """Return the times of the frames of an object without functional groups from the first; None when not told."""
    if is_told(elements, "FrameTimeVector"):
        try:
            steps_s = [real(part) * 1e-3 for part in listed(elements["FrameTimeVector"])]
        except (TypeError, ValueError):
            steps_s = []
        if len(steps_s) == count and all(step > 0.0 for step in steps_s[1:]):
            return list(accumulate([0.0, *steps_s[1:]]))
        unread.append("FrameTimeVector")
    frame_ms = optional_value(elements, "FrameTime", unread)
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
