"""The queue between operator interfaces and the loop, which takes requests without waiting."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gatekeeper.core.axes import SAGITTAL
from gatekeeper.core.clock import Clock
from gatekeeper.core.command import Command
from gatekeeper.core.workflow import MARK
from gatekeeper.operator.pending import Answer, PendingRequest
from gatekeeper.operator.request import END, NOTED, Request

MOST_WAITING = 64
"""Largest number of waiting requests; every interface has at most one at a time. Holds have as much room again."""
MOST_AT_ONCE = 8
"""Largest number of commands given to the loop between two frames."""
MOST_REMEMBERED = 20
"""Number of answered requests kept for display."""
MOST_NOTES = 500
"""Largest number of marks and messages of a session."""
MOST_WITH_A_HOLD = 2 * MOST_WAITING
"""Largest number of commands given to the loop between two frames while a hold waits behind others."""
HELD_ALREADY = "the beam is being held already"
CLOSED = "the session has ended"


@dataclass(frozen=True, slots=True)
class Notice:
    """A request with its answer, for display.

    Attributes
    ----------
    time_s : float
        Session time in s.
    request : Request
        The request.
    answer : Answer
        Its answer.
    """

    time_s: float
    request: Request
    answer: Answer


class RequestQueue:
    """A queue of requests. Any thread, and a signal handler, may submit; one thread takes.

    Parameters
    ----------
    clock : Clock
        Session time.
    refuse : callable, optional
        Return why a request is refused now, for example in this phase of the session, or None.
    noted : callable, optional
        Called with session time and request as soon as a mark or a message is taken; the journal has it later.
    resolve : callable, optional
        Return a request with what only the session knows, such as the shift to the newest breath-hold; called before
        `refuse`.

    Attributes
    ----------
    orientation : Orientation
        That of the session's images, by which the distances of a rebase are read.
    """

    def __init__(
        self,
        clock: Clock,
        refuse: Callable[[Request], str | None] | None = None,
        noted: Callable[[float, Request], None] | None = None,
        resolve: Callable[[Request], Request] | None = None,
    ) -> None:
        self._clock = clock
        self._refuse, self._noted, self._resolve = refuse, noted, resolve
        self._waiting: deque[PendingRequest[Request]] = deque()
        self._notices: deque[Notice] = deque(maxlen=MOST_REMEMBERED)
        self._given: PendingRequest[Request] | None = None
        self._in_a_row = 0
        self._notes: deque[tuple[float, Request]] = deque()
        self._notes_left = MOST_NOTES
        self.orientation = SAGITTAL
        self._closed = False
        self._ending: Request | None = None

    @property
    def ending(self) -> Request | None:
        """The request that ends the session; None until there is one."""
        return self._ending

    @property
    def notices(self) -> tuple[Notice, ...]:
        """The last requests with their answers, oldest first."""
        return tuple(self._notices)

    def submit(self, request: Request) -> PendingRequest[Request]:
        """Add a request, and return the pending request that will hold its answer."""
        pending = PendingRequest(request)
        if self._closed:
            pending.settle(Answer(False, CLOSED))
        elif request.holds and len(self._waiting) >= MOST_WITH_A_HOLD:
            # The room beyond MOST_WAITING is for holds, so that one of them is about to be done.
            pending.settle(Answer(request.word != END, HELD_ALREADY))
        elif not request.holds and len(self._waiting) >= MOST_WAITING:
            pending.settle(Answer(False, f"{MOST_WAITING} commands wait already; ask again"))
        else:
            self._waiting.append(pending)
            if self._closed:  # meanwhile
                pending.settle(Answer(False, CLOSED))
        return pending

    def next_command(self) -> Command | None:
        """Return the next command for the engine, or None; does not wait. Marks and messages are kept for `next_note`.

        After `MOST_AT_ONCE` commands in a row it returns None once, so that requests cannot keep the loop from its
        frames; a hold that waits behind others does not wait for the next frame.
        """
        while self._in_a_row < MOST_AT_ONCE or (self._in_a_row < MOST_WITH_A_HOLD and self._hold_waits()):
            try:
                pending = self._waiting.popleft()
            except IndexError:
                break
            self._in_a_row += 1
            if not pending.claim():
                continue
            time_s = self._clock.now_s()
            request = pending.request if self._resolve is None else self._resolve(pending.request)
            refusal = None if self._refuse is None or request.holds else self._refuse(request)
            if refusal is not None:
                self._settle(pending, time_s, Answer(False, refusal))
                continue
            if pending.request.word in NOTED:
                self._settle(pending, time_s, self._note(time_s, pending.request))
                continue
            if pending.request.word == END:
                self._ending = self._ending or pending.request
            self._given = pending
            return request.command(time_s)
        self._in_a_row = 0
        return None

    def complete(self, time_s: float, values: Mapping[str, object]) -> None:
        """Answer the command that was returned last with its recorded result, `accepted` and `note`."""
        pending, self._given = self._given, None
        if pending is not None:
            note = str(values.get("note", ""))
            note = f"{note}; the session ends" if pending.request.word == END else note
            self._settle(pending, time_s, Answer(bool(values.get("accepted")), note))

    def next_note(self) -> tuple[float, Request] | None:
        """Return the oldest mark or message that was not returned yet, with its session time in s; None without one."""
        return self._notes.popleft() if self._notes else None

    def _note(self, time_s: float, request: Request) -> Answer:
        if self._notes_left == 0:
            return Answer(False, f"{MOST_NOTES} marks and messages were made already; no further one is kept")
        self._notes_left -= 1
        self._notes.append((time_s, request))
        if self._noted is not None:
            self._noted(time_s, request)
        return Answer(
            True, f"{request.step} begins" if request.word == MARK else f"the patient is shown: {request.phrase}"
        )

    def close(self) -> None:
        """Answer all waiting requests that the session has ended."""
        self._closed = True
        left = [*self._waiting, *([] if self._given is None else [self._given])]
        for pending in left:
            pending.settle(Answer(pending.request.word == END, CLOSED))

    def _hold_waits(self) -> bool:
        return any(pending.request.holds for pending in self._waiting.copy())

    def _settle(self, pending: PendingRequest[Request], time_s: float, answer: Answer) -> None:
        pending.settle(answer)
        self._notices.append(Notice(time_s, pending.request, answer))
