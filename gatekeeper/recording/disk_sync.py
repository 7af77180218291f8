"""Group commit: bring files to the disk from a thread, so that a slow disk does not delay the writer."""

import os
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from gatekeeper.core.errors import OutputError

Mark = TypeVar("Mark")

SYNC_S = 0.4
"""Time from the begin of one group commit to the next, in s; with the writer's own pace below half a second."""
SLOWEST_S = 5.0
"""A disk that takes longer for a group commit counts as failed, in s."""


class DiskSync(Generic[Mark]):
    """Commit files to the disk, one group at a time.

    Attributes
    ----------
    closed : bool
        Whether it was closed.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._running: tuple[Future[None], Mark] | None = None
        self._begun_s = time.monotonic()
        self.closed = False

    @property
    def due(self) -> bool:
        """Whether it is time for a group commit and none is running."""
        return not self.closed and self._running is None and time.monotonic() - self._begun_s >= SYNC_S

    def begin(self, descriptors: Sequence[int], mark: Mark) -> None:
        """Begin a group commit.

        Parameters
        ----------
        descriptors : sequence of int
            Open files, in the order in which they must be on the disk.
        mark : object
            What `done` returns when they are.
        """
        self._begun_s = time.monotonic()
        self._running = self._thread.submit(sync_all, descriptors), mark

    def done(self) -> Mark | None:
        """Return the mark of a group commit that has ended since; None while there is none.

        Raises
        ------
        OSError
            When the disk has failed.
        OutputError
            When it takes too long.
        """
        if self._running is None:
            return None
        future, mark = self._running
        if not future.done():
            if time.monotonic() - self._begun_s > SLOWEST_S:
                raise OutputError(f"the disk takes longer than {SLOWEST_S:g} s to store what was written")
            return None
        self._running = None
        future.result()
        return mark

    def close(self) -> None:
        """Wait for a running group commit to end, and end the thread.

        Raises
        ------
        OSError
            When the disk has failed.
        """
        running, self._running, self.closed = self._running, None, True
        self._thread.shutdown()
        if running is not None:
            running[0].result()


def sync_all(descriptors: Sequence[int]) -> None:
    """Return when open files are on the disk, in their order."""
    for descriptor in descriptors:
        os.fsync(descriptor)


def sync_folder(*folders: os.PathLike[str]) -> None:
    """Return when the names in folders are on the disk."""
    for folder in folders:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
