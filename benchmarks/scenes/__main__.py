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
from benchmarks.scenes.organs import SCENES as ORGAN_SCENES
from benchmarks.scenes.organs import OrganFigures, follow_organs, organ_figures, organ_phantom, organ_table
from benchmarks.scenes.pushed_cine import follow_half_real, half_real_cases
from benchmarks.scenes.size_table import size_figures, size_table
from benchmarks.scenes.sizes import SIZES, size_scenes, state_scenes
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

SIZES_TITLE = "Breathing and breath-holds of 38 mm, by size of target"
STATES_TITLE = "From shallow breathing to 46 mm with half the contrast, three times the noise and a step of gain"
HALF_REAL_TITLE = "Half-real: recorded frames pushed by up to 55 mm along SI and 30 mm along AP"

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


def run_sizes(
    scenes: Sequence[Scene], seeds: Sequence[int], preview_s: float, on_progress: OnProgress
) -> dict[str, list[Followed]]:
    """Return the tracking results of scenes by size of their target, small ones first."""
    runs = run_scenes(scenes, seeds, preview_s, on_progress)
    found: dict[str, list[Followed]] = {}
    for size in SIZES:
        for scene in scenes:
            if scene.size == size:
                found.setdefault(SIZES[size], []).extend(runs[scene.name])
    return found


def run_half_real(names: Sequence[str], preview_s: float, on_progress: OnProgress) -> dict[str, list[Followed]]:
    """Return results of the half-real cases, by target; all recordings unless some are named."""
    found: dict[str, list[Followed]] = {}
    for done, case in enumerate(half_real_cases(CINE, names), 1):
        found.setdefault(f"{case.target}, {case.direction}", []).append(follow_half_real(case.made, preview_s))
        on_progress("half-real", done, done)
    return found


def run_organs(names: Sequence[str], seeds: Sequence[int], on_progress: OnProgress) -> dict[str, OrganFigures]:
    """Return what organs at risk measure, by scene; all scenes unless some are named."""
    chosen = [name for name in ORGAN_SCENES if not names or name in names]
    found: dict[str, OrganFigures] = {}
    for scene in chosen:
        runs = []
        for seed in seeds:
            runs.append(follow_organs(organ_phantom(scene, seed)))
            on_progress("organs", len(found) * len(seeds) + len(runs), len(chosen) * len(seeds))
        found[scene] = organ_figures(runs)
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
        "scene", nargs="*", help=f"one of: {', '.join(names)}; by default all of them and everything below"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="phantoms of each scene")
    parser.add_argument(
        "--sizes", nargs="*", metavar="TARGET", help=f"large motion: all targets, or some of {', '.join(SIZES)}"
    )
    parser.add_argument("--states", nargs="*", metavar="TARGET", help="the same for changes of state")
    parser.add_argument(
        "--half-real", nargs="*", metavar="NAME", help="recorded frames pushed further: all of series A, or A1, A2 ..."
    )
    parser.add_argument(
        "--organs", nargs="*", metavar="SCENE", help=f"organs at risk: all scenes, or some of {', '.join(ORGAN_SCENES)}"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line of standard output")
    parser.add_argument("--preview", type=float, default=0.0, metavar="S", help="learn from this many seconds first")
    options = parser.parse_args(args)
    if unknown := set(options.scene) - set(names):
        print(f"bench-scenes: no scene {', '.join(sorted(unknown))}; there are {', '.join(names)}", file=sys.stderr)
        return 2
    if unknown := {*(options.sizes or ()), *(options.states or ())} - set(SIZES):
        print(f"bench-scenes: no target {', '.join(sorted(unknown))}; there are {', '.join(SIZES)}", file=sys.stderr)
        return 2
    if unknown := set(options.organs or ()) - set(ORGAN_SCENES):
        print(
            f"bench-scenes: no scene {', '.join(sorted(unknown))}; there are {', '.join(ORGAN_SCENES)}", file=sys.stderr
        )
        return 2
    parts = options.sizes, options.states, options.half_real, options.organs
    everything = not options.scene and all(part is None for part in parts)
    scenes = [scene for scene in SCENES if everything or scene.name in options.scene]
    preview_s = options.preview
    try:
        with ProgressBars() as bars:
            runs = run_scenes(scenes, options.seeds, preview_s, bars)
            recorded, blind = run_cine(preview_s, bars) if everything else ({}, {})
            by_size = {
                title: run_sizes(chosen, options.seeds, preview_s, bars)
                for title, chosen in (
                    (SIZES_TITLE, _of_size(size_scenes(), options.sizes, everything)),
                    (STATES_TITLE, _of_size(state_scenes(), options.states, everything)),
                )
            }
            pushed = [] if everything else options.half_real
            organs = [] if everything else options.organs
            organ_rows = {} if organs is None else run_organs(organs, options.seeds, bars)
            by_size[HALF_REAL_TITLE] = {} if pushed is None else run_half_real(pushed, preview_s, bars)
    except GatekeeperError as error:
        print(f"bench-scenes: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    rows = {scene.name: (scene, figures(runs[scene.name], scene.can_be_followed)) for scene in scenes}
    sources = {"phantom": [run for several in runs.values() for run in several], **recorded}
    sources = {name: several for name, several in sources.items() if several}
    shares = unsure_shares(sources) | {
        f"{name}, no truth": (len(confidence), float((confidence < SURE).mean())) for name, confidence in blind.items()
    }
    size_rows = {
        title: {name: size_figures(several) for name, several in found.items()} for title, found in by_size.items()
    }
    console = Console(stderr=options.json, width=150)
    if rows:
        console.print(scenes_table(rows, options.seeds))
    if sources:
        for table in (areas_table(sources), reliability_table(sources), unsure_table(shares)):
            console.print(table)
    for title, found in size_rows.items():
        if found:
            console.print(size_table(title, found, with_changes=title != SIZES_TITLE))
    if organ_rows:
        console.print(organ_table(organ_rows, options.seeds))
    if everything and not recorded:
        console.print(f"No recorded case is in the tables: none in {CINE} has labels", highlight=False)
    if options.json:
        print(json.dumps(as_json(rows, sources, shares, size_rows, organ_rows), allow_nan=False))
    return int(_is_at_fault([row for _, row in rows.values()], areas(sources)["all together"][2] if sources else 1.0))


def _of_size(scenes: Sequence[Scene], wanted: Sequence[str] | None, everything: bool) -> list[Scene]:
    """Return the scenes of the wanted targets: none without a wish unless all is wanted, all for an empty one."""
    if wanted is None:
        return list(scenes) if everything else []
    return [scene for scene in scenes if not wanted or scene.size in wanted]


def _is_at_fault(rows: Sequence[Figures], area: float) -> bool:
    return area < AUC or any(row.faults for row in rows)


if __name__ == "__main__":
    sys.exit(main())
