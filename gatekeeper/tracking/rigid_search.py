"""Search: where, over the whole search range, the surroundings of the target may have gone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels.ncc import best_peaks, correlate
from kernels.pyramid import block_mean

LARGEST_SIDE = 12
"""The template is searched for at a resolution at which it has at most so many pixels a side."""

CANDIDATES = 3
APART = 2
"""So many peaks are followed, which lie more than so many pixels apart."""


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """A rigid template and the buffers to look for it.

    Attributes
    ----------
    factor : int
        Side of the blocks of image pixels that make one pixel here.
    origin : tuple of int
        Image pixel of the corner of the search window.
    template, window, scores : ndarray of float32
        Zero-mean unit-norm template, the frame's window, and the correlation at every offset.
    home : tuple of float
        (row, col) in `scores` that means no displacement.
    peaks : ndarray of float64, shape (CANDIDATES, 3)
    spacing_mm : tuple of float
    """

    factor: int
    origin: tuple[int, int]
    template: NDArray[np.float32]
    window: NDArray[np.float32]
    scores: NDArray[np.float32]
    home: tuple[int, int]
    peaks: NDArray[np.float64]
    spacing_mm: tuple[float, float]

    def run(self, image: NDArray[np.float32]) -> int:
        """Look for the template on `image`; return how many candidates `displacement_mm` can tell."""
        block_mean(image, self.origin[0], self.origin[1], self.factor, self.window)
        correlate(self.window, self.template, self.scores)
        return best_peaks(self.scores, APART, self.peaks)

    @property
    def pixel_mm(self) -> tuple[float, float]:
        """Distance of neighbouring offsets along rows and columns, in mm."""
        return self.factor * self.spacing_mm[0], self.factor * self.spacing_mm[1]

    @property
    def reach_px(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """First and last (row, col) of the image that the window covers, in image pixels; may lie outside it."""
        first = np.asarray(self.origin)
        return first, first + np.asarray(self.window.shape) * self.factor - 1

    def displacement_mm(self, candidate: int) -> tuple[float, float]:
        """Return the displacement of one candidate from the reference, (row, col) in mm."""
        peak = self.peaks[candidate]
        row_mm, col_mm = self.pixel_mm
        return (peak[0] - self.home[0]) * row_mm, (peak[1] - self.home[1]) * col_mm


def make_search(
    reference: NDArray[np.float32],
    low_px: NDArray[np.float64],
    high_px: NDArray[np.float64],
    spacing_mm: tuple[float, float],
    finest: int,
    range_mm: tuple[float, float],
) -> Search:
    """Return the search for the box between two corners of the reference.

    Parameters
    ----------
    reference : ndarray of float32, shape (H, W)
    low_px, high_px : ndarray of float64, shape (2,)
        First and last (row, col) of the box that is searched for.
    spacing_mm : tuple of float
    finest : int
        Smallest block side to search at, in image pixels.
    range_mm : tuple of float
        How far from the reference position, along rows and columns.
    """
    factor = finest
    while (high_px - low_px + 1.0).max() > LARGEST_SIDE * factor and min(reference.shape) >= 4 * factor:
        factor *= 2
    shape = np.array(reference.shape) // factor
    shift = 0.5 * (factor - 1)
    low = np.clip(np.floor((low_px - shift) / factor).astype(int), 0, shape - 2)
    high = np.clip(np.ceil((high_px - shift) / factor).astype(int), low + 1, shape - 1)
    size = high - low + 1
    reach = np.ceil(np.asarray(range_mm) / (np.asarray(spacing_mm) * factor)).astype(int)
    # At least half of the box stays on the image at every offset.
    first = np.maximum(low - reach, -(size // 2))
    last = np.minimum(low + reach, shape - (size + 1) // 2)

    template = np.empty(size, np.float32)
    block_mean(reference, int(low[0]) * factor, int(low[1]) * factor, factor, template)
    template -= template.mean()
    template /= max(float(np.linalg.norm(template)), 1e-30)
    offsets = last - first + 1
    return Search(
        factor=factor,
        origin=(int(first[0]) * factor, int(first[1]) * factor),
        template=template,
        window=np.empty(offsets + size - 1, np.float32),
        scores=np.empty(offsets, np.float32),
        home=(int(low[0] - first[0]), int(low[1] - first[1])),
        peaks=np.zeros((CANDIDATES, 3)),
        spacing_mm=spacing_mm,
    )
