"""What the command line can be told: each argument and option once, with its help."""

from pathlib import Path
from typing import Annotated

import typer

from gatekeeper.config import SessionConfig

DEFAULTS = SessionConfig()

CaseArg = Annotated[
    Path, typer.Argument(help="Folder of a recorded case (TrackRAD2025) or of a session.", metavar="CASE")
]
SessionArg = Annotated[Path, typer.Argument(help="Folder of a session.", metavar="SESSION_DIR")]
HeadOption = Annotated[
    str | None, typer.Option(help="Hash of the journal's last line, as it was kept elsewhere.", metavar="HASH")
]
NewCaseArg = Annotated[Path, typer.Argument(help="Folder for the case, new or empty.", metavar="OUT_DIR")]
MarginOption = Annotated[
    float | None,
    typer.Option(
        help="Growth of the target to the envelope, in mm.",
        metavar="MM",
        show_default=f"{DEFAULTS.envelope.margin_mm:g}",
    ),
]
OutsideOption = Annotated[
    float | None,
    typer.Option(
        help="Share of the target that may be outside, in percent.",
        metavar="%",
        show_default=f"{DEFAULTS.gate.outside_percent:g}",
    ),
]
ConfigOption = Annotated[Path | None, typer.Option(help="TOML file with settings.", metavar="F.toml")]
SpeedOption = Annotated[
    str, typer.Option(help="A multiple of real time, or max: as fast as it goes.", metavar="max|1.0")
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        help="Folder for the session, new or empty.", metavar="DIR", show_default="sessions/<case>-<UTC time>"
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line of standard output.")]

FaultOption = Annotated[
    list[str] | None,
    typer.Option(
        help="What goes wrong with frames on their way, again and again if given so: NAME@START[+FRAMES][~CHANCE]"
        "[=AMOUNT], for example nan@40+5 or drop@100+3.",
        metavar="FAULT",
    ),
]
ListenOption = Annotated[
    str, typer.Option(help="Where to listen for the sender; port 0 takes a free one.", metavar="HOST:PORT")
]
KeyOption = Annotated[Path, typer.Option(help="Shared key, 32 bytes or more, its owner's alone.", metavar="F")]
LongestOption = Annotated[
    int, typer.Option(help="The longest lease that is granted, in ms.", metavar="MS", min=1, max=10_000)
]
JsonLinesOption = Annotated[bool, typer.Option("--json", help="Print every event as one JSON object per line.")]
