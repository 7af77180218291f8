"""Acquisition time of a DICOM image, in s, from standard or vendor elements."""

from datetime import UTC, datetime, timedelta
from typing import Any

from gatekeeper.sources.dicom.elements import BLOCKS, VENDOR_TIMES, Elements, private_key
from gatekeeper.sources.dicom.values import real

TIME_KINDS = (
    "frame time",
    "frame reference time",
    "acquisition date and time",
    "acquisition time",
    "temporal position time",
    "trigger time",
    "vendor time",
    "content time",
)
"""From the most specific time of a single image to the least specific one."""
CLOCKS = ("frame time", "frame reference time", "acquisition date and time", "acquisition time", "content time")
"""Those that are times of day, with a date or without; the others begin with the scan."""
DAY_S = 86400.0
_VENDOR_KEYS = tuple(
    (
        private_key(group << 16 | block),
        creator,
        private_key(group << 16 | block << 8 | element),
        f"({group:04X},xx{element:02X})",
    )
    for creator, group, element, _ in VENDOR_TIMES
    for block in BLOCKS
)
_EPOCH = datetime(1970, 1, 1)
_LONGEST = 26
"""Length of YYYYMMDDHHMMSS.FFFFFF&ZZXX, in characters."""

Times = tuple[float | None, ...]
"""One time in s for each of `TIME_KINDS`, or None; only times of one kind are comparable."""


def times_of(elements: Elements, content: Elements, temporal: Elements, trigger: Elements, unread: list[str]) -> Times:
    """Return the times of an image.

    Parameters
    ----------
    elements : dict
        The object.
    content : dict
        The frame's own item of the Frame Content Sequence, or nothing.
    temporal : dict
        Item with the temporal position time offset, or nothing.
    trigger : dict
        Item with the trigger time.
    unread : list of str
        Gets the keyword of each element whose value is not a date or time; it counts as missing.

    Returns
    -------
    tuple of float or None
        Seconds, in the order of `TIME_KINDS`: those of `CLOCKS` since 1970 where there is a date, otherwise since
        midnight.
    """
    trigger_ms = _seconds(trigger, "TriggerTime", unread)
    if trigger_ms is None:
        trigger_ms = _seconds(trigger, "NominalCardiacTriggerDelayTime", unread)
    return (
        _date_time(content, "FrameAcquisitionDateTime", unread),
        _date_time(content, "FrameReferenceDateTime", unread),
        _date_time(elements, "AcquisitionDateTime", unread),
        _clock_time(elements, "Acquisition", unread),
        _seconds(temporal, "TemporalPositionTimeOffset", unread),
        None if trigger_ms is None else trigger_ms * 1e-3,
        _vendor_time(elements, unread),
        _clock_time(elements, "Content", unread),
    )


def _date_time(elements: Elements, keyword: str, unread: list[str]) -> float | None:
    """Return a DT value in seconds since 1970, of an invalid date since midnight; an offset from UTC is subtracted."""
    text = str(elements.get(keyword, ""))
    if not text:
        return None
    at = next((k for k, letter in enumerate(text) if letter in "+-"), len(text))
    stamp, zone = text[:at], text[at:]
    for day in (stamp[:8], ""):
        try:
            if len(text) > _LONGEST or not (day or stamp[8:]):
                break
            seconds = _since_1970(day, stamp[8:])
            if zone:
                sign = -1.0 if zone[0] == "-" else 1.0
                seconds -= sign * (int(zone[1:3]) * 3600 + int(zone[3:5]) * 60)
            return seconds if day else seconds % DAY_S
        except (ValueError, OverflowError):
            if day:
                unread.append(keyword)
    return None


def _clock_time(elements: Elements, prefix: str, unread: list[str]) -> float | None:
    """Return a TM value, with its DA if there is a valid one, in seconds since 1970 or midnight."""
    day, text = (
        str(elements.get(f"{prefix}Date", "")).replace(".", ""),
        str(elements.get(f"{prefix}Time", "")).replace(":", ""),
    )
    if not text:
        return None
    try:
        midnight_s = _since_1970(day, "")
    except (ValueError, OverflowError):
        unread.append(f"{prefix}Date")
        midnight_s = 0.0
    try:
        return midnight_s + _since_1970("", text)
    except (ValueError, OverflowError):
        unread.append(f"{prefix}Time")
        return None


def _since_1970(day: str, clock: str) -> float:
    """Return the seconds of a day YYYYMMDD and a time HHMMSS.FFFFFF; both may be truncated, the day empty."""
    start = _EPOCH
    if day:
        parts = int(day[:4]), int(day[4:6] or 1), int(day[6:8] or 1)
        start = datetime(*parts)
    digits, _, fraction = clock.partition(".")
    if not (digits + fraction + day).isascii() or not (digits + fraction + day + "0").isdigit() or len(digits) > 6:
        raise ValueError
    hours, minutes, seconds = (int(digits[at : at + 2] or 0) for at in (0, 2, 4))
    if hours > 23 or minutes > 59 or seconds > 60:
        raise ValueError
    return (start - _EPOCH).total_seconds() + hours * 3600 + minutes * 60 + seconds + float(f"0.{fraction or 0}")


def _vendor_time(elements: Elements, unread: list[str]) -> float | None:
    for creator_key, creator, key, name in _VENDOR_KEYS:
        if elements.get(creator_key) == creator:
            return _number(elements.get(key), name, unread)
    return None


def _seconds(elements: Elements, keyword: str, unread: list[str]) -> float | None:
    return _number(elements.get(keyword), keyword, unread)


def _number(value: Any, name: str, unread: list[str]) -> float | None:
    if value is None or value == "":
        return None
    try:
        return real(value)
    except (TypeError, ValueError):
        unread.append(name)
        return None


def date_time(seconds: float) -> str:
    """Return a DT value of seconds since 1970, to the microsecond."""
    at = _EPOCH + timedelta(seconds=seconds)
    return at.replace(tzinfo=UTC).strftime("%Y%m%d%H%M%S.%f")
