"""Estimate latency from outside: from when a target crossed its window's edge to when the beam changed.

A camera sees the target once in a frame period T. The frame that shows it beyond the edge was taken up to T after it
crossed; the beam changes one latency L after that frame. With x = (time from crossing to beam) - L the density of x is

    h(x) = 1/T  q(x)  prod_{l >= 1} (1 - q(x - l T)),   q(x) = Phi((v x - delta) / sqrt(s^2 + (v e)^2))

where q is the chance that a frame taken x after the crossing is judged to be beyond the edge: v is the speed of the
target, s the noise of its measured position, e the standard deviation of the beam's time, and delta how much farther
out the edge really is. With k frames needed to resume, q is the product over k frames in a row. The frame's phase is
taken as even, which holds for motion whose period is no multiple of T. Latencies off and on, delta and s are estimated
together by their posterior mean on a grid, with even priors for the latencies.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, ndtr

from replay.qa.window import Crossings

Array = NDArray[np.float64]

STEP_S = 0.0015
AROUND_PERIODS = 0.75
DELTA_MM = np.linspace(-1.5, 1.5, 31)
DELTA_SD_MM = 0.5
"""Standard deviation of the prior of the edge's displacement, in mm: bias of tracker and window together."""
NOISE_MM = np.array([0.05, 0.1, 0.2, 0.35, 0.6, 1.0])
OUTLIERS = 0.02
"""Share of changes of the beam with another cause."""
OUTLIER_S = 1.0
FEWEST = 5
ROUGH = 60
"""Number of changes from which it is found roughly where to look."""
UNLIKELY = 1e-3
EARLY_S, LATE_S = 0.3, 1.6
"""A change belongs to a crossing that it follows within these times, in s."""


@dataclass(frozen=True, slots=True)
class Latency:
    """A latency and its standard error.

    Attributes
    ----------
    mean_s, error_s : float
        In s.
    n : int
        Number of changes of the beam.
    """

    mean_s: float
    error_s: float
    n: int


@dataclass(frozen=True, slots=True)
class FromOutside:
    """What crossings and changes of the beam tell.

    Attributes
    ----------
    off, on : Latency or None
        From the frame to the beam; None with fewer than five changes.
    beyond_mm : float
        By how much the edge is farther out than given, in mm.
    noise_mm : float
        Noise of the measured position, in mm.
    """

    off: Latency | None
    on: Latency | None
    beyond_mm: float
    noise_mm: float


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Crossings with the changes of the beam that follow from them.

    Attributes
    ----------
    crossed_s, changed_s : ndarray of float64
        Times in s.
    mm_per_s : ndarray of float64
        Speed of the target at the crossing, in mm/s.
    """

    crossed_s: Array
    changed_s: Array
    mm_per_s: Array

    @property
    def delay_s(self) -> Array:
        """Time from the crossing to the change of the beam, in s."""
        return self.changed_s - self.crossed_s

    def thinned(self, most: int) -> "Pairs":
        """Return at most so many of them, evenly chosen."""
        every = math.ceil(self.crossed_s.size / most)
        return Pairs(self.crossed_s[::every], self.changed_s[::every], self.mm_per_s[::every])


def pairs(crossed: Crossings, changed_s: Array, returned_s: Array) -> Pairs:
    """Return each crossing with the change of the beam that it caused.

    Parameters
    ----------
    crossed : Crossings
        Crossings in one direction.
    changed_s : ndarray of float64
        Changes of the beam that they cause, in s.
    returned_s : ndarray of float64
        Crossings in the other direction, in s: a target that is back before a frame has seen it changes nothing.

    Returns
    -------
    Pairs
        Of the crossings that have one; a change belongs to the last crossing before it that can have caused it.
    """
    found: dict[int, int] = {}
    for number, time_s in enumerate(crossed.times_s):
        back = np.searchsorted(returned_s, time_s, side="right")
        until_s = time_s + LATE_S
        if back < returned_s.size:
            # Its picture may still be under way when the target is back.
            until_s = min(until_s, float(returned_s[back]) + 1.0)
        if number + 1 < crossed.times_s.size:
            until_s = min(until_s, float(crossed.times_s[number + 1]))
        first = int(np.searchsorted(changed_s, time_s - EARLY_S, side="left"))
        if first < changed_s.size and changed_s[first] <= until_s:
            found[first] = number
    changes = np.array(sorted(found), dtype=np.intp)
    causes = np.array([found[one] for one in changes.tolist()], dtype=np.intp)
    return Pairs(crossed.times_s[causes], changed_s[changes], crossed.mm_per_s[causes])


def estimate(off: Pairs, on: Pairs, period_s: float, frames_to_resume: int, resolution_s: float = 0.0) -> FromOutside:
    """Estimate the latencies from a frame to the beam.

    Parameters
    ----------
    off, on : Pairs
        Leaving the window and the beam's end, returning and its beginning.
    period_s : float
        Time from frame to frame, in s.
    frames_to_resume : int
        Good frames in a row before the beam comes on.
    resolution_s : float
        Standard deviation of a change's time, in s.

    Returns
    -------
    FromOutside
    """
    sides = [_Side(off, 1.0, 1), _Side(on, -1.0, frames_to_resume)]
    sides = [one for one in sides if one.seen.delay_s.size >= FEWEST]
    if not sides:
        return FromOutside(None, None, 0.0, math.nan)
    half_s = AROUND_PERIODS * period_s + 0.05
    grids = [_around(float(np.median(one.seen.delay_s)) - (one.needs - 0.5) * period_s, half_s) for one in sides]
    few = [one._replace(seen=one.seen.thinned(ROUGH)) for one in sides]
    rough = _posterior(few, grids, DELTA_MM, NOISE_MM, period_s, resolution_s)
    deltas, noises = rough.weight.sum(axis=1), rough.weight.sum(axis=0)
    likely = DELTA_MM[deltas > UNLIKELY * deltas.max()]
    step_mm = DELTA_MM[1] - DELTA_MM[0]
    fine_mm = np.linspace(likely.min() - step_mm, likely.max() + step_mm, max(2 * likely.size + 1, 9))
    grids = [_around(latency.mean_s, min(8.0 * latency.error_s + 4.0 * STEP_S, half_s)) for latency in rough.latencies]
    found = _posterior(sides, grids, fine_mm, NOISE_MM[noises > UNLIKELY * noises.max()], period_s, resolution_s)
    both = {one.sign: latency for one, latency in zip(sides, found.latencies, strict=True)}
    return FromOutside(both.get(1.0), both.get(-1.0), found.beyond_mm, found.noise_mm)


class _Side(NamedTuple):
    """Changes of the beam in one direction, the sign of the edge's displacement, and the frames that it takes."""

    seen: Pairs
    sign: float
    needs: int


