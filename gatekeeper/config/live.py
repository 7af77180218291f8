"""Define the settings of a live session, read from SESSION.toml."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from gatekeeper.config.session import SessionConfig
from gatekeeper.config.source import SourceConfig
from gatekeeper.config.strict import StrictModel, build, read_toml
from gatekeeper.core.errors import PluginError
from gatekeeper.plugins import LINACS, SOURCES

FilePath = Annotated[str, Field(min_length=1)]
"""Name of a file or folder; a relative one is relative to the folder of SESSION.toml."""
PATHS = frozenset(
    {"file", "case", "reference", "folder", "key_file", "certificate_file", "private_key_file", "peer_file"}
)
"""Names of the settings that are paths."""

NO_CLOCK = "source.clock is none: the age of frames is not known, only that their delay does not grow"


def _tuples(value: object) -> object:
    """Return the lists of TOML as tuples, which cannot be changed."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


class OutlineConfig(StrictModel):
    """Common settings of all outlines."""

    name: Annotated[str, Field(max_length=64, pattern=r"^[^/\x00-\x1f\x7f-\x9f\u2028-\u202e]*$")] = ""
    """Name of the structure; required for an organ at risk, unless `roi` is given."""
    reference: FilePath | None = None
    """Only for the target: image on which it was drawn. By default it is placed on the first frame."""

    @property
    def called(self) -> str:
        """Name of the structure."""
        return self.name


class KnownConfig(OutlineConfig):
    """Common settings of outlines that are known before the session."""

    adjust: bool = False
    """Only for the target: whether an operator adjusts it on the console's page before the session begins."""


class RtStructConfig(KnownConfig):
    """An outline from a DICOM RTSTRUCT."""

    kind: Literal["rtstruct"]
    """Where the outline comes from."""
    file: FilePath
    """The RTSTRUCT."""
    roi: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e]*$")]
    """Name of the region in it."""

    @property
    def called(self) -> str:
        """Name of the structure."""
        return self.name or self.roi.replace("/", "_")


class MaskConfig(KnownConfig):
    """An outline from a mask image: pixels above 0 belong to the structure."""

    kind: Literal["mask"]
    """Where the outline comes from."""
    file: FilePath
    """The image."""


class TrackradLabelConfig(KnownConfig):
    """The target of a recorded case, on its first frame; that frame is the reference."""

    kind: Literal["trackrad"]
    """Where the outline comes from."""
    case: FilePath
    """Folder of the case."""


class PointsConfig(KnownConfig):
    """An outline given by its points."""

    kind: Literal["points"]
    """Where the outline comes from."""
    points_mm: Annotated[
        tuple[tuple[float, float, float], ...], Field(min_length=3, max_length=10_000), BeforeValidator(_tuples)
    ]
    """Closed outline, in DICOM LPS patient coordinates, in mm; the last point is not the first again."""


class DrawnConfig(OutlineConfig):
    """A target that an operator draws on the console's page before the session begins."""

    kind: Literal["drawn"]
    """Where the outline comes from."""


Outline = RtStructConfig | MaskConfig | TrackradLabelConfig | PointsConfig
"""An outline that is known before the session."""
AnyOutline = Annotated[Outline, Field(discriminator="kind")]
"""The same, chosen by `kind`."""
TargetOutline = Annotated[Outline | DrawnConfig, Field(discriminator="kind")]
"""The outline of the target, chosen by `kind`."""


class PreviewConfig(StrictModel):
    """Settings of the preview."""

    seconds: Annotated[float, Field(ge=0.0, le=120.0)] = 20.0
    """Length of the preview from which the tracker learns, in seconds; 0 for no preview."""


class RecordingConfig(StrictModel):
    """Settings of the recording."""

    folder: FilePath = "sessions"
    """Folder in which each session gets a folder of its own."""


class LiveConfig(SessionConfig):
    """Settings of a live session: those of any session, and its source, structures, preview and recording."""

    source: SourceConfig
    """Source of the frames."""
    target: TargetOutline
    """Structure that must stay in its envelope."""
    avoid: Annotated[tuple[AnyOutline, ...], Field(max_length=16), BeforeValidator(_tuples)] = ()
    """Organs at risk, which must stay out of the envelope."""
    preview: PreviewConfig = PreviewConfig()
    recording: RecordingConfig = RecordingConfig()

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        names = ["target", *(outline.called for outline in self.avoid)]
        for number, outline in enumerate(self.avoid):
            if outline.reference is not None:
                raise ValueError(f"avoid.{number}.reference: only the target has one, for all structures; leave it out")
            if outline.adjust:
                raise ValueError(f"avoid.{number}.adjust: only the target is adjusted on the page; leave it out")
            if not outline.called or names.count(outline.called) > 1:
                raise ValueError(f"avoid.{number}.name is {outline.called!r}; give each structure a unique name")
        if self.target.kind == "trackrad" and self.target.reference is not None:
            raise ValueError(
                "target.reference: the target of a case is drawn on the case's own first frame; leave it out"
            )
        if self.gate.retrospective:
            raise ValueError("gate.retrospective: only a replay may show pictures again; leave it out")
        return self

    @property
    def by_hand(self) -> bool:
        """Whether an operator draws or adjusts the target before the session begins."""
        return self.target.kind == "drawn" or self.target.adjust

    def warnings(self) -> tuple[str, ...]:
        """Return what every face of a session warns of, one line each."""
        more = (NO_CLOCK,) if self.source.clock == "none" else ()
        return (*super().warnings(), *more)

    def settings(self) -> SessionConfig:
        """Return the settings on which decisions depend, which are recorded with the session."""
        return SessionConfig(**{name: getattr(self, name) for name in SessionConfig.model_fields})


def load_live(path: Path) -> LiveConfig:
    """Read SESSION.toml, with relative paths taken as relative to its folder.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    LiveConfig
        The settings.

    Raises
    ------
    ConfigError
        When the file is missing, is not valid TOML, or holds a setting that is unknown or outside its limits, or when
        there is no such source or linac port.
    """
    values = read_toml(path)
    recording = values.setdefault("recording", {})
    if isinstance(recording, dict):
        recording.setdefault("folder", RecordingConfig().folder)
    try:
        for name, registry in (("source", SOURCES), ("linac", LINACS)):
            # Before the other settings of the table, which depend on its kind.
            if isinstance(table := values.get(name), dict) and isinstance(kind := table.get("kind"), str):
                registry.find(kind)
    except PluginError as error:
        raise PluginError(f"{path}: {error}") from None
    return build(LiveConfig, {name: _beside(path.parent, value) for name, value in values.items()}, str(path))


def _beside(folder: Path, value: object) -> object:
    """Return settings with relative paths joined to a folder."""
    if isinstance(value, list):
        return [_beside(folder, one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: str(folder / one) if name in PATHS and isinstance(one, str) and one else _beside(folder, one)
        for name, one in value.items()
    }
