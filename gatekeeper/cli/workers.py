"""A worker process for what may crash, hang or take long: reading files that come from elsewhere."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

from gatekeeper.core.errors import InputError
from gatekeeper.runtime.process import lower_priority

T = TypeVar("T")
PATIENCE_S = 600.0
"""Time within which a worker reads a file, in s; then it is ended."""
CRASHED = "reading it ended the process that read it: it is damaged, or too large for this machine's memory"
TOO_LONG = f"reading it took more than {PATIENCE_S:g} s and was ended"


class Workers:
    """A worker process, which is replaced when it dies or takes too long."""

    def __init__(self) -> None:
        self._pool = self._new()
        self._turn = asyncio.Lock()

    async def do(self, job: Callable[..., T], *given: object) -> T:
        """Return what a job returns, one at a time.

        Raises
        ------
        InputError
            When the process dies, or takes longer than `PATIENCE_S`.
        """
        async with self._turn:
            future = asyncio.wrap_future(self._pool.submit(job, *given))
            try:
                return await asyncio.wait_for(future, PATIENCE_S)
            except BrokenProcessPool:
                self._renew()
                raise InputError(CRASHED) from None
            except TimeoutError:
                self._renew()
                raise InputError(TOO_LONG) from None

    def close(self) -> None:
        """End the process."""
        for process in list((self._pool._processes or {}).values()):  # noqa: SLF001  (Python 3.14: kill_workers)
            process.kill()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _renew(self) -> None:
        self.close()
        self._pool = self._new()

    @staticmethod
    def _new() -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, get_context("spawn"), initializer=lower_priority)
