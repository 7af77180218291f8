"""Preview the mask and envelope of an outline in the console's process, without load on the session.

The preview uses the same function as the session. Its modules are imported only when a target is drawn.
"""

import asyncio
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import InputError
from gatekeeper.display.web.message import IMAGE, unpacked
from gatekeeper.display.web.seqlock import Seqlock

WARM_UP_PX = [[4.0, 4.0], [4.0, 12.0], [12.0, 12.0], [12.0, 4.0]]
"""Outline that is computed once, so that all modules are loaded before the first real one."""
MOST_WAITING = 16
TOO_MANY = "too many outlines are waiting; draw again"
NOTHING_TO_DRAW_ON = "there is nothing to draw on: a target is drawn on a frame, before the session begins"

Grid = tuple[tuple[int, int], tuple[float, float]]
"""Number of rows and columns of an image, and their spacing in mm."""


class ContourPreview:
    """Preview of outlines, computed one at a time on a thread, so that browsers still get their messages.

    Parameters
    ----------
    slot : Seqlock
        Shared memory with the newest message of the session.
    """

    def __init__(self, slot: Seqlock) -> None:
        self._slot = slot
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def warm_up(self) -> None:
        """Import the modules for outlines in advance."""
        async with self._turn:
            await asyncio.to_thread(outlined, WARM_UP_PX, 5.0, (16, 16), (1.0, 1.0))

    async def outline(self, points_px: object, margin_mm: object, structure: object = None) -> dict[str, object]:
        """Return the mask, envelope and area of an outline on the newest frame.

        Parameters
        ----------
        points_px : object
            Points of the outline as received from the page: a list of (row, col) in px.
        margin_mm : object
            Margin of the envelope as received from the page: a number in mm; None for an organ at risk.
        structure : object
            Name of the structure as received from the page, for messages; None for the target.

        Returns
        -------
        dict
            With `accepted` and `note`. For a valid outline also `shape` and `runs` (see `runs_of`) of the mask,
            `envelope_px` as (row, col) in px, and `area_mm2`.
        """
        grid = self._grid()
        if grid is None:
            return _refusal(NOTHING_TO_DRAW_ON)
        if self._waiting >= MOST_WAITING:
            return _refusal(TOO_MANY)
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(outlined, points_px, margin_mm, *grid, structure)
        except InputError as error:
            return _refusal(str(error))
        finally:
            self._waiting -= 1

    def _grid(self) -> Grid | None:
        """Return the grid of the frame on which the target is drawn; None when no target is being drawn."""
        got = self._slot.get()
        if got is None:
            return None
        head, arrays = unpacked(got[1])
        if "draw" not in head or IMAGE not in arrays:
            return None
        rows, cols = arrays[IMAGE].shape
        row_mm, col_mm = head["spacing_mm"]
        return (rows, cols), (row_mm, col_mm)


def runs_of(mask: NDArray[np.bool_]) -> list[list[int]]:
    """Return a mask as runs of pixels.

    Parameters
    ----------
    mask : ndarray of bool (H, W)
        The mask.

    Returns
    -------
    list of list of int
        First index and length of each run, in row-major order.
    """
    edges = np.flatnonzero(np.diff(mask.ravel().astype(np.int8), prepend=0, append=0))
    firsts, ends = edges[::2], edges[1::2]
    return [[int(first), int(end - first)] for first, end in zip(firsts, ends, strict=True)]


def outlined(
    points_px: object,
    margin_mm: object,
    shape: tuple[int, int],
    spacing_mm: tuple[float, float],
    structure: object = None,
) -> dict[str, Any]:
    """Return the mask, envelope and area of an outline as plain values.

    Parameters
    ----------
    points_px, margin_mm, structure : object
        As received from the page, see `ContourPreview.outline`.
    shape : tuple of int
        Rows and columns of the image.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.

    Raises
    ------
    InputError
        When the outline or the margin cannot be used.
    """
    outline = _load()
    called = structure if isinstance(structure, str) else outline.NAME
    margin = None if margin_mm is None else outline.margin_of(margin_mm, called)
    region = outline.region_of(outline.points_of(points_px, called), margin, shape, spacing_mm, called)
    return {
        "accepted": True,
        "runs": runs_of(region.mask),
        "shape": list(shape),
        "envelope_px": np.round(region.envelope_px, 3).tolist(),
        "area_mm2": region.area_mm2,
        "note": "",
    }


def _load() -> Any:
    from gatekeeper.session.contouring import outline

    return outline


def _refusal(note: str) -> dict[str, object]:
    return {"accepted": False, "note": note}
