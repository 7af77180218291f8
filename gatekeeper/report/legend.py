"""The legend of several structures on a picture."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import Normal, withStroke

from gatekeeper.report.structure_data import StructureData

IN_ROW = 3
"""Number of names in a row."""
MOST_NAME = 26
"""Largest number of characters of a name."""


def rows_of(structures: Sequence[StructureData]) -> int:
    """Return how many rows the names of structures take."""
    return -(-len(structures) // IN_ROW)


def draw_keys(figure: Figure, structures: Sequence[StructureData], y: float) -> None:
    """Write letter, name and limit of each structure beside a line of its colour.

    Parameters
    ----------
    figure : Figure
        The picture.
    structures : sequence of StructureData
        The structures.
    y : float
        Upper end, as a share of the height.
    """
    # On white paper, bright colours need a rim.
    rim = [withStroke(linewidth=4.5, foreground="#444444"), Normal()]
    keys = []
    for one in structures:
        label = f"{shortened(one.title)}: {one.info.limit_in_words}"
        keys.append(Line2D([], [], color=one.info.color, lw=2.5, label=label, path_effects=rim))
    # Matplotlib fills columns first; rows are read first.
    places = [row * IN_ROW + column for column in range(IN_ROW) for row in range(rows_of(structures))]
    figure.legend(
        handles=[keys[place] for place in places if place < len(keys)],
        loc="upper left",
        bbox_to_anchor=(0.002, y),
        ncol=IN_ROW,
        frameon=False,
        fontsize=10,
    )


def shortened(name: str) -> str:
    """Return a name that fits, and is not read as a formula.

    Examples
    --------
    >>> shortened("A structure of which the name is long")
    'A structure of which the …'
    """
    short = name if len(name) <= MOST_NAME else f"{name[: MOST_NAME - 1]}…"
    return short.replace("$", r"\$")
