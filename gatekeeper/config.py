"""One frozen, strict model per stage; TOML in, an error a physicist can read out."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

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
    """When the beam may be on, and what an operator may change about it."""

    outside_percent: Percent = 5.0
    """The beam is held when more than this share of the target's area is outside the envelope, in percent."""
    outside_hysteresis_percent: Percent = 1.0
    """It comes on again only when the share is this much lower, in percent of the target's area."""
    overlap_percent: Percent = 5.0
    """The beam is held when more than this share of a structure to avoid is in its forbidden zone, in percent."""
    overlap_resume_share: Fraction = 0.8
    """It comes on again only when the overlap is at most this share of its limit, 0-1."""
    min_confidence: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    """The beam is held when the tracker's confidence is below this, 0-1; a lost target has 0."""
    confidence_hysteresis: Fraction = 0.05
    """It comes on again only when the confidence is this much higher (but 1 is always enough), 0-1."""
    max_age_s: Annotated[float, Field(gt=0.0, le=10.0)] = 0.5
    """The beam is held when the newest frame was acquired longer ago than this, in seconds."""
    frames_to_resume: Annotated[int, Field(ge=1, le=1000)] = 2
    """Good frames in a row, the present one included, before the beam comes on again."""
    saturated_percent: Percent = 5.0
    """The beam is held when more than this share of the pixels has the largest value of the frame, in percent."""
    identical_frames: Annotated[int, Field(ge=0, le=100)] = 1
    """Frames in a row that may repeat the pixels of the one before under a new number; one more holds."""
    missing_frames: Annotated[int, Field(ge=0, le=100)] = 0
    """Frames in a row that may be missing before a frame; one more holds."""
    plane_angle_deg: Annotated[float, Field(gt=0.0, le=45.0)] = 1.0
    """The beam is held when the image's rows or columns are turned by more than this, in degrees."""
    plane_offset_mm: Annotated[float, Field(gt=0.0, le=50.0)] = 1.0
    """The beam is held when the image's first pixel is displaced by more than this, in mm."""
    geometry_frames: Annotated[int, Field(ge=1, le=1000)] = 3
    """Frames in a row of another shape, spacing or plane with which that becomes a fault."""
    learning_s: Annotated[float, Field(ge=1.0, le=600.0)] = 20.0
    """How long the range of positions is learned at the start of a session without a preview, in seconds."""
    exception_mm: Annotated[float, Field(ge=0.0, le=100.0)] = 5.0
    """The beam is held when the target is further than this outside its learned range along SI or AP, in mm."""
    drift_mm: Annotated[float, Field(gt=0.0, le=100.0)] = 3.0
    """The beam is held when the end-exhale baseline is further than this from its reference, in mm along SI."""
    drift_cycles: Annotated[int, Field(ge=1, le=50)] = 5
    """Breathing cycles over which the end-exhale baseline is the median, and which make up its reference."""
    breath_mm: Annotated[float, Field(ge=0.5, le=50.0)] = 3.0
    """Movement along SI that counts as a breath, in mm; less is noise, or a patient who holds the breath."""
    rebase_step_mm: Annotated[float, Field(ge=0.0, le=20.0)] = 3.0
    """An operator may move the envelope by at most this in one go, in mm."""
    rebase_total_mm: Annotated[float, Field(ge=0.0, le=50.0)] = 5.0
    """An operator may move the envelope by at most this from where it was planned, in mm."""


class LoopConfig(StrictModel):
    """How the loop runs on the machine; what the machine refuses is said, and the loop runs without it."""

    pin_cpu: Annotated[int, Field(ge=-1, le=4095)] = -1
    """The processor that the loop stays on; -1 is any."""
    fifo_priority: Annotated[int, Field(ge=0, le=99)] = 0
    """Real-time priority of the loop (SCHED_FIFO), 1-99; 0 is none."""
    lock_memory: bool = False
    """Whether memory is kept from being swapped out."""
    silence_periods: Annotated[float, Field(ge=1.0, le=20.0)] = 1.5
    """The beam is held when no frame has come for this many frame periods since the last one; `max_age_s` of the gate
    holds in any case."""
    stall_ms: Annotated[float, Field(gt=0.0, le=10_000.0)] = 20.0
    """A pass of the loop that begins later than this, or takes longer, counts as a stall, in ms."""


