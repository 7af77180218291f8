"""Define the settings of the tracker."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from gatekeeper.config.strict import Kind, Options, StrictModel
from gatekeeper.core.axes import ORIENTATIONS, SAGITTAL, UNKNOWN, Orientation, orientation_of

if TYPE_CHECKING:
    from gatekeeper.core.frame import Plane


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
    plane: Literal["auto", "sagittal", "coronal", "axial", "unknown"] = "auto"
    """Orientation of the images, which tells the axes along rows and columns, and with them what motion is expected.
    auto: that of the reference; where the tracker is made of an image alone, sagittal. unknown: whatever is said of the
    images' position is wrong; motion is expected in all directions alike."""
    search_si_mm: Annotated[float, Field(ge=5.0, le=200.0)] = 60.0
    """Search range superior and inferior of the reference position, in mm."""
    search_ap_mm: Annotated[float, Field(ge=5.0, le=200.0)] = 30.0
    """Search range anterior and posterior of the reference position, in mm."""
    search_rl_mm: Annotated[float, Field(ge=5.0, le=200.0)] = 30.0
    """Search range right and left of the reference position, in mm."""
    context_mm: Annotated[float, Field(ge=5.0, le=50.0)] = 15.0
    """Distance around the target within which the image is used, in mm."""
    deformation_mm: Annotated[float, Field(gt=0.0, le=20.0)] = 3.0
    """Expected deformation of the anatomy around the target: one standard deviation, in mm."""
    deformation_length_mm: Annotated[float, Field(ge=5.0, le=200.0)] = 25.0
    """Correlation length of the deformation, in mm."""
    sliding: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Names of structures that move along what is around them, as bowel does. A session adds its organs at risk, unless
    they have `slides = false`."""

    @property
    def orientation(self) -> Orientation:
        """Orientation of the images, with the axes along their rows and columns."""
        return ORIENTATIONS.get(self.plane, SAGITTAL)

    @property
    def axes(self) -> tuple[str, str]:
        """Names of the axes along rows and columns of the images: "SI", "AP", "RL" or "unknown"."""
        return (UNKNOWN, UNKNOWN) if self.plane == UNKNOWN else self.orientation.names

    def range_mm(self, axis: str) -> float:
        """Return the search range along an axis, to either side, in mm; along an unknown axis the largest one."""
        ranges_mm = {"SI": self.search_si_mm, "AP": self.search_ap_mm, "RL": self.search_rl_mm}
        return max(ranges_mm.values()) if axis == UNKNOWN else ranges_mm[axis]

    def on(self, plane: "Plane") -> "TrackerConfig":
        """Return the settings for images on a plane: its orientation, unless one is set.

        Parameters
        ----------
        plane : Plane
            Plane of the reference.
        """
        return self.model_copy(update={"plane": orientation_of(plane).name}) if self.plane == "auto" else self

    def with_sliding(self, names: tuple[str, ...]) -> "TrackerConfig":
        """Return the settings with further structures that move along what is around them.

        Parameters
        ----------
        names : tuple of str
            Their names.
        """
        more = tuple([name for name in names if name not in self.sliding])
        return self.model_copy(update={"sliding": (*self.sliding, *more)}) if more else self
