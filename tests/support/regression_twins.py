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


def local_regression(times, positions, moments, aheads, max_gap, likeness, place, enough, ridge):
    """Predictions and their spread, (K, 2) each, and support, by weighted ridge regressions that numpy solves."""
    now, size = len(times) - 1, moments.shape[2]
    pasts = [i for i in range(now + 1) if times[i] + aheads[-1] <= times[now] and np.isfinite(moments[i]).all()]
    away = moments[pasts] - moments[now]
    distances2 = ((away - away[:, :, :1]) ** 2).sum(axis=(1, 2)) / size + place * (away[:, :, 0] ** 2).sum(axis=1)

    def weights(width):
        return np.exp(-0.5 * distances2 / width**2)

    width = likeness
    while weights(width).sum() < enough and width < 4.0 * likeness:
        width *= 2.0
    out, spread = np.empty((2, len(aheads), 2))
    for axis in range(2):
        for k, ahead in enumerate(aheads):
            rows = []
            for i, weight in zip(pasts, weights(width), strict=True):
                lefts = [max(min(int(np.searchsorted(times, times[i] + one)) - 1, now - 1), 0) for one in aheads]
                if weight >= 1e-3 and all(times[left + 1] - times[left] <= max_gap for left in lefts):
                    rows.append((weight, np.diff(moments[i, axis]) - np.diff(moments[now, axis]), i))
            w = np.array([row[0] for row in rows])
            x = np.array([[1.0, *row[1]] for row in rows])
            y = np.array([hermite(times, positions[:, axis], times[i] + ahead) - positions[i, axis] for *_, i in rows])
            penalty = ridge * np.eye(x.shape[1])
            penalty[0, 0] = 0.0
            found = np.linalg.solve(x.T @ (w[:, None] * x) + penalty, x.T @ (w * y))
            out[k, axis] = positions[now, axis] + found[0]
            spread[k, axis] = np.sqrt(w @ (y - x @ found) ** 2 / w.sum() * (1.0 + size / w.sum()))
    return out, spread, float(weights(likeness).sum())
