"""Summarise a recording: number, size, position and timing of its frames, and the target drawn on them."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.axes import SAGITTAL, orientation_of, tilt_deg
from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import Plane, Vector
from gatekeeper.core.json_values import aligned
from replay.progress import OnProgress
from replay.recording import Recording

GAP = 1.5
"""An interval longer than this many median intervals is a gap, in which frames are missing."""
LISTED = 10
"""At most this many gaps and repeated frames are listed; all are counted."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Regularity of the frame times.

    Attributes
    ----------
    duration_s : float
        From the first frame to the last.
    rate_hz : float or None
        Frames per second, from the median interval; None for a single frame.
    jitter_ms : float or None
        95th percentile of the absolute deviation of intervals from their median.
    longest_ms : float or None
        Longest interval.
    gaps : int
        Number of intervals longer than `GAP` median intervals.
    missing : int
        Number of frames missing in the gaps.
    first_gaps : tuple of int
        Frames after which the first gaps begin.
    """

    duration_s: float
    rate_hz: float | None
    jitter_ms: float | None
    longest_ms: float | None
    gaps: int
    missing: int
    first_gaps: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PixelFacts:
    """What is known of one pixel.

    Attributes
    ----------
    row, col : int
        Its indices in canonical orientation, as in the picture.
    value : float or None
        Its value on the first frame; None when it is not finite.
    at_mm : tuple of 3 floats
        Its centre in the patient (DICOM LPS), in mm.
    """

    row: int
    col: int
    value: float | None
    at_mm: Vector


@dataclass(frozen=True, slots=True)
class Facts:
    """Summary of a recording.

    Attributes
    ----------
    name, format : str
        Name of the case, and of its format.
    frames : int
        Number of frames.
    rows, cols : int
        Size of a frame in pixels.
    spacing_mm, extent_mm : tuple of float
        Distance of pixel centres and size of the image, along rows and columns, in mm.
    pixel_type : str
        Pixel type.
    values : tuple of float
        Smallest and largest finite pixel value.
    not_finite : int
        Number of frames with a pixel that is NaN or infinite.
    plane : Plane
        Position of the image, in canonical orientation.
    tilt_deg : float
        Angle between its normal and the axis of the patient across its orientation, in degrees.
    timing : Timing
        Regularity of the frame times.
    repeated : int
        Number of frames identical to the one before.
    first_repeated : tuple of int
        The first repeated frames.
    target_mm2 : float or None
        Area of the target on the first frame, in mm2; None when no target is drawn.
    target_center_mm : tuple of 3 floats or None
        Its centre in the patient (DICOM LPS), in mm.
    labelled : int
        Number of frames on which the target is drawn.
    field_strength_t : float or None
        Field strength of the scanner, in tesla.
    region : str or None
        Scanned region.
    notes : tuple of str
        Remarks of the reader.
    imaging_latency_s : tuple of 3 floats or None
        Smallest, median and largest time from acquisition to arrival, as the machine measured it, in s.
    pixel : PixelFacts or None
        The pixel that was asked for.
    orientation : str
        "sagittal", "coronal" or "axial", the nearest.
    """

    name: str
    format: str
    frames: int
    rows: int
    cols: int
    spacing_mm: tuple[float, float]
    extent_mm: tuple[float, float]
    pixel_type: str
    values: tuple[float, float]
    not_finite: int
    plane: Plane
    tilt_deg: float
    timing: Timing
    repeated: int
    first_repeated: tuple[int, ...]
    target_mm2: float | None
    target_center_mm: Vector | None
    labelled: int
    field_strength_t: float | None
    region: str | None
    notes: tuple[str, ...]
    imaging_latency_s: tuple[float, float, float] | None = None
    pixel: PixelFacts | None = None
    orientation: str = SAGITTAL.name

    def as_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        values: dict[str, Any] = asdict(self)
        return values

    def as_table(self) -> str:
        """Return aligned lines for a reader."""
        return "\n".join(aligned(self.told()))

    def told(self) -> Iterator[tuple[str, str]]:
        """Yield the facts for a reader.

        Yields
        ------
        tuple of str
            Name and text of one.
        """
        timing, (row_mm, col_mm), (high_mm, wide_mm) = self.timing, self.spacing_mm, self.extent_mm
        yield "recording", f"{self.name}, {self.format}"
        yield "frames", f"{self.frames} of {self.rows} x {self.cols} pixels, {self.pixel_type}"
        yield "values", f"{self.values[0]:g} to {self.values[1]:g}" + self._count(self.not_finite, "not finite")
        yield "pixel", f"{row_mm:g} x {col_mm:g} mm, image {high_mm:.0f} x {wide_mm:.0f} mm"
        turned = f"turned by {self.tilt_deg:.1f} degrees" if self.tilt_deg >= 0.05 else "not turned"
        origin = ", ".join(f"{value:.1f}" for value in self.plane.origin_mm)
        yield "plane", f"{self.orientation}, {turned}; first pixel at LPS {origin} mm"
        if self.pixel is not None:
            value = "not finite" if self.pixel.value is None else f"{self.pixel.value:g}"
            at = ", ".join(f"{part:.1f}" for part in self.pixel.at_mm)
            yield f"{self.pixel.row}, {self.pixel.col}", f"row and column: {value} on the first frame, at LPS {at} mm"
        if timing.rate_hz is not None:
            yield "rate", f"{timing.rate_hz:.3g} per second over {timing.duration_s:.1f} s"
            yield "intervals", f"95 % within {timing.jitter_ms:.1f} ms of the usual, longest {timing.longest_ms:.0f} ms"
        if timing.gaps:
            after = ", ".join(map(str, timing.first_gaps)) + (" ..." if timing.gaps > LISTED else "")
            yield "gaps", f"{timing.gaps}, {timing.missing} frames missing; after frames {after}"
        if self.repeated:
            which = ", ".join(map(str, self.first_repeated)) + (" ..." if self.repeated > LISTED else "")
            yield "repeated", f"{self.repeated} frames are copies of the one before: {which}"
        if self.target_mm2 is not None and self.target_center_mm is not None:
            center = ", ".join(f"{value:.1f}" for value in self.target_center_mm)
            yield "target", f"{self.target_mm2:.0f} mm2 on the first frame, centre at LPS {center} mm"
        else:
            yield "target", "none is drawn on the first frame"
        yield "labels", f"on {self.labelled} of {self.frames} frames" if self.labelled else "none"
        if self.field_strength_t is not None:
            yield "field", f"{self.field_strength_t:g} T"
        if self.region is not None:
            yield "region", self.region
        if self.imaging_latency_s is not None:
            least_s, usual_s, most_s = self.imaging_latency_s
            yield (
                "latency",
                f"images arrived {usual_s:.3f} s after acquisition (median; {least_s:.3f} to {most_s:.3f} s)",
            )
            yield "", f"in the session's settings: [prediction] imaging_s = {usual_s:.3f}"
        for note in self.notes:
            yield "note", note

    @staticmethod
    def _count(count: int, what: str) -> str:
        return f", {count} frames {what}" if count else ""


def facts_of(
    recording: Recording, format_name: str, on_progress: OnProgress, pixel: tuple[int, int] | None = None
) -> Facts:
    """Return the summary of a recording; each frame is read once and not kept in memory.

    Parameters
    ----------
    recording : Recording
        The recording.
    format_name : str
        Name of its format.
    on_progress : callable
        Called after every frame.
    pixel : tuple of int, optional
        Row and column of a pixel that is asked for.

    Returns
    -------
    Facts

    Raises
    ------
    RecordingError
        When a frame cannot be read, or the pixel is not on the image.
    """
    count, rows, cols = recording.frames.shape
    told = None if pixel is None else _pixel_facts(recording, *pixel)
    low, high, not_finite = math.inf, -math.inf, 0
    repeated: list[int] = []
    before: NDArray[Any] | None = None
    for index, image in enumerate(recording.frames):
        finite = image if image.dtype.kind != "f" else image[np.isfinite(image)]
        not_finite += finite.size != image.size
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
        if before is not None and np.array_equal(image, before, equal_nan=image.dtype.kind == "f"):
            repeated.append(index)
        before = image
        on_progress("reading", index + 1, count)
    mask, plane = recording.first_mask, recording.plane
    center = None if mask is None else plane.to_patient_mm(np.argwhere(mask).mean(axis=0)[None], recording.spacing_mm)
    row_mm, col_mm = recording.spacing_mm
    return Facts(
        name=recording.name,
        format=format_name,
        frames=count,
        rows=rows,
        cols=cols,
        spacing_mm=recording.spacing_mm,
        extent_mm=(rows * row_mm, cols * col_mm),
        pixel_type=recording.frames.dtype.name,
        values=(low, high) if low <= high else (0.0, 0.0),
        not_finite=not_finite,
        plane=plane,
        tilt_deg=tilt_deg(plane),
        orientation=orientation_of(plane).name,
        timing=timing_of(recording.times_s),
        repeated=len(repeated),
        first_repeated=tuple(repeated[:LISTED]),
        target_mm2=None if mask is None else float(mask.sum()) * row_mm * col_mm,
        target_center_mm=None if center is None else (float(center[0, 0]), float(center[0, 1]), float(center[0, 2])),
        labelled=0 if recording.labels is None else sum(bool(label.any()) for label in recording.labels),
        field_strength_t=recording.field_strength_t,
        region=recording.region,
        notes=recording.notes,
        imaging_latency_s=_range_s(recording.latency_s),
        pixel=told,
    )


def _pixel_facts(recording: Recording, row: int, col: int) -> PixelFacts:
    _, rows, cols = recording.frames.shape
    if not (0 <= row < rows and 0 <= col < cols):
        raise RecordingError(f"{recording.name}: has no pixel {row},{col}; it has 0,0 to {rows - 1},{cols - 1}")
    value = float(recording.frames[0][row, col])
    x_mm, y_mm, z_mm = recording.plane.to_patient_mm(np.array([[row, col]], np.float64), recording.spacing_mm)[0]
    return PixelFacts(row, col, value if math.isfinite(value) else None, (float(x_mm), float(y_mm), float(z_mm)))


def _range_s(latency_s: NDArray[np.float64] | None) -> tuple[float, float, float] | None:
    known = np.array([]) if latency_s is None else latency_s[np.isfinite(latency_s)]
    if not known.size:
        return None
    return float(known.min()), float(np.median(known)), float(known.max())


def timing_of(times_s: NDArray[np.float64]) -> Timing:
    """Return the regularity of frame times (T,), given in seconds."""
    intervals_s = np.diff(times_s)
    if not intervals_s.size:
        return Timing(0.0, None, None, None, 0, 0, ())
    usual_s = float(np.median(intervals_s))
    gaps = np.flatnonzero(intervals_s > GAP * usual_s)
    missing = int((np.rint(intervals_s[gaps] / usual_s) - 1).sum()) if usual_s > 0.0 else 0
    return Timing(
        duration_s=float(times_s[-1] - times_s[0]),
        rate_hz=1.0 / usual_s if usual_s > 0.0 else None,
        jitter_ms=1e3 * float(np.quantile(np.abs(intervals_s - usual_s), 0.95)),
        longest_ms=1e3 * float(intervals_s.max()),
        gaps=int(gaps.size),
        missing=missing,
        first_gaps=tuple(int(index) for index in gaps[:LISTED]),
    )
