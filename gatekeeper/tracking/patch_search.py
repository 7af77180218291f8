"""Find the wide deformation of a large target from small patches, each of which is searched for by itself."""

import numpy as np
from numpy.typing import NDArray

from gatekeeper.tracking.deformation import DeformationModes
from gatekeeper.tracking.grid import RIM, Grid
from gatekeeper.tracking.translation import Params
from kernels.deformation import displace
from kernels.ncc import best_peaks
from kernels.patch_votes import SCRATCH, part_for_votes, vote_patches
from kernels.patch_votes import STEP as VOTE_STEP
from kernels.patches import SIDE, fit_displacements, match_patches, weakest_agreement
from kernels.pyramid import block_mean

STEP, MOST_PATCHES = 4, 150
"""Least distance of neighbouring patches, in grid pixels, and upper limit of their number."""
REACHES = (3, 2)
"""Search range to either side of the expected position in each pass, in grid pixels."""
LEAST_TEXTURE = 0.15
"""Least contrast of a patch that is used, over the median."""
LEAST_CORRELATION, LEAST_AGREEING = 0.4, 0.3
"""Least correlation of a match that is used, and of one that agrees with a fit."""
ERROR_MM, OUTLIER_MM = 2.0, 3.0
"""Standard deviation of a match, and the distance from the smooth displacement at which its weight is halved."""
ITERATIONS = 6
"""Number of iterations of the robust fit in each pass."""

AGREEING_MM = 4.0
"""Distance from where a fit has a patch, up to which one that is found there agrees with it, in mm."""

LEAST_VOTING = 0.3
"""Correlation below which a patch does not vote for a displacement."""
CANDIDATES, APART = 3, 2
"""Number of displacements with most votes that are looked at, and their least distance in steps."""
LEAST_VOTES = 0.5
"""Least votes for one of them, over the most."""


