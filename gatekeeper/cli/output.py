"""Print text that may hold names from files, without codes that a terminal would obey."""

import typer

from gatekeeper.core.printable import printable


def say(text: str, *, err: bool = False) -> None:
    """Print lines, with spaces in place of characters that cannot be printed."""
    typer.echo("\n".join(printable(line) for line in text.split("\n")), err=err)
