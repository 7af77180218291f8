"""Select the session's plane from a device that images several planes in turn."""

import math

from gatekeeper.core.addition import add
from gatekeeper.core.axes import cross
from gatekeeper.core.clock import Clock
from gatekeeper.core.frame import Frame, Plane, Vector
from gatekeeper.core.protocols import FrameSource
from gatekeeper.sources.interleaving import InterleavedFrames

LONGEST_RUN = 256
"""Largest number of frames of other planes set aside at once, so that many of them cannot block the loop."""


class PlaneFilter:
    """A source that returns another source's frames on the session's plane and sets others aside.

    A frame is on the plane when it is parallel to it and at no distance from it; position in the plane and sampling are
    checked by the gate. When there was no frame on the plane for `silence_s`, frames of any plane are returned, so that
    the gate detects and reports that the plane has changed.

    Parameters
    ----------
    source : FrameSource
        Source of the frames.
    plane : Plane
        Plane of the session's images.
    clock : Clock
        Session time.
    silence_s : float
        Time since the last frame on the plane during which others are set aside, in s.
    angle_deg, offset_mm : float
        Largest angle in degrees and largest distance in mm at which a frame counts as on the plane.
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
        self._last_on_plane_s = clock.now_s()
        self._interleaved = InterleavedFrames()
        self._set_aside = 0

    @property
    def set_aside(self) -> int:
        """Number of frames of other planes set aside so far."""
        return self._set_aside

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Return the next frame of the plane, or None when none came within `timeout_s` of session time."""
        until_s = self._clock.now_s() + timeout_s
        for _ in range(LONGEST_RUN):
            frame = self._source.next_frame(max(until_s - self._clock.now_s(), 0.0))
            if frame is None:
                return None
            if self._is_on_plane(frame.plane):
                self._last_on_plane_s = max(self._last_on_plane_s, frame.received_s)
                return self._interleaved.give(frame)
            if not frame.received_s - self._last_on_plane_s <= self._silence_s:
                return self._interleaved.give(frame)
            self._interleaved.put(frame.sequence, frame.skipped)
            self._set_aside += 1
        return None

    def ended(self) -> bool:
        """Return whether no frame will come any more."""
        return self._source.ended()

    def close(self) -> None:
        """Close the underlying source."""
        self._source.close()

    def _is_on_plane(self, plane: Plane) -> bool:
        """Return whether a plane is the session's; False for one that is not finite."""
        normal = _normal(plane)
        along = add(a * b for a, b in zip(normal, self._normal, strict=True))
        across = math.hypot(*cross(normal, self._normal))
        # The sign of the normal does not matter.
        angle_deg = math.degrees(math.atan2(across, abs(along)))
        gaps_mm = (a - b for a, b in zip(plane.origin_mm, self._origin_mm, strict=True))
        beside_mm = abs(add(gap * part for gap, part in zip(gaps_mm, self._normal, strict=True)))
        return angle_deg <= self._angle_deg and beside_mm <= self._offset_mm


def _normal(plane: Plane) -> Vector:
    return cross(plane.row_step, plane.col_step)
