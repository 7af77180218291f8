"""Open a recording of any format; the format is found by the content of a file, not by its name."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np

from gatekeeper.core.errors import GatekeeperError, PluginError, RecordingError
from gatekeeper.plugins import Plugin, Registry
from replay.formats.format import HEAD_BYTES, Choices, Format
from replay.recording import Recording
from replay.resample import resample

_MODULES = (
    *("trackrad", "session", "dicom", "mrd", "images", "vendor.mridian", "vendor.unity", "vendor.mridian_raw"),
    "image_folder",
    "trace",
)
"""Modules of our formats, each with `FORMATS`. A new format is a new file and its name here; those of plug-ins come
after them."""
PLUGINS = Registry("format", "gatekeeper.formats", {})
"""Formats of installed distributions, each an object `replay.formats.format.Format`."""


def formats() -> Iterator[Format]:
    """Yield our formats. Each is imported when those before it were asked for, as some need large packages.

    Yields
    ------
    Format
        In the order in which they are asked.
    """
    for name in _MODULES:
        yield from import_module(f"replay.formats.{name}").FORMATS


def open_recording(path: Path, choices: Choices | None = None) -> Recording:
    """Open the recording at a path.

    Parameters
    ----------
    path : Path
        A file or a folder of one of `formats`.
    choices : Choices, optional
        Values that the user gives, such as the scan.

    Returns
    -------
    Recording
        In canonical orientation.

    Raises
    ------
    RecordingError
        When the format is not known, the file is cut short, damaged or contradicts itself, or a choice is missing.
    GeometryError
        When the directions of the images span no plane.
    """
    found, choices = format_of(path), Choices() if choices is None else choices
    try:
        recording = found.open(path, choices)
    except OSError as error:
        raise _unreadable(path, error) from None
    return recording if choices.resample_hz is None else resample(recording, choices.resample_hz)


def format_of(path: Path) -> Format:
    """Find the format of a file or folder.

    Parameters
    ----------
    path : Path
        A file or a folder.

    Returns
    -------
    Format
        The first of `formats` that claims it.

    Raises
    ------
    RecordingError
        When there is no such file, it cannot be read, or no format claims it.
    """
    try:
        head = b""
        if not path.is_dir():
            with path.open("rb") as file:
                head = file.read(HEAD_BYTES)
        found = next((one for one in formats() if one.claims(path, head)), None)
    except FileNotFoundError:
        raise RecordingError(f"{path}: no such file or folder; name a recording") from None
    except OSError as error:
        raise _unreadable(path, error) from None
    broken: list[str] = []
    if found is None:
        found = _plugin_format(path, head, broken)
    if found is None:
        kind = f"begins with {head[:8]!r}" if head else "holds no recording" if path.is_dir() else "is empty"
        known = ", ".join(one.name for one in formats())
        where = "docs/reference/recording-formats.md"
        failed = "".join(f"; {why}" for why in broken)
        raise RecordingError(f"{path}: {kind} and is of no known format: {known}; see {where}{failed}")
    return found


def _plugin_format(path: Path, head: bytes, broken: list[str]) -> Format | None:
    """Return the plug-in that claims a file or folder, and collect why others could not be asked."""
    for plugin in PLUGINS.plugins():
        try:
            found = plugin.load()
            if not isinstance(found, Format):
                broken.append(f"{plugin.origin}: is a {type(found).__name__}; give a replay.formats.format.Format")
            elif found.claims(path, head):
                return replace(found, open=partial(_open_by_plugin, plugin, found))
        except PluginError as error:
            broken.append(str(error))
        except Exception as error:
            broken.append(f"{plugin.origin}: claims() raised {type(error).__name__}: {error}")
    return None


def _open_by_plugin(plugin: Plugin, found: Format, path: Path, choices: Choices) -> Recording:
    """Open a recording with a plug-in, and refuse what is no recording."""
    try:
        recording = found.open(path, choices)
    except (GatekeeperError, OSError):
        raise
    except Exception as error:
        raise RecordingError(f"{path}: {plugin.origin} failed with {type(error).__name__}: {error}") from error
    if not isinstance(recording, Recording):
        raise RecordingError(f"{path}: {plugin.origin} returned a {type(recording).__name__}; it must be a Recording")
    shape, times = tuple(recording.frames.shape), np.shape(recording.times_s)
    if len(shape) != 3 or not shape[0] or times != shape[:1] or not np.isfinite(recording.times_s).all():
        raise RecordingError(
            f"{path}: {plugin.origin} returned frames {shape} with times {times}; give (T, H, W) and T"
        )
    return recording


def _unreadable(path: Path, error: OSError) -> RecordingError:
    return RecordingError(f"{path}: cannot be read ({error.strerror or error}); check the path and its permissions")
