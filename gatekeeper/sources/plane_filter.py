"""Planes: of a device that images several planes in turn, the session's one; the others only when it stays away."""

import math

from gatekeeper.core.addition import add
from gatekeeper.core.clock import Clock
from gatekeeper.core.frame import Frame, Plane, Vector
from gatekeeper.core.protocols import FrameSource
from gatekeeper.sources.interleaving import InterleavedFrames

LONGEST_RUN = 256
"""So many frames of other planes are set aside at once, so that a flood of them cannot keep the loop waiting."""


class PlaneFilter:
    """A source behind another one, which gives the frames of the session's plane and sets others aside.

    Frames lie on the session's plane when they are parallel to it and not beside it; where on it, and how finely
    they sample it, is for the gate to judge. When nothing has come on the plane for `silence_s`, whatever comes is
    given, so that the gate finds, and says, that the plane has changed.

    Parameters
    ----------
    source : FrameSource
        Where frames come from.
    plane : Plane
        Where the session's images lie.
    clock : Clock
        Session time.
    silence_s : float
        For so long after the last frame on the plane, in seconds, others are set aside.
    angle_deg, offset_mm : float
        A frame whose normal is turned by more, in degrees, or that lies further beside the plane, in mm, is another.
    """

    def __init__(
        self,
        source: FrameSource,
        plane: Plane,
        clock: Clock,
        silence_s: float,
        angle_deg: float = 1.0,
        offset_mm: float = 1.0,
    ) -> None:
        self._source = source
        self._clock = clock
        self._silence_s = silence_s
        self._normal = _normal(plane)
        self._origin_mm = plane.origin_mm
        self._angle_deg = angle_deg
        self._offset_mm = offset_mm
        self._seen_s = clock.now_s()
        self._interleaved = InterleavedFrames()
        self._set_aside = 0

    @property
    def set_aside(self) -> int:
        """How many frames of other planes were set aside so far."""
        return self._set_aside

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Return the next frame of the plane, or None when none came within `timeout_s` of session time."""
        until_s = self._clock.now_s() + timeout_s
        for _ in range(LONGEST_RUN):
            frame = self._source.next_frame(max(until_s - self._clock.now_s(), 0.0))
            if frame is None:
                return None
            if self._is_on_plane(frame.plane):
                self._seen_s = max(self._seen_s, frame.received_s)
                return self._interleaved.give(frame)
            if not frame.received_s - self._seen_s <= self._silence_s:
                return self._interleaved.give(frame)
            self._interleaved.put(frame.sequence, frame.skipped)
            self._set_aside += 1
        return None

    def ended(self) -> bool:
        """Return True when no frame will come any more."""
        return self._source.ended()

    def close(self) -> None:
        """Close the source behind."""
        self._source.close()

    def _is_on_plane(self, plane: Plane) -> bool:
        """Return True when a plane is the session's; one that is not finite never is."""
        normal = _normal(plane)
        along = add(a * b for a, b in zip(normal, self._normal, strict=True))
        across = math.hypot(*_cross(normal, self._normal))
        # Which of its two faces a plane shows is not its place.
        angle_deg = math.degrees(math.atan2(across, abs(along)))
        gaps_mm = (a - b for a, b in zip(plane.origin_mm, self._origin_mm, strict=True))
        beside_mm = abs(add(gap * part for gap, part in zip(gaps_mm, self._normal, strict=True)))
        return angle_deg <= self._angle_deg and beside_mm <= self._offset_mm


def _normal(plane: Plane) -> Vector:
    return _cross(plane.row_step, plane.col_step)


def _cross(a: Vector, b: Vector) -> Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]
