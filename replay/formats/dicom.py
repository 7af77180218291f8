"""DICOM cine: single-frame or enhanced multi-frame MR images in a file or folder, opened without reading pixels."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from replay.formats.dicom_file import FIRST_BYTES, Image, is_dicom_head, read_images
from replay.formats.dicom_series import Series, choose_images, sort_images
from replay.formats.format import DICOM, Choices, Format
from replay.formats.sidecar import Sidecar, read_sidecar
from replay.formats.stack import Stack, make_recording
from replay.formats.structure_set import is_structure_set
from replay.recording import LazyFrames, Recording

MOST_FILES = 100_000
FIRST_LOOK = 64
"""Number of files of a folder that are examined to find out whether it holds DICOM."""
_HEAD_BYTES = 512


def claims(path: Path, head: bytes) -> bool:
    """Return whether a file is DICOM, or one of the first files in a folder is."""
    if not path.is_dir():
        return is_dicom_head(head)
    return any(map(_is_dicom, islice(_files(path), FIRST_LOOK)))


def open_dicom(path: Path, choices: Choices) -> Recording:
    """Open a DICOM file, or all DICOM files in a folder and its subfolders, as one recording.

    The recording is named after a hash of the series' UID unless its sidecar file gives a name, since folders of
    exports are often called after the patient.

    Parameters
    ----------
    path : Path
        A file or a folder.
    choices : Choices
        `scan` is the number of the series or plane in the list that the error gives, or "all" for all series of one
        plane.

    Returns
    -------
    Recording
        In canonical orientation; frames are read when they are asked for.

    Raises
    ------
    RecordingError
        When there are several series or planes and none is chosen, times are missing, or a file is damaged.
    GeometryError
        When the directions of the images span no plane.
    """
    series, notes = _series(path, choices)
    sidecar = read_sidecar(path, choices)
    _check_told(series, sidecar, path)
    return make_recording(_stack(series, notes), sidecar, path)


def _check_told(series: Series, sidecar: Sidecar, path: Path) -> None:
    """Raise RecordingError for what the images do not tell and the user does not either, with a way out."""
    first = series.images[0].header
    unread = next((word for word in first.unread if "PixelSpacing" in word), None)
    if first.spacing_mm is None and sidecar.spacing_mm is None and unread is not None:
        raise RecordingError(
            f"{path}: {unread}; write spacing_mm = [row, column] into {path.name}.toml, or give --spacing-mm"
        )
    is_timed = series.times_s is not None or sidecar.rate_hz is not None or sidecar.times_s is not None
    if is_timed or len(series.images) == 1:
        return
    if first.display_hz is not None:
        raise RecordingError(
            f"{path}: has no times; it recommends to show {first.display_hz:g} frames per second, and if they were "
            f"acquired at that rate, write rate_hz = {first.display_hz:g} into {path.name}.toml, or give --rate-hz"
        )
    spoilt = [f"its {word} cannot be read" for word in first.unread if word.endswith(("Time", "TimeVector"))]
    why = next(iter([*spoilt, *(note for note in series.notes if "not used" in note)]), "its images have no times")
    raise RecordingError(
        f"{path}: has no frame rate, as {why}; write rate_hz = ... into {path.name}.toml, or give --rate-hz"
    )


def frame_of_reference(path: Path, choices: Choices) -> str | None:
    """Return the UID of the frame of reference of a recording.

    Parameters
    ----------
    path : Path
        A file or a folder.
    choices : Choices
        As for `open_dicom`.

    Returns
    -------
    str or None
        None where the images have none.

    Raises
    ------
    RecordingError
        As `open_dicom`, and when the images have several.
    """
    series, _ = _series(path, choices)
    found = {one.header.frame_of_reference for one in series.images if one.header.frame_of_reference}
    if len(found) > 1:
        raise RecordingError(f"{path}: its images are in {len(found)} frames of reference; export one scan")
    return found.pop() if found else None


def _series(path: Path, choices: Choices) -> tuple[Series, tuple[str, ...]]:
    """Return the chosen series, with notes on it and on the files that were left out."""
    images: list[Image] = []
    left: Counter[str] = Counter()
    plans: list[Path] = []
    read, header_bytes = 0, FIRST_BYTES
    for file in _files(path) if path.is_dir() else [path]:
        try:
            found = read_images(file, header_bytes)
        except OSError:
            if not path.is_dir():
                raise
            continue
        except RecordingError as error:
            refusal, found = error, []
            if path.is_dir() and is_structure_set(file):
                plans.append(file)
            else:
                left[str(error).removeprefix(f"{file}: ")] += 1
        else:
            if found:
                read, header_bytes = read + 1, max(FIRST_BYTES, found[0].pixels.offset + _HEAD_BYTES)
        images += found
    if not images:
        if left.total() == 1:
            raise refusal
        why = next(iter(left), "has no DICOM file")
        raise RecordingError(f"{path}: holds no image that can be read; the first {why}")
    chosen, about = choose_images(images, choices, str(path))
    series = sort_images(chosen, str(path))
    notes = (*about, *series.notes, *(f"{plan} is an RT Structure Set; --target names its regions" for plan in plans))
    if left:
        notes = (
            *notes,
            f"{left.total()} of {left.total() + read} DICOM files are left out; the first {next(iter(left))}",
        )
    return series, notes


def _stack(series: Series, notes: tuple[str, ...]) -> Stack:
    """Return the images of a series as a stack; they are read when they are asked for."""
    images, first = series.images, series.images[0]
    types = {one.dtype for one in images}
    dtype = types.pop() if len(types) == 1 else np.dtype(np.float32)

    def read(index: int) -> NDArray[np.generic]:
        pixels: NDArray[np.generic] = images[index].read().astype(dtype, copy=False)
        return pixels

    return Stack(
        frames=LazyFrames(read, len(images), first.header.shape, dtype),
        spacing_mm=first.header.spacing_mm,
        plane=first.header.plane,
        times_s=series.times_s,
        name=f"dicom-{hashlib.sha256(first.header.series.encode()).hexdigest()[:8]}",
        field_strength_t=first.header.field_strength_t,
        notes=notes,
    )


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder and its subfolders in the order of their names, without hidden ones."""
    for count, file in enumerate(sorted(folder.rglob("*"))):
        if count > MOST_FILES:
            raise RecordingError(f"{folder}: holds more than {MOST_FILES} files; name the folder of one series")
        if not file.name.startswith(".") and file.name != "DICOMDIR" and file.is_file():
            yield file


def _is_dicom(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return is_dicom_head(opened.read(_HEAD_BYTES))
    except OSError:
        return False


FORMAT = Format(DICOM, claims, open_dicom)
FORMATS = (FORMAT,)
