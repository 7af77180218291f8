"""Define the settings of a live session, read from SESSION.toml."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Self, TypeVar

from pydantic import Field, model_validator

from gatekeeper.config.outlines import FilePath, Oars, StructureConfig, Targets
from gatekeeper.config.session import SessionConfig
from gatekeeper.config.source import SourceConfig
from gatekeeper.config.strict import StrictModel, build, read_toml
from gatekeeper.config.structures import OarLimits, StructureLimits, StructuresConfig, TargetLimits
from gatekeeper.core.errors import PluginError
from gatekeeper.plugins import LINACS, SOURCES

PATHS = frozenset(
    {
        "file",
        "case",
        "reference",
        "folder",
        "key_file",
        "certificate_file",
        "private_key_file",
        "peer_file",
        "plan_file",
    }
)
"""Names of the settings that are paths."""

NO_CLOCK = "source.clock is none: the age of frames is not known, only that their delay does not grow"


L = TypeVar("L", bound=StructureLimits)


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
    target: Targets
    """Structures that must stay in their envelopes: `[target]`, or `[[target]]` for several, the primary one first."""
    oar: Oars = ()
    """Organs at risk, which must stay out of their keep-out zones."""
    avoid: Oars = ()
    """Former name of `oar`."""
    preview: PreviewConfig = PreviewConfig()
    recording: RecordingConfig = RecordingConfig()

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        named: list[tuple[str, StructureConfig]] = [(f"target.{number}", one) for number, one in enumerate(self.target)]
        named += [(f"oar.{number}", one) for number, one in enumerate(self.oar)]
        named += [(f"avoid.{number}", one) for number, one in enumerate(self.avoid)]
        names = [self.primary_name, *(one.called for _, one in named[1:])]
        for name, (place, _) in list(zip(names, named, strict=True))[1:]:
            if not name or names.count(name) > 1:
                raise ValueError(f"{place}.name is {name!r}; give each structure a unique name")
        for number, one in enumerate(self.target[1:], start=1):
            if one.by_hand and one.envelope is not None:
                raise ValueError(f"target.{number}.envelope: the operator who draws or adjusts it gives its margin")
            if one.reference is not None:
                raise ValueError(f"target.{number}.reference: only the first target has one; leave it out")
        primary = self.target[0]
        if not primary.required:
            raise ValueError("target.required: a session needs its first target; put an optional one behind it")
        if primary.by_hand and (primary.margin_mm is not None or primary.envelope is not None):
            raise ValueError("target: the operator who draws or adjusts it gives its margin; set envelope.margin_mm")
        if self.by_hand and not any(one.by_hand and one.required for _, one in named):
            raise ValueError(
                "required: the session begins once all that is drawn and required is confirmed; require one"
            )
        if primary.kind == "trackrad" and primary.reference is not None:
            raise ValueError(
                "target.reference: the target of a case is drawn on the case's own first frame; leave it out"
            )
        if self.structures != StructuresConfig():
            raise ValueError("structures: the limits of a structure stand in its [[target]] or [[oar]]; move them")
        if self.gate.retrospective:
            raise ValueError("gate.retrospective: only a replay may show pictures again; leave it out")
        return self

    @property
    def primary_name(self) -> str:
        """Name of the first target."""
        return self.target[0].called or "target"

    @property
    def organs(self) -> Oars:
        """All organs at risk."""
        return (*self.oar, *self.avoid)

    @property
    def by_hand(self) -> bool:
        """Whether an operator draws or adjusts any structure before the session begins."""
        return any(one.by_hand for one in (*self.target, *self.organs))

    def warnings(self) -> tuple[str, ...]:
        """Return what every face of a session warns of, one line each."""
        more = (NO_CLOCK,) if self.source.clock == "none" else ()
        return (*self.settings().warnings(), *more)

    def settings(self) -> SessionConfig:
        """Return the settings on which decisions depend, which are recorded with the session."""
        names = [self.primary_name, *(one.called for one in self.target[1:])]
        structures = StructuresConfig(
            target=_limits(TargetLimits, names, self.target),
            oar=_limits(OarLimits, [one.called for one in self.organs], self.organs),
        )
        values = {name: getattr(self, name) for name in SessionConfig.model_fields}
        return SessionConfig(**{**values, "structures": structures})


def _limits(model: type[L], names: Sequence[str], tables: Sequence[StructureConfig]) -> dict[str, L]:
    """Return the limits of those structures that have any, by their names."""
    found = {
        name: model(**{field: getattr(one, field) for field in model.model_fields})
        for name, one in zip(names, tables, strict=True)
    }
    return {name: one for name, one in found.items() if one != model()}


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
