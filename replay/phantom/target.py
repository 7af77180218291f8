"""Define the target: its outline in the image plane at end-exhale, the layer it moves with, its share of the slice."""

import math

import numpy as np
from numpy.typing import NDArray

from replay.phantom import lesion, organs
from replay.phantom.config import LesionConfig, PhantomConfig
from replay.phantom.lattice import Lattice
from replay.phantom.motion import Motion

Array = NDArray[np.float64]

DRAWN = frozenset({"nodule", "vessel"})
"""Targets that are in the images only when they are the target."""

ORGAN_POINTS = 256
DOME_PATCH_MM, DOME_PATCH_RADIUS_MM = (-54.0, -8.0), 20.0
LIVER_MIDDLE_MM = (-8.0, -12.0)
NODULE_MM, NODULE_IRREGULARITY = (-96.0, 26.0), 0.06
VESSEL_MM, VESSEL_LENGTH_MM = (12.0, -34.0), 26.0

FARTHEST_MM, SMALLEST_MM = 200.0, 0.5
"""Range of the distance of an organ's outline from its middle."""

BISECTIONS = 40


class Target:
    """The target of a phantom.

    Parameters
    ----------
    config : PhantomConfig
        Of this, target, lesion, slice thickness and seed are used.
    """

    def __init__(self, config: PhantomConfig) -> None:
        self._kind = config.target.kind
        self._seed = config.seed
        self._slice_mm = config.acquisition.slice_mm
        self._round = {
            "lesion": config.lesion,
            "second_lesion": config.organs.second_lesion,
            "nodule": LesionConfig(
                center_mm=NODULE_MM,
                diameter_mm=config.target.nodule_diameter_mm,
                thickness_mm=config.target.nodule_diameter_mm,
                irregularity=NODULE_IRREGULARITY,
            ),
            "vessel": LesionConfig(
                center_mm=VESSEL_MM,
                diameter_mm=config.target.vessel_diameter_mm,
                thickness_mm=VESSEL_LENGTH_MM,
                irregularity=0.0,
                edge_mm=lesion.SHARPEST_MM,
            ),
        }.get(self._kind)

    @property
    def middle_mm(self) -> tuple[float, float]:
        """A point inside, as (inferior, posterior) mm at end-exhale, from which the whole outline is seen."""
        if self._round is not None:
            return self._round.center_mm
        return {"liver": LIVER_MIDDLE_MM, "kidney": organs.KIDNEY_MM, "dome": DOME_PATCH_MM}[self._kind]

    def outline_mm(self, across_mm: float = 0.0) -> Array:
        """Return the outline (N, 2) as (inferior, posterior) mm in the plane `across_mm`, at end-exhale."""
        if self._round is not None:
            return lesion.outline_mm(self._round, self._seed)
        middle_mm = self.middle_mm
        angle = np.linspace(0.0, 2.0 * math.pi, ORGAN_POINTS, endpoint=False)
        around = np.stack([np.sin(angle), np.cos(angle)], axis=-1)
        near_mm, far_mm = np.full(ORGAN_POINTS, SMALLEST_MM), np.full(ORGAN_POINTS, FARTHEST_MM)
        for _ in range(BISECTIONS):
            half_mm = 0.5 * (near_mm + far_mm)
            row_mm, col_mm = (middle_mm + half_mm[:, None] * around).T
            inside = self._depth_mm(row_mm, col_mm, across_mm) > 0.0
            near_mm, far_mm = np.where(inside, half_mm, near_mm), np.where(inside, far_mm, half_mm)
        return np.asarray(middle_mm + near_mm[:, None] * around, dtype=np.float64)

    def modes(self, motion: Motion, points_mm: Array) -> Array:
        """Return the modes (MODES, ..., 2) of the target's layer at material points (..., 2)."""
        return motion.lung(points_mm) if self._kind == "nodule" else motion.abdomen(points_mm)

    def share_in_slice(self, across_mm: Array) -> Array:
        """Return the share of the slice that the target fills, 0-1; an organ fills it in every plane."""
        if self._round is None:
            return np.ones_like(across_mm)
        return lesion.share_in_slice(self._round, self._slice_mm, across_mm)

    def cover(self, kind: str, lattice: Lattice) -> Array:
        """Return the cover 0-1 (H, W) of a nodule or vessel that fills the slice; 0 unless it is the target."""
        if kind != self._kind or self._round is None:
            return np.zeros(lattice.shape)
        return lesion.cover(self._round, self._seed, lattice)

    def _depth_mm(self, row_mm: Array, col_mm: Array, across_mm: float) -> Array:
        """Return the depth in mm of points in an organ; negative outside."""
        if self._kind == "kidney":
            return organs.kidney_depth_mm(row_mm, col_mm, across_mm)
        liver_mm = organs.liver_depth_mm(row_mm, col_mm, across_mm)
        if self._kind == "liver":
            return liver_mm
        off_mm = np.hypot(row_mm - DOME_PATCH_MM[0], col_mm - DOME_PATCH_MM[1])
        return np.asarray(np.minimum(liver_mm, DOME_PATCH_RADIUS_MM - off_mm), dtype=np.float64)
