"""Outlining: what an outline would come to, answered in the console's process; the session's is not disturbed.

It is the same function that makes the session's mask and envelope. What it needs is only loaded once somebody draws.
"""

import asyncio
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import InputError
from gatekeeper.display.web.message import IMAGE, unpacked
from gatekeeper.display.web.seqlock import Seqlock

SOMETHING_PX = [[4.0, 4.0], [4.0, 12.0], [12.0, 12.0], [12.0, 4.0]]
"""An outline by which everything is loaded that a real one needs."""
MOST_WAITING = 16
TOO_MUCH = "too much is drawn at once; draw again"
NOTHING_TO_DRAW_ON = "there is nothing to draw on now: the target is drawn before the session begins, on a frame"

Grid = tuple[tuple[int, int], tuple[float, float]]
"""Rows and columns of an image, and the distances of its pixel centres in mm."""


class ContourPreview:
    """Answers one after the other, on a thread, so that browsers go on getting their views.

    Parameters
    ----------
    slot : Seqlock
        Where the session puts its newest view.
    """

    def __init__(self, slot: Seqlock) -> None:
        self._slot = slot
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def warm_up(self) -> None:
        """Load what is needed, before somebody draws."""
        async with self._turn:
            await asyncio.to_thread(_outlined, SOMETHING_PX, 5.0, (16, 16), (1.0, 1.0))

    async def outline(self, points_px: object, margin_mm: object) -> dict[str, object]:
        """Return mask, envelope and area of an outline on the newest view, as plain values, or why there are none."""
        grid = self._grid()
        if grid is None:
            return _refusal(NOTHING_TO_DRAW_ON)
        if self._waiting >= MOST_WAITING:
            return _refusal(TOO_MUCH)
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(_outlined, points_px, margin_mm, *grid)
        except InputError as error:
            return _refusal(str(error))
        finally:
            self._waiting -= 1

    def _grid(self) -> Grid | None:
        """Return the grid of what the target is drawn on; None when it is not drawn now."""
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
    """Return the pixels of a mask (H, W), in row-major order, as pairs of a first index and how many follow."""
    edges = np.flatnonzero(np.diff(mask.ravel().astype(np.int8), prepend=0, append=0))
    firsts, ends = edges[::2], edges[1::2]
    return [[int(first), int(end - first)] for first, end in zip(firsts, ends, strict=True)]


def _outlined(
    points_px: object, margin_mm: object, shape: tuple[int, int], spacing_mm: tuple[float, float]
) -> dict[str, Any]:
    outline = _load()
    margin = outline.margin_of(margin_mm)
    region = outline.region_of(outline.points_of(points_px), margin, shape, spacing_mm)
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
