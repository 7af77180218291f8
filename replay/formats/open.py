"""Open a recording of any format; the format is found by the content of a file, not by its name."""

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
"""All formats. A new format is a new file and a line here."""


def open_recording(path: Path, choices: Choices | None = None) -> Recording:
    """Open the recording at a path.

    Parameters
    ----------
    path : Path
        A file or a folder of one of `FORMATS`.
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
        When the images are not sagittal.
    """
    found = format_of(path)
    try:
        return found.open(path, Choices() if choices is None else choices)
    except OSError as error:
        raise _unreadable(path, error) from None


def format_of(path: Path) -> Format:
    """Find the format of a file or folder.

    Parameters
    ----------
    path : Path
        A file or a folder.

    Returns
    -------
    Format
        The first of `FORMATS` that claims it.

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
        found = next((one for one in FORMATS if one.claims(path, head)), None)
    except FileNotFoundError:
        raise RecordingError(f"{path}: no such file or folder; name a recording") from None
    except OSError as error:
        raise _unreadable(path, error) from None
    if found is None:
        kind = f"begins with {head[:8]!r}" if head else "holds no recording" if path.is_dir() else "is empty"
        known = ", ".join(one.name for one in FORMATS)
        where = "docs/reference/recording-formats.md"
        raise RecordingError(f"{path}: {kind} and is of no known format: {known}; see {where}")
    return found


def _unreadable(path: Path, error: OSError) -> RecordingError:
    return RecordingError(f"{path}: cannot be read ({error.strerror or error}); check the path and its permissions")
