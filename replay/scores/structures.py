"""Score each of several structures against its labels: where it was found, and whether it held the beam in time.

A frame is beyond the limit where the true outline of the structure, measured against the session's own zone and limit,
would have to hold the beam: a target too far outside its envelope, an organ at risk too much in its keep-out zone.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from gatekeeper.config import GateConfig
from gatekeeper.core.contour import Role, mask_to_contour
from gatekeeper.core.decision import BeamState, Decision
from gatekeeper.core.frame import FrameStack
from gatekeeper.core.json_values import numbers
from gatekeeper.core.track import Track
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.zones import KeepOutZone, TargetZone, Zone, clearance_mm, measure
from replay.recording import RecordedStructure, Recording
from replay.scores.gating import GatingScore, frame_period_s, gating_score
from replay.scores.tracking import Score, score

Array = NDArray[np.float64]
Scored = Callable[[str, int, int], None]
"""Called with the name of a structure, the frames of it that are scored, and their number."""
OF_TARGETS = ("d98_relative", "d98_unbinarised")
"""Scores of the dose, which an organ at risk has none of."""


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What a session decided and found on one frame.

    Attributes
    ----------
    decision : Decision
        The decision.
    tracks : tuple of Track
        All structures in the order of the session; empty when the frame was not tracked.
    """

    decision: Decision
    tracks: tuple[Track, ...]


@dataclass(frozen=True, slots=True)
class ZoneScore:
    """Score of one structure against its zone.

    Attributes
    ----------
    frames_scored : int
        Number of labelled frames except frame 0.
    beyond : int
        Number of these on which the true structure is beyond the limit.
    found, missed : int
        Number of these on which the structure held the beam, and did not.
    not_tracked : int
        Number of the others of these: the frame was not fit to be tracked, which holds the beam by itself.
    on_while_beyond_s : float
        Time with the beam on while the true structure was beyond the limit, in s.
    false_holds : int
        Number of scored frames on which the structure held the beam within the limit, also by its low confidence, or
        as it came back and the stricter limit for resuming applied.
    entries, entries_in_time : int
        How often the true structure went beyond the limit, and how often of these it held the beam on that frame or
        the next.
    distance_mm, distance_p95_mm : float
        Of an organ at risk the error of its distance from the zone, mean and 95th percentile over the frames on which
        it was tracked, in mm; NaN for a target.
    nearest_mm, true_nearest_mm : float
        Its least distance from the zone on these frames, as found and in truth, negative within it, in mm.
    """

    frames_scored: int
    beyond: int
    found: int
    missed: int
    not_tracked: int
    on_while_beyond_s: float
    false_holds: int
    entries: int
    entries_in_time: int
    distance_mm: float
    distance_p95_mm: float
    nearest_mm: float
    true_nearest_mm: float


@dataclass(frozen=True, slots=True)
class StructureScore:
    """Scores of one of several structures.

    Attributes
    ----------
    role : Role
        Target or organ at risk.
    tracking : Score
        Where it was found.
    zone : ZoneScore
        Whether it held the beam.
    """

    role: Role
    tracking: Score
    zone: ZoneScore

    def as_json(self) -> dict[str, object]:
        """Return the scores as JSON values."""
        left_out = {"frames", *(() if self.role is Role.TARGET else OF_TARGETS)}
        tracking = {name: getattr(self.tracking, name) for name in Score.__slots__ if name not in left_out}
        return {"role": self.role.value, "score": numbers(tracking), "zone": numbers(asdict(self.zone))}


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """A structure against its zone in truth.

    Attributes
    ----------
    beyond : ndarray of float64, shape (T,)
        1 where it is beyond the limit, 0 where it is not, NaN where it is not labelled.
    away_mm : ndarray of float64, shape (T,)
        Distance of an organ at risk from its zone; NaN for a target.
    """

    beyond: Array
    away_mm: Array


def score_structures(
    recording: Recording,
    roles: Mapping[str, Role],
    zones: Sequence[Zone],
    config: GateConfig,
    judged: Mapping[int, Judged],
    on_scored: Scored,
) -> tuple[dict[str, StructureScore], GatingScore | None]:
    """Score each structure of a session of several that has labels, and the beam against all of them.

    Parameters
    ----------
    recording : Recording
        The frames, with the labels of the target and of further structures by their names.
    roles : mapping of str to Role
        The structures of the session in their order, the primary target first.
    zones : sequence of Zone
        Their zones.
    config : GateConfig
        Limits of zones without limits of their own.
    judged : mapping of int to Judged
        What was decided and found, by the index of the frame in the recording.
    on_scored : callable
        Called after every frame.

    Returns
    -------
    scores : dict of str to StructureScore
        By name; without those that have no label after frame 0.
    gating : GatingScore or None
        The beam against all structures with labels together: on is right where none of them is beyond its limit.
    """
    found, truths = {}, []
    beam_on = np.array([_is_on(judged.get(index)) for index in range(len(recording.frames))], dtype=np.bool_)
    period_s = frame_period_s(recording.times_s)
    for number, ((name, role), zone) in enumerate(zip(roles.items(), zones, strict=True)):
        labelled = _labelled(recording, name, is_primary=number == 0)
        if labelled is None or labelled.labels is None:
            continue
        tracking = _tracking(recording, labelled, labelled.labels, number, judged, on_scored)
        if tracking is None:
            continue
        truth = truth_of(labelled.labels, labelled.outlines_px, zone, config)
        truths.append(truth.beyond)
        found[name] = StructureScore(role, tracking, _zone_score(truth, zone, number, judged, beam_on, period_s))
    if not truths:
        return found, None
    # Beyond where any is; not labelled where none is labelled.
    together = np.fmax.reduce(truths)
    return found, gating_score(beam_on, together, 0.5, period_s)


