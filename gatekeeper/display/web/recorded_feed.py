"""Serve a recorded session, decision by decision, in the process of the server."""

import asyncio
from typing import Any, Protocol

from gatekeeper.config import OtherLimits
from gatekeeper.display.web.session_info import SessionInfo

ENDED = "the session has ended; it takes no requests"


class ReviewedSession(Protocol):
    """A recorded session whose decisions can be shown."""

    @property
    def length(self) -> int:
        """Number of decisions."""

    @property
    def facts(self) -> SessionInfo:
        """Constants of the session."""

    def trace(self) -> bytes:
        """Return all decisions in one message."""

    def view(self, index: int) -> bytes:
        """Return the message that shows one decision."""

    def what_if(self, asked: OtherLimits) -> dict[str, object]:
        """Return the results of the session with other limits, as plain values."""


class RecordedFeed:
    """Feed of a recorded session.

    Parameters
    ----------
    review : ReviewedSession
        The session.
    """

    def __init__(self, review: ReviewedSession) -> None:
        self._review = review
        self._reading = asyncio.Lock()
        self._judging = asyncio.Lock()

    def hello(self) -> dict[str, object]:
        """Return the constants and length of the session, for a browser that connects."""
        return {"kind": "hello", "mode": "review", "facts": self._review.facts.as_json(), "length": self._review.length}

    async def view(self, asked: dict[str, Any]) -> bytes | str | None:
        """Return a decision, or all decisions as a trace.

        Parameters
        ----------
        asked : dict
            `show` is the index of the decision; with `trace` true, the trace is returned instead.

        Returns
        -------
        bytes
            The message.
        """
        async with self._reading:
            if asked.get("trace") is True:
                return await asyncio.to_thread(self._review.trace)
            return await asyncio.to_thread(self._review.view, int(asked["show"]))

    async def what_if(self, asked: OtherLimits) -> dict[str, object] | None:
        """Return the results of the session with other limits.

        Results are computed one at a time; decisions are shown meanwhile.

        Parameters
        ----------
        asked : OtherLimits
            The other limits.

        Returns
        -------
        dict
            Plain values.

        Raises
        ------
        ConfigError
            When a value is outside its allowed range.
        """
        async with self._judging:
            return await asyncio.to_thread(self._review.what_if, asked)

    async def ask(self, _words: list[str], _operator: str, _login: str | None) -> tuple[bool, str]:
        """Refuse a request: a recorded session takes none."""
        return False, ENDED
