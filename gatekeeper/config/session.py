"""Combine all settings of a session."""

import math
from collections.abc import Collection
from typing import Self

from pydantic import model_validator

from gatekeeper.config.breath_hold import BreathHoldConfig
from gatekeeper.config.course import CourseConfig
from gatekeeper.config.gating import EnvelopeConfig, GateConfig, PredictionConfig
from gatekeeper.config.linac import LinacConfig, LinacProfile
from gatekeeper.config.loop import LoopConfig
from gatekeeper.config.safe_ranges import UNSAFE, unsafe_settings
from gatekeeper.config.strict import StrictModel, build
from gatekeeper.config.structures import StructuresConfig
from gatekeeper.config.tracking import TrackerConfig


class SessionConfig(StrictModel):
    """All settings on which the decisions of a session depend.

    Examples
    --------
    >>> from gatekeeper import EnvelopeConfig, SessionConfig
    >>> config = SessionConfig(envelope=EnvelopeConfig(margin_mm=4.0))
    >>> config.envelope.margin_mm, config.gate.outside_percent
    (4.0, 5.0)
    """

    tracker: TrackerConfig = TrackerConfig()
    envelope: EnvelopeConfig = EnvelopeConfig()
    gate: GateConfig = GateConfig()
    structures: StructuresConfig = StructuresConfig()
    """Limits of single structures by their names; in SESSION.toml they stand in `[[target]]` and `[[oar]]`."""
    prediction: PredictionConfig = PredictionConfig()
    breath_hold: BreathHoldConfig = BreathHoldConfig()
    loop: LoopConfig = LoopConfig()
    profile: LinacProfile = LinacProfile()
    linac: LinacConfig | None = None
    """Connection to the linac; None to record decisions only."""
    course: CourseConfig | None = None
    """Facts of the course; no decision depends on them."""

    @model_validator(mode="after")
    def _risk_needs_prediction(self) -> Self:
        if self.gate.risk_percent is not None and self.prediction.mode == "off":
            raise ValueError('gate.risk_percent needs a prediction; set prediction.mode to "full" or "conservative"')
        return self

    @model_validator(mode="after")
    def _stop_needs_a_time(self) -> Self:
        course = self.course
        if self.gate.stop_at_prescribed and (course is None or (course.beam_on_s is None and course.plan_file is None)):
            raise ValueError("gate.stop_at_prescribed needs the prescribed beam-on time; set course.beam_on_s")
        return self

    @property
    def stop_s(self) -> float:
        """Beam-on time in seconds after which the beam is held; infinity where `gate.stop_at_prescribed` is not set.

        0, which holds at once, where a plan was to tell the time and does not.
        """
        if not self.gate.stop_at_prescribed:
            return math.inf
        return 0.0 if self.course is None or self.course.beam_on_s is None else self.course.beam_on_s

    @property
    def is_dry_run(self) -> bool:
        """Whether decisions are recorded only, without a linac."""
        return self.linac is None or self.linac.kind == "dry_run"

    def warnings(self) -> tuple[str, ...]:
        """Return what every face of a session warns of, one line each."""
        return tuple(f"{UNSAFE}: {line}" for line in unsafe_settings(self))

    def silence_s(self, frame_period_s: float) -> float:
        """Return the frame timeout in seconds, for a frame period in seconds."""
        return min(self.loop.silence_periods * frame_period_s, self.gate.max_age_s)


def only_structures(config: SessionConfig, names: Collection[str]) -> SessionConfig:
    """Return the settings with limits of structures of these names alone."""
    kept = StructuresConfig(
        target={name: one for name, one in config.structures.target.items() if name in names},
        oar={name: one for name, one in config.structures.oar.items() if name in names},
    )
    return config.model_copy(update={"structures": kept})


def with_limits(
    config: SessionConfig, margin_mm: float | None, outside_percent: float | None, where: str
) -> SessionConfig:
    """Return the settings with another margin or limit of the share outside.

    Parameters
    ----------
    config : SessionConfig
        The settings.
    margin_mm : float or None
        New margin in mm; None to keep it.
    outside_percent : float or None
        New limit of the share outside in percent; None to keep it.
    where : str
        Origin of the values for the error message.

    Returns
    -------
    SessionConfig
        The changed settings.

    Raises
    ------
    ConfigError
        When a value is outside its limits.
    """
    values = config.model_dump()
    if margin_mm is not None:
        values["envelope"]["margin_mm"] = margin_mm
    if outside_percent is not None:
        values["gate"]["outside_percent"] = outside_percent
    return build(SessionConfig, values, where)
