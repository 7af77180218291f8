"""Draw the target: its outline, its cover on the raster, and its share of the slice."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from replay.phantom.config import LesionConfig
from replay.phantom.lattice import Lattice
from replay.phantom.streams import Stream, generator

Array = NDArray[np.float64]

OUTLINE_POINTS = 128
LOBES = (2, 3, 4, 5)
SHARPEST_MM = 1.0


def outline_mm(config: LesionConfig, seed: int) -> Array:
    """Return the outline (N, 2) as (inferior, posterior) mm at end-exhale."""
    angle = np.linspace(0.0, 2.0 * math.pi, OUTLINE_POINTS, endpoint=False)
    radius_mm = _radius_mm(config, seed, angle)
    around = np.stack([np.sin(angle), np.cos(angle)], axis=-1)
    return np.asarray(np.array(config.center_mm) + radius_mm[:, None] * around, dtype=np.float64)


def cover(config: LesionConfig, seed: int, lattice: Lattice) -> Array:
    """Return the cover of the lesion at each raster point, 0-1; one half on the outline."""
    down = lattice.rows_mm[:, None] - config.center_mm[0]
    back = lattice.cols_mm[None, :] - config.center_mm[1]
    depth_mm = _radius_mm(config, seed, np.arctan2(down, back)) - np.hypot(down, back)
    return np.asarray(expit(4.0 * depth_mm / max(config.edge_mm, SHARPEST_MM)), dtype=np.float64)


def share_in_slice(config: LesionConfig, slice_mm: float, across_mm: Array) -> Array:
    """Return the share of the slice that the lesion fills when it is `across_mm` off the plane, 0-1.

    It is one half when the middle of the slice is at the lesion's end; below that the lesion counts as not visible.
    """
    left_mm = 0.5 * (config.thickness_mm + slice_mm) - np.abs(across_mm)
    return np.asarray(np.clip(left_mm / min(slice_mm, config.thickness_mm), 0.0, 1.0), dtype=np.float64)


def _radius_mm(config: LesionConfig, seed: int, angle: Array) -> Array:
    random = generator(seed, Stream.LESION_OUTLINE)
    phases = random.uniform(0.0, 2.0 * math.pi, len(LOBES))
    height = config.irregularity * math.sqrt(2.0 / len(LOBES))
    radius = np.ones_like(angle)
    for lobe, phase in zip(LOBES, phases.tolist(), strict=True):
        radius += height * np.cos(lobe * angle + phase)
    return np.asarray(0.5 * config.diameter_mm * radius, dtype=np.float64)
