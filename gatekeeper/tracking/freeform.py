"""Free-form displacement: modes of a Gaussian process on a control grid, smooth by construction.

The displacement of the anatomy around the target is a Gaussian process [1]_: a translation shared by all points, plus
a smooth part with squared-exponential covariance. Its leading eigenvectors on a control grid, extended to any point by
Nystroem's formula, are the modes; a unit weight on a mode is one standard deviation.

References
----------
.. [1] M. Luethi, T. Gerig, C. Jud, T. Vetter, "Gaussian process morphable models", IEEE TPAMI 40(8), 2018.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

Array = NDArray[np.float64]

TRANSLATION_SD_MM = 30.0
"""Standard deviation of the shared translation: wide, so that it is left to the image."""

NODES_PER_LENGTH = 2.5
"""Nodes of the control grid per correlation length; more changes nothing that can be seen."""


@dataclass(frozen=True, slots=True, eq=False)
class FreeForm:
    """Displacement modes of the region around one target.

    Attributes
    ----------
    nodes_mm : ndarray of float64, shape (M, 2)
        Control grid, (row, col) in mm.
    loadings : ndarray of float64, shape (M, K - 1)
        What a unit weight of each smooth mode puts on each node's covariance.
    length_mm, sd_mm : float
        Correlation length and standard deviation of the smooth part.
    """

    nodes_mm: Array
    loadings: Array
    length_mm: float
    sd_mm: float

    @property
    def count(self) -> int:
        """How many modes there are along each axis; the first is the translation."""
        return 1 + int(self.loadings.shape[1])

    def at(self, points_mm: Array) -> Array:
        """Return the modes (K, N) in mm per unit weight at `points_mm` (N, 2)."""
        smooth = _covariance(points_mm, self.nodes_mm, self.length_mm, self.sd_mm) @ self.loadings
        return np.vstack([np.full(len(points_mm), TRANSLATION_SD_MM), smooth.T])


def free_form(low_mm: Array, high_mm: Array, length_mm: float, sd_mm: float, share: float, most: int) -> FreeForm:
    """Return the free-form model of the box between two corners.

    Parameters
    ----------
    low_mm, high_mm : ndarray of float64, shape (2,)
        Corners of the region, (row, col) in mm.
    length_mm, sd_mm : float
        Correlation length and standard deviation of the smooth displacement, in mm.
    share : float
        Modes are kept until they explain this share of the variance, 0-1.
    most : int
        At most this many modes, the translation included.
    """
    counts = np.maximum(3, np.ceil((high_mm - low_mm) / length_mm * NODES_PER_LENGTH).astype(int) + 1)
    axes = [np.linspace(low, high, n) for low, high, n in zip(low_mm, high_mm, counts, strict=True)]
    nodes = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    variance, vectors = np.linalg.eigh(_covariance(nodes, nodes, length_mm, sd_mm))
    variance, vectors = variance[::-1], vectors[:, ::-1]
    kept = int(np.searchsorted(np.cumsum(variance) / variance.sum(), share)) + 1
    kept = min(kept, most - 1)
    # A mode's sign is free; fix it, so that results do not hang on the linear algebra library.
    signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])])
    loadings = vectors[:, :kept] * signs[:kept] / np.sqrt(variance[:kept])
    return FreeForm(nodes, loadings, length_mm, sd_mm)


def _covariance(a_mm: Array, b_mm: Array, length_mm: float, sd_mm: float) -> Array:
    squared = cdist(a_mm, b_mm, "sqeuclidean")
    return np.asarray(sd_mm**2 * np.exp(-0.5 * squared / length_mm**2))
