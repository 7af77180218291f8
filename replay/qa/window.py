"""Where the beam may be on, as a distance from the reference position in each direction of the plane."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.axes import Orientation
from gatekeeper.core.errors import InputError
from gatekeeper.gating.envelope import Envelope
from replay.qa.motion import Motion

Array = NDArray[np.float64]

DIRECTIONS = 72
FARTHEST_MM = 100.0
HALVINGS = 24
STEP_S = 0.001


def in_plane(position_mm: Array, orientation: Orientation) -> Array:
    """Return positions (T, 3) along S, P and L as (row, col) in an image, in mm, as their index grows."""
    lps = position_mm[:, [2, 1, 0]]
    return np.stack([lps @ np.array(axis.step) for axis in orientation.axes], axis=-1)


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """The edge at which the beam is held, and that within which it may come on again.

    Attributes
    ----------
    angles : ndarray of float64, shape (N,)
        Directions in the plane, from rows to columns, ascending from 0 to 2 pi, in rad.
    off_mm, on_mm : ndarray of float64, shape (N,)
        Distance of the two edges from the reference position in each direction, in mm.
    orientation : Orientation
        Of the plane.
    """

    angles: Array
    off_mm: Array
    on_mm: Array
    orientation: Orientation

    def in_plane(self, position_mm: Array) -> Array:
        """Return positions (T, 3) along S, P and L as (row, col) in mm, as their index grows."""
        return in_plane(position_mm, self.orientation)

    def beyond_mm(self, plane_mm: Array, edge_mm: Array) -> Array:
        """Return how far positions (T, 2) in the plane are beyond an edge, negative within it, in mm."""
        angle = np.arctan2(plane_mm[:, 1], plane_mm[:, 0]) % (2.0 * math.pi)
        return np.asarray(np.hypot(*plane_mm.T) - np.interp(angle, self.angles, edge_mm, period=2.0 * math.pi))

    def is_out(self, motion: Motion, times_s: Array) -> NDArray[np.bool_]:
        """Return whether the target was beyond the edge at which the beam is held, at times in s."""
        return self.beyond_mm(self.in_plane(motion.at(times_s)), self.off_mm) > 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Crossings:
    """When a target crossed an edge in one direction.

    Attributes
    ----------
    times_s : ndarray of float64
        When, in s.
    mm_per_s : ndarray of float64
        How fast at right angles to the edge, above 0, in mm/s.
    """

    times_s: Array
    mm_per_s: Array


def even_window(off_mm: float, on_mm: float, orientation: Orientation) -> Window:
    """Return a window that is a circle around the reference position."""
    angles = _angles()
    return Window(angles, np.full(DIRECTIONS, off_mm), np.full(DIRECTIONS, on_mm), orientation)


def window_of(
    contour_px: Array, envelope: Envelope, off_percent: float, on_percent: float, orientation: Orientation
) -> Window:
    """Return the window of a target that moves without changing its shape.

    Parameters
    ----------
    contour_px : ndarray of float64, shape (N, 2)
        Its outline at the reference position, as (row, col).
    envelope : Envelope
        Its envelope.
    off_percent, on_percent : float
        Share outside above which the beam is held, and up to which it may come on again, in percent.
    orientation : Orientation
        Of the image.

    Returns
    -------
    Window

    Raises
    ------
    InputError
        When the target is never beyond its limit, or already is at the reference position.
    """
    angles = _angles()

    def distance_mm(angle: float, percent: float) -> float:
        step_px = np.array([math.cos(angle), math.sin(angle)]) / np.array(envelope.spacing_mm)
        return _edge(lambda mm: envelope.outside_percent(contour_px + mm * step_px) > percent)

    off_mm, on_mm = (
        np.array([distance_mm(angle, percent) for angle in angles.tolist()]) for percent in (off_percent, on_percent)
    )
    return Window(angles, off_mm, on_mm, orientation)


def crossings(window: Window, motion: Motion, from_s: float, until_s: float) -> tuple[Crossings, Crossings]:
    """Return when the target left the window, and when it was back within the edge for coming on.

    Parameters
    ----------
    window : Window
        The window.
    motion : Motion
        Motion of the target.
    from_s, until_s : float
        Part of it, in s.

    Returns
    -------
    outward, inward : Crossings
    """
    times_s = np.arange(from_s, until_s, STEP_S)
    plane_mm = window.in_plane(motion.at(times_s))
    outward = _crossed(times_s, window.beyond_mm(plane_mm, window.off_mm))
    inward = _crossed(times_s, -window.beyond_mm(plane_mm, window.on_mm))
    return outward, inward


def _angles() -> Array:
    return np.linspace(0.0, 2.0 * math.pi, DIRECTIONS, endpoint=False, dtype=np.float64)


def _crossed(times_s: Array, beyond_mm: Array) -> Crossings:
    """Return where a curve rises through 0."""
    at = np.flatnonzero((beyond_mm[:-1] <= 0.0) & (beyond_mm[1:] > 0.0))
    rise = beyond_mm[at + 1] - beyond_mm[at]
    return Crossings(times_s[at] - beyond_mm[at] / rise * STEP_S, rise / STEP_S)


def _edge(is_beyond: Callable[[float], bool]) -> float:
    """Return the distance in mm from which on a target is beyond its limit."""
    low, high = 0.0, FARTHEST_MM
    if is_beyond(low) or not is_beyond(high):
        raise InputError("the target's window: its edge is not between 0 and 100 mm; check margin and outside_percent")
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if is_beyond(middle) else (middle, high)
    return 0.5 * (low + high)
