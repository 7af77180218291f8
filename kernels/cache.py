"""Find a folder for compiled kernels that works wherever the program is installed and whoever runs it.

The folder is that of `NUMBA_CACHE_DIR`, or one beside the sources. Where it cannot be written (an installation of the
administrator's, a container with another user), what is compiled there is copied into a folder of the user's in the
folder for temporary files. Where there is none either, kernels that are compiled there are used as they are.

Compiled kernels are code: a folder that another user could write to is never used. Numba's own choice of a folder ends
in an error of sixty lines when none can be written, even if everything is compiled.
"""

import atexit
import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Any

from numba.core import caching

VARIABLE = "NUMBA_CACHE_DIR"


class CacheError(OSError):
    """No folder for compiled kernels."""

    def __init__(self) -> None:
        super().__init__(f"no folder for compiled kernels can be written; name one in {VARIABLE}, or in TMPDIR")


def cache_folder(own: Path, digest: str) -> Path:
    """Return the folder of compiled kernels, and make it where that is needed.

    Parameters
    ----------
    own : Path
        Where they belong.
    digest : str
        Hash of their sources.

    Returns
    -------
    Path
        `own`, or a folder of the user's for temporary files, with what was compiled in `own`.

    Raises
    ------
    CacheError
        When neither can be written and nothing is compiled.
    """
    if _is_writable(own):
        return own
    compiled = sorted(own.glob("*.nb[icl]")) if own.is_dir() else []
    try:
        return _temporary(compiled, digest)
    except OSError:
        if compiled:
            return own
        raise CacheError from None


def use_folder(folder: Path, sources: Path, digest: str) -> None:
    """Let Numba keep the compiled functions of a package in a folder.

    Parameters
    ----------
    folder : Path
        Where.
    sources : Path
        The folder of the package.
    digest : str
        Hash of its sources; what was compiled of others is not used.
    """
    # Numba has no public way to name a folder that is only read.
    base: Any = caching._CacheLocator  # noqa: SLF001

    class Locator(base):  # type: ignore[misc]
        """Keep functions of the package in the folder, whether it can be written or not."""

        def __init__(self, line: int) -> None:
            self._line = line

        def get_cache_path(self) -> str:
            return str(folder)

        def get_source_stamp(self) -> str:
            return digest

        def get_disambiguator(self) -> str:
            return str(self._line)

        def ensure_cache_path(self) -> None:
            """Do nothing: the folder was chosen so that it is there."""

        @classmethod
        def from_function(cls, function: Any, file: str) -> "Locator | None":
            return cls(function.__code__.co_firstlineno) if Path(file).parent == sources else None

    implementation: Any = caching.CacheImpl
    implementation._locator_classes = [Locator, *implementation._locator_classes]  # noqa: SLF001


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _temporary(compiled: list[Path], digest: str) -> Path:
    """Return a folder of the user's that others cannot write to, with copies of what is compiled."""
    folder = Path(tempfile.gettempdir()) / f"gatekeeper-kernels-{os.getuid()}-{digest}"
    if folder.exists() and not _is_own(folder):
        folder = Path(tempfile.mkdtemp(prefix="gatekeeper-kernels-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    elif folder.exists():
        return folder
    part = Path(tempfile.mkdtemp(prefix="gatekeeper-kernels-"))
    for file in compiled:
        shutil.copyfile(file, part / file.name)
    try:
        part.replace(folder)
    except OSError:  # Another process has just made it.
        shutil.rmtree(part, ignore_errors=True)
        if not _is_own(folder):
            raise
    return folder


def _is_own(folder: Path) -> bool:
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
