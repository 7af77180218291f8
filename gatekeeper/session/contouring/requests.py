"""Contouring requests: parsed from JSON values, and queued for the thread that executes them."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import InputError
from gatekeeper.operator.pending import Answer, PendingRequest
from gatekeeper.operator.request import identity
from gatekeeper.session.contouring.outline import NAME, margin_of, points_of

SHAPES = ("polygon", "ellipse", "adjusted")
"""How an outline was drawn."""


@dataclass(frozen=True, slots=True)
class TakeFrame:
    """Take the newest frame to draw on.

    Attributes
    ----------
    operator, origin : str
        Name of the operator, and where the request was made.
    """

    operator: str
    origin: str
    word = "take"
    holds = False


@dataclass(frozen=True, slots=True)
class RetakeFrame:
    """Release the frame that was taken, and show new ones.

    Attributes
    ----------
    operator, origin : str
        Name of the operator, and where the request was made.
    """

    operator: str
    origin: str
    word = "again"
    holds = False


@dataclass(frozen=True, slots=True, eq=False)
class DrawnContour:
    """Confirm an outline on the frame that was taken.

    Attributes
    ----------
    operator, origin : str
        Name of the operator, and where the request was made.
    points_px : ndarray of float64, shape (N, 2)
        Closed outline as (row, col).
    margin_mm : float or None
        Margin from target to envelope, in mm; None for an organ at risk.
    sequence : int
        Number of the frame that it was drawn on; -1 for an image from a file.
    shape : str
        How it was drawn, one of `SHAPES`.
    structure : str or None
        Name of the structure; None for the first one that is drawn.
    """

    operator: str
    origin: str
    points_px: NDArray[np.float64]
    margin_mm: float | None
    sequence: int
    shape: str
    structure: str | None = None
    word = "outline"
    holds = False


ContourRequest = TakeFrame | RetakeFrame | DrawnContour


def request_of(values: Mapping[str, object], operator: str, origin: str, login: str | None = None) -> ContourRequest:
    """Return the contouring request in JSON values.

    Parameters
    ----------
    values : mapping
        ``{"take": true}``, ``{"again": true}``, or `points_px`, `margin_mm`, `sequence` and `shape` of an outline, and
        the `structure` where there are several to draw.
    operator : str
        Name of the operator.
    origin : str
        Where the request was made.
    login : str, optional
        Login name of the operator, as the operating system says.

    Raises
    ------
    InputError
        When it is not a valid request, or its margin is outside the allowed range.
    """
    name = identity(operator, login)
    if dict(values) == {"take": True}:
        return TakeFrame(name, origin)
    if dict(values) == {"again": True}:
        return RetakeFrame(name, origin)
    if set(values) - {"structure"} != {"points_px", "margin_mm", "sequence", "shape"}:
        raise InputError("drawing: not understood; take a frame, take it again, or give an outline with its margin")
    structure = values.get("structure")
    if structure is not None and not isinstance(structure, str):
        raise InputError(f"drawing: the structure is {structure!r:.40}; give its name")
    called = NAME if structure is None else structure
    margin_mm = None if values["margin_mm"] is None else margin_of(values["margin_mm"], called)
    sequence, shape = values["sequence"], values["shape"]
    if type(sequence) is not int:
        raise InputError(f"drawing: the frame is {sequence!r:.40}; give the number of the one that was drawn on")
    if shape not in SHAPES:
        raise InputError(f"drawing: the shape is {shape!r:.40}; give one of {', '.join(SHAPES)}")
    points_px = points_of(values["points_px"], called)
    return DrawnContour(name, origin, points_px, margin_mm, sequence, str(shape), structure)


MOST_WAITING = 16
"""Largest number of waiting requests."""
NOT_DRAWN = "the target of this session is not drawn here"
BEGUN = "the target has been drawn and the session has begun; end it to draw another"
OVER = "the session has ended"


class ContourRequests:
    """A queue of contouring requests, closed until a session opens it.

    Any thread may submit; one thread takes.
    """

    def __init__(self) -> None:
        self._waiting: deque[PendingRequest[ContourRequest]] = deque()
        self._closed: str | None = NOT_DRAWN

    def open(self) -> None:
        """Accept requests from now on."""
        self._closed = None

    @property
    def is_open(self) -> bool:
        """Whether requests are accepted."""
        return self._closed is None

    def submit(self, request: ContourRequest) -> PendingRequest[ContourRequest]:
        """Add a request, and return the pending request that will hold its answer."""
        pending = PendingRequest(request)
        if self._closed is None and len(self._waiting) < MOST_WAITING:
            self._waiting.append(pending)
            if self._closed is None:
                return pending
        # Another thread may have closed the queue meanwhile.
        pending.settle(Answer(False, self._closed or f"{MOST_WAITING} requests wait already; ask again"))
        return pending

    def next(self) -> PendingRequest[ContourRequest] | None:
        """Return the next request that was not withdrawn, to be answered; None when there is none."""
        while self._waiting:
            pending = self._waiting.popleft()
            if pending.claim():
                return pending
        return None

    def close(self, why: str) -> None:
        """Refuse all waiting and future requests with a reason."""
        self._closed = why
        while self._waiting:
            self._waiting.popleft().settle(Answer(False, why))
