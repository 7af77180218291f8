"""Measure a latency test: from the motion, the beam and the record of a session to its figures."""

import math

import numpy as np
from numpy.typing import NDArray

from replay.qa.beam import BeamRecord
from replay.qa.edge_latency import FromOutside, Pairs, estimate, pairs
from replay.qa.motion import Motion, Segment
from replay.qa.parts import Parts, SessionFrames, parts_of
from replay.qa.result import Change, Gating, LatencyResult, Linearity, SegmentFit, Spread
from replay.qa.tracking_fit import TrackingFit, fit_tracking
from replay.qa.window import Window, crossings

Array = NDArray[np.float64]

GRID_S = 0.002
TRACE_S = 30.0
"""Length of the trace that a report shows, in s."""


def spread(seconds: Array, error_ms: float | None = None) -> Spread | None:
    """Return mean, standard deviation, 95th percentile and number of times in s; None without any."""
    if seconds.size == 0:
        return None
    ms = 1e3 * seconds
    sd = float(ms.std(ddof=1)) if ms.size > 1 else 0.0
    error = sd / math.sqrt(ms.size) if error_ms is None else error_ms
    return Spread(float(ms.mean()), sd, float(np.percentile(ms, 95.0)), float(np.median(ms)), error, int(ms.size))


def measure(
    motion: Motion,
    window: Window,
    beam: BeamRecord,
    period_s: float,
    frames_to_resume: int,
    frames: SessionFrames | None = None,
    state: BeamRecord | None = None,
    imaging_s: float | None = None,
    predicts: bool = False,
) -> LatencyResult:
    """Return the figures of a latency test; all times are on one clock.

    Parameters
    ----------
    motion : Motion
        Motion of the target.
    window : Window
        Where the beam may be on.
    beam : BeamRecord
        The beam.
    period_s : float
        Time from frame to frame, in s.
    frames_to_resume : int
        Good frames in a row before the beam comes on.
    frames : SessionFrames, optional
        Frames and decisions of the session.
    state : BeamRecord, optional
        State of the interlock, where it is known besides the beam.
    imaging_s : float, optional
        Imaging latency, in s, where no frames tell it.
    predicts : bool
        Whether the session predicts, so that the beam does not follow the frame that shows the target outside.

    Returns
    -------
    LatencyResult
    """
    from_s, until_s = _common(motion, beam, frames)
    beam = beam.within(from_s, until_s)
    outward, inward = crossings(window, motion, from_s, until_s)
    left, back = pairs(outward, beam.off_s, inward.times_s), pairs(inward, beam.on_s, outward.times_s)
    outside = None if predicts else estimate(left, back, period_s, frames_to_resume, beam.resolution_s)
    tracking, imaging = None, None
    if frames is not None:
        tracking = _tracked(frames, motion, window, from_s, until_s)
        imaging_s = tracking.delay_s if tracking is not None else imaging_s
    if imaging_s is not None:
        error_ms = 0.0 if tracking is None else 1e3 * tracking.delay_error_s
        count, ms = 0 if tracking is None else tracking.frames, 1e3 * imaging_s
        imaging = Spread(ms, math.nan, math.nan, ms, error_ms, count)
    if frames is None:
        figures = _by_outside(left, back, outside, imaging_s)
    else:
        figures = _by_record(frames, beam, state, imaging_s)
    segments = tuple(_segment_fit(one, frames, motion, window) for one in motion.segments)
    off, on = figures["off"], figures["on"]
    return LatencyResult(
        imaging=imaging,
        **figures,
        off_minus_on=None if off is None or on is None else off.mean - on.mean,
        delay_off=spread(left.delay_s),
        delay_on=spread(back.delay_s),
        outside=outside,
        tracking=tracking,
        segments=segments,
        linearity=_linearity(segments),
        gating=_gating(motion, window, beam, from_s, until_s),
        period_s=period_s,
        resolution_s=beam.resolution_s,
        pulse_hz=beam.pulse_hz,
        trace=_trace(motion, window, beam, frames, from_s, until_s, 0.0 if imaging_s is None else imaging_s),
        changes=tuple(
            Change(to, *map(float, row))
            for to, seen in (("off", left), ("on", back))
            for row in zip(seen.crossed_s, seen.changed_s, seen.mm_per_s, strict=True)
        ),
    )


def _common(motion: Motion, beam: BeamRecord, frames: SessionFrames | None) -> tuple[float, float]:
    """Return the time that motion, beam and armed frames have in common, from the first change of the beam on."""
    from_s, until_s = float(motion.times_s[0]), float(motion.times_s[-1])
    changes = np.concatenate([beam.on_s, beam.off_s])
    if changes.size:
        from_s = max(from_s, float(changes.min()) - 0.001)
    if frames is not None and frames.on.any():
        from_s = max(from_s, float(frames.arrived_s[int(np.argmax(frames.on))]))
        until_s = min(until_s, float(frames.arrived_s[-1]))
    return from_s, until_s


