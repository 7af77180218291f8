"""The command line, and the composition root: here it is chosen which pieces a run is made of.

Each command has a file. What it needs is imported when it runs, so that `--help` does not wait for it.
"""

import logging
import os
import sys
from importlib import metadata
from typing import Annotated

import typer

from gatekeeper.cli.bench import bench
from gatekeeper.cli.check import check
from gatekeeper.cli.cohort import cohort
from gatekeeper.cli.command import command
from gatekeeper.cli.compilation import compiles_kernels
from gatekeeper.cli.console import console
from gatekeeper.cli.convert import convert
from gatekeeper.cli.course import course
from gatekeeper.cli.demo import demo
from gatekeeper.cli.export import export
from gatekeeper.cli.feed import feed
from gatekeeper.cli.info import info
from gatekeeper.cli.interlock import interlock
from gatekeeper.cli.phantom import phantom
from gatekeeper.cli.qa import qa
from gatekeeper.cli.replay import replay
from gatekeeper.cli.report import report
from gatekeeper.cli.run import run
from gatekeeper.cli.seal import seal
from gatekeeper.cli.sweep import sweep
from gatekeeper.cli.trackrad import trackrad
from gatekeeper.cli.verify import verify
from gatekeeper.core.errors import GatekeeperError, InputError
from gatekeeper.core.printable import printable
from gatekeeper.plugins import DISTRIBUTION

# Linear algebra is needed while arming only; its threads would go on spinning beside the loop.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit: 0 good, 1 finding or fault, 2 bad input, 3 incomplete record, 128 + N by signal N.

    Parameters
    ----------
    args : list of str, optional
        What follows the program's name; by default what the shell gave.
    """
    # Without a home Matplotlib keeps its lists of fonts in a folder for temporary files, and says so in many words.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    try:
        app(args, prog_name="gatekeeper")
    except GatekeeperError as error:
        typer.echo(f"gatekeeper: {printable(' '.join(str(error).split()))}", err=True)
        sys.exit(2 if isinstance(error, InputError) else 1)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gatekeeper {metadata.version(DISTRIBUTION)}")
        raise typer.Exit


VersionOption = Annotated[
    bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
]


@app.callback()
def _gatekeeper(version: VersionOption = False) -> None:
    """Track a target on cine-MR and gate the beam. Research software; not a medical device."""


for _command in (
    replay,
    demo,
    bench,
    run,
    phantom,
    verify,
    report,
    course,
    console,
    info,
    convert,
    export,
    check,
    feed,
    sweep,
):
    app.command()(compiles_kernels(_command))
for _without_kernels in (interlock, seal, cohort):
    app.command()(_without_kernels)
# Numbers of a rebase may be negative, and are no options.
app.command(context_settings={"ignore_unknown_options": True})(command)
app.add_typer(trackrad, name="trackrad")
app.add_typer(qa, name="qa")
