"""Order: something that was asked for, on its way from whoever asks to whoever does it, and the answer to it."""

import threading
from collections import deque
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Holdable(Protocol):
    """What can be asked for."""

    @property
    def holds(self) -> bool:
        """True when it can only hold the beam."""
        ...


RequestT = TypeVar("RequestT", bound=Holdable)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of what was asked for.

    Attributes
    ----------
    accepted : bool
        False when nothing was done.
    note : str
        One line: what was done, or why not.
    """

    accepted: bool
    note: str


class PendingRequest(Generic[RequestT]):
    """One thing on its way; whoever claims it first, who does it or who gives up waiting, has it.

    Attributes
    ----------
    request : Thing
        What is asked for.
    """

    def __init__(self, request: RequestT) -> None:
        self.request = request
        self._claim = deque([True], 1)
        self._answered = threading.Event()
        self._answer: Answer | None = None

    @property
    def answer(self) -> Answer | None:
        """What became of it; None while nothing did."""
        return self._answer

    def claim(self) -> bool:
        """Return True for the first who calls."""
        try:
            return self._claim.pop()
        except IndexError:
            return False

    def settle(self, answer: Answer) -> None:
        """Say what became of it; the first answer counts."""
        if self._answer is None:
            self._answer = answer
            self._answered.set()

    def wait(self, seconds: float) -> Answer:
        """Return the answer, waiting so many seconds of real time; never called by the loop.

        What has not been taken by then is withdrawn, unless it can only hold the beam.
        """
        self._answered.wait(seconds)
        return self._answer or self.give_up(seconds)

    def give_up(self, after_s: float) -> Answer:
        """Return the answer for what was waited for long enough, and withdraw it unless it only holds."""
        if self.request.holds:
            return Answer(False, f"not answered within {after_s:g} s; it is done as soon as the loop goes on")
        if self.claim():
            self.settle(Answer(False, f"not answered within {after_s:g} s and withdrawn; ask again"))
        return self._answer or Answer(False, f"not answered within {after_s:g} s; look at the state")
