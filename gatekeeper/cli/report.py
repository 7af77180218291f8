"""Implement `gatekeeper report`: write the report of a session."""

import json

import typer

from gatekeeper.cli.options import JsonOption, ReportOutOption, SessionArg, TrackerOption
from gatekeeper.cli.output import say
from gatekeeper.cli.settings import known_tracker


def report(
    session_dir: SessionArg, out: ReportOutOption = None, tracker: TrackerOption = None, as_json: JsonOption = False
) -> None:
    """Write the report of a session as one self-contained HTML file."""
    from replay.progress import ProgressBars
    from replay.sessions.report import write_report

    with ProgressBars() as bars:
        path = write_report(session_dir, out, bars, known_tracker(tracker))
    say(f"report  {path}", err=as_json)
    if as_json:
        typer.echo(json.dumps({"report": str(path), "bytes": path.stat().st_size}))
