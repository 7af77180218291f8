"""Requests made while the target is drawn: parsed from plain values, and queued for the thread that does them."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import InputError
from gatekeeper.operator.pending import Answer, PendingRequest
from gatekeeper.operator.request import named
from gatekeeper.session.contouring.outline import margin_of, points_of

SHAPES = ("polygon", "ellipse", "adjusted")
"""How an outline was drawn."""


@dataclass(frozen=True, slots=True)
class TakeFrame:
    """Let the newest frame stand, to be drawn on.

    Attributes
    ----------
    operator, origin : str
        Who asks, and where.
    """

    operator: str
    origin: str
    word = "take"
    holds = False


@dataclass(frozen=True, slots=True)
class RetakeFrame:
    """Let go of the frame that was taken, and look at new ones.

    Attributes
    ----------
    operator, origin : str
        Who asks, and where.
    """

    operator: str
    origin: str
    word = "again"
    holds = False


@dataclass(frozen=True, slots=True, eq=False)
class DrawnContour:
    """Begin with an outline on the frame that was taken.

    Attributes
    ----------
    operator, origin : str
        Who asks, and where.
    points_px : ndarray of float64, shape (N, 2)
        Closed outline as (row, col).
    margin_mm : float
        From the target to its envelope, in mm.
    sequence : int
        Number of the frame that it was drawn on; -1 for an image from a file.
    shape : str
        How it was drawn, one of `SHAPES`.
    """

    operator: str
    origin: str
    points_px: NDArray[np.float64]
    margin_mm: float
    sequence: int
    shape: str
    word = "outline"
    holds = False


ContourRequest = TakeFrame | RetakeFrame | DrawnContour


def request_of(values: Mapping[str, object], operator: str, origin: str) -> ContourRequest:
    """Return what somebody asks for in plain values, as JSON has them.

    Parameters
    ----------
    values : mapping
        ``{"take": true}``, ``{"again": true}``, or `points_px`, `margin_mm`, `sequence` and `shape` of an outline.
    operator : str
        Who asks.
    origin : str
        Where.

    Raises
    ------
    InputError
        When it is nothing that can be asked for, or a margin that no session allows.
    """
    name = named(operator)
    if dict(values) == {"take": True}:
        return TakeFrame(name, origin)
    if dict(values) == {"again": True}:
        return RetakeFrame(name, origin)
    if set(values) != {"points_px", "margin_mm", "sequence", "shape"}:
        raise InputError("drawing: not understood; take a frame, take it again, or give an outline with its margin")
    margin_mm, sequence, shape = margin_of(values["margin_mm"]), values["sequence"], values["shape"]
    if type(sequence) is not int:
        raise InputError(f"drawing: the frame is {sequence!r:.40}; give the number of the one that was drawn on")
    if shape not in SHAPES:
        raise InputError(f"drawing: the shape is {shape!r:.40}; give one of {', '.join(SHAPES)}")
    return DrawnContour(name, origin, points_of(values["points_px"]), margin_mm, sequence, str(shape))


MOST_WAITING = 16
"""More requests than this do not wait."""
NOT_DRAWN = "the target of this session is not drawn here"
BEGUN = "the target has been drawn and the session has begun; end it to draw another"
OVER = "the session has ended"


class ContourRequests:
    """Keeps requests until they are worked off; it is closed unless a session opens it.

    Any thread may ask, one works off.
    """

    def __init__(self) -> None:
        self._waiting: deque[PendingRequest[ContourRequest]] = deque()
        self._closed: str | None = NOT_DRAWN

    def open(self) -> None:
        """Take requests from now on."""
        self._closed = None

    @property
    def is_open(self) -> bool:
        """Whether requests are taken."""
        return self._closed is None

    def submit(self, request: ContourRequest) -> PendingRequest[ContourRequest]:
        """Put a request on the easel, and return the order on which its answer will be."""
        pending = PendingRequest(request)
        if self._closed is None and len(self._waiting) < MOST_WAITING:
            self._waiting.append(pending)
            if self._closed is None:
                return pending
        # It may have been closed only just now.
        pending.settle(Answer(False, self._closed or f"{MOST_WAITING} requests wait already; ask again"))
        return pending

    def next(self) -> PendingRequest[ContourRequest] | None:
        """Return the next request that nobody has withdrawn, to be answered; None when there is none."""
        while self._waiting:
            pending = self._waiting.popleft()
            if pending.claim():
                return pending
        return None

    def close(self, why: str) -> None:
        """Answer whoever still waits, and everybody from now on, why nothing is drawn any more."""
        self._closed = why
        while self._waiting:
            self._waiting.popleft().settle(Answer(False, why))
