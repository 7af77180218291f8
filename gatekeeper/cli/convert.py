"""Implement `gatekeeper convert`: write a recording in another format."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from gatekeeper.cli.options import (
    AsStoredOption,
    ObserverOption,
    PlaneOption,
    RateOption,
    ResampleOption,
    ScanOption,
    SpacingOption,
    TimeAxisOption,
)
from gatekeeper.cli.output import say
from gatekeeper.cli.settings import choices_of

PathArg = Annotated[Path, typer.Argument(help="File or folder of a recording or session.", metavar="PATH")]
OutArg = Annotated[Path, typer.Argument(help="File (.npz, .h5) or folder to make.", metavar="OUT")]
ToOption = Annotated[
    Literal["trackrad", "npz", "mrd", "dicom"] | None,
    typer.Option(help="Format to write, where OUT does not end in .npz or .h5.", metavar="trackrad|npz|mrd|dicom"),
]


def convert(
    path: PathArg,
    out: OutArg,
    to: ToOption = None,
    scan: ScanOption = None,
    observer: ObserverOption = None,
    time_axis: TimeAxisOption = None,
    as_stored: AsStoredOption = False,
    rate_hz: RateOption = None,
    spacing_mm: SpacingOption = None,
    plane: PlaneOption = None,
    resample: ResampleOption = None,
) -> None:
    """Write a recording in another format, with its pixels, geometry, times and structures, without a person's name.

    What the format cannot hold is said, one line each.
    """
    from replay.formats.open import open_recording
    from replay.formats.writers.targets import target_of
    from replay.progress import ProgressBars

    target = target_of(to, out)
    choices = choices_of(scan, observer, time_axis, as_stored, rate_hz, spacing_mm, plane, None, resample)
    recording = open_recording(path, choices)
    usable = [one.name for one in recording.structures if not one.why]
    if recording.target_name is None and usable:
        # Each by itself, and not all as one target.
        recording = open_recording(path, replace(choices, roi=usable[0]))
    recording = replace(recording, structures=tuple(one for one in recording.structures if not one.why))
    for note in (*recording.notes, *target.notes(recording)):
        say(f"gatekeeper: {note}", err=True)
    with ProgressBars() as bars:
        target.write(recording, out, bars)
    say(f"{out}")
