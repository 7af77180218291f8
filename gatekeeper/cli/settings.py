"""Turn command-line options into settings, a pace, and a recording."""

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gatekeeper.cli.output import say
from gatekeeper.config import SessionConfig, load_toml, with_limits
from gatekeeper.core.errors import ConfigError

if TYPE_CHECKING:
    from replay.formats.format import Choices
    from replay.recording import Recording


SLOWEST, FASTEST = 0.01, 1000.0


def settings_of(
    base: SessionConfig, config: Path | None, margin_mm: float | None, outside_percent: float | None
) -> SessionConfig:
    """Return the settings of the file or the base, overridden by those of the command line."""
    settings = base if config is None else load_toml(config, SessionConfig)
    return with_limits(settings, margin_mm, outside_percent, "command line")


def known_tracker(kind: str | None) -> str | None:
    """Return a tracker's name once it is known to be there; modules are looked for in the working folder, too."""
    from gatekeeper.plugins import TRACKERS

    if kind is None:
        return None
    if ":" in kind and (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)
    TRACKERS.find(kind).load()
    return kind


def pace_of(speed: str) -> float | None:
    """Return the multiple of real time in `speed`; None for as fast as possible."""
    if speed == "max":
        return None
    try:
        pace = float(speed)
    except ValueError:
        pace = math.nan
    if not SLOWEST <= pace <= FASTEST:
        raise ConfigError(
            f"command line: speed = {speed!r}: must be max or a multiple of real time, {SLOWEST:g} to {FASTEST:g}"
        )
    return pace


def choices_of(
    scan: str | None, observer: str | None, time_axis: Literal["first", "last"] | None, as_stored: bool
) -> "Choices":
    """Return the options for the reader of a recording."""
    from replay.formats.format import Choices

    return Choices(scan, observer, time_axis, as_stored)


PHANTOM = "phantom"


def recording_of(case: str) -> "Recording":
    """Return the recording of the argument, or a phantom unless a file or folder has that name."""
    from replay.formats.open import open_recording
    from replay.phantom import PhantomConfig, make_phantom
    from replay.progress import waiting

    if case == PHANTOM and not Path(case).exists():
        with waiting("making the phantom"):
            return make_phantom(PhantomConfig(name=PHANTOM)).recording
    with waiting("reading the recording"):
        recording = open_recording(Path(case))
    for note in recording.notes:
        say(f"gatekeeper: {note}", err=True)
    return recording
