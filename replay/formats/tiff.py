"""TIFF files, read with tifffile: one image per page, or a contiguous stack as ImageJ writes it.

Spacing and rate come from the sidecar file.
"""

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
"""Limit of one image, in bytes."""
_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_UNCOMPRESSED = 1


def is_tiff(_path: Path, head: bytes) -> bool:
    """Return whether a file begins as a TIFF or BigTIFF does."""
    return head.startswith(_MAGIC)


def read_tiff(path: Path, _time_axis: str | None, _as_stored: bool) -> Stack:
    """Read the images of a TIFF file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Stack
        One frame for each page, read when it is asked for.

    Raises
    ------
    RecordingError
        When the file is cut short, damaged, or holds images of several sizes or colours.
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
    """The pages of a TIFF file, which is kept open.

    On damaged files tifffile raises errors of many types; each of them becomes a RecordingError.
    """

    def __init__(self, path: Path) -> None:
        import tifffile

        # tifffile logs damage and continues; the checks below find it.
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
        """Check that the pages are grey images of one size."""
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
        """Check that the last page does not point to another one, at which tifffile stops in silence."""
        layout, file = self._file.tiff, self._file.filehandle
        file.seek(page.offset)
        (tags,) = struct.unpack(layout.tagnoformat, file.read(layout.tagnosize))
        file.seek(tags * layout.tagsize, os.SEEK_CUR)
        (following,) = struct.unpack(layout.offsetformat, file.read(layout.offsetsize))
        if following:
            self._refuse(f"is cut short: another image would follow the {count} that are in it; copy the file again")

    def contiguous(self) -> PixelFile | None:
        """Return the pixels as one piece of the file, where they are contiguous and not compressed."""
        first, count = self._pages[0], len(self._pages)
        if any(page.compression != _UNCOMPRESSED or not page.is_contiguous for page in self._pages):
            return None
        frame_bytes = self._size[0] * self._size[1] * self._dtype.itemsize
        begin = first.dataoffsets[0]
        if count == 1:
            # ImageJ writes stacks with one page, after whose image the others follow.
            shape = self._file.series[0].shape
            count = int(np.prod(shape, dtype=object)) // (self._size[0] * self._size[1])
            announced = (self._file.imagej_metadata or {}).get("images", count)
            if announced != count:
                self._refuse(f"announces {announced} images, and {count} can be in it; copy the file again")
        elif any(page.dataoffsets[0] != begin + index * frame_bytes for index, page in enumerate(self._pages)):
            return None
        dtype = self._dtype.newbyteorder(self._file.byteorder)
        return PixelFile(self._path, begin, dtype, (count, *self._size), ends_file=False)

    def frames(self) -> LazyFrames:
        """Return the images, each decoded when it is asked for, after a check that the file holds all of them."""
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
        """Raise RecordingError for an error of tifffile."""
        self._refuse(f"is cut short or damaged ({' '.join(str(error).split()):.80}); copy the file again")
