"""A pending request and its answer."""

import threading
from collections import deque
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Holdable(Protocol):
    """A request that may be one that only holds the beam."""

    @property
    def holds(self) -> bool:
        """Whether the request can only hold the beam."""
        ...


RequestT = TypeVar("RequestT", bound=Holdable)


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request.

    Attributes
    ----------
    accepted : bool
        Whether the request was executed.
    note : str
        One line: what was done, or why not.
    """

    accepted: bool
    note: str


class PendingRequest(Generic[RequestT]):
    """A request that waits for its answer; whichever thread claims it first executes or withdraws it.

    Attributes
    ----------
    request : RequestT
        The request.
    """

    def __init__(self, request: RequestT) -> None:
        self.request = request
        self._claim = deque([True], 1)
        self._answered = threading.Event()
        self._answer: Answer | None = None

    @property
    def answer(self) -> Answer | None:
        """The answer; None until there is one."""
        return self._answer

    def claim(self) -> bool:
        """Return True for the first caller only."""
        try:
            return self._claim.pop()
        except IndexError:
            return False

    def settle(self, answer: Answer) -> None:
        """Set the answer; the first one counts."""
        if self._answer is None:
            self._answer = answer
            self._answered.set()

    def wait(self, seconds: float) -> Answer:
        """Wait for the answer and return it; not for the loop's thread.

        A request that was not claimed in time is withdrawn, unless it can only hold the beam.

        Parameters
        ----------
        seconds : float
            Longest wait, in seconds of real time.
        """
        self._answered.wait(seconds)
        return self._answer or self.give_up(seconds)

    def give_up(self, after_s: float) -> Answer:
        """Withdraw a request that waited for too long, unless it only holds the beam, and return the answer to it."""
        if self.request.holds:
            return Answer(False, f"not answered within {after_s:g} s; it is done as soon as the loop continues")
        if self.claim():
            self.settle(Answer(False, f"not answered within {after_s:g} s and withdrawn; ask again"))
        return self._answer or Answer(False, f"not answered within {after_s:g} s; look at the state")
