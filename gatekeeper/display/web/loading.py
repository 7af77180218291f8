"""Preparing: a finished session is tracked by a thread while its page is open already and shows how far that is."""

import threading
from collections.abc import Callable
from typing import Any, Self

from gatekeeper.core.errors import GatekeeperError
from gatekeeper.display.web.recorded_feed import OVER, RecordedFeed, ReviewedSession

OnFrame = Callable[[int, int], None]
"""Told how many frames were tracked, and of how many."""


class Loading:
    """Makes the review of a session from when it is entered on, and shows it once it is there.

    Parameters
    ----------
    make : callable
        Returns the review; tells how far it is.
    failed : callable, optional
        Called, on the thread, when it cannot be made; `failure` says why.

    Attributes
    ----------
    failure : GatekeeperError or None
        Why there will be no review.
    """

    def __init__(self, make: Callable[[OnFrame], ReviewedSession], failed: Callable[[], None] = lambda: None) -> None:
        self._make, self._failed = make, failed
        self._done = (0, 0)
        self._past: RecordedFeed | None = None
        self._leaving = threading.Event()
        self.failure: GatekeeperError | None = None
        self._thread = threading.Thread(target=self._run, name="tracking", daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop at the next frame, if it is not made yet."""
        self._leaving.set()
        self._thread.join()

    def hello(self) -> dict[str, object]:
        """Return how far it is, or what the review says."""
        if self.failure is not None:
            return {"kind": "hello", "mode": "failed", "why": str(self.failure)}
        if self._past is None:
            done, total = self._done
            return {"kind": "hello", "mode": "preparing", "done": done, "total": total}
        return self._past.hello()

    async def view(self, asked: dict[str, Any]) -> bytes | str | None:
        """Return what the review shows; None before it is there."""
        return None if self._past is None else await self._past.view(asked)

    async def ask(self, _words: list[str], _operator: str) -> tuple[bool, str]:
        """Refuse."""
        return False, OVER

    async def what_if(self, margin_mm: float, outside_percent: float) -> dict[str, object] | None:
        """Return what the session comes to with these settings; None before the review is there."""
        return None if self._past is None else await self._past.what_if(margin_mm, outside_percent)

    def _run(self) -> None:
        try:
            self._past = RecordedFeed(self._make(self._on_frame))
        except _LeavingError:
            return
        except GatekeeperError as error:
            self.failure = error
            self._failed()

    def _on_frame(self, done: int, total: int) -> None:
        self._done = done, total
        if self._leaving.is_set():
            raise _LeavingError


class _LeavingError(Exception):
    """Nobody waits for the review any more."""
