"""Real-time beam gating for MR-guided radiotherapy. Research software; not a medical device.

The names below are stable. Each is imported when it is first asked for, so that one room of the house can be used
without compiling the kernels of all others.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatekeeper.command import Action, Command
    from gatekeeper.config import (
        EnvelopeConfig,
        GateConfig,
        LinacProfile,
        PredictionConfig,
        SessionConfig,
        TrackerConfig,
    )
    from gatekeeper.decision import BeamState, Decision, Reason
    from gatekeeper.engine import Engine
    from gatekeeper.errors import GatekeeperError
    from gatekeeper.frame import Frame, Plane
    from gatekeeper.gating.envelope import Envelope
    from gatekeeper.gating.gate import Gate
    from gatekeeper.gating.motion import LearnedRange
    from gatekeeper.gating.zones import Avoid, Target
    from gatekeeper.loop import run_loop
    from gatekeeper.recording.session import Session
    from gatekeeper.track import Track
    from gatekeeper.tracking.preview import Preview
    from gatekeeper.tracking.structures import StructureTracker
    from gatekeeper.tracking.tracker import Tracker

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
    "Action": "command",
    "Avoid": "gating.zones",
    "BeamState": "decision",
    "Command": "command",
    "Decision": "decision",
    "Engine": "engine",
    "Envelope": "gating.envelope",
    "EnvelopeConfig": "config",
    "Frame": "frame",
    "Gate": "gating.gate",
    "GateConfig": "config",
    "GatekeeperError": "errors",
    "LearnedRange": "gating.motion",
    "LinacProfile": "config",
    "Plane": "frame",
    "PredictionConfig": "config",
    "Preview": "tracking.preview",
    "Reason": "decision",
    "Session": "recording.session",
    "SessionConfig": "config",
    "StructureTracker": "tracking.structures",
    "Target": "gating.zones",
    "Track": "track",
    "Tracker": "tracking.tracker",
    "TrackerConfig": "config",
    "run_loop": "loop",
}


def __getattr__(name: str) -> object:
    """Import a stable name from the module it lives in (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """Return the stable names beside what the module holds already."""
    return sorted({*globals(), *__all__})
