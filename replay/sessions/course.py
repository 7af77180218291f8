"""Read the sessions of one course, and write them side by side."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import cast

from gatekeeper.core.atomic_write import write_atomically
from gatekeeper.core.errors import InputError
from gatekeeper.report.course import course_html
from gatekeeper.report.course_data import CourseSession, course_session, in_order
from replay.formats.session import open_session
from replay.progress import OnProgress
from replay.sessions.marks_file import Key, key_of
from replay.sessions.report import session_data_of


def read_course(
    folders: Sequence[Path], marks: Mapping[Key, Mapping[str, float]], on_progress: OnProgress
) -> list[CourseSession]:
    """Return the sessions of a course, in the order of their fractions.

    Parameters
    ----------
    folders : sequence of Path
        Session folders.
    marks : mapping
        Durations of steps that were measured elsewhere, as `read_marks` returns them.
    on_progress : callable
        Called after each session.

    Returns
    -------
    list of CourseSession

    Raises
    ------
    RecordingError
        When a folder is not a session, or holds no decision.
    InputError
        When the sessions are not of one course, or one is given twice.
    """
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise InputError("course: a session is given twice; give each once")
    found = []
    for number, folder in enumerate(folders):
        on_progress("reading sessions", number, len(folders))
        with closing(open_session(folder)) as session:
            identity = cast(dict[str, str], session.chain.entries[0].get("session") or {})
            facts = session.config().course
            steps_s = {} if facts is None else marks.get(key_of(facts), {})
            data = session_data_of(session)
            found.append(course_session(folder.resolve().name, identity.get("started_utc", ""), data, steps_s))
    on_progress("reading sessions", len(folders), len(folders))
    return in_order(found)


def write_course(sessions: Sequence[CourseSession], path: Path) -> None:
    """Write the page of a course atomically.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    write_atomically(path, course_html(sessions).encode())
