"""Past: a session that has ended, as the server shows it; it is looked at in the server's own process."""

import asyncio
from typing import Any, Protocol

from gatekeeper.display.web.session_info import SessionInfo

OVER = "this session is over; there is nobody to be asked"


class ReviewedSession(Protocol):
    """A recorded session, decision by decision."""

    @property
    def length(self) -> int:
        """How many decisions there are."""

    @property
    def facts(self) -> SessionInfo:
        """What stays the same."""

    def trace(self) -> bytes:
        """Return all decisions in one message."""

    def view(self, index: int) -> bytes:
        """Return what is shown of one decision."""

    def what_if(self, margin_mm: float, outside_percent: float) -> dict[str, object]:
        """Return what the session comes to with other settings, as plain values."""


class RecordedFeed:
    """Gives browsers the decision that they ask for.

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
        """Return what a browser is told first."""
        return {"kind": "hello", "mode": "review", "facts": self._review.facts.as_json(), "length": self._review.length}

    async def view(self, asked: dict[str, Any]) -> bytes | str | None:
        """Return the decision that `show` says, or the `trace` of all."""
        async with self._reading:
            if asked.get("trace") is True:
                return await asyncio.to_thread(self._review.trace)
            return await asyncio.to_thread(self._review.view, int(asked["show"]))

    async def what_if(self, margin_mm: float, outside_percent: float) -> dict[str, object] | None:
        """Return what the session comes to with these settings; one question at a time, and frames go on meanwhile.

        Raises
        ------
        ConfigError
            When they are beyond what the settings allow.
        """
        async with self._judging:
            return await asyncio.to_thread(self._review.what_if, margin_mm, outside_percent)

    async def ask(self, _words: list[str], _operator: str) -> tuple[bool, str]:
        """Refuse."""
        return False, OVER
