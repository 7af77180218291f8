"""A simulated chain with known latencies, for tests of the estimates: no processes, no images."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from replay.qa.motion import Motion
from replay.qa.window import Window

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain from the motion to the beam.

    Attributes
    ----------
    imaging_s, compute_s, off_s, on_s : float
        Imaging latency, computing with the link, and the delays of the beam, in s.
    rate_hz : float
        Frames per second.
    noise_mm : float
        Standard deviation of the measured position along each axis, in mm.
    jitter_s : float
        Standard deviation of computing, in s; never below 0 in total.
    pulse_hz : float
        Pulses of the beam per second.
    dropped : float
        Share of the pulses that the linac leaves out, 0-1.
    frames_to_resume : int
        Good frames in a row before the beam comes on.
    """

    imaging_s: float = 0.1
    compute_s: float = 0.001
    off_s: float = 0.04
    on_s: float = 0.065
    rate_hz: float = 8.0
    noise_mm: float = 0.2
    jitter_s: float = 0.001
    pulse_hz: float = 400.0
    dropped: float = 0.1
    frames_to_resume: int = 2


@dataclass(frozen=True, slots=True, eq=False)
class Simulated:
    """What a chain did.

    Attributes
    ----------
    arrived_s, decided_s : ndarray of float64, shape (N,)
        Arrival and decision of each frame, in s.
    measured_mm : ndarray of float64, shape (N, 2)
        Measured positions in the plane, in mm.
    on : ndarray of bool, shape (N,)
        The decisions.
    pulses_s : ndarray of float64
        Times of the beam's pulses, in s.
    """

    arrived_s: Array
    decided_s: Array
    measured_mm: Array
    on: NDArray[np.bool_]
    pulses_s: Array


def simulate(chain: Chain, motion: Motion, window: Window, seed: int) -> Simulated:
    """Simulate a chain on a motion.

    Parameters
    ----------
    chain : Chain
        Its latencies and noise.
    motion : Motion
        Motion of the target.
    window : Window
        Where the beam may be on.
    seed : int
        Seed of noise, jitter and pulses.

    Returns
    -------
    Simulated
    """
    random = np.random.default_rng(seed)
    period_s = 1.0 / chain.rate_hz
    first_s, last_s = float(motion.times_s[0]), float(motion.times_s[-1])
    taken_s = np.arange(first_s + random.uniform(0.0, period_s), last_s, period_s)
    measured_mm = window.in_plane(motion.at(taken_s)) + random.normal(0.0, chain.noise_mm, (taken_s.size, 2))
    within = window.beyond_mm(measured_mm, window.off_mm) <= 0.0
    back = window.beyond_mm(measured_mm, window.on_mm) <= 0.0
    on, good = np.zeros(taken_s.size, dtype=np.bool_), 0
    for number in range(taken_s.size):
        good = good + 1 if back[number] else 0
        was_on = number > 0 and bool(on[number - 1])
        on[number] = within[number] if was_on else good >= chain.frames_to_resume
    arrived_s = taken_s + chain.imaging_s
    decided_s = arrived_s + np.maximum(chain.compute_s + random.normal(0.0, chain.jitter_s, taken_s.size), 0.0)
    changed = np.flatnonzero(np.append(on[:1], on[1:] != on[:-1]))
    edges_s = decided_s[changed] + np.where(on[changed], chain.on_s, chain.off_s)
    begins_s, ends_s = edges_s[on[changed]], edges_s[~on[changed]]
    ends_s = np.append(ends_s, last_s)[: begins_s.size]
    pulses = [
        np.arange(begin_s + random.uniform(0.0, 1.0 / chain.pulse_hz), end_s, 1.0 / chain.pulse_hz)
        for begin_s, end_s in zip(begins_s, ends_s, strict=True)
    ]
    pulses_s = np.concatenate(pulses) if pulses else np.empty(0)
    return Simulated(arrived_s, decided_s, measured_mm, on, pulses_s[random.random(pulses_s.size) >= chain.dropped])
