"""Time the opening of a DICOM cine of ten minutes beside pydicom's reading of its headers, in the same run.

The files are those of `gatekeeper export --dicom`, and once more with elements as scanners add them. Each is opened as
`replay` and `info` do, until its frames can be read in order; pydicom reads every file up to its pixels.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.filereader import dcmread
from rich.console import Console as Screen
from rich.table import Table

from gatekeeper.core.clock import stopwatch_ns
from gatekeeper.core.frame import Plane
from replay.formats.open import open_recording
from replay.mr_object import mr_object
from replay.progress import OnProgress, ProgressBars

FILES, SIDE = 4800, 512
"""A cine of 10 minutes at 8 frames per second."""
MOST = 1.5
"""Limit of the time of opening, in units of pydicom's for the headers."""
KINDS = ("short headers", "long headers")
_SERIES, _REFERENCE = "2.25.1900", "2.25.1901"
_PRIVATE = 60


def write_cine(folder: Path, count: int, side: int, is_long: bool, on_progress: OnProgress) -> None:
    """Write a folder of files with one image each."""
    folder.mkdir()
    rng = np.random.default_rng(19)
    image = rng.integers(0, 1000, (side, side)).astype(np.uint16)
    for k in range(count):
        item = mr_object(np.roll(image, k, 0), (0.7, 0.7), Plane(), 0.125 * k, k + 1, _SERIES, _REFERENCE)
        if is_long:
            _add_elements(item)
        item.save_as(folder / f"{k:06d}.dcm", enforce_file_format=True)
        on_progress("writing files", k + 1, count)


def _add_elements(item: Dataset) -> None:
    """Add elements of a scanner: private ones of its makers, and ten kilobytes of its protocol."""
    item.RepetitionTime, item.FlipAngle, item.SliceThickness = "3.1", "60", "7"
    item.SeriesDescription, item.ProtocolName, item.StationName = "cine", "cine", "scanner"
    item.WindowCenter, item.WindowWidth, item.PatientPosition = "400", "900", "HFS"
    item.add_new(0x00190010, "LO", "SCANNER")
    for k in range(_PRIVATE):
        item.add_new(0x00191000 + k, "LO", f"value {k}")
    item.add_new(0x00290010, "LO", "SCANNER")
    item.add_new(0x00291010, "OB", bytes(10_000))


def opening_s(folder: Path) -> float:
    """Return the time of opening a recording, in s."""
    return _timed(lambda: open_recording(folder))


def headers_s(folder: Path) -> float:
    """Return the time in which pydicom reads all headers, in s."""
    return _timed(lambda: [dcmread(file, stop_before_pixels=True) for file in sorted(folder.iterdir())])


def _both_s(folder: Path, is_reversed: bool) -> tuple[float, float]:
    """Return both times, in s; what comes first finds fewer files in the memory of the system."""
    if is_reversed:
        taken_s = opening_s(folder)
        return headers_s(folder), taken_s
    return headers_s(folder), opening_s(folder)


def _timed(action: Callable[[], object]) -> float:
    began_ns = stopwatch_ns()
    action()
    return (stopwatch_ns() - began_ns) * 1e-9


def main(arguments: list[str] | None = None) -> int:
    """Measure, print a table, and return 1 when opening takes longer than the limit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.opening", description=__doc__)
    parser.add_argument("--files", type=int, default=FILES, help=f"number of files (default {FILES})")
    parser.add_argument("--side", type=int, default=SIDE, help=f"rows and columns (default {SIDE})")
    parser.add_argument("--runs", type=int, default=4, help="runs of each, in turn; the best counts (default 4)")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args(arguments)
    if min(options.files, options.side, options.runs) < 1:
        parser.error("--files, --side and --runs must be at least 1")
    found: dict[str, dict[str, float]] = {}
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as above, ProgressBars() as bars:
            folder = Path(above) / "cine"
            write_cine(folder, options.files, options.side, kind == KINDS[1], bars)
            pairs = [_both_s(folder, run % 2 == 1) for run in range(options.runs)]
        bare_s, ours_s = (min(each) for each in zip(*pairs, strict=True))
        found[kind] = {"pydicom_s": bare_s, "opening_s": ours_s, "ratio": ours_s / bare_s}
    table = Table("files", "pydicom, headers only", "opening", "ratio", "limit")
    for kind, one in found.items():
        name = f"{options.files} of {options.side} x {options.side} px, {kind}"
        table.add_row(
            name, f"{one['pydicom_s']:.2f} s", f"{one['opening_s']:.2f} s", f"{one['ratio']:.2f}", f"{MOST:g}"
        )
    Screen(stderr=True).print(table)
    good = all(one["ratio"] < MOST for one in found.values())
    if options.json:
        print(json.dumps({**found, "good": good}))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
