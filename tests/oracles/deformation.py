"""Slow, obvious twins of kernels/deformation.py, for the tests to compare with."""

import numpy as np

from kernels.deformation import CLIP, LEAST_EXPLAINED, MEAN_TO_SIGMA, ROUNDING
from tests.oracles.interpolation import bilinear_samples


def displaced(points, modes, params, row_scale, col_scale):
    """Points (2, N) plus the product of the parameters of each axis with the modes."""
    moves_mm = np.asarray(params, np.float64).reshape(2, -1) @ modes.astype(np.float64)
    return points + moves_mm * np.array([[row_scale], [col_scale]])


def gauss_newton(
    image,
    window,
    points,
    modes,
    steepest,
    prior,
    inverse_hessian,
    photometric,
    template_norm,
    row_scale,
    col_scale,
    max_iterations,
    tolerance,
    reject,
    params,
    clip=CLIP,
):
    """The fit as its docstring tells it; return the parameters and the results."""
    image, points, steepest, prior, inverse_hessian, photometric, params = (
        np.asarray(array, np.float64)
        for array in (image, points, steepest, prior, inverse_hessian, photometric, params)
    )
    iteration = 0
    while iteration < max_iterations:
        iteration += 1
        rows, cols = displaced(points[:2], modes, params, row_scale, col_scale)
        seen = points[2] * bilinear_samples(image, rows - window[0], cols - window[1])
        parts = photometric @ seen
        residual = seen - parts @ photometric
        whole = np.linalg.norm([parts[1], *residual, *(ROUNDING * parts)])
        gain = max(parts[1], LEAST_EXPLAINED * whole) / template_norm
        sigma = MEAN_TO_SIGMA * np.abs(residual).mean()
        limit = np.full(len(residual), clip * sigma)
        if reject > 0.0:
            limit = np.interp(np.abs(residual), (clip * sigma, reject * sigma), (clip * sigma, 0.0))
        inside = (rows >= window[2]) & (rows <= window[3]) & (cols >= window[4]) & (cols <= window[5])
        pull = np.where(inside, np.clip(residual, -limit, limit), 0.0) / gain
        step = inverse_hessian @ (steepest @ pull + prior * params)
        params = params - step
        if np.abs(step).max() <= tolerance:
            break
    inside = inside & (limit > 0.0)
    penalty = prior @ np.square(params)
    return params, np.array([parts[1] / template_norm, parts[1] / whole, iteration, inside.mean(), penalty])
