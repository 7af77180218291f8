"""Typed: one line that an operator types becomes a wish."""

from gatekeeper.operator.request import HELP, Wish, wish_of

ASKS_FOR_HELP = frozenset({"help", "?"})
BY = "by"


def parse(line: str, operator: str, door: str) -> Wish | None:
    """Return what a line asks for, for example ``hold`` or ``rebase 2 0 by Anna Berg``.

    Parameters
    ----------
    line : str
        What was typed.
    operator : str
        Who sits there, unless the line ends with ``by`` and a name.
    door : str
        Where it was typed.

    Returns
    -------
    Wish or None
        None when there is nothing in the line, or help is asked for (`wants_help`).

    Raises
    ------
    InputError
        When it is no command.
    """
    words = line.split()
    if not words or wants_help(line):
        return None
    lower = [word.lower() for word in words]
    if BY in lower:
        at = lower.index(BY)
        words, operator = words[:at], " ".join(words[at + 1 :])
    return wish_of(words, operator, door)


def wants_help(line: str) -> bool:
    """Return True when a line asks what can be asked for."""
    return line.strip().lower() in ASKS_FOR_HELP


def help_lines() -> tuple[str, ...]:
    """Return one line for each command, and one on names."""
    return (*(f"{words:13}{does}" for words, does in HELP), f"{'... by NAME':13}says who asks, after any of these")
