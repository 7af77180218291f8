"""Model the course of motion over time: breaths, holds, drift, coughs, heartbeat, and motion out of the plane."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.axes import AP, SAGITTAL, SI, Orientation
from gatekeeper.core.errors import ConfigError, RecordingError
from replay.motion_trace import read_trace
from replay.phantom.config import BreathingConfig, PhantomConfig
from replay.phantom.streams import Stream, generator

Array = NDArray[np.float64]

RAMP_S = 1.5
"""Duration of the ramps into and out of a breath-hold."""

COUGH_S = 0.9
COUGH_DECAY_S = 0.35
COUGH_PERIOD_S = 0.45
COUGH_PEAK = 0.548114
"""Largest value of the jerks before they are scaled to 1."""

HEART_RATE_HZ = 1.1
HEART_SWAY_HZ = 0.1
FLOW_LAG_S = (0.15, 0.5)
"""Delay of the pulse in the portal and in the hepatic veins after the heartbeat."""

IRREGULAR_WAVES = 5
IRREGULAR_RANGE_HZ = (0.04, 0.4)


def times_of(config: PhantomConfig) -> Array:
    """Return the time of each frame of the recording, in seconds."""
    return np.arange(config.frame_count, dtype=np.float64) / config.acquisition.frame_rate_hz


@dataclass(frozen=True, slots=True)
class Piece:
    """A segment of the breathing trace: a breath, a hold, or a ramp from one level to another."""

    length_s: float
    bump_mm: float = 0.0
    begin_mm: float = 0.0
    end_mm: float = 0.0
    even: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """The motion of the organs over time, as amplitudes of the modes in `replay.phantom.motion`.

    Attributes
    ----------
    si_mm : ndarray of float64
        Displacement of the target by breath, drift and events, inferior positive.
    ap_mm : ndarray of float64
        The same along the columns, posterior positive, delayed by `hysteresis_s`.
    across_mm : ndarray of float64
        Displacement across the image plane, in mm.
    irregular : ndarray of float64, shape (..., 2)
        Two slow independent courses of root mean square 1.
    heart : ndarray of float64
        Heartbeat, -1 to 1.
    flow : ndarray of float64, shape (..., 2)
        Pulse in the portal and the hepatic veins, -1 to 1.
    """

    si_mm: Array
    ap_mm: Array
    across_mm: Array
    irregular: Array
    heart: Array
    flow: Array


def course(config: PhantomConfig, times_s: Array, orientation: Orientation = SAGITTAL) -> Course:
    """Return the motion of the organs over time.

    Parameters
    ----------
    config : PhantomConfig
        Of this, motion, breathing, seed and the length of the recording are used.
    times_s : ndarray of float64
        Times in the recording.
    orientation : Orientation, optional
        That of the images: motion along an axis that they do not show is replaced by that along the one they do.

    Returns
    -------
    Course
        With arrays of the shape of `times_s`.

    Raises
    ------
    ConfigError
        When a trace cannot be used, or is shorter than the recording.
    """
    moved = _simulated if config.motion.kind == "breathing" else _measured
    si_mm, ap_mm, across_mm = moved(config, times_s, orientation)
    return Course(
        si_mm=si_mm,
        ap_mm=ap_mm,
        across_mm=across_mm,
        irregular=_irregular(config.seed, times_s),
        heart=_heart(config.seed, times_s),
        flow=np.stack([_heart(config.seed, times_s - lag_s) for lag_s in FLOW_LAG_S], axis=-1),
    )


def _simulated(config: PhantomConfig, times_s: Array, orientation: Orientation) -> tuple[Array, Array, Array]:
    """Return simulated motion along rows and columns of the section, and across it."""
    breathing = config.breathing
    pieces = _trace(breathing, config.seed, config.acquisition.duration_s)
    si_mm = _si_mm(breathing, pieces, times_s)
    across_mm = breathing.through_plane_ratio * si_mm
    for away in breathing.out_of_plane:
        across_mm = across_mm + away.shift_mm * _plateau(times_s - away.start_s, away.duration_s, away.ramp_s)
    later_mm = _si_mm(breathing, pieces, times_s - breathing.hysteresis_s)
    return (
        si_mm if SI in orientation.axes else breathing.rl_ratio * si_mm,
        -breathing.ap_ratio * later_mm if AP in orientation.axes else breathing.rl_ratio * later_mm,
        across_mm,
    )


def _measured(config: PhantomConfig, times_s: Array, orientation: Orientation) -> tuple[Array, Array, Array]:
    """Return the motion of a trace along rows and columns of the section, and across it.

    An organ that moves to the left is cut further to its right.
    """
    motion = config.motion
    try:
        trace = read_trace(Path(motion.file))
    except RecordingError as error:
        raise ConfigError(f"phantom: motion.file: {error}") from None
    end_s = motion.begin_s + times_of(config)[-1]
    if end_s > trace.duration_s + 1e-9:
        raise ConfigError(
            f"phantom: motion.file: {motion.file} lasts {trace.duration_s:g} s, and the recording needs it up to "
            f"{end_s:g} s; lower acquisition.duration_s or motion.begin_s"
        )
    superior_mm, posterior_mm, left_mm = np.moveaxis(trace.at(motion.begin_s + times_s), -1, 0)
    shown = -superior_mm if SI in orientation.axes else left_mm, posterior_mm if AP in orientation.axes else left_mm
    if SI not in orientation.axes:
        return *shown, -superior_mm
    return *shown, -left_mm if AP in orientation.axes else -posterior_mm


def _trace(config: BreathingConfig, seed: int, duration_s: float) -> list[Piece]:
    """Return the pieces of a breathing trace that is longer than `duration_s`."""
    breaths = generator(seed, Stream.BREATHS)
    levels = generator(seed, Stream.HOLDS)
    if config.pattern == "free":
        return _breaths(config, breaths, duration_s + 3.0 * config.period_s, config.amplitude_mm)
    rest_mm = config.rest_share * config.amplitude_mm
    level_mm = config.amplitude_mm if config.pattern == "inhale_hold" else 0.0
    pieces = _breaths(config, breaths, config.rest_s, rest_mm) if config.begins == "rest" else []
    while sum(piece.length_s for piece in pieces) < duration_s:
        begin_mm = level_mm + config.hold_variation_mm * float(levels.standard_normal())
        end_mm = begin_mm + config.hold_drift_mm_per_s * config.hold_s
        if pieces:
            pieces.append(Piece(RAMP_S, end_mm=begin_mm))
        pieces.append(Piece(config.hold_s, begin_mm=begin_mm, end_mm=end_mm, even=True))
        pieces.append(Piece(RAMP_S, begin_mm=end_mm))
        pieces += _breaths(config, breaths, config.rest_s, rest_mm)
    return pieces


def _breaths(config: BreathingConfig, random: np.random.Generator, length_s: float, amplitude_mm: float) -> list[Piece]:
    """Return breaths that together last `length_s` or a little longer."""
    pieces: list[Piece] = []
    covered_s = 0.0
    while covered_s < length_s:
        stretch, growth = np.clip(random.standard_normal(2), -2.5, 2.5).tolist()
        period_s = config.period_s * max(0.3, 1.0 + config.period_variation * stretch)
        pieces.append(Piece(period_s, bump_mm=amplitude_mm * max(0.0, 1.0 + config.amplitude_variation * growth)))
        covered_s += period_s
    return pieces


def _si_mm(config: BreathingConfig, pieces: list[Piece], times_s: Array) -> Array:
    """Return breath, drift and events at `times_s`, inferior positive.

    A breath is b cos^2n of the time from end-inhale (Lujan et al., Med Phys 26:715, 1999), written from
    end-exhale, where breaths of different size and length join smoothly.
    """
    lengths_s = np.array([piece.length_s for piece in pieces])
    ends_s = np.cumsum(lengths_s)
    if config.pattern == "free":
        ends_s = ends_s - config.start_phase * lengths_s[0]
    index = np.minimum(np.searchsorted(ends_s, times_s, side="right"), len(pieces) - 1)
    part = np.clip(1.0 - (ends_s[index] - times_s) / lengths_s[index], 0.0, 1.0)
    begin_mm = np.array([piece.begin_mm for piece in pieces])[index]
    end_mm = np.array([piece.end_mm for piece in pieces])[index]
    bump_mm = np.array([piece.bump_mm for piece in pieces])[index]
    even = np.array([piece.even for piece in pieces])[index]
    level_mm = begin_mm + (end_mm - begin_mm) * np.where(even, part, _ease(part))
    si_mm = level_mm + bump_mm * np.sin(math.pi * part) ** (2 * config.sharpness)
    si_mm = si_mm + config.drift_mm_per_min * times_s / 60.0
    for breath in config.deep_breaths:
        si_mm = si_mm + breath.depth_mm * _plateau(times_s - breath.start_s, breath.duration_s, breath.ramp_s)
    for cough in config.coughs:
        si_mm = si_mm - cough.amplitude_mm * _jerks(times_s - cough.start_s)
    return np.asarray(si_mm, dtype=np.float64)


def _ease(part: Array) -> Array:
    """Return a smooth step from 0 to 1, with zero slope at both ends."""
    return part * part * (3.0 - 2.0 * part)


def _plateau(since_s: Array, duration_s: float, ramp_s: float) -> Array:
    """Return 1 during an event and 0 outside it, with ramps inside its duration; without a ramp it jumps."""
    inside = ((since_s >= 0.0) & (since_s < duration_s)).astype(np.float64)
    if ramp_s == 0.0:
        return inside
    ramp_s = min(ramp_s, 0.5 * duration_s)
    edge_s = np.minimum(since_s, duration_s - since_s)
    return inside * _ease(np.clip(edge_s / ramp_s, 0.0, 1.0))


def _jerks(since_s: Array) -> Array:
    """Return a cough of peak 1: two jerks, the second weaker, and 0 outside `COUGH_S`."""
    inside = (since_s >= 0.0) & (since_s < COUGH_S)
    since_s = np.where(inside, since_s, 0.0)
    swing = np.sin(math.pi * since_s / COUGH_PERIOD_S) ** 2 * np.exp(-since_s / COUGH_DECAY_S)
    return np.asarray(swing / COUGH_PEAK, dtype=np.float64)


def _irregular(seed: int, times_s: Array) -> Array:
    """Return two sums of slow waves of root mean square 1, shape (..., 2)."""
    random = generator(seed, Stream.IRREGULAR)
    rate_hz = random.uniform(*IRREGULAR_RANGE_HZ, size=(2, IRREGULAR_WAVES))
    phase = random.uniform(0.0, 2.0 * math.pi, size=(2, IRREGULAR_WAVES))
    waves = np.cos(2.0 * math.pi * rate_hz * times_s[..., None, None] + phase)
    return np.asarray(waves.sum(axis=-1) * math.sqrt(2.0 / IRREGULAR_WAVES), dtype=np.float64)


def _heart(seed: int, times_s: Array) -> Array:
    """Return a heartbeat whose rate sways slowly."""
    start = float(generator(seed, Stream.HEART).uniform(0.0, 2.0 * math.pi))
    sway = 0.5 * np.sin(2.0 * math.pi * HEART_SWAY_HZ * times_s)
    return np.asarray(np.cos(2.0 * math.pi * HEART_RATE_HZ * times_s + sway + start), dtype=np.float64)
