"""Draw duodenum and stomach, which move with a share of the breath, later than the liver, and by peristalsis.

Each is a layer of its own before liver and bowel. A wave of two lobes runs around its middle, so that a point at the
angle a and the distance r from it is at r (1 + s cos(2a - wt)): this has an exact inverse, by which it is drawn.
"""

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.axes import SAGITTAL, Orientation
from replay.phantom import breathing
from replay.phantom.config import OrganConfig, PhantomConfig
from replay.phantom.lattice import HALF_SCENE, PITCH_MM, Lattice, texture
from replay.phantom.organs import inside, over
from replay.phantom.streams import Stream, generator

Array = NDArray[np.float64]
Image = NDArray[np.float32]

NAMES = ("duodenum", "stomach")
OUTLINE_POINTS = 192
WALL_MM, WALL = 3.5, 0.9
"""Thickness of the wall in mm, and its brightness relative to the liver."""
FOLDS_MM, FOLDS = 3.0, 0.15
CONTENT_PERIODS = 2.7
"""Number of periods of the organ after which its content is as bright again."""
GAS, GAS_AT = 0.05, (0.35, 0.4)
"""Brightness of gas relative to the liver, and how far its middle moves down and lies in front, as a share of the
organ's radii."""
SPARE_MM = 4.0
"""Distance beyond the outline up to which it is drawn."""


class Pose(NamedTuple):
    """An organ at one moment: its middle as (inferior, posterior) in mm, and the phase of its wave in rad."""

    middle_mm: tuple[float, float]
    phase: float


class Neighbour:
    """Duodenum or stomach of a phantom.

    Parameters
    ----------
    name : str
        One of `NAMES`.
    config : PhantomConfig
        Of this, its settings, breathing and seed are used.
    orientation : Orientation, optional
        That of the images.
    """

    def __init__(self, name: str, config: PhantomConfig, orientation: Orientation = SAGITTAL) -> None:
        self._own: OrganConfig = getattr(config.organs, name)
        self._config = config
        self._orientation = orientation
        self._folds = texture(generator(config.seed, Stream.NEIGHBOURS, NAMES.index(name)), FOLDS_MM).astype(np.float32)

    def poses(self, times_s: Array) -> list[Pose]:
        """Return the organ at each of some times (N,) in s."""
        own, config = self._own, self._config
        later_s = times_s - own.breath_delay_s
        breath = breathing.course(config, later_s, self._orientation)
        cycles = times_s / own.period_s + own.start_phase
        row_mm = own.center_mm[0] + own.breath_share * breath.si_mm - own.lift_mm * np.sin(math.pi * cycles) ** 2
        col_mm = own.center_mm[1] + own.breath_share * breath.ap_mm
        phases = 2.0 * math.pi * cycles
        return [
            Pose((row, col), phase)
            for row, col, phase in zip(row_mm.tolist(), col_mm.tolist(), phases.tolist(), strict=True)
        ]

    def outline_mm(self, pose: Pose) -> Array:
        """Return the outline (N, 2) as (inferior, posterior) mm; each point follows its tissue."""
        angle = np.linspace(0.0, 2.0 * math.pi, OUTLINE_POINTS, endpoint=False)
        away_mm = self._radius_mm(angle) * self._stretch(angle, pose)
        around = np.stack([np.sin(angle), np.cos(angle)], axis=-1)
        return np.asarray(np.array(pose.middle_mm) + away_mm[:, None] * around, dtype=np.float64)

    def draw(self, image: Image, view: Lattice, pose: Pose) -> None:
        """Draw the organ over an image (H, W) on the points of a raster."""
        reach_mm = max(self._own.radii_mm) * (1.0 + self._own.squeeze) + SPARE_MM
        rows, cols = (
            slice(*np.searchsorted(positions_mm, (at_mm - reach_mm, at_mm + reach_mm)).tolist())
            for positions_mm, at_mm in zip((view.rows_mm, view.cols_mm), pose.middle_mm, strict=True)
        )
        down_mm = view.rows_mm[rows, None] - pose.middle_mm[0]
        back_mm = view.cols_mm[None, cols] - pose.middle_mm[1]
        if not (down_mm.size and back_mm.size):
            return
        angle = np.arctan2(down_mm, back_mm)
        stretch = self._stretch(angle, pose)
        away_mm = np.hypot(down_mm, back_mm)
        # Depth below the outline, on the material's own ray.
        depth_mm = self._radius_mm(angle) * stretch - away_mm
        folds = cv2.remap(
            self._folds,
            (back_mm / stretch / PITCH_MM + HALF_SCENE[1]).astype(np.float32),
            (down_mm / stretch / PITCH_MM + HALF_SCENE[0]).astype(np.float32),
            cv2.INTER_LINEAR,
        ).astype(np.float64)
        content = self._content(pose) * (1.0 + FOLDS * folds)
        if self._own.gas_mm > 0.0:
            gas_mm = self._depth_in_gas_mm(down_mm / stretch, back_mm / stretch, pose)
            content = over(content, np.full(content.shape, GAS), inside(gas_mm, 2.0))
        inner = over(np.full(depth_mm.shape, WALL), content, inside(depth_mm - WALL_MM, 2.0))
        image[rows, cols] = over(image[rows, cols].astype(np.float64), inner, inside(depth_mm))

    def _content(self, pose: Pose) -> float:
        """Return the brightness of the content."""
        return self._own.content_brightness * (1.0 + self._own.content_change * math.sin(pose.phase / CONTENT_PERIODS))

    def _depth_in_gas_mm(self, down_mm: Array, back_mm: Array, pose: Pose) -> Array:
        """Return how deep points lie below the surface of the bubble of gas, in mm."""
        high_mm, deep_mm = self._own.radii_mm
        away_mm = np.hypot(down_mm - GAS_AT[0] * high_mm * math.sin(pose.phase), back_mm + GAS_AT[1] * deep_mm)
        return np.asarray(0.5 * self._own.gas_mm - away_mm, dtype=np.float64)

    def _radius_mm(self, angle: Array) -> Array:
        """Return the distance of the outline from the middle: an ellipse."""
        down_mm, back_mm = self._own.radii_mm
        return np.asarray(1.0 / np.hypot(np.sin(angle) / down_mm, np.cos(angle) / back_mm), dtype=np.float64)

    def _stretch(self, angle: Array, pose: Pose) -> Array:
        return np.asarray(1.0 + self._own.squeeze * np.cos(2.0 * angle - pose.phase), dtype=np.float64)


def neighbours(config: PhantomConfig, orientation: Orientation = SAGITTAL) -> tuple[Neighbour, ...]:
    """Return stomach and duodenum in the order in which they are drawn; none where they are not shown."""
    if not config.organs.shown:
        return ()
    return tuple(Neighbour(name, config, orientation) for name in reversed(NAMES))
