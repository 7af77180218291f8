"""Zones: where each structure must stay, or must not come, and how far that is so on one frame."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gatekeeper.config import GateConfig
from gatekeeper.core.addition import add
from gatekeeper.core.contour import Role, Structure
from gatekeeper.core.errors import TargetError
from gatekeeper.core.frame import Plane
from gatekeeper.core.track import Track
from gatekeeper.gating.envelope import Envelope


@dataclass(frozen=True, slots=True, eq=False)
class TargetZone:
    """A structure that must stay in its envelope.

    Attributes
    ----------
    envelope : Envelope
        Where it must be.
    """

    envelope: Envelope

    def moved(self, shift_mm: tuple[float, float]) -> "TargetZone":
        """Return the same with the envelope moved along (rows, columns), in mm."""
        return TargetZone(self.envelope.moved(shift_mm))


@dataclass(frozen=True, slots=True, eq=False)
class KeepOutZone:
    """A structure that must stay out of a zone, such as where the beam is.

    Attributes
    ----------
    zones : tuple of Envelope
        The parts of the zone, none of which overlap; where they do, the structure counts in each.
    most_percent : float or None
        Limit on the share of its area in the zone, in percent; None for the gate's `overlap_percent`, unless
        `most_mm2` is given.
    most_mm2 : float or None
        Limit on its area in the zone, in mm^2, instead.

    Raises
    ------
    TargetError
        When there is no zone, or a limit is no number of 0 or more, or two are given.
    """

    zones: tuple[Envelope, ...]
    most_percent: float | None = None
    most_mm2: float | None = None

    def __post_init__(self) -> None:
        if not self.zones:
            raise TargetError("structure to avoid: has no forbidden zone; give the envelope of the beam")
        if self.most_percent is not None and self.most_mm2 is not None:
            raise TargetError("structure to avoid: has a limit in percent and one in mm2; give one of them")
        for limit in (self.most_percent, self.most_mm2):
            if limit is not None and not 0.0 <= limit < math.inf:
                raise TargetError(f"structure to avoid: its limit is {limit}; give 0 or more")

    def moved(self, shift_mm: tuple[float, float]) -> "KeepOutZone":
        """Return the same with the zone moved along (rows, columns), in mm: the beam has moved."""
        return replace(self, zones=tuple(zone.moved(shift_mm) for zone in self.zones))

    def overlap(self, track: Track, default_percent: float) -> tuple[float, float]:
        """Return how much of the structure is in the zone, and the limit on it, both in percent or in mm^2."""
        inside = [zone.inside(track.contour_px) for zone in self.zones]
        if self.most_mm2 is not None:
            return add(area_mm2 for _, area_mm2 in inside), self.most_mm2
        most_percent = default_percent if self.most_percent is None else self.most_percent
        return add(percent for percent, _ in inside), most_percent


Zone = TargetZone | KeepOutZone


def zones_for(
    structures: Sequence[Structure],
    margin_mm: float,
    spacing_mm: tuple[float, float],
    shape: tuple[int, int] | None = None,
    plane: Plane | None = None,
) -> tuple[Zone, ...]:
    """Return a zone for each structure, in their order: targets get their envelope, what is to be avoided all of them.

    Parameters
    ----------
    structures : sequence of Structure
        The first is the primary target.
    margin_mm : float
        From each target to its envelope, in mm.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    shape : tuple of int, optional
        Rows and columns of the image.
    plane : Plane, optional
        The plane of the image.

    Raises
    ------
    TargetError
        When the first structure is no target, or an outline or the margin cannot be used.
    """
    envelopes = [
        Envelope.around(structure.contour_px, margin_mm, spacing_mm, shape, plane)
        if structure.role is Role.TARGET
        else None
        for structure in structures
    ]
    beam = tuple(envelope for envelope in envelopes if envelope is not None)
    return checked([KeepOutZone(beam) if envelope is None else TargetZone(envelope) for envelope in envelopes])


def checked(zones: Envelope | Sequence[Zone]) -> tuple[Zone, ...]:
    """Return zones that a gate can judge by, or raise TargetError."""
    found: tuple[Zone, ...] = (TargetZone(zones),) if isinstance(zones, Envelope) else tuple(zones)
    if not (found and isinstance(found[0], TargetZone)):
        raise TargetError("zones of the gate: the first is not that of a target; put the primary target first")
    grid = _grid(found[0].envelope)
    for zone in found:
        for envelope in (zone.envelope,) if isinstance(zone, TargetZone) else zone.zones:
            if _grid(envelope) != grid:
                raise TargetError(
                    f"zones of the gate: one is drawn on the grid {_grid(envelope)}, the primary target on {grid}; "
                    "draw all on one"
                )
    return found


def measure(
    zones: tuple[Zone, ...], tracks: tuple[Track, ...], config: GateConfig
) -> tuple[float, float, tuple[tuple[float, float], ...]]:
    """Return what several structures come to on one frame: all of them must be right.

    Returns
    -------
    confidence : float
        The least of all, 0-1; NaN when one is.
    outside_percent : float
        The most of all targets, 0-100; NaN when one is.
    overlaps : tuple of (float, float)
        Of each structure to avoid what is in its zone and the limit on it.

    Raises
    ------
    TargetError
        When there are more or fewer tracks than zones.
    """
    if len(tracks) != len(zones):
        raise TargetError(
            f"gate: was given {len(tracks)} tracks for {len(zones)} zones; give one for each structure, in order"
        )
    confidence, outside_percent = math.inf, 0.0
    overlaps: tuple[tuple[float, float], ...] = ()
    for zone, track in zip(zones, tracks, strict=True):
        confidence = _least(confidence, track.confidence)
        if isinstance(zone, TargetZone):
            outside_percent = -_least(-outside_percent, -zone.envelope.outside_percent(track.contour_px))
        else:
            overlaps = (*overlaps, zone.overlap(track, config.overlap_percent))
    return confidence, outside_percent, overlaps


def _least(a: float, b: float) -> float:
    """Return the smaller of two numbers, NaN when one of them is."""
    return math.nan if math.isnan(a) or math.isnan(b) else min(a, b)


def _grid(envelope: Envelope) -> tuple[object, ...]:
    return envelope.spacing_mm, envelope.shape, envelope.plane
