"""Compare gatekeeper with its peers and print tables; exit code 2 when a case cannot be used."""

import argparse
import json
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.harder import harder
from gatekeeper.core.errors import GatekeeperError
from replay.formats.trackrad import open_case
from replay.peers.measure import OnProgress, can_be_scored, measure
from replay.peers.methods import available_methods, one_thread_each
from replay.peers.table import Case, as_json, cases_table, methods_table, pool
from replay.phantom import PhantomConfig, make_phantom
from replay.progress import ProgressBars
from replay.recording import Recording

CINE = Path(__file__).resolve().parents[2] / "shared" / "cine"
RECORDED, PHANTOM = "recorded", "phantom"


def recordings(requested: Sequence[str], on_progress: OnProgress) -> Iterator[tuple[str, Recording]]:
    """Yield the requested cases, by path or by name in `CINE`, each with the group that it is pooled with.

    By default these are all cases in `CINE` that can be scored, and the phantom.

    Raises
    ------
    RecordingError
        When there is no such case.
    """
    if not requested:
        folders = sorted(images.parent for images in CINE.glob("*/images"))
        yield from ((RECORDED, found) for found in map(open_case, folders) if can_be_scored(found))
    for name in requested or [PHANTOM]:
        if name == PHANTOM:
            on_progress("making phantom", 0, 1)
            made = make_phantom(PhantomConfig()).recording
            on_progress("making phantom", 1, 1)
            yield PHANTOM, made
        else:
            beside = CINE / name
            yield RECORDED, open_case(beside if beside.is_dir() and not Path(name).exists() else Path(name))


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
    parser.add_argument("case", nargs="*", help="folder of a recorded case, its name in ../shared/cine, or: phantom")
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
    groups: dict[str, dict[str, Case]] = {}
    try:
        with ProgressBars() as bars:
            for group, recording in recordings(options.case, bars):
                shown = harder(recording, options.noise, options.every, options.shuffled)
                groups.setdefault(group, {})[recording.name] = measure(shown, methods, bars)
    except GatekeeperError as error:
        print(f"bench-peers: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    console = Console(stderr=options.json, width=150)
    for group, cases in groups.items():
        names = ", ".join(cases)
        console.print(methods_table(f"{group}: {names}", pool(cases)))
    console.print(cases_table({name: case for cases in groups.values() for name, case in cases.items()}))
    if RECORDED not in groups and not options.case:
        console.print(f"No recorded case is in the table: none in {CINE} has labels", highlight=False)
    if left_out is not None:
        console.print(left_out, highlight=False)
    if options.json:
        print(json.dumps(as_json(groups, left_out), allow_nan=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
