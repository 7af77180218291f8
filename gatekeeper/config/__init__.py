"""Define the settings: one frozen, strict model for each stage, read from TOML."""

from gatekeeper.config.course import CourseConfig
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
from gatekeeper.config.live import LiveConfig, load_live
from gatekeeper.config.loop import LoopConfig
from gatekeeper.config.other_limits import OtherLimits
from gatekeeper.config.outlines import (
    DrawnConfig,
    MaskConfig,
    MaskRegion,
    OarConfig,
    OarDrawnConfig,
    PointsConfig,
    PointsRegion,
    Region,
    RtStructConfig,
    RtStructRegion,
    TargetConfig,
    TrackradLabelConfig,
    TrackradRegion,
)
from gatekeeper.config.session import SessionConfig, only_structures, with_limits
from gatekeeper.config.source import (
    DicomSourceConfig,
    MrdSourceConfig,
    OpenIGTLinkSourceConfig,
    PluginSourceConfig,
    SourceConfig,
)
from gatekeeper.config.strict import Fraction, StrictModel, build, load_toml
from gatekeeper.config.structures import OarLimits, StructuresConfig, TargetLimits
from gatekeeper.config.tracking import TrackerConfig

__all__ = [
    "CourseConfig",
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
    "MaskRegion",
    "ModbusLinacConfig",
    "MrdSourceConfig",
    "OarConfig",
    "OarDrawnConfig",
    "OarLimits",
    "OpenIGTLinkLinacConfig",
    "OpenIGTLinkSourceConfig",
    "OtherLimits",
    "PluginLinacConfig",
    "PluginSourceConfig",
    "PointsConfig",
    "PointsRegion",
    "PredictionConfig",
    "Region",
    "RepeaterLinacConfig",
    "RtStructConfig",
    "RtStructRegion",
    "SerialLinacConfig",
    "SessionConfig",
    "SourceConfig",
    "StrictModel",
    "StructuresConfig",
    "TargetConfig",
    "TargetLimits",
    "TrackerConfig",
    "TrackradLabelConfig",
    "TrackradRegion",
    "build",
    "load_live",
    "load_toml",
    "only_structures",
    "with_limits",
]
