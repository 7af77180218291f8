"""Implement `gatekeeper bench`: time every stage of a decision, and the peers on the same frames."""

import json
from typing import Annotated

import typer

from gatekeeper.cli.options import DEFAULTS, JsonOption
from gatekeeper.cli.settings import PHANTOM, recording_of

BenchCaseArg = Annotated[
    str, typer.Argument(help="A recording, or `phantom` for a synthetic one.", metavar="[CASE|phantom]")
]


def bench(case: BenchCaseArg = PHANTOM, as_json: JsonOption = False) -> None:
    """Time every stage from frame to decision on a recording, and the peers on the same frames.

    Everything runs after a warm-up, on one thread. The peers are scored, too, and need labels for that; a recording
    without them is timed without peers.
    """
    from rich.console import Console

    from replay.latency import stages_json, stages_of, stages_table
    from replay.peers.measure import can_be_scored, measure
    from replay.peers.methods import available_methods, one_thread_each
    from replay.peers.table import methods_table, plain, pool
    from replay.progress import ProgressBars
    from replay.run import replay_input

    recording = recording_of(case)
    one_thread_each()
    methods, left_out = available_methods()
    with ProgressBars() as bars:
        stages = stages_of(replay_input(recording), DEFAULTS, bars)
        cases = {recording.name: measure(recording, methods, bars)} if can_be_scored(recording) else {}
    console = Console(stderr=as_json, width=150)
    console.print(stages_table(recording.name, stages))
    if cases:
        console.print(methods_table(f"{recording.name}: the peers on the same frames", pool(cases)))
    else:
        left_out = f"{recording.name} has no labels after its first frame: the peers are left out"
    if left_out is not None:
        console.print(left_out, highlight=False)
    if as_json:
        peers = plain(pool(cases)) if cases else None
        values = {"case": recording.name, "stages": stages_json(stages), "peers": peers, "left_out": left_out}
        typer.echo(json.dumps(values, allow_nan=False))
