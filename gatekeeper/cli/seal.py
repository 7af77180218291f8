"""Implement `gatekeeper seal`: a countersigned head of a session, to be kept elsewhere."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gatekeeper.cli.options import JsonOption, SessionArg, TrustedOption
from gatekeeper.cli.output import say

SealOutOption = Annotated[
    Path | None,
    typer.Option("--out", help="File of the seal.", metavar="F.seal.json", show_default="<session>.seal.json here"),
]
ReplyOption = Annotated[
    Path | None,
    typer.Option(
        "--timestamp-reply",
        help="Reply of a time-stamping authority (RFC 3161) over the head, to be kept beside the seal.",
        metavar="F.tsr",
    ),
]


def seal(
    session_dir: SessionArg,
    out: SealOutOption = None,
    timestamp_reply: ReplyOption = None,
    trusted: TrustedOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the head of a session, countersigned, to a file that is kept elsewhere.

    With --timestamp-reply the seal that is there already is kept, and the reply is attached to it.
    """
    from gatekeeper.recording.signing import installation_key, read_trusted
    from replay.sessions.seal import SUFFIX, attach_time_stamp, make_seal, read_seal, write_seal

    path = Path(f"{session_dir.resolve().name}{SUFFIX}") if out is None else out
    if timestamp_reply is None:
        made = make_seal(session_dir, installation_key(), None if trusted is None else read_trusted(trusted))
        write_seal(made, path)
        stamped = None
    else:
        made, stamped = read_seal(path), attach_time_stamp(timestamp_reply, path)
    rows = [("seal", str(path)), ("head", made.head), ("key", made.key)]
    rows.append(("complete", "yes" if made.complete else f"no: up to line {made.line}"))
    if stamped is not None:
        rows.append(("time", stamped))
    say("\n".join(f"{name:<9} {value}" for name, value in rows), err=as_json)
    if as_json:
        typer.echo(json.dumps({"seal": str(path), **asdict(made), "time_stamp": stamped}))
