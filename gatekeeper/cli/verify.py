"""Implement `gatekeeper verify`: check that a session is intact and its decisions are reproduced."""

import json
import re

import typer

from gatekeeper.cli.options import (
    HeadOption,
    InterlockOption,
    JsonOption,
    SealOption,
    SessionArg,
    TrackerOption,
    TrustedOption,
)
from gatekeeper.cli.output import say
from gatekeeper.cli.settings import known_tracker
from gatekeeper.core.errors import ConfigError


def verify(
    session_dir: SessionArg,
    head: HeadOption = None,
    trusted: TrustedOption = None,
    seal: SealOption = None,
    interlock: InterlockOption = None,
    tracker: TrackerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check that a session is as it was written, and that its frames give the same decisions again.

    The exit code is 0 when it is good, 1 with a finding, 3 when it is incomplete and nothing else is wrong.
    """
    from gatekeeper.recording.signing import read_trusted
    from replay.progress import waiting
    from replay.sessions.verify import verify_folder

    if head is not None and not re.fullmatch(r"[0-9a-f]{64}", head):
        raise ConfigError(f"command line: head = {head!r:.80}: must be 64 hexadecimal digits, as verify prints them")
    keys = None if trusted is None else read_trusted(trusted)
    with waiting("verifying"):
        found = verify_folder(session_dir, head, known_tracker(tracker), keys, seal, interlock)
    say(found.as_table(), err=as_json)
    if as_json:
        typer.echo(json.dumps(found.as_json(), allow_nan=False))
    if found.exit_code:
        raise typer.Exit(found.exit_code)