class PatchSearch:
    """Match patches of the reference on frames, and fit the wide modes of the deformation to their displacements.

    Patches are compared by normalised cross-correlation, so that it does not matter how contrast and brightness change
    elsewhere. The fit is robust, so that patches of still anatomy beside the target are outvoted.

    Parameters
    ----------
    grid : Grid
        The reference at the resolution of the search.
    deformation : DeformationModes
        Deformation of the target, with a wide part.
    rim_mm : float
        Greatest distance of a patch's middle from the target, in mm.
    fade_mm : float, optional
        Distance from the target at which the vote of a patch has fallen to 1/e, in mm; by default all count alike.
    range_mm : tuple of float, optional
        Range of the displacements that are voted for to either side along rows and columns, in mm.
    error_mm : float, optional
        Standard deviation of a match, in mm: the smaller, the more deformation is expected.
    """

    def __init__(
        self,
        grid: Grid,
        deformation: DeformationModes,
        rim_mm: float,
        fade_mm: float = np.inf,
        range_mm: tuple[float, float] = (0.0, 0.0),
        error_mm: float = ERROR_MM,
    ) -> None:
        corner = _corners(grid.distance_mm, rim_mm)
        image = grid.image[RIM:-RIM, RIM:-RIM].astype(np.float64)
        patches = np.array([image[r : r + SIDE, c : c + SIDE].ravel() for r, c in corner]).reshape(-1, SIDE * SIDE)
        patches -= patches.mean(axis=1, keepdims=True)
        contrast = np.linalg.norm(patches, axis=1)
        kept = contrast > LEAST_TEXTURE * np.median(contrast) if len(contrast) else contrast > 0.0
        corner, patches, contrast = corner[kept], patches[kept], contrast[kept]
        middle_mm = grid.positions_mm(corner) + 0.5 * (SIDE - 1) / grid.scale
        self._grid, self._scale = grid, grid.scale
        self._count = deformation.count
        self._error_mm = error_mm
        self._templates = np.ascontiguousarray(patches / contrast[:, None], np.float32)
        self._rows, self._cols = np.ascontiguousarray(corner.T, np.float32)
        self._modes = np.ascontiguousarray(deformation.at(middle_mm)[: deformation.wide_count], np.float32)
        self._all_modes = np.ascontiguousarray(deformation.at(middle_mm), np.float32)
        below, behind = (middle_mm > middle_mm.mean(axis=0)).T if len(corner) else np.zeros((2, 0), np.bool_)
        self._quarter = 2 * below.astype(np.int64) + behind
        self._variance = (
            np.square(contrast) / max(float(np.square(contrast).mean()), 1e-30) if len(corner) else contrast
        )
        self._agreements = np.zeros((4, 2))
        self._expected_rows, self._expected_cols = np.zeros((2, len(corner)), np.float32)
        self._image = np.zeros(grid.distance_mm.shape, np.float32)
        self._scratch = tuple(np.zeros((5, (2 * reach + SIDE) ** 2), np.float32) for reach in REACHES)
        self._moves = np.zeros((len(corner), 2))
        self._weights, self._strength = np.zeros((2, len(corner)))
        self._prior = np.ones(len(self._modes))
        self._system = np.zeros((len(self._modes) + 2, len(self._modes)))
        self._params = np.zeros(2 * len(self._modes), np.float32)
        middle = (corner + SIDE // 2).T
        self._closeness = np.exp(-np.square(grid.distance_mm[tuple(middle)] / fade_mm), dtype=np.float32)
        self._closest = float(self._closeness.mean()) if len(corner) else 1.0
        steps = np.ceil(np.asarray(range_mm) * grid.scale / VOTE_STEP).astype(int)
        self._votes = np.zeros(2 * steps + 1, np.float32)
        _, _, high, wide = part_for_votes(self._rows, self._cols, *self._votes.shape)
        self._vote_scratch = np.zeros((SCRATCH, high * wide), np.float32)
        self._peaks = np.zeros((CANDIDATES, 3))

    @property
    def patch_mm2(self) -> float:
        """Area of a patch, in mm^2."""
        return float(SIDE**2 / self._scale.prod())

    def vote(self, frame: NDArray[np.float32]) -> int:
        """Find the displacements that most patches agree on, over the full range.

        Parameters
        ----------
        frame : ndarray of float32, shape (H, W)
            The frame.

        Returns
        -------
        int
            Number of candidates for `displacement_mm`.
        """
        block_mean(frame, 0, 0, self._grid.factor, self._image)
        vote_patches(
            self._image,
            self._rows,
            self._cols,
            self._templates,
            self._closeness,
            LEAST_VOTING,
            self._vote_scratch,
            self._votes,
        )
        found = best_peaks(self._votes, APART, self._peaks)
        while found > 1 and self._peaks[found - 1, 2] < LEAST_VOTES * self._peaks[0, 2]:
            found -= 1
        return found

    def displacement_mm(self, candidate: int) -> tuple[float, float]:
        """Return a displacement that was voted for, (row, col) in mm; those with most votes first."""
        steps = self._peaks[candidate, :2] - np.asarray(self._votes.shape) // 2
        row_mm, col_mm = (steps * VOTE_STEP / self._scale).tolist()
        return row_mm, col_mm

    def run(self, frame: NDArray[np.float32], params: Params) -> float:
        """Find the wide deformation on a frame.

        Parameters
        ----------
        frame : ndarray of float32, shape (H, W)
            The frame.
        params : ndarray of float32, shape (2 K,)
            Expected displacement; receives the one found, in which all modes but the wide ones are 0. It is not changed
            where no patch matches.

        Returns
        -------
        float
            Share of the patches that agree with it, 0-1.
        """
        wide, count, (row_scale, col_scale) = len(self._modes), self._count, self._scale.tolist()
        block_mean(frame, 0, 0, self._grid.factor, self._image)
        found = self._params
        found[:wide] = params[:wide]
        found[wide:] = params[count : count + wide]
        agree = 0.0
        for reach, scratch in zip(REACHES, self._scratch, strict=True):
            displace(
                self._rows,
                self._cols,
                self._modes,
                found,
                row_scale,
                col_scale,
                self._expected_rows,
                self._expected_cols,
            )
            match_patches(
                self._image,
                self._rows,
                self._cols,
                self._expected_rows,
                self._expected_cols,
                self._templates,
                reach,
                row_scale,
                col_scale,
                LEAST_CORRELATION,
                scratch,
                self._moves,
                self._weights,
            )
            self._weights *= self._closeness
            agree = fit_displacements(
                self._modes,
                self._moves,
                self._weights,
                self._prior,
                self._error_mm,
                OUTLIER_MM,
                ITERATIONS,
                self._system,
                self._strength,
                found,
            )
        agree /= self._closest
        if agree > 0.0:
            params[:] = 0.0
            params[:wide] = found[:wide]
            params[count : count + wide] = found[wide:]
        return agree

    def agreement(self, frame: NDArray[np.float32], params: Params, noise: float) -> float:
        """Return how well the patches agree with a fit in the two quarters of the target in which they do least.

        Parameters
        ----------
        frame : ndarray of float32, shape (H, W)
            The frame.
        params : ndarray of float32, shape (2 K,)
            Displacement by the fit.
        noise : float
            Variance of the frame's noise, over that of the template.

        Returns
        -------
        float
            See `kernels.patches.weakest_agreement`; 0-1.
        """
        row_scale, col_scale = self._scale.tolist()
        block_mean(frame, 0, 0, self._grid.factor, self._image)
        displace(
            self._rows,
            self._cols,
            self._all_modes,
            params,
            row_scale,
            col_scale,
            self._expected_rows,
            self._expected_cols,
        )
        match_patches(
            self._image,
            self._rows,
            self._cols,
            self._expected_rows,
            self._expected_cols,
            self._templates,
            REACHES[0],
            row_scale,
            col_scale,
            LEAST_AGREEING,
            self._scratch[0],
            self._moves,
            self._weights,
        )
        return weakest_agreement(
            self._all_modes,
            params,
            self._moves,
            self._weights,
            self._variance,
            noise,
            self._quarter,
            AGREEING_MM,
            self._agreements,
        )


def _corners(distance_mm: NDArray[np.float32], rim_mm: float) -> NDArray[np.intp]:
    """Return the first pixels (P, 2) of patches whose middle lies near the target; they stand apart for a large one."""
    half, step = SIDE // 2, STEP
    while True:
        row, col = (np.arange(half, extent - half + 1, step) for extent in distance_mm.shape)
        middle = np.stack(np.meshgrid(row, col, indexing="ij"), axis=-1).reshape(-1, 2)
        near = middle[distance_mm[tuple(middle.T)] <= rim_mm]
        if len(near) <= MOST_PATCHES:
            return np.asarray(near - half)
        step += 1
