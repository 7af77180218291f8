"""Pixels in several files, one after the other, as the header of a MetaImage or NRRD names them."""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from replay.formats.pixel_file import PixelFile
from replay.recording import LazyFrames

MOST_PARTS = 200_000
_MOST_BYTES = 2**26
_PATTERN = re.compile(r"[^%]*%0?\d{0,2}[diu][^%]*")


@dataclass(frozen=True, slots=True)
class PixelParts(PixelFile):
    """Pixels in several files of one size each.

    Attributes
    ----------
    parts : tuple of PixelFile
        Their pixels, in order; the shape of each is of one axis.
    """

    parts: tuple[PixelFile, ...] = ()

    @property
    def is_by_frame(self) -> bool:
        """Whether frames, with time as the slowest axis, can be read one by one: each file holds some, uncompressed."""
        return self.decompress is None and self.parts[0].nbytes % self._frame_bytes == 0

    @property
    def _frame_bytes(self) -> int:
        return math.prod(self.shape[1:]) * self.dtype.itemsize

    def check_claim(self) -> None:
        """Check what can be checked without decompressing.

        Raises
        ------
        RecordingError
            When a file holds fewer or more bytes than its share.
        """
        for part in self.parts:
            part.check_claim()
        if sum(part.nbytes for part in self.parts) != self.nbytes:
            raise RecordingError(f"{self.path}: its {len(self.parts)} files do not hold {self.nbytes} bytes of pixels")

    def _frames_of_file(self) -> LazyFrames:
        each = self.parts[0].nbytes // self._frame_bytes
        stacks = [
            PixelFile(part.path, part.offset, self.dtype, (each, *self.shape[1:])).frames(0) for part in self.parts
        ]

        def read(index: int) -> NDArray[Any]:
            image: NDArray[Any] = stacks[index // each][index % each]
            return image

        count, rows, cols = self.shape
        return LazyFrames(read, count, (rows, cols), self.dtype.newbyteorder("="))

    def pieces(self) -> Iterator[bytes]:
        """Yield the announced bytes in order.

        Yields
        ------
        bytes
            Those of one file after those of another.
        """
        for part in self.parts:
            yield from part.pieces()


def listed_names(path: Path, file: BinaryIO) -> list[str]:
    """Return the names of files, one a line, that follow a header up to the end of its file.

    Parameters
    ----------
    path : Path
        The header, named in messages.
    file : file
        Open behind the header.

    Returns
    -------
    list of str

    Raises
    ------
    RecordingError
        When there are none.
    """
    lines = file.read(_MOST_BYTES).decode("utf-8", "surrogateescape").splitlines()
    if not (names := [line.strip() for line in lines if line.strip()]):
        raise RecordingError(f"{path}: names no files of pixels behind its header; correct the header")
    return names


def numbered_names(path: Path, words: Sequence[str], count: int) -> list[str]:
    """Return the names of a pattern such as `frame%03d.raw 1 40 1`.

    Parameters
    ----------
    path : Path
        The header, named in messages.
    words : sequence of str
        The pattern, and the first and last number and their step as far as the header has them.
    count : int
        Number of files where the last number is not told.

    Returns
    -------
    list of str

    Raises
    ------
    RecordingError
        When the pattern has not one whole number, or the numbers make no files.
    """
    pattern, *limits = words
    if not _PATTERN.fullmatch(pattern) or not all(re.fullmatch(r"-?\d{1,9}", word) for word in limits[:3]):
        raise RecordingError(
            f"{path}: names its pixels by {' '.join(words)!r:.80}; it must be a name with one %d, and whole numbers"
        )
    first, last, step = (int(limits[at]) if at < len(limits) else None for at in range(3))
    first, step = 1 if first is None else first, 1 if step is None else step
    last = first + step * (count - 1) if last is None else last
    if step == 0 or not 0 < (found := len(range(first, last + (1 if step > 0 else -1), step))) <= MOST_PARTS:
        raise RecordingError(f"{path}: names no files, or too many, by {' '.join(words)!r:.80}; correct the header")
    return [pattern % (first + step * index) for index in range(found)]


def several_files(
    path: Path,
    files: Sequence[Path],
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    part_of: Callable[[Path, tuple[int, ...]], PixelFile],
) -> PixelFile:
    """Return the pixels in several files.

    Parameters
    ----------
    path : Path
        The header, named in messages.
    files : sequence of Path
        The files, in order.
    shape : tuple of int
        Of all pixels, the slowest axis first.
    dtype : dtype
        Type of a pixel.
    part_of : callable
        Returns the pixels of one file, which have this shape.

    Returns
    -------
    PixelFile

    Raises
    ------
    RecordingError
        When the files cannot share the pixels evenly.
    """
    pixels = math.prod(shape)
    if not files or len(files) > MOST_PARTS or pixels % len(files):
        raise RecordingError(
            f"{path}: names {len(files)} files for {pixels} pixels, which they cannot share evenly; correct the header"
        )
    parts = tuple(part_of(file, (pixels // len(files),)) for file in files)
    return PixelParts(files[0], 0, dtype, shape, parts[0].decompress, parts=parts)
