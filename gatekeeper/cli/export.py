"""Implement `gatekeeper export`: write a session for other programs."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from gatekeeper.cli.options import SessionArg
from gatekeeper.cli.output import say
from gatekeeper.core.errors import ConfigError

SlicerOption = Annotated[bool, typer.Option("--slicer", help="For the SlicerCineTrack extension of 3D Slicer.")]
OutOption = Annotated[
    Path | None, typer.Option(help="Folder to make, new or empty.", metavar="DIR", show_default="<session>-slicer")
]


def export(session_dir: SessionArg, slicer: SlicerOption = False, out: OutOption = None) -> None:
    """Write images, target and motion of a session for another program."""
    from replay.formats.session import open_session
    from replay.formats.writers.slicer import write_slicer
    from replay.progress import ProgressBars

    if not slicer:
        raise ConfigError("command line: export: does not say for which program; give --slicer")
    folder = Path(f"{session_dir.resolve().name}-slicer") if out is None else out
    with closing(open_session(session_dir)) as session, ProgressBars() as bars:
        write_slicer(session, folder, bars)
    say(f"{folder}")
