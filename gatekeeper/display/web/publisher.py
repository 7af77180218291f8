"""Pump: looks at the board some thirty times a second, on a thread of its own, and hands what is new to the console.

It is also the door through which the console's operators ask: what they want goes to the session's desk, like the
wishes of any other door. The loop knows nothing of it.
"""

import threading
from collections.abc import Mapping
from typing import Any, Self

from gatekeeper.config import LoopConfig
from gatekeeper.core.clock import Clock, stopwatch_ns
from gatekeeper.core.errors import InputError
from gatekeeper.display.web.displacement_vectors import DisplacementVectors
from gatekeeper.display.web.live_message import LiveMessage
from gatekeeper.display.web.process import Console
from gatekeeper.operator.pending import Answer, PendingRequest
from gatekeeper.operator.request import Request, request_from_json
from gatekeeper.operator.request_queue import RequestQueue
from gatekeeper.runtime.realtime import real_time
from gatekeeper.session.contouring.requests import ContourRequest, ContourRequests, request_of
from gatekeeper.session.status import SessionStatus, Status

LOOK_S = 1.0 / 30.0
STILL_S = 0.5
"""The console hears at least this often that the session is alive, in seconds of real time."""
ANSWER_S = 2.0
"""How long the loop may take to answer, in seconds of real time."""
MOST_ORDERS = 8
ORIGIN = "console"
NO_DESK = "nobody can be asked: this is a recording, played again"


class WebPublisher:
    """Keeps a console up to date, from when it is entered until it is left.

    Parameters
    ----------
    status : SessionStatus
        Where the session is shown.
    clock : Clock
        Session time.
    console : Console
        The process in which the page is served.
    requests : RequestQueue, optional
        Where the console's operators ask; without it they cannot.
    contour_requests : ContourRequests, optional
        Where they draw the target; without it they cannot.
    fifo_priority : int
        Real-time priority of the loop, 0 for none. The pump takes it, too: otherwise a busy machine could stop it in
        the middle of its work, while it holds Python's lock, for which the loop would have to wait.
    """

    def __init__(
        self,
        status: SessionStatus,
        clock: Clock,
        console: Console,
        requests: RequestQueue | None = None,
        contour_requests: ContourRequests | None = None,
        fifo_priority: int = 0,
    ) -> None:
        self._status, self._clock, self._console, self._requests = status, clock, console, requests
        self._contour_requests = ContourRequests() if contour_requests is None else contour_requests
        self._urgency = LoopConfig(fifo_priority=fifo_priority)
        self._shown = LiveMessage(status)
        self._arrows = DisplacementVectors()
        self._last: Status | None = None
        self._put_ns = 0
        self._pending: dict[int, tuple[PendingRequest[Request] | PendingRequest[ContourRequest], int]] = {}
        self._was_alive = True
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="console", daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Show what is last, and end."""
        self._stop.set()
        self._thread.join()
        self._last = None
        self._look()

    def _run(self) -> None:
        with real_time(self._urgency):
            while not self._stop.wait(LOOK_S):
                self._look()

    def _look(self) -> None:
        """Take up what was asked, and hand over what is new."""
        if not self._console.alive:
            if self._was_alive:
                self._was_alive = False
                self._status.add_line(self._clock.now_s(), "the console has ended; the session goes on")
            return
        for asked in self._console.asked():
            self._take(asked)
        self._answer()
        status, now_ns = self._status.current, stopwatch_ns()
        if status is self._last and now_ns - self._put_ns < STILL_S * 1e9:
            return
        self._last, self._put_ns = status, now_ns
        self._console.show(self._shown.parts(self._clock.now_s(), self._arrows.of(self._status)))

    def _take(self, asked: Mapping[str, Any]) -> None:
        """Take up one thing that the console's process asks for."""
        if "arrows" in asked:
            self._arrows.wanted = asked["arrows"] is True
            self._last = None
            return
        try:
            number, operator = int(asked["id"]), str(asked["operator"])
            if self._requests is None or len(self._pending) >= MOST_ORDERS:
                self._tell(number, Answer(False, NO_DESK if self._requests is None else "too much is asked at once"))
                return
            pending: PendingRequest[Request] | PendingRequest[ContourRequest]
            if "draw" in asked:
                pending = self._contour_requests.submit(request_of(dict(asked["draw"]), operator, ORIGIN))
            else:
                pending = self._requests.submit(
                    request_from_json([str(word) for word in asked["command"]], operator, ORIGIN)
                )
            self._pending[number] = pending, stopwatch_ns()
        except InputError as error:
            self._tell(number, Answer(False, str(error)))
        except (KeyError, TypeError, ValueError):
            return

    def _answer(self) -> None:
        """Say what became of what was asked for, once that is known, or after waiting long enough."""
        for number, (pending, asked_ns) in tuple(self._pending.items()):
            answer = pending.answer
            if answer is None and stopwatch_ns() - asked_ns > ANSWER_S * 1e9:
                answer = pending.give_up(ANSWER_S)
            if answer is not None:
                del self._pending[number]
                self._tell(number, answer)

    def _tell(self, number: int, answer: Answer) -> None:
        self._console.tell({"id": number, "accepted": answer.accepted, "note": answer.note})