def truth_of(labels: FrameStack, outlines_px: Sequence[Array] | None, zone: Zone, config: GateConfig) -> Truth:
    """Return a structure against its zone in truth.

    Parameters
    ----------
    labels : FrameStack of bool, shape (T, H, W)
        Where it is.
    outlines_px : sequence of T ndarrays, optional
        Its exact outlines; by default those of the labels.
    zone : Zone
        Its zone.
    config : GateConfig
        Limits for a zone without one of its own.
    """
    beyond, away_mm = np.full(len(labels), np.nan), np.full(len(labels), np.nan)
    for index, label in enumerate(labels):
        if not label.any():
            continue
        outline_px = mask_to_contour(np.asarray(label)) if outlines_px is None else outlines_px[index]
        (one,) = measure((zone,), (Track(outline_px, (math.nan, math.nan), 1.0),), config)
        if not math.isnan(one.value):
            beyond[index] = float(not one.value <= one.limit)
        away_mm[index] = distance_mm(zone, outline_px)
    return Truth(beyond, away_mm)


def distance_mm(zone: Zone, outline_px: Array) -> float:
    """Return the distance of an organ at risk from its zone in mm, negative within it; NaN for a target.

    Parameters
    ----------
    zone : Zone
        The zone. From one that is all that lies beyond a boundary, the distance is that from the boundary.
    outline_px : ndarray of float64, shape (N, 2)
        The organ's outline as (row, col).
    """
    if isinstance(zone, TargetZone):
        return math.nan
    return _within_mm(zone.zones[0], outline_px) if zone.beyond else clearance_mm(zone.zones, outline_px)


def _within_mm(boundary: Envelope, outline_px: Array) -> float:
    """Return how far within a boundary an outline stays, negative by how far it reaches out."""
    if not np.isfinite(outline_px).all():
        return math.nan
    allowed = shapely.Polygon(boundary.contour_px * boundary.spacing_mm)
    ring = shapely.LinearRing(outline_px * boundary.spacing_mm)
    if shapely.covers(allowed, ring):
        return float(shapely.distance(allowed.exterior, ring))
    return -float(shapely.distance(allowed, shapely.points(ring.coords)).max())


def _labelled(recording: Recording, name: str, is_primary: bool) -> RecordedStructure | None:
    if is_primary:
        return RecordedStructure(name, recording.first_mask, recording.labels, recording.outlines_px)
    return next((one for one in recording.structures if one.name == name), None)


def _is_on(one: Judged | None) -> bool:
    return one is not None and one.decision.state is BeamState.ON


def _tracking(
    recording: Recording,
    structure: RecordedStructure,
    labels: FrameStack,
    number: int,
    judged: Mapping[int, Judged],
    on_scored: Scored,
) -> Score | None:
    """Return where a structure was found against its labels; None without a label after frame 0."""
    count, shape = len(recording.frames), (recording.frames.shape[1], recording.frames.shape[2])
    tracked = {index: one.tracks[number] for index, one in judged.items() if one.tracks}

    def masks() -> Iterator[NDArray[np.bool_]]:
        for index in range(count):
            yield tracked[index].mask(shape) if index in tracked else np.zeros(shape, dtype=np.bool_)
            on_scored(structure.name, index + 1, count)

    truth = replace(recording, first_mask=structure.first_mask, labels=labels)
    return score(masks(), truth, {index for index in range(count) if index not in tracked})


def _zone_score(
    truth: Truth,
    zone: Zone,
    number: int,
    judged: Mapping[int, Judged],
    beam_on: NDArray[np.bool_],
    period_s: float,
) -> ZoneScore:
    count = len(beam_on)
    tracked, held, away_mm = np.zeros(count, np.bool_), np.zeros(count, np.bool_), np.full(count, np.nan)
    for index, one in judged.items():
        if one.tracks:
            tracked[index] = True
            held[index] = bool(one.decision.structures[number].reasons)
            if isinstance(zone, KeepOutZone):
                away_mm[index] = distance_mm(zone, one.tracks[number].contour_px)
    scored = ~np.isnan(truth.beyond)
    scored[:1] = False
    beyond = scored & (truth.beyond == 1.0)
    before = np.append([0.0], truth.beyond[:-1])
    entries = np.flatnonzero(beyond & (before != 1.0))
    measured = scored & ~np.isnan(away_mm) & ~np.isnan(truth.away_mm)
    errors_mm = np.abs(away_mm - truth.away_mm)[measured]
    some = bool(measured.any())
    return ZoneScore(
        frames_scored=int(scored.sum()),
        beyond=int(beyond.sum()),
        found=int((beyond & held).sum()),
        missed=int((beyond & tracked & ~held).sum()),
        not_tracked=int((beyond & ~tracked).sum()),
        on_while_beyond_s=float((beyond & beam_on).sum() * period_s),
        false_holds=int((scored & ~beyond & held).sum()),
        entries=len(entries),
        entries_in_time=sum(bool(held[entry : entry + 2].any()) for entry in entries.tolist()),
        distance_mm=float(errors_mm.mean()) if some else math.nan,
        distance_p95_mm=float(np.quantile(errors_mm, 0.95)) if some else math.nan,
        nearest_mm=float(away_mm[measured].min()) if some else math.nan,
        true_nearest_mm=float(truth.away_mm[measured].min()) if some else math.nan,
    )