class _Posterior(NamedTuple):
    """Latency of each side, and the weight (delta, noise) with its means."""

    latencies: list[Latency]
    weight: Array
    beyond_mm: float
    noise_mm: float


def _around(middle_s: float, half_s: float) -> Array:
    steps = math.ceil(half_s / STEP_S)
    return middle_s + STEP_S * np.arange(-steps, steps + 1, dtype=np.float64)


def _posterior(
    sides: Sequence[_Side],
    grids: Sequence[Array],
    deltas_mm: Array,
    noises_mm: Array,
    period_s: float,
    resolution_s: float,
) -> _Posterior:
    """Return the posterior on a grid of delta, noise and the latency of each side."""
    curves = [
        _log_likelihood(one, grid, deltas_mm, noises_mm, period_s, resolution_s)
        for one, grid in zip(sides, grids, strict=True)
    ]
    joint = np.broadcast_to(-0.5 * (deltas_mm[:, None] / DELTA_SD_MM) ** 2, (deltas_mm.size, noises_mm.size))
    for curve in curves:
        joint = joint + logsumexp(curve, axis=-1)
    weight = np.exp(joint - joint.max())
    weight /= weight.sum()
    latencies = []
    for one, grid, curve in zip(sides, grids, curves, strict=True):
        each = np.exp(curve - logsumexp(curve, axis=-1, keepdims=True))
        mass = (weight[..., None] * each).sum(axis=(0, 1))
        mean_s = float((mass * grid).sum())
        error_s = math.sqrt(float((mass * (grid - mean_s) ** 2).sum()))
        latencies.append(Latency(mean_s, error_s, one.seen.delay_s.size))
    return _Posterior(
        latencies,
        weight,
        float((weight.sum(axis=1) * deltas_mm).sum()),
        float((weight.sum(axis=0) * noises_mm).sum()),
    )


def _log_likelihood(
    side: _Side, grid: Array, deltas_mm: Array, noises_mm: Array, period_s: float, resolution_s: float
) -> Array:
    """Return the log likelihood (delta, noise, latency) of the changes on one side."""
    out = np.empty((deltas_mm.size, noises_mm.size, grid.size))
    x = side.seen.delay_s[:, None] - grid[None, :]
    speed = side.seen.mm_per_s[:, None]
    for place, noise_mm in enumerate(noises_mm):
        spread = np.sqrt(noise_mm**2 + (speed * max(resolution_s, STEP_S)) ** 2)
        for row, delta_mm in enumerate(deltas_mm):
            density = first_frame_density(x, speed, spread, side.sign * delta_mm, side.needs, period_s)
            out[row, place] = np.log((1.0 - OUTLIERS) * density + OUTLIERS / OUTLIER_S).sum(axis=0)
    return out


def first_frame_density(x: Array, speed: Array, spread: Array, delta_mm: float, count: int, period_s: float) -> Array:
    """Return the density of the time from a crossing to the frame that decides.

    Parameters
    ----------
    x : ndarray of float64
        Time from the crossing to the frame, in s.
    speed, spread : ndarray of float64
        Speed of the target in mm/s, and standard deviation of its measured position in mm, broadcast to `x`.
    delta_mm : float
        How much farther along its way the edge really is, in mm.
    count : int
        Frames in a row that must be beyond it.
    period_s : float
        Time from frame to frame, in s.

    Returns
    -------
    ndarray of float64
        Per s.
    """

    def seen(later: int) -> Array:
        return np.asarray(ndtr((speed * (x - later * period_s) - delta_mm) / spread))

    looks = [seen(later) for later in range(count + 2)]
    density: Array = np.prod(looks[:count], axis=0) / period_s
    for later in (1, 2):
        density = density * (1.0 - np.prod(looks[later : later + count], axis=0))
    return density
