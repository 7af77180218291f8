"""Define the settings: one frozen, strict model for each stage, read from TOML."""

from gatekeeper.config.gating import EnvelopeConfig, GateConfig, PredictionConfig
from gatekeeper.config.linac import (
    DryRunLinacConfig,
    LeaseConfig,
    LeaseLinacConfig,
    LinacConfig,
    LinacProfile,
    ModbusLinacConfig,
    OpenIGTLinkLinacConfig,
    PluginLinacConfig,
    RepeaterLinacConfig,
    SerialLinacConfig,
)
from gatekeeper.config.live import (
    DrawnConfig,
    LiveConfig,
    MaskConfig,
    Outline,
    PointsConfig,
    RtStructConfig,
    TrackradLabelConfig,
    load_live,
)
from gatekeeper.config.loop import LoopConfig
from gatekeeper.config.session import SessionConfig, with_limits
from gatekeeper.config.source import (
    DicomSourceConfig,
    MrdSourceConfig,
    OpenIGTLinkSourceConfig,
    PluginSourceConfig,
    SourceConfig,
)
from gatekeeper.config.strict import Fraction, StrictModel, build, load_toml
from gatekeeper.config.tracking import TrackerConfig

__all__ = [
    "DicomSourceConfig",
    "DrawnConfig",
    "DryRunLinacConfig",
    "EnvelopeConfig",
    "Fraction",
    "GateConfig",
    "LeaseConfig",
    "LeaseLinacConfig",
    "LinacConfig",
    "LinacProfile",
    "LiveConfig",
    "LoopConfig",
    "MaskConfig",
    "ModbusLinacConfig",
    "MrdSourceConfig",
    "OpenIGTLinkLinacConfig",
    "OpenIGTLinkSourceConfig",
    "Outline",
    "PluginLinacConfig",
    "PluginSourceConfig",
    "PointsConfig",
    "PredictionConfig",
    "RepeaterLinacConfig",
    "RtStructConfig",
    "SerialLinacConfig",
    "SessionConfig",
    "SourceConfig",
    "StrictModel",
    "TrackerConfig",
    "TrackradLabelConfig",
    "build",
    "load_live",
    "load_toml",
    "with_limits",
]
