"""One frozen, strict model per stage; TOML in, an error a physicist can read out."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gatekeeper.errors import ConfigError

Percent = Annotated[float, Field(ge=0.0, le=100.0)]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class StrictModel(BaseModel):
    """Base of every config: frozen, no unknown keys, no silent conversion, no NaN."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class TrackerConfig(StrictModel):
    """How the target is found on a frame."""

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


class EnvelopeConfig(StrictModel):
    """The boundary in which the target must stay."""

    margin_mm: Annotated[float, Field(ge=0.0, le=50.0)] = 5.0
    """Isotropic growth of the target's reference contour, in mm."""


class GateConfig(StrictModel):
    """When the beam may be on."""

    outside_percent: Percent = 5.0
    """The beam is held when more than this share of the target's area is outside the envelope, in percent."""
    min_confidence: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    """The beam is held when the tracker's confidence is below this, 0-1; a lost target has 0."""
    max_age_s: Annotated[float, Field(gt=0.0, le=10.0)] = 0.5
    """The beam is held when the newest frame was acquired longer ago than this, in seconds."""
    frames_to_resume: Annotated[int, Field(ge=1, le=1000)] = 2
    """Good frames in a row, the present one included, before the beam comes on again."""


class PredictionConfig(StrictModel):
    """How the target's position is predicted against the latency of the system."""

    mode: Literal["off", "conservative", "full"] = "off"
    """off: the measured position counts; conservative: the beam is held when the measured or the predicted position
    is out; full: the predicted position counts while the predictor is healthy, else as in conservative."""
    look_ahead: Literal["middle", "whole"] = "middle"
    """A decision stands for one frame period from when it takes effect. middle: predict for the middle of that time;
    whole: for its start, middle and end, and hold when the target is out at any of them."""
    imaging_s: Annotated[float, Field(ge=0.0, le=1.0)] = 0.1
    """From the middle of a frame's acquisition to its arrival, in seconds; 0 when frames are stamped on arrival and
    this time is not known."""
    compute_s: Annotated[float, Field(ge=0.0, le=1.0)] = 0.002
    """From a frame's arrival to the decision, as measured, in seconds."""
    linac_s: Annotated[float, Field(ge=0.0, le=1.0)] = 0.2
    """From the decision to the beam being on or off, in seconds."""
    history_s: Annotated[float, Field(ge=30.0, le=1800.0)] = 240.0
    """How far back the trace is searched for moments like the present one, in seconds."""
    burn_in_s: Annotated[float, Field(ge=5.0, le=300.0)] = 20.0
    """Trace that must be known before a prediction counts, in seconds."""
    likeness_mm: Annotated[float, Field(gt=0.0, le=1000.0)] = 0.8
    """Moments whose last two seconds differ by this (root mean square) count 0.6 as much as equal ones, in mm."""
    ridge_mm2: Annotated[float, Field(gt=0.0, le=1000.0)] = 1.0
    """Penalty of the regression: the larger, the closer it stays to the mean of what came after like moments."""
    min_confidence: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    """Positions of which the tracker is less sure than this are left out of the trace, 0-1."""
    max_gap_s: Annotated[float, Field(gt=0.0, le=5.0)] = 0.75
    """Between positions further apart than this the trace is not known, in seconds."""
    error_limit_mm: Annotated[float, Field(gt=0.0, le=20.0)] = 3.0
    """The predictor is not healthy while its recent predictions were further off than this, in mm."""
    error_half_life_s: Annotated[float, Field(gt=0.0, le=60.0)] = 2.0
    """After this time an error counts half in the recent error, in seconds."""

    @property
    def latency_s(self) -> float:
        """From the middle of a frame's acquisition to the beam being on or off by it, in seconds."""
        return self.imaging_s + self.compute_s + self.linac_s


class SessionConfig(StrictModel):
    """All settings of one session."""

    tracker: TrackerConfig = TrackerConfig()
    envelope: EnvelopeConfig = EnvelopeConfig()
    gate: GateConfig = GateConfig()


Model = TypeVar("Model", bound=StrictModel)


def build(model: type[Model], values: dict[str, object], where: str) -> Model:
    """Return `model` made of `values`, or raise ConfigError that names each bad field in one line.

    Parameters
    ----------
    model : type
        The config class.
    values : dict
        Field values, nested for stages.
    where : str
        What the message calls the origin of the values, for example a file name.

    Raises
    ------
    ConfigError
        When a field is unknown, of the wrong type or outside its limits.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'the whole'} = {fault['input']!r}: {fault['msg']}"
            for fault in error.errors()
        )
        raise ConfigError(f"{where}: {faults}") from None


def load_toml(path: Path, model: type[Model]) -> Model:
    """Return the config that the TOML file at `path` describes.

    Raises
    ------
    ConfigError
        When the file is missing, is no TOML, or holds something that `model` does not allow.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as TOML ({error}); mend the file or name another") from None
    return build(model, values, str(path))
