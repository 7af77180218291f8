"""Search the full range for rigid displacements of the target's surroundings."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels.ncc import best_peaks, correlate_weighted, search
from kernels.pyramid import block_mean

LARGEST_SIDE = 12
"""Upper limit of the template's sides, in pixels; it determines the resolution of the search."""
LARGEST_WEIGHTED_SIDE = 40
"""The same for a weighted template, of which only a part counts."""

CANDIDATES = 3
APART = 2
"""Number of peaks that are refined, and their least distance in pixels."""
LEAST_PEAK = 0.7
"""Least height of a peak of a weighted template, over the highest."""


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """A rigid template and the buffers to search for it.

    Attributes
    ----------
    factor : int
        Side of the blocks of image pixels that are binned to one pixel of the search.
    origin : tuple of int
        Image pixel (row, col) at the corner of the search window.
    template, window, scores : ndarray of float32
        Zero-mean unit-norm template, the frame's window, and the correlation coefficient at each offset.
    zero_offset : tuple of int
        (row, col) in `scores` of zero displacement.
    peaks : ndarray of float64, shape (CANDIDATES, 3)
        Peaks of the last search as (row, col, score), best first; see `kernels.ncc.best_peaks`.
    spacing_mm : tuple of float
        Distance of the image's pixel centres along rows and columns, in mm.
    weight : ndarray of float32, or None
        Weight of each pixel of the template, which then is weighted, see `kernels.ncc.correlate_weighted`.
    """

    factor: int
    origin: tuple[int, int]
    template: NDArray[np.float32]
    window: NDArray[np.float32]
    scores: NDArray[np.float32]
    zero_offset: tuple[int, int]
    peaks: NDArray[np.float64]
    spacing_mm: tuple[float, float]
    weight: NDArray[np.float32] | None = None

    def run(self, image: NDArray[np.float32]) -> int:
        """Search for the template on an image, and return the number of candidates for `displacement_mm`."""
        row, col = self.origin
        if self.weight is None:
            found = search(image, row, col, self.factor, self.window, self.template, self.scores, APART, self.peaks)
        else:
            block_mean(image, row, col, self.factor, self.window)
            correlate_weighted(self.window, self.template, self.weight, self.scores)
            found = best_peaks(self.scores, APART, self.peaks)
        if self.weight is not None:
            while found > 1 and self.peaks[found - 1, 2] < LEAST_PEAK * self.peaks[0, 2]:
                found -= 1
        return found

    @property
    def pixel_mm(self) -> tuple[float, float]:
        """Distance of neighbouring offsets along rows and columns, in mm."""
        return self.factor * self.spacing_mm[0], self.factor * self.spacing_mm[1]

    @property
    def reach_px(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """First and last image pixel (row, col) that the window covers; may lie outside the image."""
        first = np.asarray(self.origin)
        return first, first + np.asarray(self.window.shape) * self.factor - 1

    def displacement_mm(self, candidate: int) -> tuple[float, float]:
        """Return the displacement of a candidate from the reference, (row, col) in mm."""
        peak = self.peaks[candidate]
        row_mm, col_mm = self.pixel_mm
        return (peak[0] - self.zero_offset[0]) * row_mm, (peak[1] - self.zero_offset[1]) * col_mm


def make_search(
    reference: NDArray[np.float32],
    low_px: NDArray[np.float64],
    high_px: NDArray[np.float64],
    spacing_mm: tuple[float, float],
    finest: int,
    range_mm: tuple[float, float],
    weight: NDArray[np.float32] | None = None,
) -> Search:
    """Return the search for a box of the reference.

    Parameters
    ----------
    reference : ndarray of float32, shape (H, W)
        The reference image.
    low_px, high_px : ndarray of float64, shape (2,)
        First and last (row, col) of the box to search for.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    finest : int
        Lower limit of the block side, in image pixels.
    range_mm : tuple of float
        Search range to either side of the reference position along rows and columns, in mm.
    weight : ndarray of float32, shape (H, W), optional
        Weight of each pixel of the reference; by default all pixels of the box count alike.

    Returns
    -------
    Search
        With its own buffers.
    """
    factor = finest
    largest = LARGEST_SIDE if weight is None else LARGEST_WEIGHTED_SIDE
    while (high_px - low_px + 1.0).max() > largest * factor and min(reference.shape) >= 4 * factor:
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
    weights = None
    if weight is None:
        template -= template.mean()
        template /= max(float(np.linalg.norm(template)), 1e-30)
    else:
        weights = np.empty_like(template)
        block_mean(weight, int(low[0]) * factor, int(low[1]) * factor, factor, weights)
        weights /= weights.sum()
        template -= (weights * template).sum()
        template *= weights / max(float(np.sqrt((weights * template * template).sum())), 1e-30)
    offsets = last - first + 1
    return Search(
        factor=factor,
        origin=(int(first[0]) * factor, int(first[1]) * factor),
        template=template,
        window=np.empty(offsets + size - 1, np.float32),
        scores=np.empty(offsets, np.float32),
        zero_offset=(int(low[0] - first[0]), int(low[1] - first[1])),
        peaks=np.zeros((CANDIDATES, 3)),
        spacing_mm=spacing_mm,
        weight=weights,
    )
