"""What faces show of each structure besides its measurements: its colour, its limits, and the zone they hold for."""

import math
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gatekeeper.config import OarLimits, SessionConfig, TargetLimits
from gatekeeper.core.contour import Role, Structure, mask_to_contour
from gatekeeper.core.decision import Measure
from gatekeeper.gating.zones import TargetZone, Zone
from gatekeeper.recording.session_setup import SessionSetup
from gatekeeper.style.structures import structure_colors


@dataclass(frozen=True, slots=True)
class StructureInfo:
    """A structure as faces show it: its own limits where it has them, otherwise those of all.

    Attributes
    ----------
    name : str
        Name of the structure.
    role : Role
        Target or organ at risk.
    color : str
        Colour as #rrggbb, for outlines on a dark image.
    measure : Measure
        What is measured of it against its zone.
    limit, resume_limit : float
        Largest value, in percent, mm^2 or mm, for a beam that is on and for a held one to come on.
    min_confidence : float
        Least tracking confidence, 0-1.
    margin_mm : float
        Margin of a target's envelope, in mm. Where the envelope is a region, the least distance from the target's
        outline to it; 0 where the target reaches out of it. NaN for an organ at risk.
    zone_margin_mm : float
        Distance from an organ's reference contour beyond which its keep-out zone begins, in mm; NaN for other zones.
    region : bool
        Whether its envelope or keep-out zone is a region of its own.

    Examples
    --------
    >>> StructureInfo("Duodenum", Role.AVOID, "#D55E00", Measure.NEARER_MM, 2.0, 1.6, 0.5).limit_in_words
    'nearer, at most 2 mm'
    """

    name: str
    role: Role
    color: str
    measure: Measure
    limit: float
    resume_limit: float
    min_confidence: float
    margin_mm: float = math.nan
    zone_margin_mm: float = math.nan
    region: bool = False

    @property
    def is_target(self) -> bool:
        """Whether it is a target."""
        return self.role is Role.TARGET

    @property
    def limit_in_words(self) -> str:
        """The limit, with what it limits and its unit."""
        what, unit = MEASURE_TEXT[self.measure]
        return f"{what}, at most {self.limit:g} {unit}"


MEASURE_TEXT = {
    Measure.OUTSIDE_PERCENT: ("outside", "%"),
    Measure.OVERLAP_PERCENT: ("overlap", "%"),
    Measure.OVERLAP_MM2: ("overlap", "mm²"),
    Measure.NEARER_MM: ("nearer", "mm"),
}
"""Word and unit of each measure."""


def shown_zone_px(info: StructureInfo, zone: Zone) -> NDArray[np.float64] | None:
    """Return the outline (M, 2) of a structure's zone as (row, col); None for the envelopes of the targets.

    Parameters
    ----------
    info : StructureInfo
        The structure.
    zone : TargetZone or KeepOutZone
        Its zone.
    """
    if isinstance(zone, TargetZone):
        return zone.envelope.contour_px
    return zone.zones[0].contour_px if info.region or zone.beyond else None


def structure_infos(setup: SessionSetup, config: SessionConfig) -> tuple[StructureInfo, ...]:
    """Return what faces show of each structure of a session, the primary target first.

    Parameters
    ----------
    setup : SessionSetup
        The structures.
    config : SessionConfig
        All settings.
    """
    roles = {setup.target_name: Role.TARGET, **{one.name: one.role for one in setup.structures}}
    colors = structure_colors(roles, config.structures)
    target_px = mask_to_contour(setup.target_mask)
    primary = Structure(setup.target_name, Role.TARGET, target_px, setup.target_zone_px)
    return tuple(
        (_target if one.role is Role.TARGET else _organ)(one, colors[one.name], setup.spacing_mm, config)
        for one in (primary, *setup.structures)
    )


def _target(one: Structure, color: str, spacing_mm: tuple[float, float], config: SessionConfig) -> StructureInfo:
    own, gate = config.structures.target.get(one.name, TargetLimits()), config.gate
    margin_mm = config.envelope.margin_mm if own.margin_mm is None else own.margin_mm
    if one.zone_px is not None:
        margin_mm = _least_mm(one.contour_px, one.zone_px, spacing_mm)
    if own.outside_percent is not None:
        gate = gate.model_copy(update={"outside_percent": own.outside_percent})
    return StructureInfo(
        one.name,
        one.role,
        color,
        Measure.OUTSIDE_PERCENT,
        gate.outside_percent,
        gate.resume_percent,
        gate.min_confidence if own.min_confidence is None else own.min_confidence,
        margin_mm=margin_mm,
        region=one.zone_px is not None,
    )


def _organ(one: Structure, color: str, _spacing_mm: tuple[float, float], config: SessionConfig) -> StructureInfo:
    own, gate = config.structures.oar.get(one.name, OarLimits()), config.gate
    measure, limit = (
        Measure.OVERLAP_PERCENT,
        gate.overlap_percent if own.overlap_percent is None else own.overlap_percent,
    )
    if own.nearer_mm is not None:
        measure, limit = Measure.NEARER_MM, own.nearer_mm
    elif own.overlap_mm2 is not None:
        measure, limit = Measure.OVERLAP_MM2, own.overlap_mm2
    has_margin = one.zone_px is None and own.zone_margin_mm is not None
    return StructureInfo(
        one.name,
        one.role,
        color,
        measure,
        limit,
        gate.overlap_resume_share * limit,
        gate.min_confidence if own.min_confidence is None else own.min_confidence,
        zone_margin_mm=own.zone_margin_mm if has_margin and own.zone_margin_mm is not None else math.nan,
        region=one.zone_px is not None,
    )


def _least_mm(contour_px: NDArray[np.float64], zone_px: NDArray[np.float64], spacing_mm: tuple[float, float]) -> float:
    """Return the least distance in mm from an outline to the region around it, 0 where it reaches out."""
    region = shapely.Polygon(zone_px * spacing_mm).buffer(0.0)
    target = shapely.Polygon(contour_px * spacing_mm)
    return float(region.boundary.distance(target)) if region.contains(target) else 0.0
