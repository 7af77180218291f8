"""Make measured and true motion: simulated breathing after Lujan, measured traces, traces tracked on recorded cine."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from gatekeeper.tracking.tracker import Tracker
from replay.formats.trackrad import open_case
from replay.motion_trace import read_trace

Array = NDArray[np.float64]

FINE_S = 0.005
"""Step of the grid of the truth, in s."""
WINDOW_MM = 3.0
"""Distance from the window's centre up to which the target is inside, in mm."""
MIN_CONFIDENCE = 0.5
LEARNED_S, TRACE_FROM_S = 12.0, 20.0
"""Time from which the window's centre of a trace is taken, and from which it is scored, in s."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A true trace on a fine grid, and the samples that the gate receives.

    Attributes
    ----------
    truth_s, truth_mm : ndarray of float64, shape (N,)
        True position of the target along SI, relative to the window's centre.
    times_s : ndarray of float64, shape (T,)
        Times of acquisition of the frames.
    measured_mm : ndarray of float64, shape (T, 2)
        Measured position of the target, (SI, AP), relative to the window's centre.
    confidence : ndarray of float64, shape (T,)
        Tracking confidence, 0-1.
    scored_from_s : float
        Time from which the scene is scored.
    """

    truth_s: Array
    truth_mm: Array
    times_s: Array
    measured_mm: Array
    confidence: Array
    scored_from_s: float


@dataclass(frozen=True, slots=True)
class Breathing:
    """Lujan's cos^4 breathing with cycles that differ.

    Attributes
    ----------
    amplitude_mm, period_s : float
        Mean of the cycles.
    spread : float
        Standard deviation of both from cycle to cycle, as a share.
    pause_s : float
        Mean pause at end-exhale; each pause is uniform between 0 and twice the mean.
    wander_mm : float
        Standard deviation of the baseline, with a correlation time of half a minute.
    noise_mm : float
        Standard deviation of the tracking error of a frame, in either direction.
    inside : float
        Share of time inside the window, which determines its upper edge.
    """

    amplitude_mm: float = 15.0
    period_s: float = 4.25
    spread: float = 0.1
    pause_s: float = 0.0
    wander_mm: float = 0.3
    noise_mm: float = 0.1
    inside: float = 0.51


def simulated(breathing: Breathing, rate_hz: float, seed: int, duration_s: float, scored_from_s: float) -> Scene:
    """Return breathing sampled at `rate_hz`; equal seeds give equal breathing at every rate."""
    random = np.random.default_rng(seed)
    truth_s = np.arange(0.0, duration_s, FINE_S)
    truth_mm = np.zeros_like(truth_s)
    begin_s = 0.0
    while begin_s < duration_s:
        period_s, amplitude_mm = np.maximum(1.0 + breathing.spread * random.standard_normal(2), 0.3) * (
            breathing.period_s,
            breathing.amplitude_mm,
        )
        cycle = (truth_s >= begin_s) & (truth_s < begin_s + period_s)
        truth_mm[cycle] = amplitude_mm * np.sin(np.pi * (truth_s[cycle] - begin_s) / period_s) ** 4
        begin_s += period_s + 2.0 * breathing.pause_s * random.random()
    knots_s = np.arange(0.0, duration_s + 2.0)
    baseline = np.zeros_like(knots_s)
    kept = np.exp(-1.0 / 30.0)
    for second in range(1, len(knots_s)):
        baseline[second] = kept * baseline[second - 1] + np.sqrt(1.0 - kept**2) * random.standard_normal()
    truth_mm += breathing.wander_mm * CubicSpline(knots_s, baseline)(truth_s)
    truth_mm -= np.quantile(truth_mm, breathing.inside) - WINDOW_MM
    times_s = np.arange(0.0, duration_s - 1.0, 1.0 / rate_hz)
    exact_mm = np.interp(times_s, truth_s, truth_mm)
    exact_mm = np.stack((exact_mm, 0.25 * np.interp(times_s - 0.1, truth_s, truth_mm)), axis=1)
    noise_mm = breathing.noise_mm * np.random.default_rng((seed, 1)).standard_normal(exact_mm.shape)
    return Scene(truth_s, truth_mm, times_s, exact_mm + noise_mm, np.ones(len(times_s)), scored_from_s)


def recorded(folder: Path) -> Iterator[tuple[str, Scene]]:
    """Yield the traces of all cases in a folder with a first mask, as tracked by gatekeeper.

    The window's centre is the mean of the more superior half of the positions in the first `LEARNED_S`, which is
    end-exhale. What counts as the truth are the tracked positions themselves, joined by straight lines.
    """
    for images in sorted(folder.glob("*/images")):
        case = open_case(images.parent)
        if case.first_mask is None:
            continue
        tracker = Tracker(case.frames[0], case.first_mask, case.spacing_mm)
        tracks = [tracker.track(image) for image in case.frames]
        position_mm = np.array([track.center_mm for track in tracks])
        confidence = np.array([track.confidence for track in tracks])
        sure = confidence >= MIN_CONFIDENCE
        early_mm = position_mm[sure & (case.times_s < LEARNED_S), 0]
        position_mm = position_mm - (early_mm[early_mm <= np.median(early_mm)].mean(), position_mm[sure, 1].mean())
        truth_s = np.arange(0.0, case.times_s[sure][-1], FINE_S)
        truth_mm = np.interp(truth_s, case.times_s[sure], position_mm[sure, 0])
        yield case.name, Scene(truth_s, truth_mm, case.times_s, position_mm, confidence, TRACE_FROM_S)


def measured(folder: Path, rate_hz: float, noise_mm: float, seeds: int) -> Iterator[tuple[str, Scene]]:
    """Yield the traces of all CSV files below a folder, sampled as frames would be, with each of several noises.

    The columns `time_s`, `si_mm` and `ap_mm` are used; superior and posterior are positive. Between its samples a trace
    is a straight line. The window's centre is end-exhale, see `recorded`.
    """
    for path in sorted(folder.rglob("*.csv")):
        trace = read_trace(path)
        known_s, (si_mm, ap_mm, _) = trace.times_s, trace.positions_mm.T
        early_mm = si_mm[known_s < LEARNED_S]
        row_mm = early_mm[early_mm >= np.median(early_mm)].mean() - si_mm
        truth_s = np.arange(0.0, trace.duration_s, FINE_S)
        times_s = np.arange(0.0, trace.duration_s, 1.0 / rate_hz)
        exact_mm = np.stack([np.interp(times_s, known_s, along_mm) for along_mm in (row_mm, ap_mm)], axis=1)
        for seed in range(seeds):
            noise = noise_mm * np.random.default_rng(seed).standard_normal(exact_mm.shape)
            truth_mm, sure = np.interp(truth_s, known_s, row_mm), np.ones(len(times_s))
            yield f"{path.stem}, {seed}", Scene(truth_s, truth_mm, times_s, exact_mm + noise, sure, TRACE_FROM_S)
