"""How the target is found on a frame."""

from typing import Annotated

from pydantic import Field

from gatekeeper.config.strict import Kind, Options, StrictModel


class TrackerConfig(StrictModel):
    """How the target is found on a frame."""

    kind: Kind = "template"
    """Which tracker: "template" is ours; others are listed by `gatekeeper info --plugins`."""
    options: Options = Field(default_factory=dict)
    """What a tracker that is a plug-in is told besides."""
    search_si_mm: Annotated[float, Field(ge=5.0, le=200.0)] = 60.0
    """How far superior and inferior of its reference position the target is looked for, in mm."""
    search_ap_mm: Annotated[float, Field(ge=5.0, le=200.0)] = 30.0
    """How far anterior and posterior of its reference position the target is looked for, in mm."""
    context_mm: Annotated[float, Field(ge=5.0, le=50.0)] = 15.0
    """How far around the target the image counts, in mm."""
    deformation_mm: Annotated[float, Field(gt=0.0, le=20.0)] = 3.0
    """How much the anatomy around the target is expected to deform: one standard deviation, in mm."""
    deformation_length_mm: Annotated[float, Field(ge=5.0, le=200.0)] = 25.0
    """Over which distance the deformation is alike: correlation length, in mm."""
