"""Opening a recording of any format: found out by what it holds, not by what it is called."""

from pathlib import Path

from gatekeeper.core.errors import RecordingError
from replay.formats import dicom, images, mrd, session, trackrad
from replay.formats.format import HEAD_BYTES, Choices, Format
from replay.formats.vendor import mridian, mridian_raw, unity
from replay.recording import Recording

FORMATS: tuple[Format, ...] = (
    session.FORMAT,
    trackrad.FORMAT,
    dicom.FORMAT,
    mrd.FORMAT,
    *images.FORMATS,
    mridian.FORMAT,
    unity.FORMAT,
    mridian_raw.FORMAT,
)
"""All that is read. A new format is a file of its own and a line here."""


def open_recording(path: Path, choices: Choices | None = None) -> Recording:
    """Return the recording at `path`.

    Parameters
    ----------
    path : Path
        A file or a folder of one of `FORMATS`.
    choices : Choices, optional
        What a reader may have to be told.

    Raises
    ------
    RecordingError
        When it is none of them, is cut short, damaged or contradicts itself, or when a choice is missing.
    GeometryError
        When it lies where no sagittal cine does.
    """
    found = format_of(path)
    try:
        return found.open(path, Choices() if choices is None else choices)
    except OSError as error:
        raise _unreadable(path, error) from None


def format_of(path: Path) -> Format:
    """Return the format of what is at `path`.

    Raises
    ------
    RecordingError
        When there is nothing, or nothing that is read.
    """
    try:
        head = b""
        if not path.is_dir():
            with path.open("rb") as file:
                head = file.read(HEAD_BYTES)
        found = next((one for one in FORMATS if one.claims(path, head)), None)
    except FileNotFoundError:
        raise RecordingError(f"{path}: no such file or folder; name a recording") from None
    except OSError as error:
        raise _unreadable(path, error) from None
    if found is None:
        kind = f"begins with {head[:8]!r}" if head else "holds no recording" if path.is_dir() else "is empty"
        known = ", ".join(one.name for one in FORMATS)
        raise RecordingError(f"{path}: {kind} and is none of what is read: {known}; see docs/formats.md")
    return found


def _unreadable(path: Path, error: OSError) -> RecordingError:
    return RecordingError(f"{path}: cannot be read ({error.strerror or error}); check the path and its permissions")
