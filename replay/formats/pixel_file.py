"""Pixels in a file: checked against what the header announces, and read frame by frame.

Frames that lie one after the other and are not compressed are read from the file when they are asked for. All others
are decompressed once: into memory when they are small, otherwise into a temporary file.
"""

import gzip
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from replay.formats.decompression import CHUNK_BYTES, Opener
from replay.formats.temporary_file import TemporaryFile
from replay.recording import LazyFrames

MAX_COMPRESSED_BYTES = 4 * 2**30
"""Limit of compressed pixels, in bytes after decompression."""
IN_MEMORY_BYTES = 256 * 2**20
"""Pixels of at most so many bytes are decompressed into memory."""
_BLOCK_BYTES = 2**26


@dataclass(frozen=True, slots=True)
class PixelFile:
    """Pixels in a file, as its header announces them.

    Attributes
    ----------
    path : Path
        The file.
    offset : int
        Where the pixels begin, in bytes.
    dtype : dtype
        Type of a pixel, with its byte order.
    shape : tuple of int
        Pixels along each axis in the order of numpy, the slowest first.
    decompress : callable or None
        Opens the decompressed bytes of the pixels; None when they are not compressed.
    ends_file : bool
        Whether the pixels are the last bytes of the file.
    """

    path: Path
    offset: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    decompress: Opener | None = None
    ends_file: bool = True

    @property
    def is_by_frame(self) -> bool:
        """Whether frames, with time as the slowest axis, can be read one by one."""
        return self.decompress is None

    @property
    def nbytes(self) -> int:
        """Number of bytes that the header announces."""
        return math.prod(self.shape) * self.dtype.itemsize

    def check(self) -> None:
        """Check that the file holds the pixels that its header announces.

        Raises
        ------
        RecordingError
            When it holds fewer or more bytes, announces none or too many, or compressed pixels are damaged.
        """
        self.check_claim()
        if self.decompress is not None:
            for _ in self.pieces():
                pass

    def check_claim(self) -> None:
        """Check what can be checked without decompressing.

        Raises
        ------
        RecordingError
            As `check`.
        """
        if not self.nbytes:
            self._refuse(f"has size {self.shape}; export it with at least one pixel and one frame")
        if self.decompress is not None:
            if self.nbytes > MAX_COMPRESSED_BYTES:
                announced, limit = self.nbytes / 2**30, MAX_COMPRESSED_BYTES / 2**30
                self._refuse(
                    f"announces {announced:.1f} GiB of compressed pixels, the limit is {limit:g}; split the recording"
                )
            return
        held = self.path.stat().st_size - self.offset
        if self.ends_file and held > self.nbytes:
            self._refuse(f"holds more than the {self.nbytes} bytes of pixels that it announces; export it again")
        if held < self.nbytes:
            self._refuse(f"is cut short: it holds {max(held, 0)} of {self.nbytes} bytes of pixels; copy the file again")

    def read_all(self) -> NDArray[Any]:
        """Read all pixels.

        Returns
        -------
        ndarray
            Of the shape and type of the header, in the byte order of this machine.

        Raises
        ------
        RecordingError
            As `check`.
        """
        self.check_claim()
        flat = np.empty(self.nbytes, np.uint8)
        filled = 0
        for piece in self.pieces():
            flat[filled : filled + len(piece)] = np.frombuffer(piece, np.uint8)
            filled += len(piece)
        return _native(flat.view(self.dtype).reshape(self.shape))

    def frames(self, time: int) -> LazyFrames | NDArray[Any]:
        """Return the pixels of three axes as a stack of frames.

        Parameters
        ----------
        time : int
            Axis of time: 0, the slowest, or 2, the fastest.

        Returns
        -------
        FrameStack, shape (T, H, W)
            In the byte order of this machine; read frame by frame where the file allows it.

        Raises
        ------
        RecordingError
            As `check`, and when the disk has no room for the decompressed pixels.
        """
        self.check_claim()
        if self.is_by_frame and time == 0:
            return self._frames_of_file()
        if self.nbytes <= IN_MEMORY_BYTES:
            return self.read_all() if time == 0 else to_time_first(self.read_all())
        try:
            return self._frames_of_temporary_file(time)
        except OSError as error:
            self._refuse(
                f"needs {self.nbytes / 2**30:.1f} GiB of temporary files ({error.strerror or error}); "
                "free some space or name another folder in TMPDIR"
            )

    def _frames_of_file(self) -> LazyFrames:
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

    def _frames_of_temporary_file(self, time: int) -> LazyFrames:
        """Decompress into a temporary file, frame after frame."""
        count, rows, cols = self.shape if time == 0 else (self.shape[2], *self.shape[:2])
        frame_bytes = rows * cols * self.dtype.itemsize
        temporary = TemporaryFile()
        if time == 0:
            offset = 0
            for piece in self.pieces():
                temporary.write(piece, offset)
                offset += len(piece)
        else:
            row_bytes = cols * count * self.dtype.itemsize
            at_once = max(_BLOCK_BYTES // row_bytes, 1)
            row = 0
            for block in _blocks(self.pieces(), at_once * row_bytes):
                lines = np.frombuffer(block, self.dtype).reshape(-1, cols, count).transpose(2, 0, 1)
                for frame, part in enumerate(lines):
                    offset = frame * frame_bytes + row * frame_bytes // rows
                    temporary.write(np.ascontiguousarray(part).tobytes(), offset)
                row += lines.shape[1]

        def read(index: int) -> NDArray[Any]:
            content = temporary.read(frame_bytes, index * frame_bytes)
            return _native(np.frombuffer(content, self.dtype).reshape(rows, cols))

        return LazyFrames(read, count, (rows, cols), self.dtype.newbyteorder("="))

    def pieces(self) -> Iterator[bytes]:
        """Yield the announced bytes in order.

        Yields
        ------
        bytes
            Never more than are announced.

        Raises
        ------
        RecordingError
            When there are fewer or more.
        """
        announced = self.nbytes
        # The size of a file was checked before; in a compressed stream only a further byte shows that more follows.
        most = announced if self.decompress is None else announced + 1
        held = 0
        try:
            with self._opened() if self.decompress is None else self.decompress() as stream:
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

    def _opened(self) -> BinaryIO:
        stream = self.path.open("rb")
        stream.seek(self.offset)
        return stream

    def _refuse(self, why: str) -> NoReturn:
        raise RecordingError(f"{self.path}: {why}") from None


def to_time_first(pixels: NDArray[Any], dtype: np.dtype[Any] | None = None) -> NDArray[Any]:
    """Copy pixels with time as the last axis to frames.

    Parameters
    ----------
    pixels : ndarray, shape (H, W, T)
        As stored.
    dtype : dtype, optional
        Type of the result, that of `pixels` by default; what does not fit into a float becomes infinite.

    Returns
    -------
    ndarray, shape (T, H, W)
        A copy, made row by row: one row of all frames fits into the cache, which makes it twice as fast.
    """
    rows, cols, frames = pixels.shape
    out = np.empty((frames, rows, cols), pixels.dtype if dtype is None else dtype)
    with np.errstate(over="ignore"):
        for row in range(rows):
            out[:, row] = pixels[row].T
    return out


def _native(pixels: NDArray[Any]) -> NDArray[Any]:
    return pixels.astype(pixels.dtype.newbyteorder("="), copy=False)


def _blocks(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Yield the bytes of all pieces in blocks of one size; the last block may be shorter."""
    block = bytearray()
    for piece in pieces:
        block += piece
        while len(block) >= size:
            yield bytes(block[:size])
            del block[:size]
    if block:
        yield bytes(block)
