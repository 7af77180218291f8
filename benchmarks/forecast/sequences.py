"""Sequences of tracked positions: recorded cine, tracked once, and measured traces with a round target."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.track import Track
from gatekeeper.forecast.breaths import Preview
from gatekeeper.tracking.tracker import Tracker
from replay.formats.trackrad import open_case
from replay.motion_trace import read_trace

Array = NDArray[np.float64]

CINE_PREVIEW_S, TRACE_PREVIEW_S = 20.0, 25.0
TRACE_RATE_HZ, TRACE_NOISE_MM = 8.0, 0.1
RADIUS_MM = 10.0
"""Radius of the target that a trace moves."""
AT_MM = 150.0


@dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    """A target on each frame, of which the first seconds are the preview.

    Attributes
    ----------
    name : str
        Name of the case or trace.
    times_s : ndarray of float64, shape (T,)
        Times of the frames.
    tracks : list of Track
        The target on each.
    spacing_mm : tuple of float
        Distance of pixel centres.
    preview_s : float
        Length of the preview.
    """

    name: str
    times_s: Array
    tracks: list[Track]
    spacing_mm: tuple[float, float]
    preview_s: float

    @property
    def first(self) -> int:
        """Index of the first frame after the preview."""
        return int(np.searchsorted(self.times_s, self.preview_s))

    def preview(self, min_confidence: float) -> Preview:
        """Return the preview, with the outline of the frame that is nearest to end-exhale."""
        tracks = self.tracks[: self.first]
        center_mm = np.array([one.center_mm for one in tracks])
        confidence = np.array([one.confidence for one in tracks])
        sure = np.flatnonzero(confidence >= min_confidence)
        middle_mm = np.median(center_mm[sure][center_mm[sure, 0] <= np.median(center_mm[sure, 0])], axis=0)
        nearest = sure[np.argmin(np.hypot(*(center_mm[sure] - middle_mm).T))]
        outline = tracks[nearest]
        return Preview(
            self.times_s[: self.first],
            center_mm,
            confidence,
            np.ascontiguousarray(outline.contour_px),
            outline.center_mm,
            self.spacing_mm,
        )


def cine(folder: Path, on_progress: Callable[[str, int, int], None]) -> Iterator[Sequence]:
    """Yield all cases of a folder with a first mask, tracked once by a tracker that learned from the preview."""
    cases = [images.parent for images in sorted(folder.glob("*/images"))]
    for done, path in enumerate(cases):
        on_progress("tracking", done, len(cases))
        case = open_case(path)
        first = int(np.searchsorted(case.times_s, CINE_PREVIEW_S))
        if case.first_mask is None or not 0 < first < len(case.frames):
            continue
        tracker = Tracker(case.frames[0], case.first_mask, case.spacing_mm)
        tracker.learn(np.asarray(case.frames[:first]))
        tracks = [tracker.track(image) for image in case.frames]
        yield Sequence(case.name, np.asarray(case.times_s), tracks, case.spacing_mm, CINE_PREVIEW_S)
    on_progress("tracking", len(cases), len(cases))


def traces(folder: Path) -> Iterator[Sequence]:
    """Yield all traces below a folder, of a round target, with a little noise."""
    angle = np.linspace(0.0, 2.0 * np.pi, 64, endpoint=False)
    circle_mm = RADIUS_MM * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    for path in sorted(folder.rglob("*.csv")):
        trace = read_trace(path)
        times_s = np.arange(0.0, trace.duration_s, 1.0 / TRACE_RATE_HZ)
        if not times_s[-1] > 2.0 * TRACE_PREVIEW_S:
            continue
        superior_mm, posterior_mm, _ = np.moveaxis(trace.at(times_s), -1, 0)
        center_mm = np.stack([AT_MM - superior_mm, AT_MM + posterior_mm], axis=1)
        center_mm += TRACE_NOISE_MM * np.random.default_rng(0).standard_normal(center_mm.shape)
        tracks = [Track(circle_mm + center, (center[0], center[1]), 1.0) for center in center_mm.tolist()]
        yield Sequence(path.stem, times_s, tracks, (1.0, 1.0), TRACE_PREVIEW_S)