def _by_record(
    frames: SessionFrames, beam: BeamRecord, state: BeamRecord | None, imaging_s: float | None
) -> dict[str, Spread | None]:
    """Return the parts by the record of the session."""
    off, on = parts_of(frames, beam, state, to_on=False), parts_of(frames, beam, state, to_on=True)

    def both(pick: str) -> Spread | None:
        return spread(np.concatenate([getattr(off, pick), getattr(on, pick)]))

    def total(parts: Parts) -> Spread | None:
        return None if imaging_s is None else spread(parts.total_s + imaging_s)

    return {
        "compute": both("compute_s"),
        "link": both("link_s"),
        "beam_off": spread(off.beam_s),
        "beam_on": spread(on.beam_s),
        "off": total(off),
        "on": total(on),
    }


def _by_outside(
    left: Pairs, back: Pairs, outside: FromOutside | None, imaging_s: float | None
) -> dict[str, Spread | None]:
    """Return what is known from outside: the totals, and the rest after a given imaging latency."""
    figures: dict[str, Spread | None] = dict.fromkeys(("compute", "link", "beam_off", "beam_on", "off", "on"))
    if outside is None:
        return figures
    for name, latency, seen in (("off", outside.off, left), ("on", outside.on, back)):
        if latency is not None:
            delays = seen.delay_s - float(seen.delay_s.mean()) + latency.mean_s
            figures[name] = spread(delays, 1e3 * latency.error_s)
            if imaging_s is not None:
                figures[f"beam_{name}"] = spread(delays - imaging_s, 1e3 * latency.error_s)
    return figures


def _tracked(
    frames: SessionFrames, motion: Motion, window: Window, from_s: float, until_s: float
) -> TrackingFit | None:
    """Return the fit of the sure positions within a time."""
    used = np.isfinite(frames.measured_mm).all(axis=1) & (frames.arrived_s >= from_s) & (frames.arrived_s <= until_s)
    plane_mm = window.in_plane(motion.position_mm)
    return fit_tracking(frames.arrived_s[used], frames.measured_mm[used], motion.times_s, plane_mm)


def _segment_fit(segment: Segment, frames: SessionFrames | None, motion: Motion, window: Window) -> SegmentFit:
    """Return the fit of a part, without its first second, in which pictures of the part before still arrive."""
    if frames is None:
        return SegmentFit(segment, None)
    return SegmentFit(segment, _tracked(frames, motion, window, segment.from_s + 1.0, segment.until_s))


def _linearity(segments: tuple[SegmentFit, ...]) -> Linearity | None:
    """Return measured over true amplitude of the parts."""
    known = [
        (one.segment.amplitude_mm, one.segment.amplitude_mm * one.tracking.amplitude)
        for one in segments
        if one.tracking is not None
    ]
    if len({true for true, _ in known}) < 3:
        return None
    true_mm, measured_mm = np.array(known).T
    slope = float(np.polyfit(true_mm, measured_mm, 1)[0])
    return Linearity(slope, float(np.abs(measured_mm - true_mm).max()))


def _gating(motion: Motion, window: Window, beam: BeamRecord, from_s: float, until_s: float) -> Gating:
    """Return the beam against the truth."""
    times_s = np.arange(from_s, until_s, GRID_S)
    out, on = window.is_out(motion, times_s), beam.is_on(times_s)
    return Gating(
        right_percent=100.0 * float((out != on).mean()),
        on_while_out_percent=100.0 * float((out & on).mean()),
        off_while_in_percent=100.0 * float((~out & ~on).mean()),
        duty_percent=100.0 * float(on.mean()),
    )


def _trace(
    motion: Motion,
    window: Window,
    beam: BeamRecord,
    frames: SessionFrames | None,
    from_s: float,
    until_s: float,
    imaging_s: float,
) -> dict[str, list[float]]:
    """Return truth, beam and tracked positions of the first seconds along the main axis, as a person sees them."""
    until_s = min(until_s, from_s + TRACE_S)
    times_s = np.arange(from_s, until_s, 0.02)
    plane_mm = window.in_plane(motion.at(times_s))
    main = int(np.argmax(np.ptp(window.in_plane(motion.position_mm), axis=0)))
    sign = window.orientation.axes[main].sign
    values = {
        "times_s": times_s - from_s,
        "true_mm": sign * plane_mm[:, main],
        "on": beam.is_on(times_s).astype(np.float64),
        "out": window.is_out(motion, times_s).astype(np.float64),
    }
    if frames is not None:
        shown = (frames.arrived_s - imaging_s >= from_s) & (frames.arrived_s - imaging_s <= until_s)
        shown &= np.isfinite(frames.measured_mm).all(axis=1)
        values["frame_s"] = frames.arrived_s[shown] - imaging_s - from_s
        values["frame_mm"] = sign * frames.measured_mm[shown, main]
    return {name: np.round(value, 4).tolist() for name, value in values.items()}
