"""Real-time beam gating for MR-guided radiotherapy. Research software; not a medical device.

The names below are stable. Each is imported on first access, so that one room can be used without compiling the kernels
of all others.
"""

import warnings
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatekeeper.config import (
        EnvelopeConfig,
        GateConfig,
        LinacProfile,
        PredictionConfig,
        SessionConfig,
        TrackerConfig,
    )
    from gatekeeper.core.command import Action, Command
    from gatekeeper.core.decision import BeamState, Decision, Reason
    from gatekeeper.core.errors import GatekeeperError
    from gatekeeper.core.frame import Frame, Plane
    from gatekeeper.core.track import Track
    from gatekeeper.gating.envelope import Envelope
    from gatekeeper.gating.gate import Gate
    from gatekeeper.gating.motion import LearnedRange
    from gatekeeper.gating.zones import KeepOutZone, TargetZone
    from gatekeeper.recording.session_folder import SessionRecorder
    from gatekeeper.session.engine import Engine
    from gatekeeper.session.loop import run_loop
    from gatekeeper.tracking.preview.report import PreviewReport
    from gatekeeper.tracking.tracker import StructureTracker, Tracker

__all__ = [
    "Action",
    "BeamState",
    "Command",
    "Decision",
    "Engine",
    "Envelope",
    "EnvelopeConfig",
    "Frame",
    "Gate",
    "GateConfig",
    "GatekeeperError",
    "KeepOutZone",
    "LearnedRange",
    "LinacProfile",
    "Plane",
    "PredictionConfig",
    "PreviewReport",
    "Reason",
    "SessionConfig",
    "SessionRecorder",
    "StructureTracker",
    "TargetZone",
    "Track",
    "Tracker",
    "TrackerConfig",
    "run_loop",
]

_HOME = {
    "Action": "core.command",
    "KeepOutZone": "gating.zones",
    "BeamState": "core.decision",
    "Command": "core.command",
    "Decision": "core.decision",
    "Engine": "session.engine",
    "Envelope": "gating.envelope",
    "EnvelopeConfig": "config",
    "Frame": "core.frame",
    "Gate": "gating.gate",
    "GateConfig": "config",
    "GatekeeperError": "core.errors",
    "LearnedRange": "gating.motion",
    "LinacProfile": "config",
    "Plane": "core.frame",
    "PredictionConfig": "config",
    "PreviewReport": "tracking.preview.report",
    "Reason": "core.decision",
    "SessionRecorder": "recording.session_folder",
    "SessionConfig": "config",
    "StructureTracker": "tracking.tracker",
    "TargetZone": "gating.zones",
    "Track": "core.track",
    "Tracker": "tracking.tracker",
    "TrackerConfig": "config",
    "run_loop": "session.loop",
}


_FORMER_NAMES = {
    "Avoid": "KeepOutZone",
    "Preview": "PreviewReport",
    "Session": "SessionRecorder",
    "Target": "TargetZone",
}
"""Names of version 0.1; they will be removed in version 0.3."""


def __getattr__(name: str) -> object:
    """Import a stable name from its module on first access (PEP 562)."""
    if name in _FORMER_NAMES:
        present = _FORMER_NAMES[name]
        warnings.warn(f"gatekeeper.{name} is now gatekeeper.{present}", DeprecationWarning, stacklevel=2)
        name = present
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """Return the names in the module and the stable names."""
    return sorted({*globals(), *__all__})
