"""Implement `gatekeeper bench`: time every stage of a decision, and the peers on the same frames."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.limit_options import DEFAULTS
from gatekeeper.cli.options import JsonOption
from gatekeeper.cli.settings import PHANTOM, recording_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from replay.recording import Recording

BenchCaseArg = Annotated[
    str, typer.Argument(help="A recording, or `phantom` for a synthetic one.", metavar="[CASE|phantom]")
]


def bench(case: BenchCaseArg = PHANTOM, as_json: JsonOption = False) -> None:
    """Time every stage from frame to decision on a recording, and the peers on the same frames.

    Everything runs after a warm-up, on one thread. The peers are scored, too, and need labels for that; a recording
    without them is timed without peers. On the phantom the outline is compared with where its tissue went, which is
    known exactly; the masks alone are only exact to a part of a pixel.
    """
    from rich.console import Console

    from replay.latency import stages_json, stages_of, stages_table
    from replay.peers.measure import can_be_scored, measure
    from replay.peers.methods import available_methods, one_thread_each
    from replay.peers.table import methods_table, plain, pool, ranked
    from replay.progress import ProgressBars
    from replay.run import replay_input

    recording, truth_px = _recording_and_truth(case)
    one_thread_each()
    methods, left_out = available_methods()
    with ProgressBars() as bars:
        stages = stages_of(replay_input(recording), DEFAULTS, bars)
        cases = {recording.name: measure(recording, methods, bars, truth_px)} if can_be_scored(recording) else {}
    rows = ranked(pool(cases)) if cases else {}
    console = Console(stderr=as_json, width=170)
    console.print(stages_table(recording.name, stages))
    if cases:
        console.print(methods_table(f"{recording.name}: the peers on the same frames, the closest first", rows))
    else:
        left_out = f"{recording.name} has no labels after its first frame: the peers are left out"
    if left_out is not None:
        console.print(left_out, highlight=False)
    if as_json:
        peers = plain(rows) if cases else None
        values = {"case": recording.name, "stages": stages_json(stages), "peers": peers, "left_out": left_out}
        typer.echo(json.dumps(values, allow_nan=False))


def _recording_and_truth(case: str) -> "tuple[Recording, NDArray[np.float64] | None]":
    """Return the recording, and where the points of the first outline are on each frame where that is known exactly."""
    if case != PHANTOM or Path(case).exists():
        return recording_of(case), None
    from gatekeeper.core.contour import mask_to_contour
    from replay.phantom import PhantomConfig, make_phantom
    from replay.progress import waiting
    from replay.scores.outline import moved_points

    with waiting("making the phantom"):
        phantom = make_phantom(PhantomConfig(name=PHANTOM))
    assert phantom.recording.first_mask is not None  # noqa: S101  (every phantom has one)
    return phantom.recording, moved_points(mask_to_contour(phantom.recording.first_mask), phantom.contours)
