"""Define the settings: one frozen, strict model for each stage, read from TOML."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatekeeper.config.breath_hold import BreathHoldConfig
    from gatekeeper.config.course import CourseConfig
    from gatekeeper.config.forecast import ForecastConfig, HoldConfig, PopulationConfig
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
    "BreathHoldConfig",
    "CourseConfig",
    "DicomSourceConfig",
    "DrawnConfig",
    "DryRunLinacConfig",
    "EnvelopeConfig",
    "ForecastConfig",
    "Fraction",
    "GateConfig",
    "HoldConfig",
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
    "PopulationConfig",
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

_HOME = {
    "BreathHoldConfig": "breath_hold",
    "CourseConfig": "course",
    "DicomSourceConfig": "source",
    "DrawnConfig": "outlines",
    "DryRunLinacConfig": "linac",
    "EnvelopeConfig": "gating",
    "ForecastConfig": "forecast",
    "Fraction": "strict",
    "GateConfig": "gating",
    "HoldConfig": "forecast",
    "LeaseConfig": "linac",
    "LeaseLinacConfig": "linac",
    "LinacConfig": "linac",
    "LinacProfile": "linac",
    "LiveConfig": "live",
    "LoopConfig": "loop",
    "MaskConfig": "outlines",
    "MaskRegion": "outlines",
    "ModbusLinacConfig": "linac",
    "MrdSourceConfig": "source",
    "OarConfig": "outlines",
    "OarDrawnConfig": "outlines",
    "OarLimits": "structures",
    "OpenIGTLinkLinacConfig": "linac",
    "OpenIGTLinkSourceConfig": "source",
    "OtherLimits": "other_limits",
    "PluginLinacConfig": "linac",
    "PluginSourceConfig": "source",
    "PointsConfig": "outlines",
    "PointsRegion": "outlines",
    "PopulationConfig": "forecast",
    "PredictionConfig": "gating",
    "Region": "outlines",
    "RepeaterLinacConfig": "linac",
    "RtStructConfig": "outlines",
    "RtStructRegion": "outlines",
    "SerialLinacConfig": "linac",
    "SessionConfig": "session",
    "SourceConfig": "source",
    "StrictModel": "strict",
    "StructuresConfig": "structures",
    "TargetConfig": "outlines",
    "TargetLimits": "structures",
    "TrackerConfig": "tracking",
    "TrackradLabelConfig": "outlines",
    "TrackradRegion": "outlines",
    "build": "strict",
    "load_live": "live",
    "load_toml": "strict",
    "only_structures": "session",
    "with_limits": "session",
}
"""Module of each name, imported when it is asked for: a command needs few of the models."""


def __getattr__(name: str) -> object:
    """Import the module of a name."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = found
    return found
