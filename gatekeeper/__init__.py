"""Real-time beam gating for MR-guided radiotherapy. Research software; not a medical device.

The names below are stable. Each is imported when it is first asked for, so that one room of the house can be used
without compiling the kernels of all others.
"""

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
    from gatekeeper.gating.zones import Avoid, Target
    from gatekeeper.recording.session_folder import Session
    from gatekeeper.session.engine import Engine
    from gatekeeper.session.loop import run_loop
    from gatekeeper.tracking.preview.report import Preview
    from gatekeeper.tracking.tracker import StructureTracker, Tracker

__all__ = [
    "Action",
    "Avoid",
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
    "LearnedRange",
    "LinacProfile",
    "Plane",
    "PredictionConfig",
    "Preview",
    "Reason",
    "Session",
    "SessionConfig",
    "StructureTracker",
    "Target",
    "Track",
    "Tracker",
    "TrackerConfig",
    "run_loop",
]

_HOME = {
    "Action": "core.command",
    "Avoid": "gating.zones",
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
    "Preview": "tracking.preview.report",
    "Reason": "core.decision",
    "Session": "recording.session_folder",
    "SessionConfig": "config",
    "StructureTracker": "tracking.tracker",
    "Target": "gating.zones",
    "Track": "core.track",
    "Tracker": "tracking.tracker",
    "TrackerConfig": "config",
    "run_loop": "session.loop",
}


def __getattr__(name: str) -> object:
    """Import a stable name from the module it lives in (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """Return the stable names beside what the module holds already."""
    return sorted({*globals(), *__all__})
