"""Track the target in difficult scenes and print tables; exit code 1 when a limit is exceeded, 2 on bad usage."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from benchmarks.scenes import cine
from benchmarks.scenes.catalogue import SCENES, Scene
from benchmarks.scenes.follow import Followed, follow, staged
from benchmarks.scenes.judge import AUC, SURE, Figures, figures
from benchmarks.scenes.table import (
    areas,
    areas_table,
    as_json,
    reliability_table,
    scenes_table,
    unsure_shares,
    unsure_table,
)
from gatekeeper.core.errors import GatekeeperError
from replay.progress import ProgressBars

CINE = Path(__file__).resolve().parents[3] / "shared" / "cine"
SEEDS = (1, 2, 3, 4)

OnProgress = Callable[[str, int, int], None]


def run_scenes(
    scenes: Sequence[Scene], seeds: Sequence[int], preview_s: float, on_progress: OnProgress
) -> dict[str, list[Followed]]:
    """Return the tracking results of each seed, by scene."""
    found: dict[str, list[Followed]] = {}
    for scene in scenes:
        for seed in seeds:
            phantom, kind = staged(scene, seed, preview_s)
            preview = int(np.count_nonzero(phantom.recording.times_s < preview_s))
            found.setdefault(scene.name, []).append(follow(phantom, kind, preview))
            on_progress("scenes", sum(map(len, found.values())), len(scenes) * len(seeds))
    return found


def run_cine(preview_s: float, on_progress: OnProgress) -> tuple[dict[str, list[Followed]], dict[str, np.ndarray]]:
    """Return results of labelled cases, of those mixed with other people's frames, and confidence without truth."""
    scored, blind = cine.recordings(CINE) if CINE.is_dir() else ([], [])
    found: dict[str, list[Followed]] = {}
    for index, case in enumerate(scored):
        found.setdefault("recorded", []).append(cine.follow_labels(case, preview_s))
        if others := cine.others_of(case, scored):
            found.setdefault("recorded, others mixed in", []).append(cine.follow_mixed(case, others, preview_s))
        on_progress("recorded", index + 1, len(scored))
    return found, {case.name: cine.follow_blind(case, preview_s) for case in blind}


def main(args: Sequence[str] | None = None) -> int:
    """Track, print the tables, and return the exit code."""
    names = [scene.name for scene in SCENES]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scenes", description=__doc__)
    parser.add_argument(
        "scene", nargs="*", help=f"one of: {', '.join(names)}; by default all of them and the recorded cases"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="phantoms of each scene")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line of standard output")
    parser.add_argument("--preview", type=float, default=0.0, metavar="S", help="learn from this many seconds first")
    options = parser.parse_args(args)
    if unknown := set(options.scene) - set(names):
        print(f"bench-scenes: no scene {', '.join(sorted(unknown))}; there are {', '.join(names)}", file=sys.stderr)
        return 2
    scenes = [scene for scene in SCENES if not options.scene or scene.name in options.scene]
    preview_s = options.preview
    try:
        with ProgressBars() as bars:
            runs = run_scenes(scenes, options.seeds, preview_s, bars)
            recorded, blind = ({}, {}) if options.scene else run_cine(preview_s, bars)
    except GatekeeperError as error:
        print(f"bench-scenes: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    rows = {scene.name: (scene, figures(runs[scene.name], scene.can_be_followed)) for scene in scenes}
    sources = {"phantom": [run for several in runs.values() for run in several], **recorded}
    shares = unsure_shares(sources) | {
        f"{name}, no truth": (len(confidence), float((confidence < SURE).mean())) for name, confidence in blind.items()
    }
    console = Console(stderr=options.json, width=150)
    console.print(scenes_table(rows, options.seeds))
    for table in (areas_table(sources), reliability_table(sources), unsure_table(shares)):
        console.print(table)
    if not options.scene and not recorded:
        console.print(f"No recorded case is in the tables: none in {CINE} has labels", highlight=False)
    if options.json:
        print(json.dumps(as_json(rows, sources, shares), allow_nan=False))
    return int(_is_at_fault([row for _, row in rows.values()], areas(sources)["all together"][2]))


def _is_at_fault(rows: Sequence[Figures], area: float) -> bool:
    return area < AUC or any(row.faults for row in rows)


if __name__ == "__main__":
    sys.exit(main())
