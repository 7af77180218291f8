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
    from gatekeeper.core.clock import Clock, PacedClock, VirtualClock
    from gatekeeper.core.command import Action, Command
    from gatekeeper.core.contour import mask_to_contour
    from gatekeeper.core.decision import BeamState, Decision, Reason
    from gatekeeper.core.errors import GatekeeperError
    from gatekeeper.core.frame import Frame, Plane
    from gatekeeper.core.protocols import (
        FrameSource,
        LearningTracker,
        LinacPort,
        Recorder,
        TargetTracker,
        TrackerFactory,
    )
    from gatekeeper.core.track import Track
    from gatekeeper.gating.envelope import Envelope
    from gatekeeper.gating.gate import Gate
    from gatekeeper.gating.motion import LearnedRange
    from gatekeeper.gating.zones import KeepOutZone, TargetZone
    from gatekeeper.linac.dry_run import DryRunLinac
    from gatekeeper.recording.session_folder import SessionRecorder
    from gatekeeper.recording.session_setup import SessionSetup
    from gatekeeper.session.arming import arm
    from gatekeeper.session.engine import Engine
    from gatekeeper.session.loop import run_loop
    from gatekeeper.tracking.preview.report import PreviewReport
    from gatekeeper.tracking.tracker import StructureTracker, Tracker

__all__ = [
    "Action",
    "BeamState",
    "Clock",
    "Command",
    "Decision",
    "DryRunLinac",
    "Engine",
    "Envelope",
    "EnvelopeConfig",
    "Frame",
    "FrameSource",
    "Gate",
    "GateConfig",
    "GatekeeperError",
    "KeepOutZone",
    "LearnedRange",
    "LearningTracker",
    "LinacPort",
    "LinacProfile",
    "PacedClock",
    "Plane",
    "PredictionConfig",
    "PreviewReport",
    "Reason",
    "Recorder",
    "SessionConfig",
    "SessionRecorder",
    "SessionSetup",
    "StructureTracker",
    "TargetTracker",
    "TargetZone",
    "Track",
    "Tracker",
    "TrackerConfig",
    "TrackerFactory",
    "VirtualClock",
    "arm",
    "mask_to_contour",
    "run_loop",
]

_HOME = {
    "Action": "core.command",
    "BeamState": "core.decision",
    "Clock": "core.clock",
    "Command": "core.command",
    "Decision": "core.decision",
    "DryRunLinac": "linac.dry_run",
    "Engine": "session.engine",
    "Envelope": "gating.envelope",
    "EnvelopeConfig": "config",
    "Frame": "core.frame",
    "FrameSource": "core.protocols",
    "Gate": "gating.gate",
    "GateConfig": "config",
    "GatekeeperError": "core.errors",
    "KeepOutZone": "gating.zones",
    "LearnedRange": "gating.motion",
    "LearningTracker": "core.protocols",
    "LinacPort": "core.protocols",
    "LinacProfile": "config",
    "PacedClock": "core.clock",
    "Plane": "core.frame",
    "PredictionConfig": "config",
    "PreviewReport": "tracking.preview.report",
    "Reason": "core.decision",
    "Recorder": "core.protocols",
    "SessionConfig": "config",
    "SessionRecorder": "recording.session_folder",
    "SessionSetup": "recording.session_setup",
    "StructureTracker": "tracking.tracker",
    "TargetTracker": "core.protocols",
    "TargetZone": "gating.zones",
    "Track": "core.track",
    "Tracker": "tracking.tracker",
    "TrackerConfig": "config",
    "TrackerFactory": "core.protocols",
    "VirtualClock": "core.clock",
    "arm": "session.arming",
    "mask_to_contour": "core.contour",
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
