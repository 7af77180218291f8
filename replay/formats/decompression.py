"""Unpacking: compressed pixels in a file as a stream of bytes, in which damage and an early end are found."""

import bz2
import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Protocol

from gatekeeper.core.errors import RecordingError

CHUNK_BYTES = 2**16


class Stream(Protocol):
    """Unpacked bytes, one after the other."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` further bytes; none at the end."""


Opener = Callable[[], AbstractContextManager[Stream]]


class Inflated:
    """The unpacked bytes of a zlib or gzip stream that lies in a file, and how long it was.

    Parameters
    ----------
    path : Path
        The file.
    offset : int
        Where in it the stream begins.
    told_bytes : str or None
        How long the stream is by a header that must tell it; what it says.
    """

    def __init__(self, path: Path, offset: int, told_bytes: str | None = None) -> None:
        self._path = path
        self._file = path.open("rb")
        self._file.seek(offset)
        self._offset, self._told_bytes = offset, told_bytes
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)

    def read(self, size: int, /) -> bytes:
        """Return at most `size` further bytes; none at the end, which the stream's checksum vouches for."""
        while not self._inflate.eof:
            stored = self._inflate.unconsumed_tail or self._file.read(CHUNK_BYTES)
            piece = self._inflate.decompress(stored, size)
            if piece:
                return piece
            if not stored and not self._inflate.eof:
                raise EOFError
        length = self._file.tell() - self._offset - len(self._inflate.unused_data)
        told = self._told_bytes
        if told is not None and not (told.isascii() and told.isdecimal() and len(told) < 32 and int(told) == length):
            raise RecordingError(
                f"{self._path}: tells {self._told_bytes:.20} as CompressedDataSize, not {length}; mend the header"
            )
        return b""

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def inflated(path: Path, offset: int, told_bytes: str | None = None) -> Opener:
    """Return what opens a zlib or gzip stream in a file."""
    return lambda: closing(Inflated(path, offset, told_bytes))


def gunzipped(path: Path, offset: int, skip: int = 0) -> Opener:
    """Return what opens a gzip stream that ends a file, without the first `skip` unpacked bytes."""

    @contextmanager
    def opened() -> Iterator[Stream]:
        with path.open("rb") as file:
            file.seek(offset)
            with gzip.GzipFile(fileobj=file) as stream:
                for at in range(0, skip, CHUNK_BYTES):
                    stream.read(min(CHUNK_BYTES, skip - at))
                yield stream

    return opened


def bunzipped(path: Path, offset: int) -> Opener:
    """Return what opens a bzip2 stream that ends a file."""

    @contextmanager
    def opened() -> Iterator[Stream]:
        with path.open("rb") as file:
            file.seek(offset)
            with bz2.BZ2File(file) as stream:
                yield stream

    return opened
