"""The state of contouring, shown by the faces of a session."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.contour import Role
from gatekeeper.core.frame import Frame


@dataclass(frozen=True, slots=True, eq=False)
class ContouredStructure:
    """A structure while structures are being drawn.

    Attributes
    ----------
    name : str
        Name of the structure.
    role : Role
        Target or organ at risk.
    color : str
        Its colour as #rrggbb.
    by_hand : bool
        Whether an operator draws or adjusts it.
    required : bool
        Whether the session cannot begin without it.
    margin_mm : float or None
        Margin from a target to its envelope, in mm, unless the operator changes it; None for an organ at risk and for
        what is not drawn here.
    confirmed : bool
        Whether the operator has confirmed its outline.
    proposal_px : ndarray of float64, shape (N, 2), or None
        Contour to be adjusted, as (row, col), if there is one.
    outline_px : ndarray of float64, shape (N, 2), or None
        Its contour, where it is known or confirmed.
    zone_px : ndarray of float64, shape (M, 2), or None
        Its envelope, where it is confirmed.
    """

    name: str
    role: Role
    color: str
    by_hand: bool = True
    required: bool = True
    margin_mm: float | None = None
    confirmed: bool = False
    proposal_px: NDArray[np.float64] | None = None
    outline_px: NDArray[np.float64] | None = None
    zone_px: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ContouringStatus:
    """The image on which structures are being drawn.

    Attributes
    ----------
    frame : Frame or None
        The frame that was taken, or the newest one; None before the first. An image from a file has the number -1.
    taken : bool
        Whether the frame was taken, so that structures can be drawn on it.
    fixed : bool
        Whether the image comes from a file, so that no other frame can be taken.
    structures : tuple of ContouredStructure
        All structures, the primary target first.
    """

    frame: Frame | None
    taken: bool
    fixed: bool
    structures: tuple[ContouredStructure, ...] = ()
