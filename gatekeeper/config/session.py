"""All settings of one session."""

from gatekeeper.config.gating import EnvelopeConfig, GateConfig, PredictionConfig
from gatekeeper.config.linac import LinacConfig, LinacProfile
from gatekeeper.config.loop import LoopConfig
from gatekeeper.config.strict import StrictModel, build
from gatekeeper.config.tracking import TrackerConfig


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


def with_limits(
    config: SessionConfig, margin_mm: float | None, outside_percent: float | None, where: str
) -> SessionConfig:
    """Return the settings with another margin and limit of the share outside; None leaves one as it is.

    Raises
    ------
    ConfigError
        When one is beyond what a session allows; `where` is what the message calls its origin.
    """
    values = config.model_dump()
    if margin_mm is not None:
        values["envelope"]["margin_mm"] = margin_mm
    if outside_percent is not None:
        values["gate"]["outside_percent"] = outside_percent
    return build(SessionConfig, values, where)
