"""A folder with one image file for each frame, as TrackRAD's scripts, MRLCinema and SlicerCineTrack keep them.

The numbers in the names are the order of the frames. Names that differ in anything but one number are sequences of
their own, and so are images of another size or plane; they are never mixed. Where a number is missing, so is a frame,
and the times have a gap. A table `Transforms.csv` in the folder, or in the one above, as `gatekeeper export --slicer`
writes it, tells the times.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from replay.formats import arrays, tiff
from replay.formats.format import HEAD_BYTES, Choices, Format
from replay.formats.image_times import RATE, TABLE, stored_rate_hz, table_times_s, times_of_numbers
from replay.formats.images import IMAGES, ImageFormat, open_images
from replay.formats.planes import SAME_PLANE_MM, ImagePlane, note_on_positions, of_orientation
from replay.formats.readable import read_each
from replay.formats.sidecar import read_sidecar
from replay.formats.stack import Stack, make_recording
from replay.recording import LazyFrames, Recording

FIRST_LOOK = 64
"""Number of files of a folder that are examined to find out whether it holds images."""
MOST_FILES = 100_000
_READERS = tuple(one for one in IMAGES if one.is_itk or one.read in (arrays.read_npy, tiff.read_tiff))
_MOST_LISTED = 8
_DIGITS = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class _File:
    """An image file: the text of its name with a mark for each number, the numbers, and the image itself."""

    path: Path
    text: str
    numbers: tuple[int, ...]
    images: ImageFormat
    stack: Stack

    @property
    def where(self) -> tuple[object, ...]:
        """Size, type and spacing of the image; the same for all frames of a sequence."""
        return self.stack.frames.shape[1:], self.stack.frames.dtype, self.stack.spacing_mm

    @property
    def slice(self) -> ImagePlane | None:
        """Size, spacing and plane of the image; None where they are not known."""
        if self.stack.plane is None or self.stack.spacing_mm is None:
            return None
        rows, cols = self.stack.frames.shape[1:]
        return ImagePlane((rows, cols), self.stack.spacing_mm, self.stack.plane)

    def apart_mm(self, other: "_File") -> float:
        """Return the largest distance between the corners of two images, in mm; 0 where neither tells its plane."""
        mine, theirs = self.slice, other.slice
        if mine is None or theirs is None:
            return 0.0 if mine is theirs else np.inf
        return mine.apart_mm(theirs)

    def describe(self) -> str:
        """Return a description for a list, such as "sagittal 256 x 256"."""
        rows, cols = self.stack.frames.shape[1:]
        return f"{rows} x {cols}" if self.slice is None else self.slice.describe()


def is_image_folder(path: Path, _head: bytes) -> bool:
    """Return whether a folder, or the folder `images` in it, holds image files."""
    return path.is_dir() and any(_format_of(file) is not None for file in islice(_files(_folder(path)), FIRST_LOOK))


def open_image_folder(path: Path, choices: Choices) -> Recording:
    """Open a folder with one image file for each frame.

    Parameters
    ----------
    path : Path
        The folder, or the one in which it lies as `images`.
    choices : Choices
        `scan` is the number of the sequence in the list that the error gives.

    Returns
    -------
    Recording
        In canonical orientation; frames are read when they are asked for.

    Raises
    ------
    RecordingError
        When a file holds several images, or there are several sequences and none is chosen.
    GeometryError
        When the directions of the images span no plane.
    """
    folder, sidecar = _folder(path), read_sidecar(path, choices)
    formats = {}
    for count, file in enumerate(_files(folder)):
        if count >= MOST_FILES:
            _refuse(path, f"holds more than {MOST_FILES} files; name the folder of one sequence")
        if (found := _format_of(file)) is not None:
            formats[file] = found
    files, damaged = read_each(list(formats), lambda file: _header(file, formats[file], sidecar.as_stored), path)
    if all(len(one.stack.frames) > 1 for one in files):
        return _open_one(files, choices, path, damaged)
    for one in files:
        if (several := len(one.stack.frames)) != 1:
            _refuse(one.path, f"holds {several} images, and its folder has further files; name the file itself")
    chosen, notes = _chosen(_sequences(files), choices, path)
    counted, order = _order(chosen, path)
    chosen = [chosen[index] for index in order]
    first = chosen[0].stack

    def read(index: int) -> NDArray[np.generic]:
        one = chosen[index]
        image: NDArray[np.generic] = np.asarray(one.images.read(one.path, None, sidecar.as_stored).frames[0])
        return image

    stack = replace(
        first,
        frames=LazyFrames(read, len(chosen), (first.frames.shape[1], first.frames.shape[2]), first.frames.dtype),
        rate_hz=None,
        time_axis=None,
        name=None,
        notes=(
            *dict.fromkeys(note for one in chosen for note in one.stack.notes),
            *damaged,
            *notes,
            *note_on_positions(max(chosen[0].apart_mm(one) for one in chosen)),
        ),
    )
    if (times_s := table_times_s(folder, counted)) is not None:
        stack = replace(stack, times_s=times_s)
    elif (rate_hz := stored_rate_hz(folder)) is not None:
        times_s, about = times_of_numbers(counted, rate_hz)
        stack = replace(stack, times_s=times_s, notes=(*stack.notes, f"the rate is that of {RATE}", *about))
    if sidecar.rate_hz is not None:
        told_s, about = times_of_numbers(counted, sidecar.rate_hz)
        if about:
            sidecar = sidecar.model_copy(update={"times_s": tuple(told_s.tolist()), "rate_hz": None})
            stack = replace(stack, notes=tuple(dict.fromkeys((*stack.notes, *about))))
    return make_recording(stack, sidecar, path)


def _open_one(files: Sequence[_File], choices: Choices, path: Path, notes: list[str]) -> Recording:
    """Open the only file of a folder whose files each hold a recording, or the one of a number or an orientation."""
    fitting = of_orientation(files, lambda one: one.stack.plane, choices.orientation)
    listed = "; ".join(
        f"{number}: {one.path.name:.60}, {len(one.stack.frames)} images, {one.describe()}"
        for number, one in enumerate(files[:_MOST_LISTED], 1)
        if number - 1 in fitting or not fitting
    )
    wanted = choices.scan
    if wanted is None and len(fitting) != 1:
        _refuse(
            path, f"holds {len(fitting)} recordings, choose one by its number (--scan), or name its file: {listed:.400}"
        )
    if wanted is not None and not (wanted.isdecimal() and int(wanted) - 1 in fitting):
        _refuse(path, f"has no recording {wanted!r:.20}; it holds {listed:.400}")
    one = files[fitting[0] if wanted is None else int(wanted) - 1]
    recording = open_images(one.images, one.path, replace(choices, scan=None))
    return replace(recording, notes=(*notes, *recording.notes))


def _refuse(path: Path, why: str) -> NoReturn:
    raise RecordingError(f"{path}: {why}") from None


def _folder(path: Path) -> Path:
    """Return the folder of the images: that of an export to 3D Slicer is `images` in it."""
    below = path / "images"
    return below if path.is_dir() and below.is_dir() and (path / TABLE).is_file() else path


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if not file.name.startswith(".") and file.is_file())


def _format_of(file: Path) -> ImageFormat | None:
    if file.name.lower().removesuffix(".gz").endswith(".img"):
        return None  # holds the pixels of a header beside it
    try:
        with file.open("rb") as opened:
            head = opened.read(HEAD_BYTES)
    except OSError:
        return None
    return next((one for one in _READERS if one.claims(file, head)), None)


def _header(file: Path, images: ImageFormat, as_stored: bool) -> _File:
    """Return an image file without its pixels, which are read again when they are asked for."""
    stack = images.read(file, None, as_stored)
    frames = stack.frames
    shape = frames.shape[1], frames.shape[2]
    unread = LazyFrames(_unread, len(frames), shape, frames.dtype.newbyteorder("="))
    numbers = tuple(int(digits) for digits in _DIGITS.findall(file.name.removesuffix(file.suffix))[:16])
    return _File(file, _DIGITS.sub("#", file.name), numbers, images, replace(stack, frames=unread))


def _unread(_index: int) -> NDArray[np.generic]:
    raise AssertionError("only the header was read")


def _sequences(files: Sequence[_File]) -> list[list[_File]]:
    """Return the files of each sequence: the same text, size and plane, within the tolerance of the gate."""
    found: dict[tuple[object, ...], list[list[_File]]] = {}
    for one in files:
        alike = found.setdefault((one.text, *one.where), [])
        near = next((members for members in alike if members[0].apart_mm(one) <= SAME_PLANE_MM), None)
        if near is None:
            alike.append([one])
        else:
            near.append(one)
    return [members for alike in found.values() for members in alike]


def _chosen(sequences: list[list[_File]], choices: Choices, path: Path) -> tuple[list[_File], tuple[str, ...]]:
    """Return the only sequence, or the one of a number or an orientation, and a note on single files beside it."""
    longer, wanted = [members for members in sequences if len(members) > 1] or sequences, choices.scan
    fitting = of_orientation(longer, lambda members: members[0].stack.plane, choices.orientation)
    listed = "; ".join(
        f"{number}: {len(members)} images, {members[0].describe()}, from {members[0].path.name!r:.40}"
        for number, members in enumerate(longer[:_MOST_LISTED], 1)
        if number - 1 in fitting or not fitting
    )
    if not fitting:
        _refuse(path, f"has no {choices.orientation} images; it holds {listed:.400}")
    if wanted is None and len(fitting) > 1:
        _refuse(
            path,
            f"holds {len(fitting)} sequences of images, choose one by its number (--scan) or its plane (--plane): "
            f"{listed:.400}",
        )
    if wanted is not None and not (wanted.isdecimal() and int(wanted) - 1 in fitting):
        _refuse(path, f"has no sequence {wanted!r:.20}; it holds {listed:.400}")
    chosen = longer[fitting[0] if wanted is None else int(wanted) - 1]
    left = [members[0].path.name for members in sequences if len(members) == 1 and members is not chosen]
    if not left:
        return chosen, ()
    return chosen, (f"{len(left)} image files are no part of the sequence and left out: {', '.join(left):.80}",)


def _order(files: Sequence[_File], path: Path) -> tuple[NDArray[np.int64], list[int]]:
    """Return the number of each frame in the order of frames, and the files in that order."""
    if len(files) == 1:
        return np.zeros(1, np.int64), [0]
    counts = [column for column in zip(*(one.numbers for one in files), strict=True) if len(set(column)) > 1]
    whole = [column for column in counts if len(set(column)) == len(files)]
    orders = {tuple(sorted(range(len(files)), key=column.__getitem__)) for column in whole}
    if len(orders) != 1 or len(whole) != len(counts):
        several = Counter(one.text for one in files).most_common(1)[0][0]
        _refuse(
            path,
            f"has names ({several:.60}) in which {len(counts)} numbers change; name the files with one number that "
            "counts the frames",
        )
    (order,) = orders
    return np.array([whole[-1][index] for index in order], np.int64), list(order)


FORMAT = Format("folder of single images", is_image_folder, open_image_folder)
FORMATS = (FORMAT,)
