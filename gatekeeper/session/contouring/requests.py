"""Sketch: what operators ask for while the target is drawn, and how plain values from a page become that."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import InputError
from gatekeeper.operator.request import named
from gatekeeper.session.contouring.outline import margin_of, points_of

SHAPES = ("polygon", "ellipse", "adjusted")
"""How an outline was drawn."""


@dataclass(frozen=True, slots=True)
class Take:
    """Let the newest frame stand, to be drawn on.

    Attributes
    ----------
    operator, door : str
        Who asks, and where.
    """

    operator: str
    door: str
    word = "take"
    holds = False


@dataclass(frozen=True, slots=True)
class Again:
    """Let go of the frame that was taken, and look at new ones.

    Attributes
    ----------
    operator, door : str
        Who asks, and where.
    """

    operator: str
    door: str
    word = "again"
    holds = False


@dataclass(frozen=True, slots=True, eq=False)
class Sketch:
    """Begin with an outline on the frame that was taken.

    Attributes
    ----------
    operator, door : str
        Who asks, and where.
    points_px : ndarray of float64, shape (N, 2)
        Closed outline as (row, col).
    margin_mm : float
        From the target to its envelope, in mm.
    sequence : int
        Number of the frame that it was drawn on; -1 for an image from a file.
    shape : str
        How it was drawn, one of `SHAPES`.
    """

    operator: str
    door: str
    points_px: NDArray[np.float64]
    margin_mm: float
    sequence: int
    shape: str
    word = "outline"
    holds = False


Request = Take | Again | Sketch


def request_of(values: Mapping[str, object], operator: str, door: str) -> Request:
    """Return what somebody asks for in plain values, as JSON has them.

    Parameters
    ----------
    values : mapping
        ``{"take": true}``, ``{"again": true}``, or `points_px`, `margin_mm`, `sequence` and `shape` of an outline.
    operator : str
        Who asks.
    door : str
        Where.

    Raises
    ------
    InputError
        When it is nothing that can be asked for, or a margin that no session allows.
    """
    name = named(operator)
    if dict(values) == {"take": True}:
        return Take(name, door)
    if dict(values) == {"again": True}:
        return Again(name, door)
    if set(values) != {"points_px", "margin_mm", "sequence", "shape"}:
        raise InputError("drawing: not understood; take a frame, take it again, or give an outline with its margin")
    margin_mm, sequence, shape = margin_of(values["margin_mm"]), values["sequence"], values["shape"]
    if type(sequence) is not int:
        raise InputError(f"drawing: the frame is {sequence!r:.40}; give the number of the one that was drawn on")
    if shape not in SHAPES:
        raise InputError(f"drawing: the shape is {shape!r:.40}; give one of {', '.join(SHAPES)}")
    return Sketch(name, door, points_of(values["points_px"]), margin_mm, sequence, str(shape))
