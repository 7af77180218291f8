"""Make random problems for `kernels.deformation.fit`, and the same problems for its slow twin."""

import numpy as np

from kernels.deformation import RESULTS, fit
from tests.oracles.deformation import displaced, gauss_newton
from tests.oracles.interpolation import bilinear_samples
from tests.support.guarded_arrays import assert_fence_stands, fenced


class Problem:
    """A template of random points on a smooth image, and a frame that differs from it.

    Parameters
    ----------
    seed : int
    points, modes : int
        How many points the template has, and how many modes each axis.
    """

    def __init__(self, seed=0, points=60, modes=4):
        rng = np.random.default_rng(seed)
        rows, cols = np.mgrid[:24, :22]
        self.image = fenced(100.0 + 30.0 * np.sin(0.4 * rows + 0.2 * cols) + 30.0 * np.cos(0.3 * cols - 0.1 * rows))
        self.image += rng.normal(size=self.image.shape).astype(np.float32)
        self.image[10:13, 9:11] += 300.0  # beyond the limit of the residuals
        # The window's first pixel on the grid of the points, and a frame that ends within the window.
        self.window = np.array([3.0, -2.0, 4.6, 24.4, -0.5, 17.3])
        spots = rng.uniform((5.0, 0.0), (25.0, 18.0), size=(points, 2)).T
        weight = rng.uniform(0.05, 0.3, points)
        self.points = fenced(np.vstack([spots, weight]))
        self.modes = fenced(rng.normal(size=(modes, points)))
        self.start = fenced(rng.normal(size=2 * modes) * 0.3)
        self.scale = (0.5, 0.7)
        rows, cols = displaced(spots, self.modes, self.start, *self.scale)
        below = bilinear_samples(self.image, rows - self.window[0], cols - self.window[1])
        # Every other frame is much like its template.
        template = 0.5 * below + (10.0 if seed % 2 else 80.0) * rng.normal(size=points)
        ignored = np.vstack([np.ones(points), template, spots]) * weight
        directions, triangle = np.linalg.qr(ignored.T)
        self.photometric = (directions * np.sign(np.diag(triangle))).T.copy()
        self.photometric[2:] *= 0.8  # ignored in part
        self.norm = float(self.photometric[1] @ (template * weight))
        steepest = rng.normal(size=(2 * modes, points)) * weight * 10.0
        steepest -= steepest @ self.photometric[:2].T @ self.photometric[:2]
        self.prior = fenced(rng.uniform(0.5, 9.0, 2 * modes))
        hessian = steepest @ (steepest - steepest @ self.photometric.T @ self.photometric).T + np.diag(self.prior)
        self.inverse_hessian = fenced(np.linalg.inv(hessian))
        self.steepest, self.photometric = fenced(steepest), fenced(self.photometric)
        self.out = np.full(RESULTS, 7.0)

    def inputs(self, iterations, tolerance, reject=0.0):
        """Return the arguments that kernel and twin share, up to the parameters."""
        return (
            self.image,
            self.window,
            self.points,
            self.modes,
            self.steepest,
            self.prior,
            self.inverse_hessian,
            self.photometric,
            self.norm,
            *self.scale,
            iterations,
            tolerance,
            reject,
        )

    def run(self, iterations=1, tolerance=0.0, reject=0.0):
        """Return whether the fit has a result, the parameters and the results."""
        params = fenced(self.start)
        scratch = fenced(np.full((3, self.points.shape[1]), np.nan))
        steps = fenced(np.full((2, max(len(params), len(self.photometric))), np.nan))
        done = fit(*self.inputs(iterations, tolerance, reject), params, scratch, steps, self.out)
        for array in (params, scratch, steps):
            assert_fence_stands(array)
        return done, params, self.out

    def twin(self, iterations=1, tolerance=0.0, reject=0.0):
        """Return the parameters and the results of the slow twin."""
        return gauss_newton(*self.inputs(iterations, tolerance, reject), self.start)
