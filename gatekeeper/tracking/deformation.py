"""Free-form displacement: modes of a Gaussian process on a control grid, smooth by construction.

The displacement of the anatomy around the target is a Gaussian process [1]_: a translation shared by all points, plus
a smooth part with squared-exponential covariance. Its leading eigenvectors on a control grid, extended to any point by
Nystroem's formula, are the modes; a unit weight on a mode is one standard deviation. The covariance is that along
rows times that along columns, and so are its eigenvectors: neither cost nor memory grows with the grid's area.

References
----------
.. [1] M. Luethi, T. Gerig, C. Jud, T. Vetter, "Gaussian process morphable models", IEEE TPAMI 40(8), 2018.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

TRANSLATION_SD_MM = 30.0
"""Standard deviation of the shared translation: wide, so that it is left to the image."""

NODES_PER_LENGTH = 2.5
"""Nodes of the control grid per correlation length; more changes nothing that can be seen."""

MOST_LENGTHS = 50.0
"""Correlation lengths across a region; where it is larger, they are longer. So few modes tell no more apart anyway."""


@dataclass(frozen=True, slots=True, eq=False)
class DeformationModes:
    """Displacement modes of the region around one target.

    Attributes
    ----------
    nodes_mm : tuple of ndarray of float64
        Places of the control grid along rows and along columns, in mm.
    loadings : tuple of ndarray of float64, shape (nodes along the axis, K - 1)
        What a unit weight of each smooth mode puts on the covariance with each of those places.
    length_mm, sd_mm : float
        Correlation length and standard deviation of the smooth part.
    mean : ndarray of float64, shape (K - 1,)
        What is taken off each smooth mode and left to the translation, in standard deviations; see `centred`.
    """

    nodes_mm: tuple[Array, Array]
    loadings: tuple[Array, Array]
    length_mm: float
    sd_mm: float
    mean: Array

    @property
    def count(self) -> int:
        """How many modes there are along each axis; the first is the translation."""
        return 1 + int(self.loadings[0].shape[1])

    def at(self, points_mm: Array) -> Array:
        """Return the modes (K, N) in mm per unit weight at `points_mm` (N, 2)."""
        down, right = (
            _correlation(points_mm[:, axis], self.nodes_mm[axis], self.length_mm) @ self.loadings[axis]
            for axis in (0, 1)
        )
        smooth = (down * right).T - self.mean[:, None]
        return np.vstack([np.full(len(points_mm), TRANSLATION_SD_MM), self.sd_mm * smooth])

    def centred(self, outline_mm: Array) -> Self:
        """Return the same model in which the smooth modes leave the mean of some points (N, 2) where it is.

        The translation, which may be as large, takes over what is taken off them. It is then where the target goes,
        whatever deformation there is around it, if the points are those of its outline.
        """
        mean = self.mean + self.at(outline_mm)[1:].mean(axis=1) / self.sd_mm
        return replace(self, mean=mean)


def deformation_modes(
    low_mm: Array, high_mm: Array, length_mm: float, sd_mm: float, share: float, most: int
) -> DeformationModes:
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
    length_mm = max(length_mm, float((high_mm - low_mm).max()) / MOST_LENGTHS)
    counts = np.maximum(3, np.ceil((high_mm - low_mm) / length_mm * NODES_PER_LENGTH).astype(int) + 1)
    down_mm, right_mm = (np.linspace(low, high, n) for low, high, n in zip(low_mm, high_mm, counts, strict=True))
    down, right = _eigen(down_mm, length_mm), _eigen(right_mm, length_mm)
    variance = np.outer(down[0], right[0]).ravel()
    # Rounded, so that modes of the same variance keep their order whatever the last digit says.
    order = np.argsort(-np.round(variance, 9), kind="stable")
    explained = np.cumsum(variance[order]) / (len(down_mm) * len(right_mm))
    kept = order[: min(int(np.searchsorted(explained, share)) + 1, most - 1)]
    i, j = np.unravel_index(kept, (len(down_mm), len(right_mm)))
    loadings = down[1][:, i] / np.sqrt(down[0][i]), right[1][:, j] / np.sqrt(right[0][j])
    return DeformationModes((down_mm, right_mm), loadings, length_mm, sd_mm, np.zeros(len(kept)))


def _eigen(nodes_mm: Array, length_mm: float) -> tuple[Array, Array]:
    """Return eigenvalues, largest first, and eigenvectors, as columns, of the correlation along one axis."""
    values, vectors = np.linalg.eigh(_correlation(nodes_mm, nodes_mm, length_mm))
    values, vectors = values[::-1], vectors[:, ::-1]
    # A vector's sign is free; fix it, so that results do not hang on the linear algebra library.
    return values, vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(len(nodes_mm))])


def _correlation(a_mm: Array, b_mm: Array, length_mm: float) -> Array:
    return np.asarray(np.exp(-0.5 * np.square(np.subtract.outer(a_mm, b_mm) / length_mm)))
