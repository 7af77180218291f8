"""Provide slow reference versions of kernels/trajectory.py and kernels/local_regression.py, and traces for them."""

import numpy as np


def uneven_trace(samples=90, seed=0):
    """Times that are not evenly spaced, and a smooth motion with noise: (N,), (N, 2)."""
    random = np.random.default_rng(seed)
    times = np.cumsum(random.uniform(0.08, 0.2, samples))
    positions = np.stack([6.0 * np.sin(1.5 * times) ** 4, 2.0 * np.cos(1.4 * times)], axis=1)
    return times, positions + 0.1 * random.normal(size=(samples, 2))


def hermite(times, values, time):
    """The cubic with these end values and slopes, found by solving for its four coefficients."""
    left = min(int(np.searchsorted(times, time, side="right")) - 1, len(times) - 2)

    def slope(i):
        chord = (values[left + 1] - values[left]) / (times[left + 1] - times[left])
        if not 0 < i < len(times) - 1:
            return chord
        through = np.polyfit(times[i - 1 : i + 2], values[i - 1 : i + 2], 2)
        return np.polyval(np.polyder(through), times[i])

    a, b = times[left], times[left + 1]
    equations = [[1, a, a**2, a**3], [1, b, b**2, b**3], [0, 1, 2 * a, 3 * a**2], [0, 1, 2 * b, 3 * b**2]]
    cubic = np.linalg.solve(equations, [values[left], values[left + 1], slope(left), slope(left + 1)])
    return float(np.polyval(cubic[::-1], time))


def local_regression(times, positions, moments, ahead, max_gap, likeness, enough, ridge):
    """Prediction (2,) and support, by a weighted ridge regression that numpy solves."""
    now = len(times) - 1
    pasts = [i for i in range(now + 1) if times[i] + ahead <= times[now] and np.isfinite(moments[i]).all()]
    distances2 = np.array([((moments[i] - moments[now]) ** 2).sum() / moments.shape[2] for i in pasts])

    def weights(width):
        return np.exp(-0.5 * distances2 / width**2)

    width = likeness
    while weights(width).sum() < enough and width < 4.0 * likeness:
        width *= 2.0
    out = []
    for axis in range(2):
        rows = []
        for i, weight in zip(pasts, weights(width), strict=True):
            left = min(int(np.searchsorted(times, times[i] + ahead)) - 1, now - 1)
            if weight >= 1e-3 and times[max(left, 0) + 1] - times[max(left, 0)] <= max_gap:
                rows.append((weight, moments[i, axis] - moments[now, axis], times[i] + ahead))
        w = np.array([row[0] for row in rows])
        x = np.array([[1.0, *row[1]] for row in rows])
        y = np.array([hermite(times, positions[:, axis], row[2]) for row in rows])
        penalty = ridge * np.eye(x.shape[1])
        penalty[0, 0] = 0.0
        out.append(np.linalg.solve(x.T @ (w[:, None] * x) + penalty, x.T @ (w * y))[0])
    return np.array(out), float(weights(likeness).sum())
