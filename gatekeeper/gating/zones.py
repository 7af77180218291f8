"""Define the zone of each structure, and measure the structures against them."""

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
        The boundary.

    Examples
    --------
    >>> from gatekeeper import Envelope, TargetZone
    >>> zone = TargetZone(Envelope([[10, 10], [10, 30], [30, 30], [30, 10]], (2.0, 2.0)))
    >>> zone.moved((4.0, 0.0)).envelope.contour_px[0].tolist()
    [12.0, 10.0]
    """

    envelope: Envelope

    def moved(self, shift_mm: tuple[float, float]) -> "TargetZone":
        """Return the zone with its envelope moved along (rows, columns), in mm."""
        return TargetZone(self.envelope.moved(shift_mm))


@dataclass(frozen=True, slots=True, eq=False)
class KeepOutZone:
    """A zone, such as the beam, that an organ at risk must not enter.

    Attributes
    ----------
    zones : tuple of Envelope
        The parts of the zone. Where they overlap, the organ counts in each.
    most_percent : float or None
        Limit of the share of the organ's area in the zone, in percent; None for the gate's `overlap_percent`, unless
        `most_mm2` is given.
    most_mm2 : float or None
        Limit of the organ's area in the zone, in mm^2, instead.

    Raises
    ------
    TargetError
        When there is no zone, both limits are given, or a limit is negative or not finite.

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

    def __post_init__(self) -> None:
        if not self.zones:
            raise TargetError("keep-out zone: is empty; give at least one envelope, such as that of the beam")
        if self.most_percent is not None and self.most_mm2 is not None:
            raise TargetError("keep-out zone: has a limit in percent and one in mm2; give one of them")
        for limit in (self.most_percent, self.most_mm2):
            if limit is not None and not 0.0 <= limit < math.inf:
                raise TargetError(f"keep-out zone: its limit is {limit}; give 0 or more")

    def moved(self, shift_mm: tuple[float, float]) -> "KeepOutZone":
        """Return the zone moved along (rows, columns), in mm."""
        return replace(self, zones=tuple(zone.moved(shift_mm) for zone in self.zones))

    def overlap(self, track: Track, default_percent: float) -> tuple[float, float]:
        """Return the overlap of an organ with the zone and its limit, both in percent or in mm^2.

        Parameters
        ----------
        track : Track
            The organ.
        default_percent : float
            Limit in percent when the zone has none.

        Returns
        -------
        overlap, limit : float
            The overlap is NaN when it cannot be measured.
        """
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
    """Return a zone for each structure: the envelope of a target, or all envelopes for an organ at risk.

    Parameters
    ----------
    structures : sequence of Structure
        The structures, the primary target first.
    margin_mm : float
        Distance from each target to its envelope, in mm.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    shape : tuple of int, optional
        Rows and columns of the image.
    plane : Plane, optional
        Position of the image in the patient.

    Returns
    -------
    tuple of TargetZone and KeepOutZone
        In the order of the structures.

    Raises
    ------
    TargetError
        When the first structure is not a target, or an outline or the margin cannot be used.
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


def measure(
    zones: tuple[Zone, ...], tracks: tuple[Track, ...], config: GateConfig
) -> tuple[float, float, tuple[tuple[float, float], ...]]:
    """Measure all structures on one frame.

    Parameters
    ----------
    zones : tuple of TargetZone and KeepOutZone
        The zones.
    tracks : tuple of Track
        One for each zone.
    config : GateConfig
        Its `overlap_percent` is used.

    Returns
    -------
    confidence : float
        Lowest confidence of all structures, 0-1; NaN when one is NaN.
    outside_percent : float
        Largest share outside of all targets, 0-100; NaN when one is NaN.
    overlaps : tuple of (float, float)
        Overlap of each organ at risk with its zone, and the limit for it.

    Raises
    ------
    TargetError
        When the number of tracks differs from that of the zones.
    """
    if len(tracks) != len(zones):
        raise TargetError(
            f"gate: got {len(tracks)} tracks for {len(zones)} zones; give one for each structure, in order"
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
    """Return the smaller of two numbers, or NaN when one of them is NaN."""
    return math.nan if math.isnan(a) or math.isnan(b) else min(a, b)


def _grid(envelope: Envelope) -> tuple[object, ...]:
    return envelope.spacing_mm, envelope.shape, envelope.plane
