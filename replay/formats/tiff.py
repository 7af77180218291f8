"""TIFF files: one image per page, or a contiguous stack as ImageJ writes it; spacing and rate are in the side file."""

import logging
import os
import struct
import weakref
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from replay.formats.pixel_file import PixelFile
from replay.formats.stack import Stack
from replay.recording import LazyFrames

MAX_FRAME_BYTES = 2**27
"""One image may come to so many bytes."""
_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_UNCOMPRESSED = 1


def is_tiff(_path: Path, head: bytes) -> bool:
    """Return whether a file begins as a TIFF or BigTIFF does."""
    return head.startswith(_MAGIC)


def read_tiff(path: Path, _time_axis: str | None, _as_stored: bool) -> Stack:
    """Return the images of a TIFF, page after page.

    Raises
    ------
    RecordingError
        When it is cut short, damaged, or holds images of several sizes or colours.
    """
    pages = _Pages(path)
    try:
        stored = pages.contiguous()
        return Stack(pages.frames() if stored is None else stored.frames(0), time_axis="first")
    except (OSError, RecordingError):
        raise
    except Exception as error:
        pages.refuse_damage(error)


class _Pages:
    """The pages of a TIFF, kept open so that any of them is found at once.

    The library is not made for damaged files and raises whatever happens to go wrong; all of it means that.
    """

    def __init__(self, path: Path) -> None:
        import tifffile

        # It complains about damage in the log, and goes on; what matters is found out below.
        logging.getLogger("tifffile").setLevel(logging.CRITICAL + 1)
        self._path = path
        try:
            self._file = tifffile.TiffFile(path)
        except OSError:
            raise
        except Exception as error:
            self.refuse_damage(error)
        self._close = weakref.finalize(self, self._file.close)
        try:
            self._check()
        except (OSError, RecordingError):
            raise
        except Exception as error:
            self.refuse_damage(error)

    def _check(self) -> None:
        """Refuse what is no stack of grey images of one size; remember where each lies."""
        pages: list[Any] = list(self._file.pages)
        self._check_last(pages[-1], len(pages))
        first = pages[0]
        rows, cols = int(first.imagelength), int(first.imagewidth)
        self._size, self._dtype = (rows, cols), np.dtype(first.dtype)
        for index, page in enumerate(pages):
            if page.samplesperpixel != 1 or page.photometric.name != "MINISBLACK":
                self._refuse(f"holds {page.photometric.name} images; export it in shades of grey with 0 as black")
            if page.shape != self._size or page.dtype != first.dtype:
                self._refuse(
                    f"image {index} is {page.shape} pixels of {page.dtype}, the first {self._size} of {first.dtype}; "
                    "export one stack"
                )
        if self._dtype.kind not in "biuf" or not rows or not cols:
            self._refuse(f"holds images of {rows} x {cols} pixels of {self._dtype}; export integers or floats")
        if rows * cols * self._dtype.itemsize > MAX_FRAME_BYTES:
            self._refuse(f"announces images of {rows} x {cols} pixels; {MAX_FRAME_BYTES} bytes is the limit for one")
        self._pages = pages

    def _check_last(self, page: Any, count: int) -> None:
        """Refuse when the last page that was found points to another one: the library ends there and says nothing."""
        layout, file = self._file.tiff, self._file.filehandle
        file.seek(page.offset)
        (tags,) = struct.unpack(layout.tagnoformat, file.read(layout.tagnosize))
        file.seek(tags * layout.tagsize, os.SEEK_CUR)
        (following,) = struct.unpack(layout.offsetformat, file.read(layout.offsetsize))
        if following:
            self._refuse(f"is cut short: another image would follow the {count} that are in it; copy the file again")

    def contiguous(self) -> PixelFile | None:
        """Return where the pixels lie, when they lie in one piece as they are."""
        first, count = self._pages[0], len(self._pages)
        if any(page.compression != _UNCOMPRESSED or not page.is_contiguous for page in self._pages):
            return None
        frame_bytes = self._size[0] * self._size[1] * self._dtype.itemsize
        begin = first.dataoffsets[0]
        if count == 1:
            # ImageJ has stacks of one page whose other images follow.
            shape = self._file.series[0].shape
            count = int(np.prod(shape, dtype=object)) // (self._size[0] * self._size[1])
            told = (self._file.imagej_metadata or {}).get("images", count)
            if told != count:
                self._refuse(f"announces {told} images, and {count} can be in it; copy the file again")
        elif any(page.dataoffsets[0] != begin + index * frame_bytes for index, page in enumerate(self._pages)):
            return None
        dtype = self._dtype.newbyteorder(self._file.byteorder)
        return PixelFile(self._path, begin, dtype, (count, *self._size), ends_file=False)

    def frames(self) -> LazyFrames:
        """Return the images, each decoded when it is asked for; that they are all in the file is checked now."""
        held = self._path.stat().st_size
        for index, page in enumerate(self._pages):
            ends = [at + size for at, size in zip(page.dataoffsets, page.databytecounts, strict=True)]
            if max(ends, default=held + 1) > held:
                self._refuse(f"is cut short: image {index} would end at byte {max(ends, default=0)} of {held}")
        self._read(0)
        return LazyFrames(self._read, len(self._pages), self._size, self._dtype.newbyteorder("="))

    def _read(self, index: int) -> NDArray[Any]:
        try:
            image = np.asarray(self._pages[index].asarray()).reshape(self._size)
        except Exception as error:
            self._refuse(f"image {index} cannot be decoded ({error!s:.80}); export it uncompressed or deflated")
        return image.astype(self._dtype.newbyteorder("="), copy=False)

    def _refuse(self, why: str) -> NoReturn:
        raise RecordingError(f"{self._path}: {why}") from None

    def refuse_damage(self, error: Exception) -> NoReturn:
        """Say what the library found."""
        self._refuse(f"is cut short or damaged ({' '.join(str(error).split()):.80}); copy the file again")
