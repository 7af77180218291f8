"""Serve a recorded session while it is still being tracked on a thread, and show the progress."""

import threading
from collections.abc import Callable
from typing import Any, Self

from gatekeeper.config import OtherLimits
from gatekeeper.core.errors import GatekeeperError
from gatekeeper.display.web.recorded_feed import ENDED, RecordedFeed, ReviewedSession

OnFrame = Callable[[int, int], None]
"""Called with the number of tracked frames and the total."""


class Loading:
    """Context manager and feed that makes the review of a session on a thread, and then serves it.

    Parameters
    ----------
    make : callable
        Takes a callback for the progress and returns the review.
    failed : callable, optional
        Called on the thread when the review cannot be made.

    Attributes
    ----------
    failure : GatekeeperError or None
        Why the review could not be made.
    """

    def __init__(self, make: Callable[[OnFrame], ReviewedSession], failed: Callable[[], None] = lambda: None) -> None:
        self._make, self._failed = make, failed
        self._done = (0, 0)
        self._feed: RecordedFeed | None = None
        self._cancelled = threading.Event()
        self.failure: GatekeeperError | None = None
        self._thread = threading.Thread(target=self._run, name="tracking", daemon=True)

    def __enter__(self) -> Self:
        """Start the thread."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the thread at the next frame if the review is not complete."""
        self._cancelled.set()
        self._thread.join()

    def hello(self) -> dict[str, object]:
        """Return the progress, the failure, or the constants of the review, for a browser that connects."""
        if self.failure is not None:
            return {"kind": "hello", "mode": "failed", "why": str(self.failure)}
        if self._feed is None:
            done, total = self._done
            return {"kind": "hello", "mode": "preparing", "done": done, "total": total}
        return self._feed.hello()

    async def view(self, asked: dict[str, Any]) -> bytes | str | None:
        """Return a message of the review; None before it is complete.

        Parameters
        ----------
        asked : dict
            See `RecordedFeed.view`.
        """
        return None if self._feed is None else await self._feed.view(asked)

    async def ask(self, _words: list[str], _operator: str, _login: str | None) -> tuple[bool, str]:
        """Refuse a request: a recorded session takes none."""
        return False, ENDED

    async def what_if(self, asked: OtherLimits) -> dict[str, object] | None:
        """Return the results with other limits; None before the review is complete.

        Parameters
        ----------
        asked : OtherLimits
            The other limits.
        """
        return None if self._feed is None else await self._feed.what_if(asked)

    def _run(self) -> None:
        try:
            self._feed = RecordedFeed(self._make(self._on_frame))
        except _CancelledError:
            return
        except GatekeeperError as error:
            self.failure = error
            self._failed()

    def _on_frame(self, done: int, total: int) -> None:
        self._done = done, total
        if self._cancelled.is_set():
            raise _CancelledError


class _CancelledError(Exception):
    """The console was closed before the review was complete."""
