"""Implement `gatekeeper course`: the sessions of one course side by side."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.console_option import LOOPBACK
from gatekeeper.cli.options import ConsolePortOption, JsonOption, MarksOption
from gatekeeper.cli.output import say
from gatekeeper.core.errors import ConfigError

if TYPE_CHECKING:
    from gatekeeper.report.course_data import CourseSession

CourseArg = Annotated[list[Path], typer.Argument(help="Folders of the sessions of one course.", metavar="SESSION_DIR")]
CourseConsoleOption = Annotated[bool, typer.Option("--console", help="Show the page to browsers on this machine.")]
CourseOutOption = Annotated[Path, typer.Option("--out", help="File of the page.", metavar="F.html")]


def course(
    folders: CourseArg,
    out: CourseOutOption = Path("course.html"),
    marks: MarksOption = None,
    console: CourseConsoleOption = False,
    console_port: ConsolePortOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the sessions of one course side by side, with trends and outliers, as one self-contained HTML file.

    Exit 1 when a session could not be verified. With --console the page is served until Ctrl-C, and each session opens
    from it.
    """
    if console_port is not None and not console:
        raise ConfigError(f"command line: console-port = {console_port}: there is no console; give --console, too")
    from gatekeeper.report.course import figure_rows, notes_on
    from replay.progress import ProgressBars
    from replay.sessions.course import read_course, write_course
    from replay.sessions.marks_file import read_marks

    told = {} if marks is None else read_marks(marks)
    with ProgressBars() as bars:
        sessions = read_course(folders, told, bars)
        write_course(sessions, out)
    rows = figure_rows(sessions)
    width = max(len(row["title"]) for row in rows) + 2
    say(f"{'':{width}}{''.join(f'{one.title[:12]:>14}' for one in sessions)}  trend", err=as_json)
    for row in rows:
        cells = "".join(f"{value + (' !' if out else ''):>14}" for value, out in row["shown"])
        say(f"{row['title']:{width}}{cells}  {row['trend']}", err=as_json)
    for line in notes_on(sessions):
        say(f"note: {line}", err=as_json)
    say(f"course  {out}", err=as_json)
    if as_json:
        values = {
            "course": str(out),
            "sessions": [
                {
                    "name": one.name,
                    "fraction": None if one.course is None else one.course.fraction,
                    "verified": one.good,
                    "figures": {name: value if math.isfinite(value) else None for name, value in one.figures.items()},
                    "held_s": {reason.value: held_s for reason, held_s in one.held_s.items()},
                    "workflow_s": one.workflow_s,
                }
                for one in sessions
            ],
            "notes": notes_on(sessions),
        }
        typer.echo(json.dumps(values, allow_nan=False))
    if console:
        _serve(sessions, folders, console_port or 0, as_json)
    if not all(one.good for one in sessions):
        raise typer.Exit(1)


def _serve(sessions: "list[CourseSession]", folders: list[Path], port: int, as_json: bool) -> None:
    """Serve the page with links to its sessions; each opens in a process of its own."""
    from gatekeeper.cli.children import OpenSessions
    from gatekeeper.display.web.single_page import serve_page
    from gatekeeper.report.course import course_html

    places = {folder.resolve().name: folder.resolve() for folder in folders}
    # Two folders of one name cannot be told apart by it.
    linked = [places[one.name] for one in sessions] if len(places) == len(folders) else []
    opened = OpenSessions(LOOPBACK)
    try:
        html = course_html(sessions, linked=bool(linked))
        serve_page(html, LOOPBACK, port, lambda line: say(line, err=as_json), linked, opened.url)
    finally:
        opened.close()
