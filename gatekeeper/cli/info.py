"""`gatekeeper info`: what is in a recording."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.options import (
    AsStoredOption,
    JsonOption,
    ObserverOption,
    PlaneOption,
    RateOption,
    ResampleOption,
    RoiOption,
    ScanOption,
    SpacingOption,
    TargetOption,
    TimeAxisOption,
)
from gatekeeper.cli.output import say
from gatekeeper.cli.settings import choices_of
from gatekeeper.core.errors import ConfigError

if TYPE_CHECKING:
    from gatekeeper.cli.structure_list import Listed

PathArg = Annotated[Path | None, typer.Argument(help="File or folder of a recording or session.", metavar="PATH")]
PngOption = Annotated[Path | None, typer.Option(help="Write the first frame as a PNG image.", metavar="OUT")]
PixelOption = Annotated[
    str | None,
    typer.Option(
        help="Mark a pixel of the first frame, and tell its value and its place in the patient.", metavar="ROW,COL"
    ),
]
PluginsOption = Annotated[
    bool, typer.Option("--plugins", help="List trackers, sources, linac ports and formats, ours and installed ones.")
]


def info(
    path: PathArg = None,
    scan: ScanOption = None,
    observer: ObserverOption = None,
    time_axis: TimeAxisOption = None,
    as_stored: AsStoredOption = False,
    rate_hz: RateOption = None,
    spacing_mm: SpacingOption = None,
    plane: PlaneOption = None,
    roi: RoiOption = None,
    resample: ResampleOption = None,
    target: TargetOption = None,
    png: PngOption = None,
    pixel: PixelOption = None,
    plugins: PluginsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show frames, geometry, rate, gaps, repeated frames and structures of a recording, and its first frame.

    Of a recording of several structures, and of each --target FILE, all structures are listed: with their areas on the
    first frame, or why they are not there or cannot be tracked.
    """
    if plugins:
        from gatekeeper.cli.plugin_list import list_plugins

        list_plugins(as_json)
        return
    if path is None:
        raise ConfigError("command line: PATH is missing; name a recording or session, or give --plugins")
    from rich.console import Console

    from gatekeeper.cli.compilation import compile_kernels
    from replay.formats.open import format_of, open_recording
    from replay.progress import ProgressBars
    from replay.recording_info import facts_of

    if roi is not None and len(roi) > 1:
        raise ConfigError(f"command line: roi = {roi[1]!r:.80}: info shows one; without --roi it lists all")
    one_roi = None if roi is None else roi[0]
    choices = choices_of(scan, observer, time_axis, as_stored, rate_hz, spacing_mm, plane, one_roi, resample)
    mark = None if pixel is None else _row_and_column(pixel)
    recording = open_recording(path, choices)
    console = Console(stderr=as_json)
    with_structures = bool(recording.named_structures or target)
    # Neither is always there, and they need much more than a recording does.
    if with_structures or png is not None or console.is_terminal:
        compile_kernels()
    structures: tuple[Listed, ...] = ()
    if with_structures:
        from gatekeeper.cli.structure_list import as_table, listed_structures

        structures = listed_structures(recording, path, choices, target or ())
    with ProgressBars() as bars:
        facts = facts_of(recording, format_of(path).name, bars, mark)
    if png is not None:
        from replay.recording_picture import png_picture
        from replay.write import file_written_atomically

        with file_written_atomically(png) as unfinished:
            unfinished.write_bytes(png_picture(recording, mark=mark))
    if console.is_terminal:
        from replay.recording_picture import terminal_picture

        console.print(terminal_picture(recording, width=min(64, console.width), mark=mark), end="")
    say(facts.as_table(), err=as_json)
    if structures:
        say(f"\n{as_table(structures)}", err=as_json)
    if as_json:
        values = {**facts.as_json(), "structures": [asdict(one) for one in structures]}
        typer.echo(json.dumps(values, allow_nan=False))


def _row_and_column(text: str) -> tuple[int, int]:
    """Return the indices of a pixel."""
    words = text.split(",")
    if len(words) != 2 or not all(word.strip().isascii() and word.strip().isdecimal() for word in words):
        raise ConfigError(f"command line: pixel = {text!r:.40}: must be a row and a column, such as 30,40")
    row, col = map(int, words)
    return row, col
