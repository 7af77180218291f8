"""Limits of the primary target, which faces show: its own where it has them, otherwise those of all."""

from dataclasses import dataclass
from typing import Self

from gatekeeper.config import SessionConfig
from gatekeeper.recording.session_setup import SessionSetup
from gatekeeper.session.structure_info import structure_infos


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
        primary = structure_infos(setup, config)[0]
        return cls(primary.margin_mm, primary.limit, primary.min_confidence, primary.region)

    @property
    def envelope(self) -> str:
        """The envelope, in words."""
        if not self.region:
            return f"the target and {self.margin_mm:g} mm around it"
        if self.margin_mm == 0.0:
            return "a region of its own, out of which the target reaches"
        return f"a region of its own, {self.margin_mm:.1f} mm or more around the target"
