"""The easel: what is asked for while the target is drawn comes in from any thread, and one thread works it off."""

from collections import deque

from gatekeeper.operator.pending import Answer, Order
from gatekeeper.session.contouring.requests import Request

MOST_WAITING = 16
"""More requests than this do not wait."""
NOT_DRAWN = "the target of this session is not drawn here"
BEGUN = "the target has been drawn and the session has begun; end it to draw another"
OVER = "the session has ended"


class Easel:
    """Keeps requests until they are worked off; it is closed unless a session opens it.

    Any thread may ask, one works off.
    """

    def __init__(self) -> None:
        self._waiting: deque[Order[Request]] = deque()
        self._closed: str | None = NOT_DRAWN

    def open(self) -> None:
        """Take requests from now on."""
        self._closed = None

    @property
    def is_open(self) -> bool:
        """Whether requests are taken."""
        return self._closed is None

    def ask(self, request: Request) -> Order[Request]:
        """Put a request on the easel, and return the order on which its answer will be."""
        order = Order(request)
        if self._closed is None and len(self._waiting) < MOST_WAITING:
            self._waiting.append(order)
            if self._closed is None:
                return order
        # It may have been closed only just now.
        order.settle(Answer(False, self._closed or f"{MOST_WAITING} requests wait already; ask again"))
        return order

    def next(self) -> Order[Request] | None:
        """Return the next request that nobody has withdrawn, to be answered; None when there is none."""
        while self._waiting:
            order = self._waiting.popleft()
            if order.claim():
                return order
        return None

    def close(self, why: str) -> None:
        """Answer whoever still waits, and everybody from now on, why nothing is drawn any more."""
        self._closed = why
        while self._waiting:
            self._waiting.popleft().settle(Answer(False, why))
