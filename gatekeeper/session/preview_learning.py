"""Learn from a preview: a tracker that has learned, the range of motion for the gate, and a report."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import GateConfig, SessionConfig
from gatekeeper.core.axes import Orientation, orientation_of
from gatekeeper.core.contour import center_mm
from gatekeeper.core.errors import TrackerError
from gatekeeper.core.frame import FrameStack, Plane
from gatekeeper.core.protocols import LearningTracker, TargetTracker
from gatekeeper.core.track import Track
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.motion import LearnedRange
from gatekeeper.tracking.preview.report import FEWEST_FRAMES, PreviewReport, report_of_moves

LEAST_INSIDE = 0.05
"""Smallest share of preview frames with the target inside its envelope; below it the target was drawn elsewhere."""


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """Result of learning from a preview.

    Attributes
    ----------
    tracker : TargetTracker
        Tracker that has learned from the preview, in its state at the preview's end.
    motion : LearnedRange or None
        Range of motion of the primary target in the preview; None when it was found on too few frames.
    preview : PreviewReport
        The report.
    nearest_mm : float
        Smallest distance of the target from its drawn position, in mm; NaN when it was never found.
    inside : float
        Share of the frames with the target found and inside its envelope, 0-1; an estimate of the largest duty cycle.
    note : str
        Remark on how the tracker learned; may be empty.
    frames : sequence of ndarray, shape (H, W)
        The preview.
    others : tuple of LearnedRange or None
        Range of motion of each further target, in order.
    tracks : sequence of tuple of Track or None
        Each structure on each frame of the preview; None where a plug-in failed.
    """

    tracker: TargetTracker
    motion: LearnedRange | None
    preview: PreviewReport
    nearest_mm: float
    inside: float
    note: str = ""
    frames: FrameStack | Sequence[NDArray[np.generic]] = ()
    others: tuple[LearnedRange | None, ...] = ()
    tracks: Sequence[tuple[Track, ...] | None] = ()

    @property
    def motions(self) -> tuple[LearnedRange | None, ...]:
        """Range of motion of each target, the primary one first."""
        return self.motion, *self.others

    @property
    def go(self) -> bool:
        """Whether the target can be tracked, and reaches the position where the beam may be on."""
        return self.preview.go and self.inside >= LEAST_INSIDE

    def as_lines(self) -> list[str]:
        """Return the report as lines of text, with the target's distance from its drawn position."""
        if math.isnan(self.nearest_mm):
            target = "target      not found on any frame"
        else:
            target = (
                f"target      comes within {self.nearest_mm:.1f} mm of where it was drawn, "
                f"inside its envelope on {100.0 * self.inside:.0f} % of the frames"
                f"{'' if self.inside >= LEAST_INSIDE else ', too few for gating on it'}"
            )
        return [*self.preview.as_text().splitlines(), target, *([f"note        {self.note}"] if self.note else [])]


def learn_from(
    make: Callable[[], TargetTracker],
    origin: str,
    frames: FrameStack | Sequence[NDArray[np.generic]],
    target_px: NDArray[np.float64],
    envelope: Envelope,
    config: SessionConfig,
    least: Mapping[int, float],
) -> Learned:
    """Return the result of learning with a new tracker, which is left in its state at the preview's end.

    Parameters
    ----------
    make : callable
        Return a new tracker.
    origin : str
        What messages call it.
    frames : sequence of ndarray, shape (H, W)
        The preview.
    target_px : ndarray of float64, shape (N, 2)
        Outline of the primary target as it was drawn, as (row, col).
    envelope : Envelope
        Where it has to be.
    config : SessionConfig
        All settings.
    least : mapping of int to float
        Least confidence of each target, by its place among the structures; the primary one is the first.

    Returns
    -------
    Learned
        With a report, also when the tracker does not learn.
    """
    tracker, preview, note = make(), None, f"{origin} does not learn; the preview shows how it tracks"
    against: list[str] = []
    if isinstance(tracker, LearningTracker):
        note = ""
        try:
            preview = _report_in(tracker.learn(np.asarray(frames)))
        except TrackerError as error:
            tracker, against = make(), [str(error)]
    found_on = [_tracked(tracker, frame, against) for frame in frames]
    tracks = [None if one is None else one[0] for one in found_on]
    sure = np.array([track is not None and track.confidence >= least[0] for track in tracks])
    found = [track for track, is_sure in zip(tracks, sure, strict=True) if track is not None and is_sure]
    drawn_mm = center_mm(target_px, envelope.spacing_mm)
    centers_mm = np.array([(np.nan, np.nan) if track is None else track.center_mm for track in tracks])
    # An envelope of its own, because another thread may be using the gate's at this moment.
    own = Envelope(envelope.contour_px, envelope.spacing_mm)
    inside = [own.outside_percent(track.contour_px) <= config.gate.outside_percent for track in found]
    orientation = orientation_of(envelope.plane or Plane())
    motion, *others = ranges_of(found_on, least, config.gate, orientation)
    return Learned(
        tracker,
        motion,
        report_of_moves(centers_mm - drawn_mm, sure, against, orientation.names) if preview is None else preview,
        float(min((math.dist(track.center_mm, drawn_mm) for track in found), default=np.nan)),
        sum(inside) / len(tracks),
        note,
        frames,
        tuple(others),
        found_on,
    )


def ranges_of(
    tracks: Sequence[tuple[Track, ...] | None],
    least: Mapping[int, float],
    config: GateConfig,
    orientation: Orientation,
) -> tuple[LearnedRange | None, ...]:
    """Return the range of motion of each target in a preview, the primary one first.

    Parameters
    ----------
    tracks : sequence of tuple of Track or None
        Each structure on each frame.
    least : mapping of int to float
        Least confidence of each target, by its place among the structures.
    config : GateConfig
        Limits of motion.
    orientation : Orientation
        That of the images.

    Returns
    -------
    tuple of LearnedRange or None
        None for a target that was surely found on too few frames.
    """
    ranges = []
    for at, limit in least.items():
        centers_mm = [one[at].center_mm for one in tracks if one is not None and one[at].confidence >= limit]
        enough = len(centers_mm) >= FEWEST_FRAMES
        ranges.append(LearnedRange.of(np.array(centers_mm), config, orientation.rows.inhaling) if enough else None)
    return tuple(ranges)


def _report_in(learned: object) -> PreviewReport | None:
    """Return the report on the target in what a tracker has returned; None without one."""
    first = learned[0] if isinstance(learned, tuple) and learned else learned
    return first if isinstance(first, PreviewReport) else None


def _tracked(tracker: TargetTracker, frame: NDArray[Any], against: list[str]) -> tuple[Track, ...] | None:
    """Return the tracks on a frame of a preview; None, with the first reason in `against`, when a plug-in fails."""
    try:
        found = tracker.track(frame)
    except TrackerError as error:
        if not against:
            against.append(str(error))
        return None
    return found if isinstance(found, tuple) else (found,)
