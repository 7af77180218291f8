"""Define the zone of each structure, and measure the structures against them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import GateConfig, OarLimits, StructuresConfig, TargetLimits
from gatekeeper.core.addition import add
from gatekeeper.core.contour import Role, Structure
from gatekeeper.core.decision import Measure
from gatekeeper.core.errors import TargetError
from gatekeeper.core.frame import Plane
from gatekeeper.core.track import Track
from gatekeeper.gating.envelope import Envelope
from kernels.polygon import area, widen

PLAUSIBLE = 1.5
"""Number of standard errors by which an organ at risk is taken to be wider, so that all its possible places count."""


@dataclass(frozen=True, slots=True, eq=False)
class TargetZone:
    """A structure that must stay in its envelope.

    Attributes
    ----------
    envelope : Envelope
        The boundary.
    most_percent : float or None
        Limit of the share of the target's area outside, in percent; None for the gate's `outside_percent`.
    min_confidence : float or None
        Least tracking confidence, 0-1; None for the gate's.

    Examples
    --------
    >>> from gatekeeper import Envelope, TargetZone
    >>> zone = TargetZone(Envelope([[10, 10], [10, 30], [30, 30], [30, 10]], (2.0, 2.0)))
    >>> zone.moved((4.0, 0.0)).envelope.contour_px[0].tolist()
    [12.0, 10.0]
    """

    envelope: Envelope
    most_percent: float | None = None
    min_confidence: float | None = None

    def moved(self, shift_mm: tuple[float, float]) -> "TargetZone":
        """Return the zone with its envelope moved along (rows, columns), in mm."""
        return replace(self, envelope=self.envelope.moved(shift_mm))

    @property
    def measure(self) -> Measure:
        """What is measured of the target."""
        return Measure.OUTSIDE_PERCENT


@dataclass(frozen=True, slots=True, eq=False)
class KeepOutZone:
    """A zone, such as the beam, that an organ at risk must not enter.

    Attributes
    ----------
    zones : tuple of Envelope
        The parts of the zone. Where they overlap, the organ counts in each.
    most_percent : float or None
        Limit of the share of the organ's area in the zone, in percent; None for the gate's `overlap_percent`, unless
        another limit is given.
    most_mm2 : float or None
        Limit of the organ's area in the zone, in mm^2, instead.
    most_nearer_mm : float or None
        Limit of the distance by which the organ may be nearer to the zone than planned, in mm, instead.
    planned_mm : float
        Distance of the organ from the zone as planned, in mm; needed for `most_nearer_mm`.
    beyond : bool
        True when the zone is what lies beyond its one part, such as the organ's planned position with a margin.
    min_confidence : float or None
        Least tracking confidence, 0-1; None for the gate's.

    Raises
    ------
    TargetError
        When there is no zone, more than one limit is given, or a limit is negative or not finite.

    Examples
    --------
    >>> from gatekeeper import Envelope, KeepOutZone, Track
    >>> beam = Envelope([[10, 10], [10, 30], [30, 30], [30, 10]], (2.0, 2.0))
    >>> bowel = Envelope([[25, 10], [25, 30], [45, 30], [45, 10]], (2.0, 2.0)).contour_px
    >>> zone = KeepOutZone((beam,), most_percent=10.0)
    >>> zone.overlap(Track(bowel, (70.0, 40.0), confidence=0.9), default_percent=5.0)
    (25.0, 10.0)
    """

    zones: tuple[Envelope, ...]
    most_percent: float | None = None
    most_mm2: float | None = None
    most_nearer_mm: float | None = None
    planned_mm: float = math.nan
    beyond: bool = False
    min_confidence: float | None = None

    def __post_init__(self) -> None:
        if not self.zones:
            raise TargetError("keep-out zone: is empty; give at least one envelope, such as that of the beam")
        given = [one for one in (self.most_percent, self.most_mm2, self.most_nearer_mm) if one is not None]
        if len(given) > 1:
            raise TargetError("keep-out zone: has more than one limit, in percent, mm2 or mm; give one of them")
        for limit in given:
            if not 0.0 <= limit < math.inf:
                raise TargetError(f"keep-out zone: its limit is {limit}; give 0 or more")
        if self.most_nearer_mm is not None and not math.isfinite(self.planned_mm):
            raise TargetError("keep-out zone: its limit in mm needs the planned distance, planned_mm")
        if self.beyond and (len(self.zones) > 1 or self.most_nearer_mm is not None):
            raise TargetError("keep-out zone: what lies beyond a zone has one part and a limit in percent or mm2")

    def moved(self, shift_mm: tuple[float, float]) -> "KeepOutZone":
        """Return the zone moved along (rows, columns), in mm."""
        return replace(self, zones=tuple(zone.moved(shift_mm) for zone in self.zones))

    @property
    def measure(self) -> Measure:
        """What is measured of the organ."""
        if self.most_nearer_mm is not None:
            return Measure.NEARER_MM
        return Measure.OVERLAP_PERCENT if self.most_mm2 is None else Measure.OVERLAP_MM2

    def overlap(self, track: Track, default_percent: float) -> tuple[float, float]:
        """Return the overlap of an organ with the zone and its limit, both in percent, mm^2 or mm.

        Parameters
        ----------
        track : Track
            The organ.
        default_percent : float
            Limit in percent when the zone has none.

        Returns
        -------
        overlap, limit : float
            The overlap, or the distance by which the organ is nearer than planned; 0 or more, and NaN when it cannot be
            measured. The organ is taken to be wider by `PLAUSIBLE` times `Track.error_mm` to all sides.
        """
        contour_px, error_mm = track.contour_px, PLAUSIBLE * track.error_mm
        if self.most_nearer_mm is not None:
            nearer_mm = self.planned_mm - clearance_mm(self.zones, contour_px) + error_mm
            return (0.0 if nearer_mm < 0.0 else nearer_mm), self.most_nearer_mm
        larger = 1.0
        # Written so that an error which is not a number makes the overlap one.
        if not error_mm <= 0.0:
            contour_px = np.empty_like(track.contour_px)
            widen(track.contour_px, error_mm, *self.zones[0].spacing_mm, contour_px)
            larger = area(contour_px) / area(track.contour_px)
        part = [zone.outside(contour_px) if self.beyond else zone.inside(contour_px) for zone in self.zones]
        if self.most_mm2 is not None:
            return add(area_mm2 for _, area_mm2 in part), self.most_mm2
        most_percent = default_percent if self.most_percent is None else self.most_percent
        return add(larger * percent for percent, _ in part), most_percent


Zone = TargetZone | KeepOutZone


class Measured(NamedTuple):
    """One structure on one frame, against its zone.

    Attributes
    ----------
    confidence : float
        Tracking confidence, 0-1.
    value : float
        What its zone measures, in percent, mm^2 or mm; NaN when it cannot be measured.
    limit : float
        Largest value for beam-on.
    """

    confidence: float
    value: float
    limit: float


def clearance_mm(zones: Sequence[Envelope], contour_px: NDArray[np.float64]) -> float:
    """Return the distance of an outline (N, 2) from the nearest zone in mm, negative where it enters one."""
    least_mm = math.inf
    for zone in zones:
        least_mm = least(least_mm, zone.clearance_mm(contour_px))
    return least_mm


def zones_for(
    structures: Sequence[Structure],
    margin_mm: float,
    spacing_mm: tuple[float, float],
    shape: tuple[int, int] | None = None,
    plane: Plane | None = None,
    limits: StructuresConfig | None = None,
) -> tuple[Zone, ...]:
    """Return a zone for each structure: the envelope of a target, and the keep-out zone of an organ at risk.

    Parameters
    ----------
    structures : sequence of Structure
        The structures, the primary target first. One with a `zone_px` has that as its envelope or keep-out zone.
    margin_mm : float
        Distance from each target to its envelope, in mm.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    shape : tuple of int, optional
        Rows and columns of the image.
    plane : Plane, optional
        Position of the image in the patient.
    limits : StructuresConfig, optional
        Margins, zones and limits of single structures, by their names.

    Returns
    -------
    tuple of TargetZone and KeepOutZone
        In the order of the structures.

    Raises
    ------
    TargetError
        When the first structure is not a target, an outline or a margin cannot be used, or limits are given for a
        structure that is not there.
    """
    limits = StructuresConfig() if limits is None else limits
    names = {role: [one.name for one in structures if one.role is role] for role in Role}
    for role, given in ((Role.TARGET, limits.target), (Role.AVOID, limits.oar)):
        for name in given:
            if name not in names[role]:
                what = "target" if role is Role.TARGET else "organ at risk"
                raise TargetError(f"limits of {what} '{name}': it is not there; there are {names[role]}")

    def grown(structure: Structure, by_mm: float) -> Envelope:
        return Envelope.around(structure.contour_px, by_mm, spacing_mm, shape, plane)

    def envelope(structure: Structure, own: TargetLimits) -> Envelope:
        if structure.zone_px is not None:
            return Envelope(structure.zone_px, spacing_mm, shape, plane)
        return grown(structure, margin_mm if own.margin_mm is None else own.margin_mm)

    def keep_out(structure: Structure, own: OarLimits) -> KeepOutZone:
        parts = beam
        if structure.zone_px is not None:
            parts = (Envelope(structure.zone_px, spacing_mm, shape, plane),)
        elif own.zone_margin_mm is not None:
            parts = (grown(structure, own.zone_margin_mm),)
        beyond = structure.zone_px is None and own.zone_margin_mm is not None
        planned_mm = math.nan if own.nearer_mm is None else clearance_mm(parts, structure.contour_px)
        most = own.overlap_percent, own.overlap_mm2, own.nearer_mm
        return KeepOutZone(parts, *most, planned_mm, beyond, own.min_confidence)

    targets = {}
    for one in structures:
        if one.role is Role.TARGET:
            own = limits.target.get(one.name, TargetLimits())
            targets[one.name] = TargetZone(envelope(one, own), own.outside_percent, own.min_confidence)
    beam = tuple(zone.envelope for zone in targets.values())
    return checked(
        [
            targets[one.name] if one.role is Role.TARGET else keep_out(one, limits.oar.get(one.name, OarLimits()))
            for one in structures
        ]
    )


def checked(zones: Envelope | Sequence[Zone]) -> tuple[Zone, ...]:
    """Return the zones as a tuple, or raise TargetError when a gate cannot use them."""
    found: tuple[Zone, ...] = (TargetZone(zones),) if isinstance(zones, Envelope) else tuple(zones)
    if not (found and isinstance(found[0], TargetZone)):
        raise TargetError("zones of the gate: the first is not a target's; put the primary target first")
    grid = _grid(found[0].envelope)
    for zone in found:
        for envelope in (zone.envelope,) if isinstance(zone, TargetZone) else zone.zones:
            if _grid(envelope) != grid:
                raise TargetError(
                    f"zones of the gate: one is on the grid {_grid(envelope)}, the primary target's on {grid}; "
                    "draw all on one grid"
                )
    return found


def measure(zones: tuple[Zone, ...], tracks: tuple[Track, ...], config: GateConfig) -> tuple[Measured, ...]:
    """Measure all structures on one frame.

    Parameters
    ----------
    zones : tuple of TargetZone and KeepOutZone
        The zones.
    tracks : tuple of Track
        One for each zone.
    config : GateConfig
        Its `outside_percent` and `overlap_percent` are the limits of zones without one of their own.

    Returns
    -------
    tuple of Measured
        One for each zone.

    Raises
    ------
    TargetError
        When the number of tracks differs from that of the zones.
    """
    if len(tracks) != len(zones):
        raise TargetError(
            f"gate: got {len(tracks)} tracks for {len(zones)} zones; give one for each structure, in order"
        )
    found = []
    for zone, track in zip(zones, tracks, strict=True):
        if isinstance(zone, TargetZone):
            most_percent = config.outside_percent if zone.most_percent is None else zone.most_percent
            value, limit = zone.envelope.outside_percent(track.contour_px), most_percent
        else:
            value, limit = zone.overlap(track, config.overlap_percent)
        found.append(Measured(track.confidence, value, limit))
    return tuple(found)


def largest(values: Sequence[float]) -> float:
    """Return the largest of some numbers, 0 without any; NaN when one of them is NaN."""
    found = 0.0
    for value in values:
        found = -least(-found, -value)
    return found


def least(a: float, b: float) -> float:
    """Return the smaller of two numbers, or NaN when one of them is NaN."""
    return math.nan if math.isnan(a) or math.isnan(b) else min(a, b)


def _grid(envelope: Envelope) -> tuple[object, ...]:
    return envelope.spacing_mm, envelope.shape, envelope.plane
