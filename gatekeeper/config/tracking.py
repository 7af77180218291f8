"""Define the settings of the tracker."""

from typing import Annotated

from pydantic import Field

from gatekeeper.config.strict import Kind, Options, StrictModel


class TrackerConfig(StrictModel):
    """Settings of the tracker.

    Examples
    --------
    >>> from gatekeeper import TrackerConfig
    >>> TrackerConfig(search_si_mm=40.0).search_ap_mm
    30.0
    """

    kind: Kind = "template"
    """Which tracker: "template" is ours; others are listed by `gatekeeper info --plugins`."""
    options: Options = Field(default_factory=dict)
    """What a tracker that is a plug-in is told besides."""
    search_si_mm: Annotated[float, Field(ge=5.0, le=200.0)] = 60.0
    """Search range superior and inferior of the reference position, in mm."""
    search_ap_mm: Annotated[float, Field(ge=5.0, le=200.0)] = 30.0
    """Search range anterior and posterior of the reference position, in mm."""
    context_mm: Annotated[float, Field(ge=5.0, le=50.0)] = 15.0
    """Distance around the target within which the image is used, in mm."""
    deformation_mm: Annotated[float, Field(gt=0.0, le=20.0)] = 3.0
    """Expected deformation of the anatomy around the target: one standard deviation, in mm."""
    deformation_length_mm: Annotated[float, Field(ge=5.0, le=200.0)] = 25.0
    """Correlation length of the deformation, in mm."""
