"""Arrows: how the tissue around the target has moved, on a coarse grid; only while somebody wants to see it."""

import numpy as np
from numpy.typing import NDArray

from gatekeeper.session.status import SessionStatus
from gatekeeper.tracking.template_tracker import TemplateTracker
from gatekeeper.tracking.tracker import StructureTracker

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
        self._template_tracker: TemplateTracker | None = None
        self._positions_px = np.empty((0, 2))
        self._modes = np.empty((0, 0))

    def of(self, status: SessionStatus) -> dict[str, NDArray[np.generic]]:
        """Return rows (from row, from col, to row, to col) in px as `arrows`; nothing where there is nothing to see.

        The loop may be at the next frame meanwhile; then some arrows are between two frames for one picture.
        """
        seen, begun = status.current.last_frame_step, status.begun
        if not self.wanted or begun is None or seen is None or seen.track is None or not seen.track.confidence > 0.0:
            return {}
        tracker = begun[1].engine.tracker
        if not isinstance(tracker, StructureTracker):
            return {}
        template_tracker = tracker.template_trackers[0]
        if template_tracker is not self._template_tracker:
            self._prepare(template_tracker)
        params = template_tracker.params.astype(np.float64)
        count = len(params) // 2
        moved_mm = np.stack([params[:count] @ self._modes, params[count:] @ self._modes], axis=1)
        ends_px = self._positions_px + moved_mm / template_tracker.model.region.spacing_mm
        arrows = np.stack([self._positions_px, ends_px]).astype(np.float64)
        for points_px in arrows:
            template_tracker.model.region.scale_to_frame(points_px)
        return {"arrows": np.hstack(list(arrows)).astype(np.float32)}

    def _prepare(self, template_tracker: TemplateTracker) -> None:
        """Choose the places, and look up how each parameter moves them."""
        region = template_tracker.model.region
        spacing_mm = np.array(region.spacing_mm)
        low_mm = region.contour_px.min(axis=0) * spacing_mm - AROUND_MM
        high_mm = region.contour_px.max(axis=0) * spacing_mm + AROUND_MM
        rows, cols = (np.arange(low_mm[axis], high_mm[axis], STEP_MM) for axis in (0, 1))
        positions_mm = np.stack(np.meshgrid(rows, cols, indexing="ij"), axis=-1).reshape(-1, 2)
        self._positions_px, self._modes = positions_mm / spacing_mm, template_tracker.model.deformation.at(positions_mm)
        self._template_tracker = template_tracker
