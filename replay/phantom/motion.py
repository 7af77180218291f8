"""Model the motion of tissue: smooth displacement of three layers that slide on each other.

The lung is the layer behind, then the abdomen (liver, kidney, bowel), bounded by the diaphragm, and in front the body
wall with the spine. Each moves by a sum of modes, u(X, t) = sum of a_k(t) phi_k(X), of the material point X in mm.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from replay.phantom.breathing import Course
from replay.phantom.config import BreathingConfig
from replay.phantom.streams import Stream, generator

Array = NDArray[np.float64]

MODES = 6
"""Number of modes: superior-inferior, anterior-posterior, elastic with the breath, two irregular, heartbeat."""

ELASTIC_WAVES = 6
ELASTIC_RANGE_MM = (90.0, 180.0)
ELASTIC_LIMIT_MM = 30.0
"""The elastic part grows with the breath up to this displacement, so that a deep breath does not fold tissue."""

HEART_MM = (-60.0, -45.0)
HEART_REACH_MM = 35.0


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """The modes of one phantom.

    Attributes
    ----------
    anchor_mm : tuple of float
        The target's centre, where the superior-inferior and anterior-posterior modes are 1.
    vectors, directions, phases : ndarray of float64, shapes (3, K, 2), (3, K, 2) and (3, K)
        Plane waves of the elastic and the two irregular modes: wave vector in rad/mm, polarisation, phase.
    """

    anchor_mm: tuple[float, float]
    vectors: Array
    directions: Array
    phases: Array

    def abdomen(self, points_mm: Array) -> Array:
        """Return the modes (MODES, ..., 2) of the abdomen at material points (..., 2)."""
        modes = np.zeros((MODES, *points_mm.shape))
        modes[0, ..., 0] = _descent(points_mm) / _descent(np.array(self.anchor_mm))
        modes[1, ..., 1] = _advance(points_mm) / _advance(np.array(self.anchor_mm))
        for k in range(3):
            modes[2 + k] = np.cos(points_mm @ self.vectors[k].T + self.phases[k]) @ self.directions[k]
        modes[5] = _heartbeat(points_mm)
        return modes

    def lung(self, points_mm: Array) -> Array:
        """Return the modes (MODES, ..., 2) of the lung: fixed at its apex, following the dome at its base."""
        modes = np.zeros((MODES, *points_mm.shape))
        modes[0, ..., 0] = 0.6 + 0.45 * np.tanh((points_mm[..., 0] + 110.0) / 60.0)
        modes[1, ..., 1] = 0.6
        modes[5] = 2.0 * _heartbeat(points_mm)
        return modes

    def wall(self, points_mm: Array) -> Array:
        """Return the modes (MODES, ..., 2) of the body wall: only the abdominal wall moves with the breath."""
        modes = np.zeros((MODES, *points_mm.shape))
        modes[1, ..., 1] = 0.5 - 0.5 * np.tanh((points_mm[..., 1] + 30.0) / 30.0)
        return modes


def motion_modes(config: BreathingConfig, seed: int, anchor_mm: tuple[float, float]) -> Motion:
    """Return the modes of motion of a phantom.

    Parameters
    ----------
    config : BreathingConfig
        Strength of the elastic and irregular motion.
    seed : int
        Seed of the random streams.
    anchor_mm : tuple of float
        Centre of the target as (inferior, posterior).

    Returns
    -------
    Motion
    """
    random = generator(seed, Stream.ELASTIC)
    shape = (3, ELASTIC_WAVES)
    heading = random.uniform(0.0, 2.0 * math.pi, shape)
    swing = random.uniform(0.0, 2.0 * math.pi, shape)
    rate = 2.0 * math.pi / random.uniform(*ELASTIC_RANGE_MM, shape)
    share = np.array([config.elastic, config.irregular_mm / math.sqrt(2.0), config.irregular_mm / math.sqrt(2.0)])
    scale = share[:, None, None] * math.sqrt(2.0 / ELASTIC_WAVES)
    return Motion(
        anchor_mm=anchor_mm,
        vectors=rate[..., None] * np.stack([np.cos(heading), np.sin(heading)], axis=-1),
        directions=scale * np.stack([np.cos(swing), np.sin(swing)], axis=-1),
        phases=random.uniform(0.0, 2.0 * math.pi, shape),
    )


def amplitudes(course: Course, config: BreathingConfig) -> Array:
    """Return the amplitudes (..., MODES) of the modes over time."""
    stretch_mm = ELASTIC_LIMIT_MM * np.tanh(course.si_mm / ELASTIC_LIMIT_MM)
    return np.stack(
        [
            course.si_mm,
            course.ap_mm,
            stretch_mm,
            course.irregular[..., 0],
            course.irregular[..., 1],
            config.cardiac_mm * course.heart,
        ],
        axis=-1,
    )


def displaced(modes: Array, points_mm: Array, amplitude: Array) -> Array:
    """Return the displaced positions of material points (..., 2) with these modes, in mm."""
    return points_mm + np.tensordot(amplitude, modes, axes=1)


def _descent(points_mm: Array) -> Array:
    """Return the superior-inferior motion of tissue: largest at the dome, half of that at the lower kidney."""
    down = 0.8 - 0.3 * np.tanh((points_mm[..., 0] - 15.0) / 110.0)
    return np.asarray(down * (1.0 + 0.1 * np.tanh(points_mm[..., 1] / 60.0)), dtype=np.float64)


def _advance(points_mm: Array) -> Array:
    """Return the anterior-posterior motion of tissue: largest behind the abdominal wall, small at the spine."""
    return np.asarray(0.7 - 0.3 * np.tanh(points_mm[..., 1] / 60.0), dtype=np.float64)


def _heartbeat(points_mm: Array) -> Array:
    """Return the cardiac displacement of tissue near the heart."""
    away_mm2 = ((points_mm - np.array(HEART_MM)) ** 2).sum(axis=-1)
    strength = np.exp(-0.5 * away_mm2 / HEART_REACH_MM**2)
    return np.stack([0.8 * strength, 0.6 * strength], axis=-1)
