"""The command line, and the composition root: here it is chosen which pieces a run is made of.

Each command has a file, which is imported when the command is called; what a command needs is imported when it runs.
"""

import gc
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module, metadata
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from gatekeeper.cli.examples import EXAMPLES
from gatekeeper.core.errors import GatekeeperError, InputError
from gatekeeper.core.printable import printable
from gatekeeper.plugins import DISTRIBUTION

# Linear algebra is needed while arming only; its threads would go on spinning beside the loop.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

COMMANDS = (
    *("replay", "demo", "bench", "run", "phantom", "verify", "report", "course", "console", "info", "convert"),
    *("export", "check", "feed", "forecast", "sweep", "interlock", "seal", "cohort", "command", "trackrad", "qa"),
)
"""All commands in the order of `--help`. Each is an object of that name in the module of that name."""
WITHOUT_KERNELS = ("info", "console", "interlock", "seal", "cohort", "command")
"""Commands that begin before kernels are compiled; what of them needs kernels says so itself."""
OBJECTS = 50_000
"""Number of new objects after which garbage is looked for."""
# Numbers of a rebase may be negative, and are no options.
CONTEXT = {"command": {"ignore_unknown_options": True}}


@cache
def _imported(name: str) -> Any:
    """Return a command, or a group of commands."""
    found = getattr(import_module(f"gatekeeper.cli.{name}"), name)
    if isinstance(found, typer.Typer):
        group: Any = typer.main.get_command(found)
        group.name = name
        for part, one in group.commands.items():
            one.epilog = _examples(f"{name} {part}")
        return group
    if name not in WITHOUT_KERNELS:
        from gatekeeper.cli.compilation import compiles_kernels

        found = compiles_kernels(found)
    one = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    one.command(name, context_settings=CONTEXT.get(name), epilog=_examples(name))(found)
    return typer.main.get_command(one)


def _examples(name: str) -> str | None:
    """Return the end of a command's help."""
    return "\n\n".join(("Examples:", *EXAMPLES[name])) if name in EXAMPLES else None


class _Imported(Mapping[str, Any]):
    """Commands by name, each imported when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        if name not in COMMANDS:
            raise KeyError(name)
        return _imported(name)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _Group(TyperGroup):
    """The group of all commands."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = _Imported()  # type: ignore[assignment]


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit: 0 good, 1 finding or fault, 2 bad input, 3 incomplete record, 128 + N by signal N.

    Parameters
    ----------
    args : list of str, optional
        What follows the program's name; by default what the shell gave.
    """
    # What is imported stays: looking through it for garbage after every 700 new objects takes a tenth of the start.
    gc.set_threshold(OBJECTS)
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
