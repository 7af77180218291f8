"""Slow, obvious twins of kernels/patches.py, for the tests to compare with."""

import math

import numpy as np
from scipy import ndimage

from tests.oracles.ncc import correlation, refined


def matched_patches(image, corners, templates, reach):
    """The peak of the correlation of each patch within reach; score 0 where it lies at the end of the range."""
    side = math.isqrt(templates.shape[1])
    far = 10 * (max(image.shape) + reach + side)
    padded = np.pad(image.astype(np.float64), far, mode="edge")
    out = []
    for (row, col), template in zip(np.floor(corners + 0.5).astype(int), templates, strict=True):
        around = np.s_[far + row - reach : far + row + reach + side, far + col - reach : far + col + reach + side]
        scores = correlation(padded[around], template.reshape(side, side))
        i, j = np.unravel_index(scores.argmax(), scores.shape)
        at_end = {int(i), int(j)} & {0, 2 * reach}
        place = (float(i), float(j)) if at_end else refined(scores, i, j)
        out.append((row - reach + place[0], col - reach + place[1], 0.0 if at_end else max(scores.max(), 0.0)))
    return np.array(out)


def voted_patches(image, corners, templates, weights, step, least, shape):
    """Sum over patches of the largest squared excess of the correlation at each displacement and its neighbours."""
    side = math.isqrt(templates.shape[1])
    far = step * max(shape) + side
    padded = np.pad(image.astype(np.float64), far, mode="edge")
    moves = [step * (np.arange(count) - count // 2) for count in shape]
    votes = np.zeros(shape)
    for (row, col), template, weight in zip(corners, templates, weights, strict=True):
        found = np.zeros(shape)
        for i, j in np.ndindex(*shape):
            top, left = int(row) + moves[0][i], int(col) + moves[1][j]
            if 0 <= top + side // 2 < image.shape[0] and 0 <= left + side // 2 < image.shape[1]:
                below = padded[far + top : far + top + side, far + left : far + left + side]
                found[i, j] = max(correlation(below, template.reshape(side, side)).item() - least, 0.0) ** 2
        votes += weight * ndimage.maximum_filter(found, 3, mode="constant")
    return votes


def reweighted_least_squares(modes, moves, weights, prior, noise, outlier, iterations, params):
    """Ridge regression of each axis, repeated with Cauchy's weights; return parameters and the share that agrees."""
    params, modes = np.asarray(params, np.float64).reshape(2, -1), modes.astype(np.float64)
    for _ in range(iterations):
        now = weights / (1.0 + np.square(moves - (params @ modes).T).sum(axis=1) / outlier**2)
        system = (modes * now) @ modes.T / noise**2 + np.diag(prior)
        params = np.linalg.solve(system, (modes * now) @ moves / noise**2).T.astype(np.float32).astype(np.float64)
    now = weights / (1.0 + np.square(moves - (params @ modes).T).sum(axis=1) / outlier**2)
    return params.ravel(), now.mean()


def agreement_in_weakest_parts(modes, params, moves, squares, strength, noise, part, limit):
    """Share of the expected correlation that is found where the modes say, mean of the two parts with the least."""
    expected = (np.asarray(params, np.float64).reshape(2, -1) @ modes.astype(np.float64)).T
    seen = strength / (strength + noise)
    there = np.linalg.norm(moves - expected, axis=1) <= limit
    found = np.where(there, np.minimum(np.sqrt(squares / seen), 1.0), 0.0)
    shares = [np.average(found[part == one], weights=seen[part == one]) for one in np.unique(part)]
    return np.mean(sorted(shares)[:2]) if shares else 0.0
