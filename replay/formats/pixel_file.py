"""Stored pixels: where a header says that they lie, checked against the file, and read frame by frame.

What lies frame after frame and is not compressed is read where it is, when it is asked for. All else is unpacked once:
into memory when it is small, otherwise into a temporary file without a name, frame after frame.
"""

import gzip
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from replay.formats.decompression import CHUNK_BYTES, Opener
from replay.formats.temporary_file import Spool
from replay.recording import LazyFrames

MAX_PACKED_BYTES = 4 * 2**30
"""Compressed pixels may come to so many bytes; only unpacking tells whether they do."""
IN_MEMORY_BYTES = 256 * 2**20
"""So much is unpacked into memory."""
_BLOCK_BYTES = 2**26


@dataclass(frozen=True, slots=True)
class Stored:
    """Pixels in a file.

    Attributes
    ----------
    path : Path
        The file.
    offset : int
        Where in it the pixels begin, in bytes.
    dtype : dtype
        Type of a pixel, with its byte order.
    shape : tuple of int
        Axes in the order of numpy: the slowest first.
    unpack : callable or None
        Opens the unpacked bytes of pixels; None when they lie in the file as they are.
    ends_file : bool
        Whether nothing may follow the pixels.
    """

    path: Path
    offset: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    unpack: Opener | None = None
    ends_file: bool = True

    @property
    def nbytes(self) -> int:
        """How many bytes of pixels the header announces."""
        return math.prod(self.shape) * self.dtype.itemsize

    def check(self) -> None:
        """Refuse a file that does not hold what it announces, and keep none of it.

        Raises
        ------
        RecordingError
            When it holds fewer or more bytes, none or too many are announced, or compressed ones are damaged.
        """
        self._check_claim()
        if self.unpack is not None:
            for _ in self._pieces():
                pass

    def _check_claim(self) -> None:
        """Refuse what can be told without unpacking."""
        if not self.nbytes:
            self._refuse(f"has size {self.shape}; export it with at least one pixel and one frame")
        if self.unpack is not None:
            if self.nbytes > MAX_PACKED_BYTES:
                announced, limit = self.nbytes / 2**30, MAX_PACKED_BYTES / 2**30
                self._refuse(
                    f"announces {announced:.1f} GiB of compressed pixels, the limit is {limit:g}; split the recording"
                )
            return
        held = self.path.stat().st_size - self.offset
        if self.ends_file and held > self.nbytes:
            self._refuse(f"holds more than the {self.nbytes} bytes of pixels that it announces; export it again")
        if held < self.nbytes:
            self._refuse(f"is cut short: it holds {max(held, 0)} of {self.nbytes} bytes of pixels; copy the file again")

    def whole(self) -> NDArray[Any]:
        """Return all pixels in the byte order of this machine.

        Raises
        ------
        RecordingError
            As `check`.
        """
        self._check_claim()
        flat = np.empty(self.nbytes, np.uint8)
        filled = 0
        for piece in self._pieces():
            flat[filled : filled + len(piece)] = np.frombuffer(piece, np.uint8)
            filled += len(piece)
        return _native(flat.view(self.dtype).reshape(self.shape))

    def frames(self, time: int) -> LazyFrames | NDArray[Any]:
        """Return the pixels of three axes as a stack (T, H, W) in the byte order of this machine.

        Parameters
        ----------
        time : int
            Which axis is time: 0, the slowest, or 2, the fastest.

        Raises
        ------
        RecordingError
            As `check`, and when there is no room to unpack them.
        """
        self._check_claim()
        if self.unpack is None and time == 0:
            return self._in_place()
        if self.nbytes <= IN_MEMORY_BYTES:
            return self.whole() if time == 0 else time_first(self.whole())
        try:
            return self._spooled(time)
        except OSError as error:
            self._refuse(
                f"cannot be unpacked to {self.nbytes / 2**30:.1f} GiB of temporary files ({error.strerror or error}); "
                "free some space or name another place in TMPDIR"
            )

    def _in_place(self) -> LazyFrames:
        count, rows, cols = self.shape
        size = rows * cols

        def read(index: int) -> NDArray[Any]:
            offset = self.offset + index * size * self.dtype.itemsize
            try:
                pixels = np.fromfile(self.path, self.dtype, size, offset=offset)
            except OSError as error:
                self._refuse(f"cannot be read any more at frame {index} ({error.strerror or error}); put it back")
            if pixels.size != size:
                self._refuse(f"was cut short at frame {index} while it was read; copy the file again")
            return _native(pixels.reshape(rows, cols))

        return LazyFrames(read, count, (rows, cols), self.dtype.newbyteorder("="))

    def _spooled(self, time: int) -> LazyFrames:
        """Unpack into a temporary file in which frames follow each other."""
        count, rows, cols = self.shape if time == 0 else (self.shape[2], *self.shape[:2])
        frame_bytes = rows * cols * self.dtype.itemsize
        spool = Spool()
        if time == 0:
            place = 0
            for piece in self._pieces():
                spool.write(piece, place)
                place += len(piece)
        else:
            row_bytes = cols * count * self.dtype.itemsize
            at_once = max(_BLOCK_BYTES // row_bytes, 1)
            row = 0
            for block in _blocks(self._pieces(), at_once * row_bytes):
                lines = np.frombuffer(block, self.dtype).reshape(-1, cols, count).transpose(2, 0, 1)
                for frame, part in enumerate(lines):
                    spool.write(np.ascontiguousarray(part).tobytes(), frame * frame_bytes + row * frame_bytes // rows)
                row += lines.shape[1]

        def read(index: int) -> NDArray[Any]:
            stored = spool.read(frame_bytes, index * frame_bytes)
            return _native(np.frombuffer(stored, self.dtype).reshape(rows, cols))

        return LazyFrames(read, count, (rows, cols), self.dtype.newbyteorder("="))

    def _pieces(self) -> Iterator[bytes]:
        """Yield the announced bytes in order; refuse when there are fewer or more."""
        announced = self.nbytes
        # Whether more follows in the file itself, its size has told; of a packed stream only a further byte does.
        most = announced if self.unpack is None else announced + 1
        held = 0
        try:
            with self.path.open("rb") if self.unpack is None else self.unpack() as stream:
                if self.unpack is None:
                    stream.seek(self.offset)  # type: ignore[attr-defined]
                while held < most and (piece := stream.read(min(CHUNK_BYTES, most - held))):
                    held += len(piece)
                    if held <= announced:
                        yield piece
        except EOFError:
            self._refuse(f"is cut short: it holds {held} of {announced} bytes of pixels; copy the file again")
        except (gzip.BadGzipFile, zlib.error, ValueError) as error:
            self._refuse(f"has damaged pixels ({error}); copy the file again")
        if held > announced:
            self._refuse(f"holds more than the {announced} bytes of pixels that it announces; export it again")
        if held < announced:
            self._refuse(f"is cut short: it holds {held} of {announced} bytes of pixels; copy the file again")

    def _refuse(self, why: str) -> NoReturn:
        raise RecordingError(f"{self.path}: {why}") from None


def time_first(pixels: NDArray[Any], dtype: np.dtype[Any] | None = None) -> NDArray[Any]:
    """Copy (H, W, T) to (T, H, W), row by row: a row of all frames fits a cache, which makes it twice as fast."""
    rows, cols, frames = pixels.shape
    out = np.empty((frames, rows, cols), pixels.dtype if dtype is None else dtype)
    with np.errstate(over="ignore"):
        for row in range(rows):
            out[:, row] = pixels[row].T
    return out


def _native(pixels: NDArray[Any]) -> NDArray[Any]:
    return pixels.astype(pixels.dtype.newbyteorder("="), copy=False)


def _blocks(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Yield the bytes of all pieces in blocks of one size; the last may be shorter."""
    block = bytearray()
    for piece in pieces:
        block += piece
        while len(block) >= size:
            yield bytes(block[:size])
            del block[:size]
    if block:
        yield bytes(block)
