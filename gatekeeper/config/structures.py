"""Define the limits of single structures, where they differ from those of the gate."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from gatekeeper.config.strict import Percent, StrictModel

Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^/\x00-\x1f\x7f-\x9f\u2028-\u202e]*$")]
"""Name of a structure."""
Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]
"""A colour as #rrggbb."""


class StructureLimits(StrictModel):
    """What may differ for any structure."""

    colour: Colour | None = None
    """Colour in pictures, as #rrggbb; by default one that no other structure has."""
    min_confidence: Annotated[float, Field(gt=0.0, le=1.0)] | None = None
    """The beam is held when its tracking confidence is below this, 0-1; by default `gate.min_confidence`."""


class TargetLimits(StructureLimits):
    """What may differ for a target.

    Examples
    --------
    >>> from gatekeeper.config import TargetLimits
    >>> TargetLimits(margin_mm=3.0).outside_percent is None
    True
    """

    margin_mm: Annotated[float, Field(ge=0.0, le=50.0)] | None = None
    """Isotropic growth of its reference contour to its envelope, in mm; by default `envelope.margin_mm`. Without effect
    where its envelope is a region."""
    outside_percent: Percent | None = None
    """The beam is held when more than this share of its area is outside, in percent; by default
    `gate.outside_percent`."""


class OarLimits(StructureLimits):
    """What may differ for an organ at risk.

    Examples
    --------
    >>> from gatekeeper.config import OarLimits
    >>> OarLimits(overlap_mm2=20.0).overlap_percent is None
    True
    """

    zone_margin_mm: Annotated[float, Field(ge=0.0, le=50.0)] | None = None
    """Its keep-out zone is all that lies further than this from its reference contour, in mm; by default the zone is
    the envelopes of the targets."""
    overlap_percent: Percent | None = None
    """The beam is held when more than this share of its area is in the zone, in percent; by default
    `gate.overlap_percent`."""
    overlap_mm2: Annotated[float, Field(ge=0.0, le=100_000.0)] | None = None
    """Instead, the largest area of it in the zone, in mm2."""
    nearer_mm: Annotated[float, Field(ge=0.0, le=100.0)] | None = None
    """Instead, the distance by which it may come nearer to the zone than on the reference, in mm."""
    slides: bool = True
    """Whether it moves along what is around it, as bowel does, and is tracked by its own inside. False for one that is
    attached, such as a bile duct in the liver, which is tracked as a target is."""

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if sum(one is not None for one in (self.overlap_percent, self.overlap_mm2, self.nearer_mm)) > 1:
            raise ValueError("overlap_percent, overlap_mm2 and nearer_mm exclude each other; give one of them")
        if self.nearer_mm is not None and self.zone_margin_mm is not None:
            raise ValueError("nearer_mm: needs a zone to come near to; leave out zone_margin_mm")
        return self


class StructuresConfig(StrictModel):
    """Limits of single structures, by their names.

    Examples
    --------
    >>> from gatekeeper.config import StructuresConfig, TargetLimits
    >>> StructuresConfig(target={"GTV2": TargetLimits(margin_mm=3.0)}).target["GTV2"].margin_mm
    3.0
    """

    target: dict[Name, TargetLimits] = Field(default_factory=dict)
    """Limits of targets."""
    oar: dict[Name, OarLimits] = Field(default_factory=dict)
    """Limits of organs at risk."""