class LeaseConfig(StrictModel):
    """How permission to irradiate is lent to the interlock."""

    lifetime_ms: Annotated[int, Field(ge=20, le=1000)] = 100
    """How long a lease lives at the interlock unless it is renewed, in ms; the interlock may allow less."""
    renew_ms: Annotated[int, Field(ge=2, le=250)] = 20
    """A message is sent when none was for this long, in ms; at most a quarter of the lifetime."""
    fresh_ms: Annotated[int, Field(ge=20, le=10_000)] = 375
    """How long after a decision its lease is renewed, in ms: above the time between two frames, or the beam is held."""
    ack_timeout_ms: Annotated[int, Field(ge=10, le=10_000)] = 100
    """The link counts as lost when the interlock has answered nothing for this long, in ms."""
    connect_timeout_ms: Annotated[int, Field(ge=10, le=60_000)] = 500
    """How long connecting and each step of the greeting may take, in ms."""
    retry_ms: Annotated[int, Field(ge=1, le=60_000)] = 200
    """How long to wait before a lost link is set up again, in ms."""

    @model_validator(mode="after")
    def _renewed_in_time(self) -> Self:
        if 4 * self.renew_ms > self.lifetime_ms:
            raise ValueError(
                f"renew_ms is {self.renew_ms} and may be a quarter of lifetime_ms = {self.lifetime_ms} at most, "
                "so that a single late message does not hold the beam"
            )
        if 2 * self.renew_ms > self.ack_timeout_ms:
            raise ValueError(
                f"ack_timeout_ms is {self.ack_timeout_ms} and must be at least twice renew_ms = {self.renew_ms}"
            )
        return self


class LinacProfile(StrictModel):
    """What a linac can follow. As made, it can follow everything up to one beam per second."""

    minimum_on_s: Annotated[float, Field(ge=0.0, le=60.0)] = 0.0
    """A beam that is shorter than this, in seconds, is counted as cut short; a hold is never put off for it."""
    minimum_off_s: Annotated[float, Field(ge=0.0, le=60.0)] = 0.0
    """How long the beam must have been off, in seconds, before it may begin again."""
    cycles_per_minute: Annotated[int, Field(ge=1, le=1000)] = 60
    """How many beams may begin within any minute."""
    on_latency_s: Annotated[float, Field(ge=0.0, le=5.0)] = 0.0
    """From the decision until the beam is on, in seconds."""
    off_latency_s: Annotated[float, Field(ge=0.0, le=5.0)] = 0.0
    """From the decision until the beam is off, in seconds."""


class LinacConfig(StrictModel):
    """Which interlock switches the beam."""

    host: Annotated[str, Field(min_length=1, max_length=253)] = "127.0.0.1"
    """Name or address of the interlock."""
    port: Annotated[int, Field(ge=1, le=65535)]
    """Its TCP port."""
    key_file: Annotated[str, Field(min_length=1)]
    """File with the key that is shared with it, readable by its owner alone."""
    lease: LeaseConfig = LeaseConfig()


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
    prediction: PredictionConfig = PredictionConfig()
    loop: LoopConfig = LoopConfig()
    profile: LinacProfile = LinacProfile()
    linac: LinacConfig | None = None
    """None: there is no linac, and decisions are only recorded."""

    def silence_s(self, frame_period_s: float) -> float:
        """Return how long after a frame the source counts as silent, in seconds, for frames that come so often."""
        return min(self.loop.silence_periods * frame_period_s, self.gate.max_age_s)


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
