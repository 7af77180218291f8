"""Invert the displacement of tissue, solved on a coarse grid and refined by splines."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline, make_interp_spline
from scipy.sparse import csr_matrix

from gatekeeper.core.errors import ConfigError

Array = NDArray[np.float64]
Image = NDArray[np.float32]

GRID_MM = 9.0
"""Pitch of the coarse grid; displacements are smooth enough that splines between its nodes are exact to 0.005 mm."""

TOLERANCE_MM = 1e-4
MOST_ITERATIONS = 200
MARGIN = 1.3
"""Safety factor: the bound is taken at the present positions; at the original ones modes may be stronger."""


class Inverse:
    """Find the material points that have moved onto the nodes of a grid.

    Parameters
    ----------
    modes : callable
        From material points (..., 2) in mm to modes (MODES, ..., 2).
    rows_mm, cols_mm : ndarray of float64, shapes (H,) and (W,)
        Positions of the grid's rows and columns.
    """

    def __init__(self, modes: Callable[[Array], Array], rows_mm: Array, cols_mm: Array) -> None:
        self._modes = modes
        coarse_rows_mm, self._fit_rows, self._refine_rows = _splines(rows_mm)
        coarse_cols_mm, self._fit_cols, self._refine_cols = _splines(cols_mm)
        self._nodes_mm = np.stack(np.meshgrid(coarse_rows_mm, coarse_cols_mm, indexing="ij"), axis=-1)

    def reach_mm(self, amplitude: Array) -> tuple[float, float]:
        """Return a bound of the displacement along rows and columns, in mm, over all amplitudes (..., MODES)."""
        largest = np.abs(amplitude).reshape(-1, amplitude.shape[-1]).max(axis=0)
        strongest = np.abs(self._modes(self._nodes_mm)).max(axis=(1, 2))
        along_rows, along_cols = (largest @ strongest).tolist()
        return MARGIN * along_rows, MARGIN * along_cols

    def solve(self, amplitude: Array) -> tuple[Image, Image]:
        """Return the offset of the material point at each node, along rows and columns in mm, each (H, W).

        X = x - u(X) is iterated from X = x until no point moves by more than 0.0001 mm.

        Parameters
        ----------
        amplitude : ndarray of float64, shape (MODES,)
            Amplitudes of the modes.

        Raises
        ------
        ConfigError
            When the motion is strong enough to fold tissue and has no inverse.
        """
        material_mm = self._nodes_mm
        for _ in range(MOST_ITERATIONS):
            before_mm = material_mm
            material_mm = self._nodes_mm - np.einsum("m,mrcx->rcx", amplitude, self._modes(before_mm))
            if np.abs(material_mm - before_mm).max() < TOLERANCE_MM:
                break
        else:
            raise ConfigError(
                f"phantom: a displacement of {amplitude[0]:.0f} mm folds the tissue and has no inverse; "
                "lower breathing.amplitude_mm, breathing.elastic or the depth of deep breaths"
            )
        moved_mm = material_mm - self._nodes_mm
        return self._refined(moved_mm[..., 0]), self._refined(moved_mm[..., 1])

    def _refined(self, coarse: Array) -> Image:
        knots = (self._fit_rows @ coarse @ self._fit_cols.T).astype(np.float32)
        return np.ascontiguousarray((self._refine_cols @ np.ascontiguousarray((self._refine_rows @ knots).T)).T)


def _splines(positions_mm: Array) -> tuple[Array, Array, csr_matrix]:
    """Return coarse nodes around positions, and the matrices to spline coefficients and to values at the positions.

    The last is sparse: a dense product of this size would start threads for a small task.
    """
    nodes = 4 + int(np.ceil((positions_mm[-1] - positions_mm[0]) / GRID_MM))
    nodes_mm = positions_mm[0] + GRID_MM * (np.arange(nodes) - 1.5)
    fit = make_interp_spline(nodes_mm, np.eye(nodes), k=3)
    refine = BSpline.design_matrix(positions_mm, fit.t, 3).toarray().astype(np.float32)
    return nodes_mm, np.asarray(fit.c), csr_matrix(refine)
