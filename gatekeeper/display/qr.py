"""Show an address as a QR code."""

import segno

QUIET = 2
"""Modules left free around a code on a terminal, in characters of two modules each."""
BLOCKS = {"00": " ", "10": "▀", "01": "▄", "11": "█"}
"""Characters of an upper and a lower module; 1 is dark."""


def qr_rows(text: str) -> list[str]:
    """Return the QR code of a text as rows of 0 and 1, without the margin that it needs.

    Parameters
    ----------
    text : str
        What the code says.

    Examples
    --------
    >>> rows = qr_rows("http://192.0.2.7:8080/patient")
    >>> len(rows), rows[0][:7]
    (25, '1111111')
    """
    return ["".join(map(str, row)) for row in segno.make_qr(text, error="l").matrix]


def qr_lines(text: str) -> list[str]:
    """Return the QR code of a text as lines of characters, to be shown in black on white.

    Parameters
    ----------
    text : str
        What the code says.
    """
    rows = qr_rows(text)
    side = len(rows) + 2 * QUIET
    padded = ["0" * side] * QUIET + [f"{'0' * QUIET}{row}{'0' * QUIET}" for row in rows] + ["0" * side] * (QUIET + 1)
    return [
        "".join(BLOCKS[upper + lower] for upper, lower in zip(padded[row], padded[row + 1], strict=True))
        for row in range(0, side, 2)
    ]
