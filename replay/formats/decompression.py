"""Streams of decompressed pixels: damage and an early end raise an error."""

import bz2
import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from gatekeeper.core.errors import RecordingError

CHUNK_BYTES = 2**16


class Stream(Protocol):
    """Decompressed bytes, read in order."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` further bytes; nothing at the end."""


Opener = Callable[[], AbstractContextManager[Stream]]


class ZlibStream:
    """Decompress a zlib or gzip stream that lies in a file, and check its length.

    Parameters
    ----------
    path : Path
        The file.
    offset : int
        Where the stream begins, in bytes.
    announced : str or None
        Length of the stream in bytes, as the text of a header that must give it.
    """

    def __init__(self, path: Path, offset: int, announced: str | None = None) -> None:
        self._path = path
        self._file = path.open("rb")
        self._file.seek(offset)
        self._offset, self._announced = offset, announced
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)

    def read(self, size: int, /) -> bytes:
        """Return at most `size` further bytes; nothing at the end, after the checksum was found to be right.

        Raises
        ------
        EOFError
            When the file ends before the stream does.
        zlib.error
            When the stream is damaged.
        RecordingError
            When the stream is not as long as announced.
        """
        while not self._inflate.eof:
            compressed = self._inflate.unconsumed_tail or self._file.read(CHUNK_BYTES)
            piece = self._inflate.decompress(compressed, size)
            if piece:
                return piece
            if not compressed and not self._inflate.eof:
                raise EOFError
        length = self._file.tell() - self._offset - len(self._inflate.unused_data)
        text = self._announced
        if text is not None and not (text.isascii() and text.isdecimal() and len(text) < 32 and int(text) == length):
            raise RecordingError(
                f"{self._path}: has {text:.20} as CompressedDataSize, not {length}; correct the header"
            )
        return b""

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def zlib_opener(path: Path, offset: int, announced: str | None = None) -> Opener:
    """Return a function that opens a `ZlibStream`."""
    return lambda: closing(ZlibStream(path, offset, announced))


def gzip_opener(path: Path, offset: int, skip: int = 0) -> Opener:
    """Return a function that opens a gzip stream which reaches to the end of a file.

    Parameters
    ----------
    path : Path
        The file.
    offset : int
        Where the stream begins, in bytes.
    skip : int
        Number of decompressed bytes to drop at its beginning.
    """
    return _skipping(path, offset, skip, lambda file: gzip.GzipFile(fileobj=file))


def bzip2_opener(path: Path, offset: int, skip: int = 0) -> Opener:
    """Return a function that opens a bzip2 stream which reaches to the end of a file.

    Parameters
    ----------
    path : Path
        The file.
    offset : int
        Where the stream begins, in bytes.
    skip : int
        Number of decompressed bytes to drop at its beginning.
    """
    return _skipping(path, offset, skip, bz2.BZ2File)


def length_of(opener: Opener, most: int) -> int:
    """Return the number of decompressed bytes of a stream, at most a few more than a limit.

    A damaged stream counts up to the damage, which is an error when the pixels are read.
    """
    length = 0
    with suppress(EOFError, OSError, ValueError, zlib.error), opener() as stream:
        while length <= most and (piece := stream.read(CHUNK_BYTES)):
            length += len(piece)
    return length


def _skipping(path: Path, offset: int, skip: int, open_stream: Callable[[BinaryIO], Any]) -> Opener:
    @contextmanager
    def opened() -> Iterator[Stream]:
        with path.open("rb") as file:
            file.seek(offset)
            with open_stream(file) as stream:
                left = skip
                while left:
                    passed = len(stream.read(min(CHUNK_BYTES, left)))
                    if not passed:
                        raise EOFError
                    left -= passed
                yield stream

    return opened
