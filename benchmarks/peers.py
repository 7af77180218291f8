"""Compare gatekeeper with its peers and print tables; exit code 2 when a case cannot be used."""

import argparse
import json
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.harder import harder, kept
from benchmarks.scenes.follow import staged
from benchmarks.scenes.pushed_cine import half_real_cases
from benchmarks.scenes.sizes import SIZES, size_scenes
from gatekeeper.core.contour import mask_to_contour
from gatekeeper.core.errors import GatekeeperError
from replay.formats.trackrad import open_case
from replay.peers.measure import OnProgress, can_be_scored, measure
from replay.peers.methods import OURS, available_methods, one_thread_each
from replay.peers.table import Case, as_json, cases_table, groups_table, methods_table, pool
from replay.phantom import Phantom, PhantomConfig, make_phantom
from replay.progress import ProgressBars
from replay.recording import Recording
from replay.scores.outline import moved_points

CINE = Path(__file__).resolve().parents[2] / "shared" / "cine"
RECORDED, PHANTOM, HALF_REAL = "recorded", "phantom", "half-real"
KINDS = (PHANTOM, *SIZES, HALF_REAL)

FIGURES = {
    "center_mm": ("mean centre distance, mm", 2),
    "center_p95_mm": ("95th percentile of the centre distance, mm", 2),
    "outline_mm": ("mean distance of the outline's points from where their tissue is, mm", 2),
    "outline_p95_mm": ("95th percentile of that distance, mm", 2),
    "dsc": ("DSC", 3),
    "p50_ms": ("time of a frame, median, ms", 2),
}
"""Figures shown by size of target, with their title and number of decimals."""


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """A case, the group that it is pooled with, and the true outline (T, N, 2) in px where it is known."""

    group: str
    recording: Recording
    truth_px: NDArray[np.float64] | None = None


def cases(requested: Sequence[str], seeds: Sequence[int], on_progress: OnProgress) -> Iterator[Labelled]:
    """Yield the requested cases: by path, by name in `CINE`, or all of a kind.

    A kind is the phantom, a size of target (`benchmarks.scenes.sizes`) or half-real cases. By default these are all
    cases in `CINE` that can be scored, the phantom, every size and the half-real cases.

    Raises
    ------
    RecordingError
        When there is no such case.
    """
    if not requested:
        folders = sorted(images.parent for images in CINE.glob("*/images"))
        yield from (Labelled(RECORDED, found) for found in map(open_case, folders) if can_be_scored(found))
    for name in requested or KINDS:
        if name == PHANTOM:
            on_progress("making phantom", 0, 1)
            made = make_phantom(PhantomConfig())
            on_progress("making phantom", 1, 1)
            yield _from_phantom(PHANTOM, made)
        elif name in SIZES:
            for scene, seed in [(scene, seed) for scene in size_scenes() for seed in seeds if scene.size == name]:
                made, _ = staged(scene, seed)
                renamed = replace(made.recording, name=f"{scene.name}, {seed}")
                yield _from_phantom(name, replace(made, recording=renamed))
        elif name == HALF_REAL:
            for pushed in half_real_cases(CINE):
                yield Labelled(f"{HALF_REAL}, {pushed.target}", pushed.made.recording, pushed.made.outlines_px)
        else:
            beside = CINE / name
            yield Labelled(RECORDED, open_case(beside if beside.is_dir() and not Path(name).exists() else Path(name)))


def _from_phantom(group: str, phantom: Phantom) -> Labelled:
    recording = phantom.recording
    assert recording.first_mask is not None
    return Labelled(group, recording, moved_points(mask_to_contour(recording.first_mask), phantom.contours))


def _seconds(text: str) -> float:
    """Parse a duration in seconds, for argparse."""
    seconds = float(text)
    if not 0.0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text} s; give a positive number of seconds")
    return seconds


def _share(text: str) -> float:
    """Parse a share of the brightness, for argparse."""
    share = float(text)
    if not 0.0 <= share <= 1.0:
        raise argparse.ArgumentTypeError(f"{text}; give a share of the brightness, 0 to 1")
    return share


def _step(text: str) -> int:
    """Parse a number of frames, for argparse."""
    step = int(text)
    if not 1 <= step <= 100:
        raise argparse.ArgumentTypeError(f"{text}; give 1 to keep every frame, 2 for every second, up to 100")
    return step


def main(args: Sequence[str] | None = None) -> int:
    """Measure, print the tables, and return the exit code: 0 good, 2 bad usage or a case that cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument(
        "case",
        nargs="*",
        help=f"folder of a recorded case, its name in ../shared/cine, or one of: {', '.join(KINDS)}",
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1], help="phantoms of each size and motion")
    parser.add_argument("--leave-out", nargs="+", default=[], metavar="METHOD", help="methods that are not run")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line of standard output")
    parser.add_argument(
        "--preview",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="let gatekeeper learn from the beginning of each case, without labels, in an additional row; all rows are "
        "scored on the complete case",
    )
    parser.add_argument(
        "--noise", type=_share, default=0.0, metavar="SHARE", help="add noise of this share of the brightness"
    )
    parser.add_argument("--every", type=_step, default=1, metavar="N", help="keep only every Nth frame")
    parser.add_argument("--shuffled", action="store_true", help="shuffle the frames after the first")
    options = parser.parse_args(args)
    one_thread_each()
    methods, left_out = available_methods(options.preview)
    if unknown := set(options.leave_out) - {method.name for method in methods if method.name != OURS}:
        names = ", ".join(method.name for method in methods if method.name != OURS)
        print(f"bench-peers: no method {', '.join(sorted(unknown))} to leave out; there are {names}", file=sys.stderr)
        return 2
    methods = [method for method in methods if method.name not in options.leave_out]
    groups: dict[str, dict[str, Case]] = {}
    try:
        with ProgressBars() as bars:
            for case in cases(options.case, options.seeds, bars):
                shown = harder(case.recording, options.noise, options.every, options.shuffled)
                truth_px = None
                if case.truth_px is not None:
                    truth_px = case.truth_px[kept(len(case.truth_px), options.every, options.shuffled)]
                groups.setdefault(case.group, {})[shown.name] = measure(shown, methods, bars, truth_px)
    except GatekeeperError as error:
        print(f"bench-peers: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    console = Console(stderr=options.json, width=150)
    for group, found in groups.items():
        console.print(methods_table(f"{group}: {', '.join(found)}", pool(found)))
    by_size = {group: pool(found) for group, found in groups.items() if group not in (RECORDED, PHANTOM)}
    if by_size:
        for field, (title, digits) in FIGURES.items():
            console.print(groups_table(f"By size: {title}", by_size, field, digits))
    console.print(cases_table({name: case for found in groups.values() for name, case in found.items()}))
    if RECORDED not in groups and not options.case:
        console.print(f"No recorded case is in the table: none in {CINE} has labels", highlight=False)
    if left_out is not None:
        console.print(left_out, highlight=False)
    if options.json:
        print(json.dumps(as_json(groups, left_out), allow_nan=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
