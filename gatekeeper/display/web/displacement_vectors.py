"""Sample the displacement of the tissue around the target on a coarse grid, while a page shows it."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.protocols import DisplacementTracker
from gatekeeper.session.arming import Armed
from gatekeeper.session.status import SessionStatus

STEP_MM = 6.0
"""Spacing of the grid in mm."""
AROUND_MM = 18.0
"""Size of the grid beyond the target, in mm."""


class DisplacementVectors:
    """Displacement vectors that the tracker has measured on the newest frame.

    Attributes
    ----------
    wanted : bool
        Whether a page shows them; they are computed only then.
    """

    def __init__(self) -> None:
        self.wanted = False
        self._tracker: DisplacementTracker | None = None
        self._points_px = np.empty((0, 2))
        self._displacement_px: Callable[[], NDArray[np.float64]] = lambda: np.empty((0, 2))

    def of(self, status: SessionStatus) -> dict[str, NDArray[np.generic]]:
        """Return the vectors on the newest frame.

        The tracker's arrays are read while the loop runs. During an update some vectors may belong to the next frame.

        Parameters
        ----------
        status : SessionStatus
            The session status.

        Returns
        -------
        dict
            `arrows`, float32 (N, 4), with rows (from row, from col, to row, to col) in px; empty while no page shows
            them, the target is not tracked, or the tracker does not measure displacements.
        """
        step, begun = status.current.last_frame_step, status.begun
        if not self.wanted or begun is None or step is None or step.track is None or not step.track.confidence > 0.0:
            return {}
        tracker = begun[1].engine.tracker
        if not isinstance(tracker, DisplacementTracker):
            return {}
        if tracker is not self._tracker:
            self._prepare(tracker, begun[1])
        return {"arrows": np.hstack([self._points_px, self._points_px + self._displacement_px()]).astype(np.float32)}

    def _prepare(self, tracker: DisplacementTracker, armed: Armed) -> None:
        """Choose the grid points, and get the tracker's function for their displacement."""
        spacing_mm = np.array(armed.envelope.spacing_mm)
        low_mm = armed.reference_px.min(axis=0) * spacing_mm - AROUND_MM
        high_mm = armed.reference_px.max(axis=0) * spacing_mm + AROUND_MM
        rows, cols = (np.arange(low_mm[axis], high_mm[axis], STEP_MM) for axis in (0, 1))
        points_mm = np.stack(np.meshgrid(rows, cols, indexing="ij"), axis=-1).reshape(-1, 2)
        self._points_px = points_mm / spacing_mm
        self._displacement_px = tracker.displacement_px(self._points_px)
        self._tracker = tracker
