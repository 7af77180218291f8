"""Compare a replay with what the machine's own monitoring said of the same frames."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gatekeeper.core.decision import BeamState, Decision
from gatekeeper.core.track import Track
from replay.recording import Recording


@dataclass(frozen=True, slots=True)
class VendorComparison:
    """Difference between our trace and decisions and the machine's; the machine's are not the truth.

    Attributes
    ----------
    name : str
        The machine's monitoring.
    frames_located : int
        Number of frames on which both have found the target.
    distance_mm, distance_p95_mm, distance_max_mm : float or None
        Median, 95th percentile and largest distance of the centres in the image plane, in mm.
    mean_lps_mm : tuple of 3 floats or None
        Mean of ours less the machine's within the image plane, left, posterior and superior positive, in mm.
    frames_decided : int
        Number of frames of which both have a decision.
    agreement : float or None
        Share of these with the same decision, 0-1.
    first_disagreement : int or None
        Index of the first frame with another decision.
    ours_on, theirs_on : str
        Decisions on these frames, one character each: "1" beam on, "0" held.
    """

    name: str
    frames_located: int
    distance_mm: float | None
    distance_p95_mm: float | None
    distance_max_mm: float | None
    mean_lps_mm: tuple[float, float, float] | None
    frames_decided: int
    agreement: float | None
    first_disagreement: int | None
    ours_on: str
    theirs_on: str


def compare_vendor(
    recording: Recording, decisions: Sequence[Decision], tracks: Sequence[Track | None]
) -> VendorComparison | None:
    """Return the comparison with the machine's own monitoring.

    Parameters
    ----------
    recording : Recording
        The recording; its frames have their index as sequence number.
    decisions, tracks : sequence
        Our decisions, and the track of each.

    Returns
    -------
    VendorComparison or None
        None for a recording without such a trace.
    """
    trace = recording.vendor
    if trace is None:
        return None
    nearby = np.full((len(recording.frames), 2), np.nan)
    ours = np.full(len(recording.frames), -1, np.int8)
    for decision, track in zip(decisions, tracks, strict=True):
        if decision.sequence >= 0:
            ours[decision.sequence] = decision.state is BeamState.ON
            if track is not None and track.confidence > 0.0:
                nearby[decision.sequence] = track.center_mm
    gaps_mm = np.full_like(nearby, np.nan)
    if trace.centers_mm is not None:
        theirs_px = recording.plane.to_pixel(trace.centers_mm, recording.spacing_mm)
        gaps_mm = nearby - theirs_px * recording.spacing_mm
    gaps_mm = gaps_mm[np.isfinite(gaps_mm).all(axis=1)]
    distances_mm = np.hypot(*gaps_mm.T)
    theirs = np.full_like(ours, -1) if trace.beam_on is None else trace.beam_on
    decided = np.flatnonzero((ours >= 0) & (theirs >= 0))
    other = decided[ours[decided] != theirs[decided]]
    located = len(gaps_mm) > 0
    steps = np.array([recording.plane.row_step, recording.plane.col_step])
    mean_mm = (gaps_mm.mean(axis=0) if located else np.zeros(2)) @ steps
    return VendorComparison(
        name=trace.name,
        frames_located=len(gaps_mm),
        distance_mm=float(np.median(distances_mm)) if located else None,
        distance_p95_mm=float(np.quantile(distances_mm, 0.95)) if located else None,
        distance_max_mm=float(distances_mm.max()) if located else None,
        mean_lps_mm=(float(mean_mm[0]), float(mean_mm[1]), float(mean_mm[2])) if located else None,
        frames_decided=len(decided),
        agreement=1.0 - len(other) / len(decided) if len(decided) else None,
        first_disagreement=int(other[0]) if len(other) else None,
        ours_on="".join(map(str, ours[decided].tolist())),
        theirs_on="".join(map(str, theirs[decided].tolist())),
    )
