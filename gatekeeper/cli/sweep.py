"""Implement `gatekeeper sweep`: many cases under many settings."""

import json
from pathlib import Path
from typing import Annotated

import typer

from gatekeeper.cli.options import ConfigOption, JsonOption
from gatekeeper.cli.output import say
from gatekeeper.cli.settings import settings_of

CasesArg = Annotated[list[Path], typer.Argument(help="Recordings and sessions.", metavar="CASE...")]
GridOption = Annotated[
    Path, typer.Option(help="Settings and their values: a table `grid` of lists.", metavar="GRID.toml")
]
SweepOutOption = Annotated[Path, typer.Option("--out", help="Folder of the results.", metavar="DIR")]
SchedulerOption = Annotated[
    str | None,
    typer.Option(
        help="Dask scheduler of a cluster, such as tcp://10.0.0.5:8786; cases must have the same paths there.",
        metavar="ADDRESS",
        show_default="workers on this machine",
    ),
]
SweepWorkersOption = Annotated[
    int | None,
    typer.Option(
        "--workers",
        help="Processes on this machine; 0 for one task after the other, without Dask.",
        metavar="N",
        min=0,
        max=1024,
        show_default="one for each core",
    ),
]
MemoryOption = Annotated[
    str, typer.Option("--memory-limit", help="Memory of each of them, such as 4GiB.", metavar="SIZE")
]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Go on with a sweep; what it has done is not done again.")]


def sweep(
    cases: CasesArg,
    grid: GridOption,
    out: SweepOutOption = Path("sweep"),
    config: ConfigOption = None,
    scheduler: SchedulerOption = None,
    workers: SweepWorkersOption = None,
    memory_limit: MemoryOption = "auto",
    resume: ResumeOption = False,
    as_json: JsonOption = False,
) -> None:
    """Track every case once for each tracker, and judge it under all combinations of settings.

    The exit code is 1 when a case has no result under some setting; each is listed, and --resume tries it again.
    """
    from gatekeeper.config import SessionConfig
    from replay.progress import ProgressBars
    from replay.sweep.grid import read_grid
    from replay.sweep.run import Where
    from replay.sweep.run import sweep as run_sweep

    base = None if config is None else settings_of(SessionConfig(), config)
    where = Where(scheduler, workers, memory_limit, lambda link: say(f"dashboard  {link}", err=True))
    with ProgressBars() as bars:
        swept = run_sweep(cases, read_grid(grid), out, base, where, resume, bars)
    say(swept.as_table(), err=as_json)
    for words, fault in swept.faults.items():
        say(f"gatekeeper: {words}: {fault}", err=True)
    if as_json:
        typer.echo(json.dumps(swept.as_json()))
    if swept.faults:
        raise typer.Exit(1)
