"""Motion of a target that is known at any time, along the axes of the patient."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import InputError

Array = NDArray[np.float64]

STEP_S = 0.001
"""Distance of the samples of made motion, in s."""
ANTERIOR_SHARE = 0.25
"""Anterior motion per inferior motion of made motion, as the phantom's liver has it."""
RAMP_S = 0.2
"""Time that square motion takes from one level to the other, in s; a jump between two frames holds the beam."""
JOIN_S = 0.5
"""Time at rest between two segments, in s."""
SHAPES = ("sine", "square")


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a motion with one amplitude and one period.

    Attributes
    ----------
    shape : str
        "sine", "square" or "trace".
    from_s, until_s : float
        Its time, in s.
    amplitude_mm : float
        Peak-to-peak amplitude along SI, in mm.
    period_s : float
        Period, in s; NaN for a trace.
    """

    shape: str
    from_s: float
    until_s: float
    amplitude_mm: float
    period_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """Positions over time, linear between samples.

    Attributes
    ----------
    times_s : ndarray of float64, shape (T,)
        Ascending times, in s.
    position_mm : ndarray of float64, shape (T, 3)
        Positions along S, P and L, in mm, from the reference position.
    segments : tuple of Segment
        Its parts.
    """

    times_s: Array
    position_mm: Array
    segments: tuple[Segment, ...]

    def at(self, times_s: Array) -> Array:
        """Return the positions (T, 3) along S, P and L at times in s, in mm; at the ends they stay."""
        return np.stack([np.interp(times_s, self.times_s, axis) for axis in self.position_mm.T], axis=-1)

    def later(self, by_s: float) -> "Motion":
        """Return the same motion later by a time in s."""
        segments = tuple(replace(one, from_s=one.from_s + by_s, until_s=one.until_s + by_s) for one in self.segments)
        return Motion(self.times_s + by_s, self.position_mm, segments)


def periodic(shape: str, amplitude_mm: float, period_s: float, seconds: float) -> Motion:
    """Return a sine or square motion from end-exhale, where the target is at its reference, towards inferior.

    Parameters
    ----------
    shape : str
        "sine" or "square".
    amplitude_mm : float
        Peak-to-peak amplitude along SI, in mm; a quarter of it goes to anterior.
    period_s : float
        Period, in s.
    seconds : float
        Least length, in s; whole periods are made.

    Returns
    -------
    Motion

    Examples
    --------
    >>> from replay.qa.motion import periodic
    >>> motion = periodic("sine", amplitude_mm=20.0, period_s=4.0, seconds=8.0)
    >>> motion.at(motion.times_s[2000:2001])[0].round(3).tolist()
    [-20.0, -5.0, 0.0]
    """
    count = max(1, math.ceil(seconds / period_s - 1e-9))
    times_s = np.arange(0.0, count * period_s + 0.5 * STEP_S, STEP_S)
    phase = times_s / period_s
    if shape == "sine":
        inferior = 0.5 - 0.5 * np.cos(2.0 * math.pi * phase)
    else:
        # A quarter at exhale, half at inhale, a quarter at exhale, with even ramps around the quarters.
        ramp = min(RAMP_S / period_s, 0.4)
        edges = np.array([0.0, 0.25 - ramp / 2, 0.25 + ramp / 2, 0.75 - ramp / 2, 0.75 + ramp / 2, 1.0])
        inferior = np.interp(phase % 1.0, edges, [0.0, 0.0, 1.0, 1.0, 0.0, 0.0])
    inferior = amplitude_mm * inferior
    position_mm = np.stack([-inferior, -ANTERIOR_SHARE * inferior, np.zeros_like(inferior)], axis=-1)
    segment = Segment(shape, 0.0, float(times_s[-1]), amplitude_mm, period_s)
    return Motion(times_s, position_mm, (segment,))


def joined(parts: Sequence[Motion]) -> Motion:
    """Return motions one after the other, each from where it begins, with a short rest between them."""
    times_s: list[Array] = []
    positions_mm: list[Array] = []
    segments: list[Segment] = []
    begin_s = 0.0
    for part in parts:
        moved = part.later(begin_s - float(part.times_s[0]))
        times_s.append(moved.times_s)
        positions_mm.append(moved.position_mm)
        segments += moved.segments
        begin_s = float(moved.times_s[-1]) + JOIN_S
    return Motion(np.concatenate(times_s), np.concatenate(positions_mm), tuple(segments))


def sweep(cycles: int = 4) -> Motion:
    """Return the standard motion: amplitudes of 5 to 30 mm, periods of 2 to 6 s, and square motion.

    The largest amplitude comes first, so that a preview learns from it. No period is a multiple of a usual frame
    period, so that the target crosses the edge at every phase of a frame.

    Parameters
    ----------
    cycles : int
        Number of periods of each part.

    Returns
    -------
    Motion
    """
    if cycles < 1:
        raise InputError(f"command line: cycles = {cycles}; give 1 or more")
    amplitudes = [periodic("sine", amplitude, 4.07, cycles * 4.07) for amplitude in (30.0, 20.0, 15.0, 10.0, 5.0)]
    periods = [periodic("sine", 20.0, period, cycles * period) for period in (2.03, 3.11, 5.05, 6.07)]
    return joined([*amplitudes, *periods, periodic("square", 15.0, 3.31, 2 * cycles * 3.31)])
