"""Read what a list shows of a session: from the two ends of its journal, its settings and its summary, in a moment."""

import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gatekeeper.core.errors import RecordingError
from gatekeeper.core.json_values import measured, parsed
from gatekeeper.recording.folder_files import JOURNAL
from replay.cohort.find import SETTINGS
from replay.formats.session import read_summary

END_BYTES = 2**16
"""How much of each end of a journal is read, in bytes."""
LIVE, REPLAY = "live", "replay"
"""Kinds of sessions: with a live source, and replayed from a recording."""
COURSE = ("label", "course", "fraction", "fractions", "strategy")
"""Facts of the course that are shown."""
COUNTED = ("frames", "duty_cycle", "beam_on_s", "holds")
"""Figures of the summary that are shown."""


def session_facts(folder: Path) -> dict[str, Any]:
    """Return what a list shows of a session; nothing is checked.

    Parameters
    ----------
    folder : Path
        Folder of the session.

    Returns
    -------
    dict
        `kind`, `name`, `date` (ISO 8601, UTC), `duration_s`, `ended`, facts of the course and figures of the summary,
        each where it is known; and `finding` where a file cannot be read.
    """
    found: dict[str, Any] = {"kind": REPLAY, "name": None, "date": None, "duration_s": None, "ended": False}
    try:
        first, last = _ends(folder / JOURNAL)
        header = next(_lines(first), {})
        # A replay has no source; sessions before 0.2 do not tell.
        found["kind"] = REPLAY if header.get("source") is None else LIVE
        found["name"] = _text(_part(header, "setup").get("name"))
        found["date"] = _date(_part(header, "session").get("started_utc"), folder / JOURNAL)
        last.reverse()
        found["ended"] = next(_lines(last), {}).get("kind") == "end"
        begin_s, end_s = next(_times_s(first), None), next(_times_s(last), None)
        found["duration_s"] = None if begin_s is None or end_s is None else round(end_s - begin_s, 3)
        settings = tomllib.loads((folder / SETTINGS).read_bytes().decode())
        course = _part(settings, "course")
        found |= {name: _plain(course.get(name)) for name in COURSE}
        found |= {"margin_mm": _plain(_part(settings, "envelope").get("margin_mm"))}
        summary = read_summary(folder) or {}
        found |= {name: _plain(summary.get(name)) for name in COUNTED}
    except (OSError, ValueError, RecursionError, RecordingError) as error:
        told = f"cannot be read ({error.strerror})" if isinstance(error, OSError) else str(error)
        found["finding"] = " ".join(told.replace(str(folder), "session").split())[:300]
    return found


def _ends(journal: Path) -> tuple[list[bytes], list[bytes]]:
    """Return the whole lines from the begin and from the end of a journal."""
    with journal.open("rb") as file:
        head = file.read(END_BYTES)
        size = file.seek(0, 2)
        file.seek(max(size - END_BYTES, 0))
        tail = file.read(END_BYTES)
    first = head if size <= END_BYTES else head.rpartition(b"\n")[0]
    last = tail if size <= END_BYTES else tail.partition(b"\n")[2]
    return first.split(b"\n"), last.split(b"\n")


def _lines(lines: list[bytes]) -> Iterator[Mapping[str, Any]]:
    for line in lines:
        try:
            values = parsed(line)
        except ValueError:
            continue
        if isinstance(values, dict):
            yield values


def _times_s(lines: list[bytes]) -> Iterator[float]:
    for one in _lines(lines):
        if one.get("kind") in ("frame", "silence") and isinstance(one.get("decided_s"), float | int):
            yield measured(one["decided_s"])


def _part(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = values.get(name)
    return part if isinstance(part, dict) else {}


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float) and not isinstance(value, bool) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _date(stamp: object, journal: Path) -> str:
    """Return when a session began as ISO 8601; when its journal was last written where it does not tell."""
    if isinstance(stamp, str):
        try:
            return datetime.strptime(stamp, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC).isoformat(timespec="seconds")
        except ValueError:
            pass
    return date_of(journal)


def date_of(path: Path) -> str:
    """Return when a file was last changed, as ISO 8601 in UTC."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")
