"""Implement `gatekeeper export`: write a session for other programs."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from gatekeeper.cli.options import SessionArg
from gatekeeper.cli.output import say
from gatekeeper.core.errors import ConfigError

SlicerOption = Annotated[bool, typer.Option("--slicer", help="For the SlicerCineTrack extension of 3D Slicer.")]
TrackradOption = Annotated[
    bool, typer.Option("--trackrad", help="As a TrackRAD case with the structures that were found as its output.")
]
OutOption = Annotated[
    Path | None,
    typer.Option(help="Folder to make, new or empty.", metavar="DIR", show_default="<session>-slicer or -trackrad"),
]


def export(
    session_dir: SessionArg, slicer: SlicerOption = False, trackrad: TrackradOption = False, out: OutOption = None
) -> None:
    """Write images, structures and motion of a session for another program."""
    from replay.formats.session import open_session
    from replay.formats.writers.session_trackrad import write_session_trackrad
    from replay.formats.writers.slicer import write_slicer
    from replay.progress import ProgressBars
    from replay.sessions.tracked import tracked_again

    if slicer == trackrad:
        what = "both" if slicer else "not for which program"
        raise ConfigError(f"command line: export: says {what}; give --slicer or --trackrad")
    folder = Path(f"{session_dir.resolve().name}-{'slicer' if slicer else 'trackrad'}") if out is None else out
    notes: list[str] = []
    with closing(open_session(session_dir)) as session, ProgressBars() as bars:
        if slicer:
            write_slicer(session, folder, bars)
        else:
            write_session_trackrad(session, tracked_again(session), folder, bars, notes.append)
    for note in notes:
        say(f"gatekeeper: {note}", err=True)
    say(f"{folder}")
