"""Say at the head of a report which session it is of, and list the limits that were in force."""

from collections.abc import Iterator

from gatekeeper.config import CourseConfig
from gatekeeper.core.command import Action
from gatekeeper.core.decision import Reason
from gatekeeper.core.reason_row import ReasonRow
from gatekeeper.core.reasons import reason_rows
from gatekeeper.report.session_data import SessionData

Row = tuple[str, str]
UNKNOWN = "not given"


def heading_of(session: SessionData) -> list[Row]:
    """Return which session it is: label, date, fraction, plan, operator and software.

    Parameters
    ----------
    session : SessionData
        The session.
    """
    course = session.config.course
    kind = session.config.tracker.kind
    return [
        ("label", UNKNOWN if course is None else f"{course.label}, course {course.course}"),
        ("date", date_of(session) or UNKNOWN),
        ("fraction", UNKNOWN if course is None else _fraction(course)),
        ("plan", UNKNOWN if course is None else _plan(course)),
        ("operator", ", ".join(_operators(session)) or UNKNOWN),
        ("software", f"gatekeeper {session.versions.get('gatekeeper', '')}, tracker {kind}"),
    ]


def title_of(session: SessionData) -> str:
    """Return the title of the page, which stands at the foot of each printed page: name, label, fraction, date."""
    course = session.config.course
    whose = [] if course is None else [f"{course.label}, course {course.course}, fraction {course.fraction}"]
    when = [date for date in [date_of(session)] if date is not None]
    return ", ".join(["Gating report: " + session.name, *whose, *when])


def date_of(session: SessionData) -> str | None:
    """Return when the session was begun, such as "2026-12-01 07:48 UTC"; None where the journal does not say it."""
    told = session.started_utc
    if len(told) < 13:
        return None
    return f"{told[:4]}-{told[4:6]}-{told[6:8]} {told[9:11]}:{told[11:13]} UTC"


def _fraction(course: CourseConfig) -> str:
    return f"{course.fraction}" + ("" if course.fractions is None else f" of {course.fractions}")


def _plan(course: CourseConfig) -> str:
    told = [
        *([] if course.dose_gy is None else [f"{course.dose_gy:g} Gy in all"]),
        *([] if course.beam_on_s is None else [f"beam on for {course.beam_on_s:g} s"]),
        *([] if course.plan_file is None else ["from an RTPLAN"]),
    ]
    return ", ".join(told) or UNKNOWN


def _operators(session: SessionData) -> list[str]:
    """Return who armed, as the journal says it; nobody twice."""
    armed = [one["values"] for one in session.events if one["event"] == Action.ARM]
    return list(dict.fromkeys(str(values["operator"]) for values in armed if values.get("operator")))


def limits_of(session: SessionData) -> Iterator[tuple[str, str, str]]:
    """Yield what the beam was held for, the limit in force, and the further settings that matter.

    Parameters
    ----------
    session : SessionData
        The session; limits are those of its first target.

    Yields
    ------
    text, limit, also : str
        One row of a table.
    """
    own = {Reason.OUTSIDE: session.limits.outside_percent, Reason.LOW_CONFIDENCE: session.limits.min_confidence}
    for row in reason_rows():
        if row.limit is None:
            continue
        value = own.get(row.reason, _value(session, row.limit))
        also = "; ".join(f"{name.split('.')[1]} {_text(_value(session, name))}" for name in row.also)
        yield row.text, _limit(row, value), also


def _value(session: SessionData, setting: str) -> object:
    part, name = setting.split(".")
    return getattr(getattr(session.config, part), name, None)


def _limit(row: ReasonRow, value: object) -> str:
    # Confidence has its range in place of a unit.
    plain = value is None or row.unit is None or row.unit.startswith("0")
    return _text(value) if plain else f"{_text(value)} {row.unit}"


def _text(value: object) -> str:
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
