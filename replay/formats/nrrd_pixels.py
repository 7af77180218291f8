"""Pixels of an NRRD: in its file, beside it, or in several files; behind lines and bytes to skip, packed or not."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from gatekeeper.core.errors import RecordingError
from replay.formats.decompression import bzip2_opener, gzip_opener, length_of
from replay.formats.pixel_file import PixelFile
from replay.formats.pixel_parts import numbered_names, several_files
from replay.formats.volume import beside

_MOST_SKIPPED_LINES = 10_000
_MOST_SKIPPED_BYTES = 2**26


def read_pixels(
    path: Path, header: Mapping[str, Any], stored: PixelFile, data: str | None, names: Sequence[str]
) -> PixelFile:
    """Return the pixels that a header describes.

    Parameters
    ----------
    path : Path
        The header.
    header : mapping
        Its fields, parsed.
    stored : PixelFile
        Type and shape of the pixels, and where the header ends.
    data : str or None
        The field `data file`; None where the pixels follow the header.
    names : sequence of str
        The files that `data file: LIST` names.

    Returns
    -------
    PixelFile

    Raises
    ------
    RecordingError
        When bytes, lines or files are told that there cannot be, or the encoding is not supported.
    """

    def part(where: Path, shape: tuple[int, ...]) -> PixelFile:
        begin = _begin(path, header, where, stored.offset if data is None else 0)
        return _skipped(path, header, PixelFile(where, begin, stored.dtype, shape))

    if data is None:
        return part(path, stored.shape)
    if not names and "%" not in data:
        return part(beside(path, data, "nrrd"), stored.shape)
    names = names or numbered_names(path, data.split(), stored.shape[0])
    files = [beside(path, name, "nrrd") for name in names]
    return several_files(path, files, stored.shape, stored.dtype, part)


def _refuse(path: Path, why: str) -> NoReturn:
    raise RecordingError(f"{path}: {why}") from None


def _begin(path: Path, header: Mapping[str, Any], where: Path, offset: int) -> int:
    """Return where the pixels, or their compressed stream, begin in a file: after the lines to skip."""
    lines = header.get("line skip", 0)
    if not 0 <= lines <= _MOST_SKIPPED_LINES:
        _refuse(path, f"has a line skip of {lines!s:.20}; it must be 0 to {_MOST_SKIPPED_LINES}, correct the header")
    if not lines:
        return offset
    with where.open("rb") as file:
        file.seek(offset)
        for _ in range(lines):
            if not file.readline(_MOST_SKIPPED_BYTES).endswith(b"\n"):
                _refuse(path, f"has a line skip of {lines}, and {where.name} has fewer lines; correct the header")
        return file.tell()


def _skipped(path: Path, header: Mapping[str, Any], stored: PixelFile) -> PixelFile:
    """Return the pixels in a file behind the bytes to skip, which are counted after decompression.

    A skip of -1 means that the pixels are the last bytes.
    """
    skip, encoding, begin = header.get("byte skip", 0), header.get("encoding", "").lower(), stored.offset
    if skip < -1:
        _refuse(path, f"has a byte skip of {skip!s:.20}; it must be -1 or a number of bytes, correct the header")
    if encoding == "raw":
        last = max(stored.path.stat().st_size - stored.nbytes, begin)
        return replace(stored, offset=last if skip == -1 else begin + int(skip))
    if encoding in ("gzip", "gz"):
        opener = gzip_opener
    elif encoding in ("bzip2", "bz2"):
        opener = bzip2_opener
    else:
        _refuse(path, f"has pixels in the encoding {encoding!r:.20}; export it as raw, gzip or bzip2")
    if skip == -1:
        length = length_of(opener(stored.path, begin), stored.nbytes + _MOST_SKIPPED_BYTES)
        skip = max(length - stored.nbytes, 0)
    return replace(stored, decompress=opener(stored.path, begin, int(skip)))
