"""Text from outside as it may be shown: without codes that a terminal or a log would obey."""


def printable(text: str, longest: int | None = None) -> str:
    """Return a text in which every character that cannot be printed is a space.

    Parameters
    ----------
    text : str
        The text, for example a name in a file or from a network.
    longest : int, optional
        Largest number of characters.

    Returns
    -------
    str
        One line.

    Examples
    --------
    >>> printable("GTV" + chr(27) + "[2J" + chr(10) + "x")
    'GTV [2J x'
    """
    return "".join(letter if letter.isprintable() else " " for letter in text[:longest])
