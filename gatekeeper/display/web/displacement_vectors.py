"""Displacement vectors: how the tissue around the target has moved, on a coarse grid; only while somebody looks."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.protocols import DisplacementTracker
from gatekeeper.session.arming import Armed
from gatekeeper.session.status import SessionStatus

STEP_MM = 6.0
"""Distance of the arrows, in mm."""
AROUND_MM = 18.0
"""They reach this far around the target, in mm."""


class DisplacementVectors:
    """Samples the displacement that the tracker has found on the newest frame.

    Attributes
    ----------
    wanted : bool
        Whether anybody looks at it.
    """

    def __init__(self) -> None:
        self.wanted = False
        self._tracker: DisplacementTracker | None = None
        self._places_px = np.empty((0, 2))
        self._moved_px: Callable[[], NDArray[np.float64]] = lambda: np.empty((0, 2))

    def of(self, status: SessionStatus) -> dict[str, NDArray[np.generic]]:
        """Return rows (from row, from col, to row, to col) in px as `arrows`; nothing where there is nothing to see.

        The loop may be at the next frame meanwhile; then some arrows are between two frames for one picture.
        """
        seen, begun = status.current.last_frame_step, status.begun
        if not self.wanted or begun is None or seen is None or seen.track is None or not seen.track.confidence > 0.0:
            return {}
        tracker = begun[1].engine.tracker
        if not isinstance(tracker, DisplacementTracker):
            return {}
        if tracker is not self._tracker:
            self._prepare(tracker, begun[1])
        return {"arrows": np.hstack([self._places_px, self._places_px + self._moved_px()]).astype(np.float32)}

    def _prepare(self, tracker: DisplacementTracker, armed: Armed) -> None:
        """Choose the places, and ask the tracker for what moves them."""
        spacing_mm = np.array(armed.envelope.spacing_mm)
        low_mm = armed.target_px.min(axis=0) * spacing_mm - AROUND_MM
        high_mm = armed.target_px.max(axis=0) * spacing_mm + AROUND_MM
        rows, cols = (np.arange(low_mm[axis], high_mm[axis], STEP_MM) for axis in (0, 1))
        places_mm = np.stack(np.meshgrid(rows, cols, indexing="ij"), axis=-1).reshape(-1, 2)
        self._places_px = places_mm / spacing_mm
        self._moved_px = tracker.displacement_px(self._places_px)
        self._tracker = tracker
