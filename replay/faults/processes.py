"""Stop or kill processes, and fill disks."""

import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import Popen
from tempfile import NamedTemporaryFile

LARGEST_DISK = 1 << 28
"""A disk larger than this, in bytes, is not filled, as it may be in use."""
END_S = 10.0
"""Time within which a killed process must end, in s."""


def kill(pid: int) -> None:
    """Kill a process with SIGKILL."""
    os.kill(pid, signal.SIGKILL)


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Stop a process with SIGSTOP in the context, and continue it with SIGCONT afterwards if it still exists."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def restart(process: Popen[str], start: Callable[[], Popen[str]]) -> Popen[str]:
    """Kill a process, wait for its end, and return the process that `start` returns."""
    process.kill()
    process.wait(END_S)
    return start()


@contextmanager
def no_room(pid: int, file_size: int = 0) -> Iterator[None]:
    """Limit the size of every file of a process to `file_size` bytes in the context.

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
    """Fill the disk of a folder up to `left` bytes in the context.

    Raises
    ------
    ValueError
        When the disk is larger than `LARGEST_DISK`; use a small one, for example ``mount -t tmpfs -o size=4m``.
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
