"""Amplitude, phase and accuracy of tracked positions against a motion that is known."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SEARCHED_S = (-0.2, 1.5)
"""Delays among which the fit looks, in s."""
COARSE_S, FINE_S = 0.01, 0.0005
OUTLIER = 3.0
"""Positions farther from the fit than so many robust standard deviations are left out of it, and counted."""
FEWEST_FRAMES = 10
LEAST_MOTION_MM = 1.0
"""Extent of the motion below which amplitude and phase cannot be told, in mm."""


@dataclass(frozen=True, slots=True)
class TrackingFit:
    """A fit of measured = amplitude x true(arrival - delay) + offset.

    Attributes
    ----------
    delay_s, delay_error_s : float
        Delay from the motion to the arrival of its picture, and its standard error, in s.
    amplitude, amplitude_error : float
        Measured over true amplitude, and its standard error.
    bias_mm : tuple of float
        Mean of measured - true position along rows and columns, in mm.
    sd_mm, p95_mm : float
        Standard deviation of the distance along the motion's main axis, and 95th percentile of the distance in the
        plane, after the delay, in mm.
    frames, outliers : int
        Number of positions, and of those among them that the fit left out.
    """

    delay_s: float
    delay_error_s: float
    amplitude: float
    amplitude_error: float
    bias_mm: tuple[float, float]
    sd_mm: float
    p95_mm: float
    frames: int
    outliers: int


def fit_tracking(arrived_s: Array, measured_mm: Array, true_times_s: Array, true_mm: Array) -> TrackingFit | None:
    """Fit measured positions to a known motion.

    The delay is that of least squares, with amplitude and offset fitted for each; its standard error follows from the
    residuals and the motion's speed, sigma / (amplitude * sqrt(sum of v^2)).

    Parameters
    ----------
    arrived_s : ndarray of float64, shape (N,)
        When each frame arrived, on the clock of the motion, in s.
    measured_mm : ndarray of float64, shape (N, 2)
        Measured positions in the plane, in mm.
    true_times_s, true_mm : ndarray of float64, shapes (T,) and (T, 2)
        The motion in the plane.

    Returns
    -------
    TrackingFit or None
        None where there is too little motion or too few frames.
    """
    if arrived_s.size < FEWEST_FRAMES:
        return None
    ends_s = float(arrived_s.min()) - SEARCHED_S[1], float(arrived_s.max()) - SEARCHED_S[0]
    first, after = np.searchsorted(true_times_s, ends_s)
    part = slice(max(int(first) - 1, 0), int(after) + 1)
    # Copies in one piece: np.interp would make one on each call.
    known_s, axes = true_times_s[part], [np.ascontiguousarray(axis) for axis in true_mm[part].T]
    extents_mm = [float(np.ptp(axis)) for axis in axes]
    if max(extents_mm) < LEAST_MOTION_MM:
        return None

    def true(delay_s: float, which: NDArray[np.bool_]) -> Array:
        return np.stack([np.interp(arrived_s[which] - delay_s, known_s, axis) for axis in axes], axis=-1)

    def fitted(delay_s: float, which: NDArray[np.bool_]) -> tuple[float, Array, Array]:
        """Return amplitude, offset and residuals (N, 2)."""
        at, got = true(delay_s, which), measured_mm[which]
        centred = at - at.mean(axis=0)
        power = float((centred**2).sum())
        amplitude = float((centred * (got - got.mean(axis=0))).sum()) / power if power > 0.0 else 0.0
        offset = got.mean(axis=0) - amplitude * at.mean(axis=0)
        return amplitude, offset, got - amplitude * at - offset

    def cost(delay_s: float, which: NDArray[np.bool_]) -> float:
        return float((fitted(delay_s, which)[2] ** 2).sum())

    kept = np.ones(arrived_s.size, dtype=np.bool_)
    tried_s = np.arange(SEARCHED_S[0], SEARCHED_S[1], COARSE_S)
    delay_s = float(tried_s[int(np.argmin([cost(one, kept) for one in tried_s]))])
    for _ in range(3):
        tried_s = delay_s + np.arange(-2 * COARSE_S, 2 * COARSE_S, FINE_S)
        costs = [cost(one, kept) for one in tried_s]
        at = int(np.clip(np.argmin(costs), 1, len(costs) - 2))
        before, lowest, after = costs[at - 1 : at + 2]
        bend = before - 2.0 * lowest + after
        delay_s = float(tried_s[at] + (0.5 * (before - after) / bend * FINE_S if bend > 0.0 else 0.0))
        amplitude, offset, _ = fitted(delay_s, kept)
        everything = np.ones_like(kept)
        distance_mm = np.hypot(*(measured_mm - amplitude * true(delay_s, everything) - offset).T)
        limit_mm = OUTLIER * max(float(np.median(distance_mm)) / 1.177, 1e-3)
        kept = distance_mm <= limit_mm
    amplitude, _, residual_mm = fitted(delay_s, kept)
    at_mm = true(delay_s, kept)
    speed = (true(delay_s - FINE_S, kept) - true(delay_s + FINE_S, kept)) / (2.0 * FINE_S)
    sigma = math.sqrt(float((residual_mm**2).sum()) / max(2 * int(kept.sum()) - 4, 1))
    error_mm = measured_mm - true(delay_s, np.ones_like(kept))
    main = int(np.argmax(extents_mm))
    bias = error_mm.mean(axis=0)
    return TrackingFit(
        delay_s=delay_s,
        delay_error_s=sigma / max(abs(amplitude) * math.sqrt(float((speed**2).sum())), 1e-9),
        amplitude=amplitude,
        amplitude_error=sigma / math.sqrt(float(((at_mm - at_mm.mean(axis=0)) ** 2).sum())),
        bias_mm=(float(bias[0]), float(bias[1])),
        sd_mm=float(error_mm[:, main].std()),
        p95_mm=float(np.percentile(np.hypot(*error_mm.T), 95.0)),
        frames=int(arrived_s.size),
        outliers=int((~kept).sum()),
    )
