"""Unpack a zip archive that came from elsewhere: no file leads out of its folder, and it is as large as it says."""

import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from gatekeeper.core.errors import InputError
from replay.library.file_names import MOST_FILES, check_distinct, parts_of, shown

LARGEST_RATIO, WORTH_A_LOOK = 200, 64 * 2**20
"""An archive that unpacks to more than `WORTH_A_LOOK` bytes and so many times its size is refused."""
BLOCK = 2**20
"""How much is unpacked at once, in bytes."""


def unpack(path: Path, target: Path, check_room: Callable[[int], None]) -> None:
    """Unpack an archive.

    Parameters
    ----------
    path : Path
        The archive.
    target : Path
        Folder to make.
    check_room : callable
        Raises InputError when so many bytes cannot be taken.

    Raises
    ------
    InputError
        When it is damaged, encrypted, holds a link, a name that leads elsewhere, or far more than its size.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _unpack(archive, path.stat().st_size, target, check_room)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise InputError(f"dropped: the archive cannot be unpacked ({type(error).__name__}: {error})") from None


def _unpack(archive: zipfile.ZipFile, packed_bytes: int, target: Path, check_room: Callable[[int], None]) -> None:
    members = [one for one in archive.infolist() if not one.is_dir()]
    if not 1 <= len(members) <= MOST_FILES:
        raise InputError(f"dropped: the archive holds {len(members)} files; 1 to {MOST_FILES} can be taken")
    total = sum(one.file_size for one in members)
    if total > WORTH_A_LOOK and total > LARGEST_RATIO * packed_bytes:
        raise InputError(
            f"dropped: the archive unpacks to {total / max(packed_bytes, 1):.0f} times its size; at most "
            f"{LARGEST_RATIO} times is taken; unpack it and drop the folder"
        )
    check_room(total)
    wanted = []
    for one in members:
        kind = stat.S_IFMT(one.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise InputError(f"dropped: the archive holds a link or device, {shown(one.filename)}; leave it out")
        if one.flag_bits & 1:
            raise InputError("dropped: the archive is encrypted; unpack it and drop the folder")
        parts = parts_of(one.filename)
        if "__MACOSX" not in parts and not parts[-1].startswith("."):
            wanted.append((one, target.joinpath(*parts)))
    if not wanted:
        raise InputError("dropped: the archive holds no file but hidden ones; drop the recording itself")
    check_distinct([place for _, place in wanted])
    for one, place in wanted:
        place.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(one) as packed, place.open("xb") as file:
            _copy(packed, file, one.file_size, one.filename)


def _copy(packed: IO[bytes], file: IO[bytes], size: int, name: str) -> None:
    """Copy a file of an archive, and stop where it is longer than the archive says."""
    left = size
    while data := packed.read(min(BLOCK, left + 1)):
        left -= len(data)
        if left < 0:
            raise InputError(f"dropped: {shown(name)} is longer than the archive says; it is not taken")
        file.write(data)
