"""SESSION.toml: everything that a live session is made of."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from gatekeeper.config.session import SessionConfig
from gatekeeper.config.source import SourceConfig
from gatekeeper.config.strict import StrictModel, build, read_toml

FilePath = Annotated[str, Field(min_length=1)]
"""Name of a file or folder; a relative one is relative to the folder of SESSION.toml."""
PATHS = frozenset({"file", "case", "reference", "folder", "key_file"})
"""The settings that are such names."""


def _tuples(value: object) -> object:
    """Return lists, as TOML has them, as tuples, so that nobody can change them."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


class OutlineConfig(StrictModel):
    """What all outlines have in common."""

    name: Annotated[str, Field(max_length=64, pattern=r"^[^/\x00-\x1f]*$")] = ""
    """What the structure is called; must be given for one to avoid, unless `roi` says it."""
    reference: FilePath | None = None
    """Only for the target: the image on which it was drawn. Without it the target is put on the first frame."""

    @property
    def called(self) -> str:
        """What the structure is called."""
        return self.name


class KnownConfig(OutlineConfig):
    """What all outlines have in common that are known before the session."""

    adjust: bool = False
    """Only for the target: an operator adjusts it on the console's page before the session begins."""


class RtStructConfig(KnownConfig):
    """An outline from a DICOM RTSTRUCT."""

    kind: Literal["rtstruct"]
    """Where the outline comes from."""
    file: FilePath
    """The RTSTRUCT."""
    roi: Annotated[str, Field(min_length=1, max_length=64)]
    """Name of the region in it."""

    @property
    def called(self) -> str:
        """What the structure is called."""
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
    """A target that nobody has outlined yet: an operator draws it on the console's page before the session begins."""

    kind: Literal["drawn"]
    """Where the outline comes from."""


Outline = RtStructConfig | MaskConfig | TrackradLabelConfig | PointsConfig
"""Where an outline comes from that is known before the session."""
AnyOutline = Annotated[Outline, Field(discriminator="kind")]
TargetOutline = Annotated[Outline | DrawnConfig, Field(discriminator="kind")]
"""The same for the target, chosen by `kind`."""


class PreviewConfig(StrictModel):
    """What is learned before the beam."""

    seconds: Annotated[float, Field(ge=0.0, le=120.0)] = 20.0
    """How long frames are gathered to learn from, in seconds; 0: nothing is learned."""


class RecordingConfig(StrictModel):
    """Where sessions are kept."""

    folder: FilePath = "sessions"
    """Each session becomes a folder in this one."""


class LiveConfig(SessionConfig):
    """Everything that a live session is made of: the settings of any session, and what is around it."""

    source: SourceConfig
    """Where frames come from."""
    target: TargetOutline
    """What must stay in its envelope."""
    avoid: Annotated[tuple[AnyOutline, ...], Field(max_length=16), BeforeValidator(_tuples)] = ()
    """What must stay out of it."""
    preview: PreviewConfig = PreviewConfig()
    recording: RecordingConfig = RecordingConfig()

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        names = ["target", *(outline.called for outline in self.avoid)]
        for number, outline in enumerate(self.avoid):
            if outline.reference is not None:
                raise ValueError(f"avoid.{number}.reference: only the target has one; all are drawn on the same image")
            if outline.adjust:
                raise ValueError(f"avoid.{number}.adjust: only the target is adjusted on the page; leave it out")
            if not outline.called or names.count(outline.called) > 1:
                raise ValueError(f"avoid.{number}.name is {outline.called!r}; give each a name of its own")
        if self.target.kind == "trackrad" and self.target.reference is not None:
            raise ValueError(
                "target.reference: the target of a case is drawn on the case's own first frame; leave it out"
            )
        return self

    @property
    def by_hand(self) -> bool:
        """Whether an operator draws or adjusts the target before the session begins."""
        return self.target.kind == "drawn" or self.target.adjust

    def settings(self) -> SessionConfig:
        """Return what decisions depend on, which is kept with the session."""
        return SessionConfig(**{name: getattr(self, name) for name in SessionConfig.model_fields})


def load_live(path: Path) -> LiveConfig:
    """Return what a SESSION.toml describes, with relative names of files made relative to its folder.

    Raises
    ------
    ConfigError
        When the file is missing, is no TOML, or holds something that is not allowed.
    """
    values = read_toml(path)
    recording = values.setdefault("recording", {})
    if isinstance(recording, dict):
        recording.setdefault("folder", RecordingConfig().folder)
    return build(LiveConfig, {name: _beside(path.parent, value) for name, value in values.items()}, str(path))


def _beside(folder: Path, value: object) -> object:
    """Return settings with the names of files in them relative to a folder."""
    if isinstance(value, list):
        return [_beside(folder, one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: str(folder / one) if name in PATHS and isinstance(one, str) and one else _beside(folder, one)
        for name, one in value.items()
    }
