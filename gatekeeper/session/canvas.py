"""Canvas: the frame on which an operator draws the target, as the board shows it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.contour import Structure
from gatekeeper.core.frame import Frame


@dataclass(frozen=True, slots=True, eq=False)
class Canvas:
    """What the target is being drawn on.

    Attributes
    ----------
    frame : Frame or None
        The frame that was taken, or the newest; None before the first. An image from a file has the number -1.
    taken : bool
        Whether it stands and can be drawn on.
    fixed : bool
        Whether it comes from a file, so that no other can be taken.
    margin_mm : float
        From the target to its envelope, in mm, unless the operator says otherwise.
    proposal_px : ndarray of float64, shape (N, 2), or None
        An outline to be adjusted, as (row, col), where there is one.
    avoid : tuple of Structure
        What is to be avoided, where that is known.
    """

    frame: Frame | None
    taken: bool
    fixed: bool
    margin_mm: float
    proposal_px: NDArray[np.float64] | None = None
    avoid: tuple[Structure, ...] = ()
