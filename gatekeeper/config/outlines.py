"""Define where the outlines of structures come from, and the tables of targets and organs at risk."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from gatekeeper.config.strict import StrictModel
from gatekeeper.config.structures import OarLimits, TargetLimits

FilePath = Annotated[str, Field(min_length=1)]
"""Name of a file or folder; a relative one is relative to the folder of SESSION.toml."""


def as_tuples(value: object) -> object:
    """Return the lists of TOML as tuples, which cannot be changed."""
    return tuple(map(as_tuples, value)) if isinstance(value, list) else value


def as_tables(value: object) -> object:
    """Return one table, or the list of several, as a tuple of tables."""
    return (value,) if isinstance(value, dict | StrictModel) else as_tuples(value)


class RtStructRegion(StrictModel):
    """A region of a DICOM RTSTRUCT."""

    kind: Literal["rtstruct"]
    """Where the outline comes from."""
    file: FilePath
    """The RTSTRUCT."""
    roi: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e]*$")]
    """Name of the region in it."""


class MaskRegion(StrictModel):
    """A mask image: pixels above 0, or those of one value."""

    kind: Literal["mask"]
    """Where the outline comes from."""
    file: FilePath
    """The image."""
    label: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Value of the structure's pixels in an image of several; by default all above 0."""


class TrackradRegion(StrictModel):
    """The first label of a recorded case."""

    kind: Literal["trackrad"]
    """Where the outline comes from."""
    case: FilePath
    """Folder of the case."""
    label: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Value of the structure's pixels in a label of several; by default all above 0."""


class PointsRegion(StrictModel):
    """An outline given by its points."""

    kind: Literal["points"]
    """Where the outline comes from."""
    points_mm: Annotated[
        tuple[tuple[float, float, float], ...], Field(min_length=3, max_length=10_000), BeforeValidator(as_tuples)
    ]
    """Closed outline, in DICOM LPS patient coordinates, in mm; the last point is not the first again."""


Region = RtStructRegion | MaskRegion | TrackradRegion | PointsRegion
"""Where an outline comes from that is known before the session."""
ZoneRegion = Annotated[RtStructRegion | MaskRegion | PointsRegion, Field(discriminator="kind")]
"""A zone as a region, chosen by `kind`."""


class StructureConfig(StrictModel):
    """Common settings of all structures."""

    name: Annotated[str, Field(max_length=64, pattern=r"^[^/\x00-\x1f\x7f-\x9f\u2028-\u202e]*$")] = ""
    """Name of the structure; required, unless `roi` is given or it is the first target."""
    required: bool = True
    """Whether the session cannot begin without it. false: where it is not there, not on the image, or cannot be
    tracked, the session begins without it and says so."""

    @property
    def called(self) -> str:
        """Name of the structure; empty when it has none."""
        region = getattr(self, "roi", "")
        return self.name or str(region).replace("/", "_")

    @property
    def by_hand(self) -> bool:
        """Whether an operator draws or adjusts it before the session begins."""
        return getattr(self, "kind", "") == "drawn" or bool(getattr(self, "adjust", False))


class TargetConfig(StructureConfig, TargetLimits):
    """Common settings of targets."""

    reference: FilePath | None = None
    """Only for the first target: image on which the structures were drawn. By default they are placed on the first
    frame."""
    envelope: ZoneRegion | None = None
    """Its envelope as a region, such as the plan's PTV, instead of a margin."""


class Adjustable(StrictModel):
    """Common settings of structures that are known before the session."""

    adjust: bool = False
    """Whether an operator adjusts its outline on the console's page before the session begins."""


class KnownConfig(TargetConfig, Adjustable):
    """Common settings of targets that are known before the session."""


class RtStructConfig(KnownConfig, RtStructRegion):
    """A target from a DICOM RTSTRUCT."""


class MaskConfig(KnownConfig, MaskRegion):
    """A target from a mask image."""


class TrackradLabelConfig(KnownConfig, TrackradRegion):
    """The target of a recorded case, on its first frame; that frame is the reference."""


class PointsConfig(KnownConfig, PointsRegion):
    """A target given by its points."""


class DrawnConfig(TargetConfig):
    """A target that an operator draws on the console's page before the session begins."""

    kind: Literal["drawn"]
    """Where the outline comes from."""


ONLY_TARGETS = {
    "reference": "only the first target has one, for all structures",
    "margin_mm": "is of targets; zone_margin_mm is of organs at risk",
    "outside_percent": "is of targets; overlap_percent is of organs at risk",
    "envelope": "is of targets; zone is of organs at risk",
}
"""Settings that an organ at risk does not have."""


class OarConfig(StructureConfig, OarLimits):
    """Common settings of organs at risk."""

    zone: ZoneRegion | None = None
    """Its keep-out zone as a region; by default the envelopes of the targets."""

    @model_validator(mode="before")
    @classmethod
    def _of_an_organ(cls, values: Any) -> Any:
        for name, why in ONLY_TARGETS.items():
            if isinstance(values, dict) and name in values:
                raise ValueError(f"{name}: {why}; leave it out")
        return values


class OarRtStructConfig(OarConfig, Adjustable, RtStructRegion):
    """An organ at risk from a DICOM RTSTRUCT."""


class OarMaskConfig(OarConfig, Adjustable, MaskRegion):
    """An organ at risk from a mask image."""


class OarTrackradConfig(OarConfig, Adjustable, TrackradRegion):
    """An organ at risk from a label of a recorded case."""


class OarPointsConfig(OarConfig, Adjustable, PointsRegion):
    """An organ at risk given by its points."""


class OarDrawnConfig(OarConfig):
    """An organ at risk that an operator draws on the console's page before the session begins."""

    kind: Literal["drawn"]
    """Where the outline comes from."""


AnyTarget = Annotated[
    RtStructConfig | MaskConfig | TrackradLabelConfig | PointsConfig | DrawnConfig, Field(discriminator="kind")
]
"""A target, chosen by `kind`."""
AnyOar = Annotated[
    OarRtStructConfig | OarMaskConfig | OarTrackradConfig | OarPointsConfig | OarDrawnConfig,
    Field(discriminator="kind"),
]
"""An organ at risk, chosen by `kind`."""
Targets = Annotated[tuple[AnyTarget, ...], Field(min_length=1, max_length=16), BeforeValidator(as_tables)]
Oars = Annotated[tuple[AnyOar, ...], Field(max_length=16), BeforeValidator(as_tables)]
