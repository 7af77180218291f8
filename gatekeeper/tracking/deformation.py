"""Model free-form deformation by the modes of a Gaussian process on a control grid.

The displacement of the anatomy around the target is a Gaussian process [1]_: a translation shared by all points, plus
a smooth part with squared-exponential covariance. Its leading eigenvectors on a control grid, extended to any point by
Nystroem's formula, are the modes; a unit weight on a mode is one standard deviation. The covariance is the product of
one along rows and one along columns, and so are its eigenvectors: cost and memory do not grow with the grid's area.

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
"""Standard deviation of the shared translation: wide, so that the image determines it."""

NODES_PER_LENGTH = 2.5
"""Nodes of the control grid per correlation length; more do not change the modes visibly."""

MOST_LENGTHS = 50.0
"""Upper limit of the extent of a region, in correlation lengths. In larger regions the correlation length is increased,
as the limited number of modes could not resolve it."""


@dataclass(frozen=True, slots=True, eq=False)
class DeformationModes:
    """Displacement modes of the region around one target.

    Attributes
    ----------
    nodes_mm : tuple of ndarray of float64
        Positions of the control nodes along rows and along columns, in mm.
    loadings : tuple of ndarray of float64, shape (nodes along the axis, S)
        Weight of the covariance with each node in each smooth mode.
    length_mm, sd_mm : float
        Correlation length and standard deviation of the smooth part, in mm.
    mean : ndarray of float64, shape (S,)
        Constant subtracted from each smooth mode, in standard deviations; see `centred`.
    wide : DeformationModes or None
        A second, independent smooth part of larger correlation length. Its modes follow the translation.
    """

    nodes_mm: tuple[Array, Array]
    loadings: tuple[Array, Array]
    length_mm: float
    sd_mm: float
    mean: Array
    wide: Self | None = None

    @property
    def count(self) -> int:
        """Number of modes along each axis; the first is the translation."""
        return 1 + int(self.loadings[0].shape[1]) + (0 if self.wide is None else self.wide.count - 1)

    @property
    def wide_count(self) -> int:
        """Number of modes along each axis without the smooth modes of the smaller correlation length."""
        return self.count - (0 if self.wide is None else int(self.loadings[0].shape[1]))

    def at(self, points_mm: Array) -> Array:
        """Return the modes (K, N) at points (N, 2), in mm per unit weight.

        Parameters
        ----------
        points_mm : ndarray of float64, shape (N, 2)
            Points as (row, col) in mm.

        Returns
        -------
        ndarray of float64, shape (K, N)
            Displacement at each point; the same for rows and columns.
        """
        down, right = (
            _correlation(points_mm[:, axis], self.nodes_mm[axis], self.length_mm) @ self.loadings[axis]
            for axis in (0, 1)
        )
        smooth = self.sd_mm * ((down * right).T - self.mean[:, None])
        wide = smooth[:0] if self.wide is None else self.wide.at(points_mm)[1:]
        return np.vstack([np.full(len(points_mm), TRANSLATION_SD_MM), wide, smooth])

    def smooth_fields(self, points_mm: Array) -> Array:
        """Return the smooth modes of the largest correlation length at points (N, 2), in standard deviations."""
        widest = self if self.wide is None else self.wide
        return np.asarray(widest.at(points_mm)[1:] / widest.sd_mm, dtype=np.float64)

    def centred(self, outline_mm: Array) -> Self:
        """Return the model with smooth modes that do not move the mean of an outline (N, 2).

        The translation parameters are then the displacement of the target, whatever the deformation around it.
        """
        smooth = self.at(outline_mm)[self.count - len(self.mean) :]
        wide = None if self.wide is None else self.wide.centred(outline_mm)
        return replace(self, mean=self.mean + smooth.mean(axis=1) / self.sd_mm, wide=wide)


def deformation_modes(
    low_mm: Array, high_mm: Array, length_mm: float, sd_mm: float, share: float, most: int
) -> DeformationModes:
    """Return the deformation model of a rectangular region.

    Parameters
    ----------
    low_mm, high_mm : ndarray of float64, shape (2,)
        Corners of the region, (row, col) in mm.
    length_mm, sd_mm : float
        Correlation length and standard deviation of the smooth displacement, in mm.
    share : float
        Share of the variance that the kept modes explain, 0-1.
    most : int
        Upper limit of the number of modes, including the translation.

    Returns
    -------
    DeformationModes
        The modes, not centred.
    """
    length_mm = max(length_mm, float((high_mm - low_mm).max()) / MOST_LENGTHS)
    counts = np.maximum(3, np.ceil((high_mm - low_mm) / length_mm * NODES_PER_LENGTH).astype(int) + 1)
    down_mm, right_mm = (np.linspace(low, high, n) for low, high, n in zip(low_mm, high_mm, counts, strict=True))
    down, right = _eigen(down_mm, length_mm), _eigen(right_mm, length_mm)
    variance = np.outer(down[0], right[0]).ravel()
    # Rounded, so that the order of modes of equal variance does not depend on rounding errors.
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
    # The sign of an eigenvector is arbitrary; fix it, so that results do not depend on the linear algebra library.
    return values, vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(len(nodes_mm))])


def _correlation(a_mm: Array, b_mm: Array, length_mm: float) -> Array:
    return np.asarray(np.exp(-0.5 * np.square(np.subtract.outer(a_mm, b_mm) / length_mm)))
