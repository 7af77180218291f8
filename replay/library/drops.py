"""Take in the files of a dropped recording: into a temporary folder, within bounds, under names that are safe.

A file or folder that is dropped gets a name that tells nothing, as its own may be that of a person. Names inside of a
folder or an archive stay, because readers go by them; none may lead out of the folder.
"""

import re
import secrets
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gatekeeper.core.errors import InputError
from replay.library.archive import unpack
from replay.library.file_names import MOST_FILES, check_distinct, parts_of

GIB = 2**30
LARGEST = 16 * GIB
"""Largest size of a dropped recording, and of what an archive unpacks to, in bytes."""
SPARED = GIB
"""So much space stays free, in bytes."""
MOST_DROPS = 8
"""Largest number of recordings that are kept at once; the oldest that is not in use makes room."""
NAME = "dropped"
SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,5}")


@dataclass(slots=True)
class Drop:
    """A recording that was dropped.

    Attributes
    ----------
    folder : Path
        Temporary folder of its own.
    files : tuple of (Path, int)
        Where each file belongs, and its size in bytes.
    top : Path
        The recording: a file, or the folder of several.
    arrived : set of int
        Files that are there, by their places.
    held : bool
        Whether it is in use, and stays whatever else is dropped.
    """

    folder: Path
    files: tuple[tuple[Path, int], ...]
    top: Path
    arrived: set[int] = field(default_factory=set)
    held: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether all its files are there."""
        return len(self.arrived) == len(self.files)


class Drops:
    """All recordings that are there: a context manager, at whose end they are removed.

    Parameters
    ----------
    largest : int
        Largest size of one, in bytes.
    """

    def __init__(self, largest: int = LARGEST) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="gatekeeper-dropped-"))
        self._drops: dict[str, Drop] = {}
        self._largest = largest

    def __enter__(self) -> "Drops":
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove all files."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def begin(self, names: Sequence[tuple[object, object]]) -> str:
        """Make room for the files of a recording, and return its key.

        Parameters
        ----------
        names : sequence of (str, int)
            Path of each file as the browser tells it, such as "folder/image.dcm", and its size in bytes.

        Raises
        ------
        InputError
            When a name is not safe, or the files are too many or too large.
        """
        if not 1 <= len(names) <= MOST_FILES:
            raise InputError(f"dropped: {len(names)} files; drop 1 to {MOST_FILES}")
        if len(self._drops) >= MOST_DROPS:
            idle = [key for key, one in self._drops.items() if not one.held]
            if not idle:
                raise InputError(f"dropped: {MOST_DROPS} recordings are being replayed already; wait for one")
            self.discard(idle[0])
        parts = [parts_of(name) for name, _ in names]
        sizes = [_size_of(size) for _, size in names]
        self._check_room(sum(sizes))
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        # What was dropped in one piece loses its name; loose files are put into a folder.
        one_folder = len({one[0] for one in parts}) == 1 and all(len(one) > 1 for one in parts)
        if len(parts) == 1 and len(parts[0]) == 1:
            top = folder / f"{NAME}{_suffix(parts[0][0])}"
            places = [top]
        else:
            top = folder / NAME
            places = [top.joinpath(*(one[1:] if one_folder else one)) for one in parts]
        check_distinct(places)
        key = secrets.token_hex(8)
        self._drops[key] = Drop(folder, tuple(zip(places, sizes, strict=True)), top)
        return key

    def of(self, key: object) -> Drop:
        """Return a recording by its key.

        Raises
        ------
        InputError
            When there is none.
        """
        if not isinstance(key, str) or key not in self._drops:
            raise InputError("dropped: the recording is not there any more; drop it again")
        return self._drops[key]

    def writing(self, key: object, number: int) -> "Writing":
        """Return what writes a file of a recording, by its place."""
        drop = self.of(key)
        if not 0 <= number < len(drop.files) or number in drop.arrived:
            raise InputError(f"dropped: file {number} is not expected; drop the recording again")
        return Writing(drop, number)

    def finish(self, key: object) -> Path:
        """Unpack an archive, and return where the recording is.

        Raises
        ------
        InputError
            When files are missing, or the archive is not safe.
        """
        drop = self.of(key)
        if not drop.is_complete:
            raise InputError(f"dropped: {len(drop.files) - len(drop.arrived)} files have not arrived; drop them again")
        if drop.top.is_file() and zipfile.is_zipfile(drop.top) and not _is_recording(drop.top):
            self._unpack(drop)
        return drop.top

    def hold(self, *keys: object) -> None:
        """Keep recordings until they are discarded."""
        for key in keys:
            if isinstance(key, str) and key in self._drops:
                self._drops[key].held = True

    def discard(self, key: object) -> None:
        """Remove a recording; nothing where it is gone."""
        if isinstance(key, str) and (drop := self._drops.pop(key, None)) is not None:
            shutil.rmtree(drop.folder, ignore_errors=True)

    def _check_room(self, size: int) -> None:
        room = min(self._largest, max(shutil.disk_usage(self._folder).free - SPARED, 0))
        if size > room:
            raise InputError(
                f"dropped: {size / GIB:.2f} GiB; at most {room / GIB:.2f} GiB can be taken; put the recording below "
                "the library's folder and open it there"
            )

    def _unpack(self, drop: Drop) -> None:
        target = drop.folder / f"{NAME}-unpacked"
        unpack(drop.top, target, self._check_room)
        drop.top.unlink()
        # An archive of one folder is that folder.
        inside = list(target.iterdir())
        drop.top = drop.folder / NAME
        (inside[0] if len(inside) == 1 and inside[0].is_dir() else target).rename(drop.top)


class Writing:
    """A file that arrives in pieces; a context manager, at whose end it is whole or removed."""

    def __init__(self, drop: Drop, number: int) -> None:
        self._drop, self._number = drop, number
        self._path, self._size = drop.files[number]
        self._left = self._size
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("wb")

    def __enter__(self) -> "Writing":
        """Return itself."""
        return self

    def write(self, data: bytes) -> None:
        """Write the next piece.

        Raises
        ------
        InputError
            When there is more than was told.
        """
        self._left -= len(data)
        if self._left < 0:
            raise InputError(f"dropped: a file has more than the {self._size} bytes that were told; drop it again")
        self._file.write(data)

    def __exit__(self, *_: object) -> None:
        """Close the file; one that is not whole is removed."""
        self._file.close()
        if self._left == 0:
            self._drop.arrived.add(self._number)
        else:
            self._path.unlink(missing_ok=True)


def _size_of(size: object) -> int:
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise InputError("dropped: the size of a file is missing; drop it again")
    return size


def _suffix(name: str) -> str:
    """Return the end of a file's name as far as it tells its format."""
    stem = name.lower().removesuffix(".gz")
    suffix = Path(stem).suffix
    return (suffix if SUFFIX.fullmatch(suffix) else "") + (".gz" if name.lower().endswith(".gz") else "")


def _is_recording(path: Path) -> bool:
    """Return whether an archive is itself a recording, as NumPy's are."""
    from replay.formats.open import format_of

    try:
        return bool(format_of(path).name)
    except InputError:
        return False
