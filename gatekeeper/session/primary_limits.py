"""Limits of the primary target, which faces show: its own where it has them, otherwise those of all."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import shapely
from numpy.typing import NDArray

from gatekeeper.config import SessionConfig, TargetLimits
from gatekeeper.core.contour import mask_to_contour
from gatekeeper.recording.session_setup import SessionSetup


@dataclass(frozen=True, slots=True)
class PrimaryLimits:
    """Limits that hold for the primary target.

    Attributes
    ----------
    margin_mm : float
        Margin of its envelope, in mm. Where the envelope is a region, the least distance from the target's outline to
        it; 0 where the target reaches out of it.
    outside_percent : float
        Limit of its share outside, in percent.
    min_confidence : float
        Least tracking confidence, 0-1.
    region : bool
        Whether its envelope is a region instead of a margin.

    Examples
    --------
    >>> PrimaryLimits(3.0, 5.0, 0.5).envelope
    'the target and 3 mm around it'
    """

    margin_mm: float
    outside_percent: float
    min_confidence: float
    region: bool = False

    @classmethod
    def of(cls, setup: SessionSetup, config: SessionConfig) -> Self:
        """Return the limits of the primary target of a setup with given settings."""
        own = config.structures.target.get(setup.target_name, TargetLimits())
        margin_mm = config.envelope.margin_mm if own.margin_mm is None else own.margin_mm
        if setup.target_zone_px is not None:
            margin_mm = _least_mm(setup, setup.target_zone_px)
        return cls(
            margin_mm,
            config.gate.outside_percent if own.outside_percent is None else own.outside_percent,
            config.gate.min_confidence if own.min_confidence is None else own.min_confidence,
            region=setup.target_zone_px is not None,
        )

    @property
    def envelope(self) -> str:
        """The envelope, in words."""
        if not self.region:
            return f"the target and {self.margin_mm:g} mm around it"
        if self.margin_mm == 0.0:
            return "a region of its own, out of which the target reaches"
        return f"a region of its own, {self.margin_mm:.1f} mm or more around the target"


def _least_mm(setup: SessionSetup, zone_px: NDArray[np.float64]) -> float:
    """Return the least distance in mm from the target's outline to the region around it, 0 where it reaches out."""
    region = shapely.Polygon(zone_px * setup.spacing_mm).buffer(0.0)
    target = shapely.Polygon(mask_to_contour(setup.target_mask) * setup.spacing_mm)
    return float(region.boundary.distance(target)) if region.contains(target) else 0.0
