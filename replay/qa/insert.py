"""The digital QA phantom: a target in a rod that moves as a whole through a body at rest."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, shift, spline_filter

from gatekeeper.core.axes import Orientation
from gatekeeper.core.frame import Plane
from replay.recording import Recording

Array = NDArray[np.float64]

PIXEL_MM = 1.8
ROWS, COLS = 160, 144
RADIUS_MM = 13.0
"""Radius of the target, a cylinder across the plane: motion across the plane leaves its picture unchanged."""
ROD_MM = 42.0
"""Half of the rod's width across its length, in mm."""
REACH_MM = 48.0
"""Largest motion that is drawn, in mm."""
LEVEL, SNR = 300.0, 25.0
SEED = 142
UNFED = 2**31
"""Number of the first frame that is never fed, so that its noise is not that of another."""


@dataclass(frozen=True, slots=True, eq=False)
class Insert:
    """Images of the phantom.

    Attributes
    ----------
    plane : Plane
        Plane of the images.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    orientation : Orientation
        Of the images.
    """

    plane: Plane
    spacing_mm: tuple[float, float]
    orientation: Orientation
    _body: Array
    _rod: Array
    _cover: Array
    _margin: int

    @property
    def target_mask(self) -> NDArray[np.bool_]:
        """The target at its reference position, shape (H, W)."""
        rows, cols = _grid(0)
        return np.asarray(np.hypot(rows, cols) <= RADIUS_MM)

    def image(self, moved_mm: Array, number: int) -> NDArray[np.float32]:
        """Return the image of the rod moved along rows and columns by a distance in mm, with the noise of a frame."""
        moved_px = np.clip(moved_mm, -REACH_MM, REACH_MM) / PIXEL_MM
        margin = self._margin
        rod, cover = (
            shift(layer, moved_px, order=3, prefilter=False, mode="nearest")[margin:-margin, margin:-margin]
            for layer in (self._rod, self._cover)
        )
        cover = np.clip(cover, 0.0, 1.0)
        signal = LEVEL * (cover * rod + (1.0 - cover) * self._body)
        random = np.random.default_rng((SEED, number))
        real, imaginary = random.normal(0.0, LEVEL / SNR, (2, *signal.shape))
        return np.asarray(np.hypot(signal + real, imaginary), dtype=np.float32)

    def recording(self, name: str, rate_hz: float) -> Recording:
        """Return a recording of two frames at the reference position, with the target on the first."""
        frames = np.stack([self.image(np.zeros(2), UNFED + number) for number in (0, 1)])
        return Recording(
            name=name,
            frames=np.rint(frames).astype(np.uint16),
            spacing_mm=self.spacing_mm,
            times_s=np.arange(2) / rate_hz,
            first_mask=self.target_mask,
            plane=self.plane,
        )


def make_insert(orientation: Orientation) -> Insert:
    """Return the phantom for images of an orientation.

    Parameters
    ----------
    orientation : Orientation
        Of the images.

    Returns
    -------
    Insert
    """
    margin = math.ceil(REACH_MM / PIXEL_MM) + 4
    random = np.random.default_rng(SEED)
    rows, cols = _grid(margin)
    grain = gaussian_filter(random.standard_normal(rows.shape), 1.6)
    blobs = gaussian_filter(random.standard_normal(rows.shape), 3.5)
    rod = 0.9 + 0.08 * grain / grain.std() + 0.28 * np.tanh(1.5 * blobs / blobs.std())
    target = 1.0 / (1.0 + np.exp((np.hypot(rows, cols) - RADIUS_MM) / 0.8))
    inner = gaussian_filter(random.standard_normal(rows.shape), 2.0)
    rod = rod * (1.0 - target) + target * (0.5 + 0.05 * inner / inner.std())
    # The rod runs along the axis of most motion, rows in sagittal and coronal images.
    cover = 1.0 / (1.0 + np.exp((np.abs(cols) - ROD_MM) / 0.9))
    at_rest_rows, at_rest_cols = _grid(0)
    ring = np.hypot(at_rest_rows / 150.0, at_rest_cols / 118.0)
    texture = gaussian_filter(random.standard_normal(at_rest_rows.shape), 2.5)
    body = np.where(ring < 1.0, 0.6 + 0.1 * texture / texture.std(), 0.03)
    return Insert(
        Plane((0.0, 0.0, 0.0), orientation.rows.step, orientation.cols.step),
        (PIXEL_MM, PIXEL_MM),
        orientation,
        gaussian_filter(body, 0.7),
        spline_filter(rod, order=3),
        spline_filter(cover, order=3),
        margin,
    )


def _grid(margin: int) -> tuple[Array, Array]:
    """Return rows and columns from the middle in mm, with more pixels on each side."""
    rows, cols = (
        PIXEL_MM * (np.arange(-margin, count + margin, dtype=np.float64) - 0.5 * (count - 1)) for count in (ROWS, COLS)
    )
    both = np.meshgrid(rows, cols, indexing="ij")
    return both[0], both[1]
