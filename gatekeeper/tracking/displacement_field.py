"""Give the displacement of the tissue around a target, from the reference to a frame, at any points."""

import numpy as np
import shapely
from numpy.typing import NDArray

from gatekeeper.tracking.deformation import DeformationModes
from gatekeeper.tracking.region import Region

Array = NDArray[np.float64]


class DisplacementField:
    """The displacement in the region in which a model compares images: the target and its context.

    Parameters
    ----------
    region : Region
        The target on the reference.
    deformation : DeformationModes
        Modes of the displacement.
    context_mm : float
        Distance from the target up to which the region extends, in mm.
    """

    def __init__(self, region: Region, deformation: DeformationModes, context_mm: float) -> None:
        self._deformation = deformation
        self._context_mm = context_mm
        # Positions count from the centre of the frame's first pixel, those of the model from that of its first block.
        self._begin_mm = 0.5 * (region.factor - 1) * np.array(region.frame_spacing_mm)
        self._target = shapely.Polygon(region.contour_mm)
        shapely.prepare(self._target)

    def modes(self, points_mm: Array) -> Array:
        """Return the displacement (K, N) in mm at points (N, 2) on the reference, per unit of each parameter."""
        return self._deformation.at(points_mm - self._begin_mm)

    def displacement_mm(self, params: NDArray[np.floating], points_mm: Array) -> Array:
        """Return the displacement at points.

        Parameters
        ----------
        params : ndarray, shape (2 K,)
            Weights of the modes along rows, then along columns.
        points_mm : ndarray of float64, shape (N, 2)
            Points on the reference as (row, col) x spacing of the frames, in mm.

        Returns
        -------
        ndarray of float64, shape (N, 2)
            (row, col) in mm; NaN beyond the region.
        """
        moved_mm = params.reshape(2, -1).astype(np.float64) @ self.modes(points_mm)
        moved_mm[:, ~self._is_inside(points_mm)] = np.nan
        return np.ascontiguousarray(moved_mm.T)

    def _is_inside(self, points_mm: Array) -> NDArray[np.bool_]:
        """Return whether each point is in the region; one that is not finite is not."""
        finite: NDArray[np.bool_] = np.asarray(np.isfinite(points_mm).all(axis=1))
        points = shapely.points(np.where(finite[:, None], points_mm, 0.0) - self._begin_mm)
        return np.asarray(finite & shapely.dwithin(self._target, points, self._context_mm), dtype=np.bool_)
