"""Recorded frames: readers, player, phantom, scores. The names below are imported on first access."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from replay.formats.open import open_recording
    from replay.player import Player
    from replay.recording import Recording
    from replay.sessions.verify import verify_folder

__all__ = ["Player", "Recording", "open_recording", "verify_folder"]

_HOME = {
    "Player": "player",
    "Recording": "recording",
    "open_recording": "formats.open",
    "verify_folder": "sessions.verify",
}


def __getattr__(name: str) -> object:
    """Import a public name from its module on first access (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """Return the names in the module and the public names."""
    return sorted({*globals(), *__all__})
