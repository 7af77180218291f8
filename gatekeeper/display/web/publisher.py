"""Send changes of the session status to the console's process and pass its requests to the session.

This runs on a separate thread of the session's process. Requests from the console go to the same queue as those from
the terminal and the control socket.
"""

import threading
from collections.abc import Mapping
from typing import Any, Self

from gatekeeper.config import LoopConfig
from gatekeeper.core.axes import SAGITTAL
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

PERIOD_S = 1.0 / 30.0
STILL_S = 0.5
"""Longest time between two messages, so that the console sees that the session runs, in seconds of real time."""
ANSWER_S = 2.0
"""Time for the loop to answer a request, in seconds of real time."""
MOST_PENDING = 8
ORIGIN = "console"
NO_REQUESTS = "a replayed recording takes no requests"
TOO_MANY = f"{MOST_PENDING} requests are waiting already; ask again"


class WebPublisher:
    """Context manager that keeps a console up to date.

    Parameters
    ----------
    status : SessionStatus
        The session status.
    clock : Clock
        Session time.
    console : Console
        The process that serves the page.
    requests : RequestQueue, optional
        Queue for requests from the console; without it they are refused.
    contour_requests : ContourRequests, optional
        Queue for outlines drawn on the console; without it they are refused.
    fifo_priority : int
        Real-time priority of the loop, 0 for none. The publisher's thread takes it, too: otherwise the system could
        suspend the thread while it holds Python's global interpreter lock, for which the loop would have to wait.
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
        self._real_time = LoopConfig(fifo_priority=fifo_priority)
        self._message = LiveMessage(status)
        self._vectors = DisplacementVectors()
        self._last: Status | None = None
        self._sent_ns = 0
        self._pending: dict[int, tuple[PendingRequest[Request] | PendingRequest[ContourRequest], int]] = {}
        self._was_alive = True
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="console", daemon=True)

    def __enter__(self) -> Self:
        """Start the thread."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the thread and send the last status."""
        self._stop.set()
        self._thread.join()
        self._last = None
        self._publish()

    def _run(self) -> None:
        with real_time(self._real_time):
            while not self._stop.wait(PERIOD_S):
                self._publish()

    def _publish(self) -> None:
        """Handle the console's requests, and send the status if it is new."""
        if not self._console.alive:
            if self._was_alive:
                self._was_alive = False
                self._status.add_line(self._clock.now_s(), "the console has ended; the session goes on")
            return
        for packet in self._console.take_requests():
            self._handle(packet)
        self._send_answers()
        status, now_ns = self._status.current, stopwatch_ns()
        if status is self._last and now_ns - self._sent_ns < STILL_S * 1e9:
            return
        self._last, self._sent_ns = status, now_ns
        self._console.show(self._message.parts(self._clock.now_s(), self._vectors.of(self._status)))

    def _handle(self, packet: Mapping[str, Any]) -> None:
        """Pass a request from the console to its queue, or refuse it."""
        if "arrows" in packet:
            self._vectors.wanted = packet["arrows"] is True
            self._last = None
            return
        try:
            number, operator = int(packet["id"]), str(packet["operator"])
            login = None if packet.get("login") is None else str(packet["login"])
            pending: PendingRequest[Request] | PendingRequest[ContourRequest]
            draw, request = packet.get("draw"), None
            if draw is None:
                words = [str(word) for word in packet["command"]]
                axes = SAGITTAL if self._requests is None else self._requests.orientation
                request = request_from_json(words, operator, ORIGIN, login, axes)
            is_full = len(self._pending) >= MOST_PENDING and not (request is not None and request.holds)
            if self._requests is None or is_full:
                self._send_answer(number, Answer(False, NO_REQUESTS if self._requests is None else TOO_MANY))
                return
            if request is None:
                pending = self._contour_requests.submit(request_of(dict(packet["draw"]), operator, ORIGIN, login))
            else:
                pending = self._requests.submit(request)
            self._pending[number] = pending, stopwatch_ns()
        except InputError as error:
            self._send_answer(number, Answer(False, str(error)))
        except (KeyError, TypeError, ValueError):
            return

    def _send_answers(self) -> None:
        """Send the answers that the session has given, and withdraw requests that have waited too long."""
        for number, (pending, since_ns) in tuple(self._pending.items()):
            answer = pending.answer
            if answer is None and stopwatch_ns() - since_ns > ANSWER_S * 1e9:
                answer = pending.give_up(ANSWER_S)
            if answer is not None:
                del self._pending[number]
                self._send_answer(number, answer)

    def _send_answer(self, number: int, answer: Answer) -> None:
        self._console.send_answer({"id": number, "accepted": answer.accepted, "note": answer.note})
