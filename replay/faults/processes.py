"""Faults of whole processes and of the disk, by process id and by folder."""

import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import Popen
from tempfile import NamedTemporaryFile

LARGEST_DISK = 1 << 28
"""A disk larger than this, in bytes, is not filled: it would be somebody's."""
END_S = 10.0
"""How long a process that was killed may take to be gone, in s."""


def kill(pid: int) -> None:
    """End a process at once, as kill -9 does; it can do nothing about it."""
    os.kill(pid, signal.SIGKILL)


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Stop a process for as long as the context lasts (SIGSTOP), and let it go on (SIGCONT) if it is still there."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def restart(process: Popen[str], start: Callable[[], Popen[str]]) -> Popen[str]:
    """Kill a process, wait until it is gone, and return the one that `start` puts in its place."""
    process.kill()
    process.wait(END_S)
    return start()


@contextmanager
def no_room(pid: int, file_size: int = 0) -> Iterator[None]:
    """Let no file of a process grow beyond `file_size` bytes for as long as the context lasts.

    Its writes then fail with EFBIG (file too large), in Python with OSError, as they fail with ENOSPC on a full disk.
    """
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (file_size, hard))
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def full_disk(folder: Path, left: int = 0) -> Iterator[None]:
    """Fill the disk that a folder is on, but for `left` bytes, for as long as the context lasts.

    Raises
    ------
    ValueError
        When the disk is a large one; make a small one for it, for example with ``mount -t tmpfs -o size=4m``.
    """
    disk = os.statvfs(folder)
    if disk.f_blocks * disk.f_frsize > LARGEST_DISK:
        raise ValueError(
            f"{folder}: is on a disk of {disk.f_blocks * disk.f_frsize} bytes, and only one of up to {LARGEST_DISK} is "
            "filled; name a folder on a small disk of its own"
        )
    with NamedTemporaryFile(dir=folder, prefix=".ballast-") as ballast:
        size = disk.f_bavail * disk.f_frsize - left
        if size > 0:
            os.posix_fallocate(ballast.fileno(), 0, size)
        yield
