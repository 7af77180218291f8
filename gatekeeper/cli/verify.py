"""Implement `gatekeeper verify`: check that a session is intact and its decisions are reproduced."""

import json
import re

import typer

from gatekeeper.cli.options import HeadOption, JsonOption, SessionArg, TrackerOption
from gatekeeper.cli.settings import known_tracker
from gatekeeper.core.errors import ConfigError


def verify(
    session_dir: SessionArg, head: HeadOption = None, tracker: TrackerOption = None, as_json: JsonOption = False
) -> None:
    """Check that a session is as it was written, and that its frames give the same decisions again."""
    from replay.progress import waiting
    from replay.sessions.verify import verify_folder

    if head is not None and not re.fullmatch(r"[0-9a-f]{64}", head):
        raise ConfigError(f"command line: head = {head!r:.80}: must be 64 hexadecimal digits, as verify prints them")
    with waiting("verifying"):
        found = verify_folder(session_dir, head, known_tracker(tracker))
    typer.echo(found.as_table(), err=as_json)
    if as_json:
        typer.echo(json.dumps(found.as_json(), allow_nan=False))
    if not found.good:
        raise typer.Exit(1)
