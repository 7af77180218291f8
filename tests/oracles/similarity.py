"""Slow, obvious twins of kernels/similarity.py, for the tests to compare with."""

import numpy as np


def patchwise_correlation(template, weight, residual, scale, patches):
    """Mean over patches of the weighted correlation of frame and template; a patch counts by its squared weight."""
    template, weight, residual = (np.asarray(array, np.float64) for array in (template, weight, residual))
    seen = template + scale * residual / weight
    alike, masses = [], []
    for patch in range(patches.max(initial=-1) + 1):
        mine = patches == patch
        if mine.any():
            square = weight[mine] ** 2
            a, b = (x[mine] - np.average(x[mine], weights=square) for x in (template, seen))
            spread = np.sqrt((square * a * a).sum() * (square * b * b).sum())
            alike.append((square * a * b).sum() / spread if spread != 0.0 else 0.0)
            masses.append(square.sum())
    return np.average(alike, weights=masses) if masses else np.nan


def correlation_without_noise(template, weight, residual, scale, noise):
    """Correlation of frame and template, after noise was taken off the variance that the template does not explain."""
    template, weight, residual = (np.asarray(array, np.float64) for array in (template, weight, residual))
    alike = patchwise_correlation(template, weight, residual, scale, np.zeros(len(template), int))
    seen = template + scale * residual / weight
    variance = np.average((seen - np.average(seen, weights=weight**2)) ** 2, weights=weight**2)
    explained, left = alike**2 * variance, (1.0 - alike**2) * variance - noise
    if not alike > 0.0:
        return alike
    return (1.0 + max(left, 0.0) / max(explained, noise / 2.0)) ** -0.5


def patchwise_slope(template, weight, residual, scale, patches):
    """Slope of the weighted regression of the frame on the template, an offset for each patch; NaN without contrast."""
    template, weight, residual = (np.asarray(array, np.float64) for array in (template, weight, residual))
    kept = patches >= 0
    if not np.isfinite([template[kept], residual[kept]]).all():
        return np.nan
    columns = [template[kept], *(1.0 * (patches[kept] == patch) for patch in np.unique(patches[kept]))]
    design = np.stack(columns, axis=1) * weight[kept, None]
    if np.linalg.matrix_rank(design) < design.shape[1]:
        return np.nan
    seen = template + scale * residual / weight
    return np.linalg.lstsq(design, weight[kept] * seen[kept], rcond=None)[0][0]


def even_slope(template, weight, residual, scale, patches, points, noise):
    """Mean of the slopes of the patches by inverse variance, and the mean weight; see `kernels.similarity`."""
    template, weight, residual = (np.asarray(array, np.float64) for array in (template, weight, residual))
    seen = template + scale * residual / weight
    slopes, weights, count = [], [], 0
    for patch in np.flatnonzero(points):
        mine = patches == patch
        if mine.any():
            count += 1
            square = weight[mine] ** 2
            a, b = (x[mine] - np.average(x[mine], weights=square) for x in (template, seen))
            variance = np.average(a * a, weights=square)
            if variance > 1e-12 * np.average(template[mine] ** 2):
                slopes.append(np.clip(np.average(a * b, weights=square) / variance, -1.0, 2.0))
                weights.append(0.25 / (0.25 + noise / (variance * points[patch])))
    if not weights:
        return np.nan, 0.0
    return np.average(slopes, weights=weights), np.sum(weights) / count
