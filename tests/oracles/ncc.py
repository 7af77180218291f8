"""Slow, obvious twins of kernels/ncc.py, for the tests to compare with."""

import numpy as np


def correlation(image, template):
    """Pearson's coefficient of the template and the image below it; -1 where that is constant or not finite."""
    rows, cols = template.shape
    out = np.full((image.shape[0] - rows + 1, image.shape[1] - cols + 1), -1.0)
    for i, j in np.ndindex(*out.shape):
        below = image[i : i + rows, j : j + cols].astype(np.float64)
        if np.isfinite(below).all() and np.ptp(below) > 0.0:
            out[i, j] = np.corrcoef(below.ravel(), template.ravel())[0, 1]
    return out


def weighted_correlation(image, template, weight):
    """Pearson's coefficient of template and image, each pixel counted by its weight; -1 as in `correlation`."""
    rows, cols = template.shape
    out = np.full((image.shape[0] - rows + 1, image.shape[1] - cols + 1), -1.0)
    for i, j in np.ndindex(*out.shape):
        below = image[i : i + rows, j : j + cols].astype(np.float64)
        if np.isfinite(below).all() and np.ptp(below) > 0.0:
            covariance = np.cov(below.ravel(), template.ravel(), aweights=weight.ravel())
            out[i, j] = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    return out


def refined(scores, row, col):
    """The peak, moved along each axis to where the parabola through its neighbours has no slope."""
    place = [float(row), float(col)]
    for axis, line, at in ((0, scores[:, col], row), (1, scores[row], col)):
        if 0 < at < len(line) - 1 and line[at] >= max(line[at - 1], line[at + 1]):
            low, middle, high = line[at - 1 : at + 2].astype(np.float64)
            if low + high < 2.0 * middle:
                place[axis] -= (high - low) / 2.0 / (low - 2.0 * middle + high)
    return tuple(place)


def peaks(scores, apart, most):
    """From the best on, each local maximum that is farther than `apart` from all before it."""
    tops = [
        (i, j)
        for (i, j), score in np.ndenumerate(scores)
        if score > -1.0 and (scores[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2] <= score).all()
    ]
    chosen = []
    for i, j in sorted(tops, key=lambda top: -scores[top]):
        if len(chosen) < most and all(max(abs(i - row), abs(j - col)) > apart + 0.5 for row, col, _ in chosen):
            chosen.append((*refined(scores, i, j), scores[i, j]))
    return np.array(chosen).reshape(-1, 3)
