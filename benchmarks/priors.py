"""Track small targets with each prior halved, doubled and off, and print how much it matters."""

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.scenes import cine
from benchmarks.scenes import follow as scenes
from benchmarks.scenes.catalogue import SCENES, Scene
from benchmarks.scenes.follow import Followed
from benchmarks.scenes.judge import FAR_MM, SURE
from benchmarks.scenes.prior_changes import PRIORS, Prior, changed, variations
from benchmarks.scenes.sizes import size_scenes, state_scenes
from replay.phantom import Phantom
from replay.progress import ProgressBars
from replay.recording import Recording

CINE = Path(__file__).resolve().parents[2] / "shared" / "cine"
SEEDS = (1,)
TARGETS = ("vessel", "lesion", "dome")
HARD = ("deep-breath", "out-of-plane", "snr-5", "cough", "other-anatomy")
AS_IS = "as it is"

Staged = tuple[Phantom, NDArray[np.str_]]


@dataclass(frozen=True, slots=True)
class Figures:
    """Results on one group of recordings; NaN where there are none.

    Attributes
    ----------
    center_mm, p95_mm : float
        Error of the centre on trackable frames, sure or not.
    sure_share : float
        Share of trackable frames on which the tracker is sure.
    sure_and_far : int
        Frames on which it is sure and more than `FAR_MM` off, or sure of a target that is not there.
    """

    center_mm: float
    p95_mm: float
    sure_share: float
    sure_and_far: int


def figures(runs: Sequence[Followed]) -> Figures:
    """Return the figures over some runs."""
    if not runs:
        return Figures(np.nan, np.nan, np.nan, 0)
    errors_mm, confidence, trackable = (
        np.concatenate([getattr(run, name) for run in runs]) for name in ("errors_mm", "confidence", "trackable")
    )
    seen_mm, sure = errors_mm[trackable], confidence >= SURE
    return Figures(
        float(seen_mm.mean()),
        float(np.percentile(seen_mm, 95, method="higher")),
        float(sure[trackable].mean()),
        int(np.count_nonzero(sure & (errors_mm > FAR_MM))),
    )


class Measure:
    """Recordings on which priors are compared, and the tracker's figures on them.

    Parameters
    ----------
    seeds : sequence of int
        Phantoms of each scene.
    folder : Path
        Folder of recorded cases; without it the phantoms alone are tracked.
    shown : callable
        Takes a part's name, and how much of how much of it is done.
    """

    GROUPS = ("large motion", "hard scenes", "recorded", "recorded, others mixed in")

    def __init__(self, seeds: Sequence[int], folder: Path, shown: ProgressBars) -> None:
        large = [scene for scene in (*size_scenes(), *state_scenes()) if scene.size in TARGETS]
        hard = [scene for scene in SCENES if scene.name in HARD]
        self._phantoms: dict[str, list[Staged]] = {}
        done, count = 0, len(seeds) * len([*large, *hard])
        for group, chosen in zip(self.GROUPS, (large, hard), strict=False):
            self._phantoms[group] = []
            for scene in _ordered(chosen):
                for seed in seeds:
                    self._phantoms[group].append(scenes.staged(scene, seed))
                    done += 1
                    shown("phantoms", done, count)
        self._recorded: list[Recording] = cine.recordings(folder)[0] if folder.is_dir() else []

    def run(self) -> dict[str, Figures]:
        """Track all recordings, and return the figures by group."""
        found = {group: figures([scenes.follow(*one) for one in several]) for group, several in self._phantoms.items()}
        cases = self._recorded
        found["recorded"] = figures([cine.follow_labels(case) for case in cases])
        mixed = [cine.follow_mixed(case, others) for case in cases if (others := cine.others_of(case, cases))]
        found["recorded, others mixed in"] = figures(mixed)
        return found


def _ordered(chosen: Sequence[Scene]) -> list[Scene]:
    """Return scenes with those of the same images next to each other, so that these are drawn once."""
    return sorted(chosen, key=lambda scene: scene.name.partition("-")[2] if scene.size in TARGETS else scene.name)


def priors_table(rows: Sequence[tuple[str, str, str, dict[str, Figures]]]) -> Table:
    """Return a table with one line for each value of a prior."""
    table = Table(title="Priors of small targets, each changed alone")
    for heading in ("prior", "is", "here"):
        table.add_column(heading)
    for group in ("large", "hard", "rec."):
        for heading in ("mm", "p95", "sure %", "far"):
            table.add_column(f"{group} {heading}", justify="right")
    table.add_column("others sure", justify="right")
    for name, value, variation, found in rows:
        cells = []
        for group in Measure.GROUPS[:3]:
            one = found[group]
            cells += [
                f"{one.center_mm:.3f}",
                f"{one.p95_mm:.2f}",
                f"{100.0 * one.sure_share:.1f}",
                f"{one.sure_and_far}",
            ]
        table.add_row(name, value, variation, *cells, f"{found[Measure.GROUPS[3]].sure_and_far}")
    table.caption = f"trackable frames, sure or not; far: sure and over {FAR_MM:g} mm off; others: of other people"
    return table


def main(args: Sequence[str] | None = None) -> int:
    """Measure, print the table, and return the exit code: 2 on bad usage."""
    names = [prior.name for prior in PRIORS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.priors", description=__doc__)
    parser.add_argument("prior", nargs="*", help=f"some of: {', '.join(names)}; all by default")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="phantoms of each scene")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line of standard output")
    options = parser.parse_args(args)
    if unknown := set(options.prior) - set(names):
        print(f"bench-priors: no prior {', '.join(sorted(unknown))}; there are {', '.join(names)}", file=sys.stderr)
        return 2
    chosen = [prior for prior in PRIORS if not options.prior or prior.name in options.prior]
    rows: list[tuple[str, str, str, dict[str, Figures]]] = []
    with ProgressBars() as bars:
        measure = Measure(options.seeds, CINE, bars)
        plan: list[tuple[Prior | None, str, float]] = [(None, AS_IS, 1.0)]
        plan += [(prior, variation, factor) for prior in chosen for variation, factor in variations(prior).items()]
        for prior, variation, factor in plan:
            with nullcontext() if prior is None else changed(prior, factor):
                found = measure.run()
            rows.append(("", "", variation, found) if prior is None else (prior.name, prior.value, variation, found))
            bars("priors", len(rows), len(plan))
    Console(stderr=options.json, width=160).print(priors_table(rows))
    if options.json:
        keys = ("prior", "value", "variation")
        listed = [dict(zip(keys, row, strict=False)) | {g: asdict(f) for g, f in row[3].items()} for row in rows]
        print(json.dumps(listed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
