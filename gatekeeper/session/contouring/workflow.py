"""Contouring workflow: an operator takes a frame and draws or adjusts structures on it, and the session begins."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gatekeeper.core.axes import Orientation, orientation_of
from gatekeeper.core.clock import Clock
from gatekeeper.core.contour import Role
from gatekeeper.core.errors import InputError
from gatekeeper.core.frame import Frame
from gatekeeper.operator.pending import Answer
from gatekeeper.recording.session_setup import SessionSetup
from gatekeeper.session.arming import Armed
from gatekeeper.session.contouring.drawn_structures import DrawnStructures
from gatekeeper.session.contouring.outline import NAME, Region, region_of
from gatekeeper.session.contouring.requests import (
    BEGUN,
    ContourRequest,
    ContourRequests,
    DrawnContour,
    RetakeFrame,
    TakeFrame,
)
from gatekeeper.session.contouring.state import ContouringStatus
from gatekeeper.session.definition import SessionDefinition
from gatekeeper.session.phases import Phase
from gatekeeper.session.startup import NEWEST, JournalEvent, reference_of
from gatekeeper.session.status import SessionStatus
from gatekeeper.session.target import Reference

MOST_KEPT = 500
"""Number of contouring events kept for the journal."""
FROM_FILE = -1
"""Frame number of an image from a file."""


class ContouringWorkflow:
    """Wait until all structures have been drawn that are drawn here and required.

    Parameters
    ----------
    definition : SessionDefinition
        What is known already: possibly the image, and outlines to adjust.
    contour_requests : ContourRequests
        Requests of the operators; opened here, and closed when the session begins.
    status : SessionStatus
        Shows the frame.
    clock : Clock
        Session time.

    Raises
    ------
    InputError
        When the image is known and a structure is not on it.
    """

    missing = "the target is not drawn yet, and the beam is held"

    def __init__(
        self, definition: SessionDefinition, contour_requests: ContourRequests, status: SessionStatus, clock: Clock
    ) -> None:
        self._definition, self._contour_requests, self._status, self._clock = (
            definition,
            contour_requests,
            status,
            clock,
        )
        self._fixed = definition.reference is not None
        self._reference: Reference | None = None
        self._drawn = DrawnStructures(definition)
        self._contouring = ContouringStatus(None, False, self._fixed, self._drawn.shown())
        self._beside_mm = definition.config.gate.plane_offset_mm
        self._reported = ""
        self._grid: tuple[object, ...] | None = None
        self._orientation: Orientation | None = None
        self._several_told = False
        self._events: deque[JournalEvent] = deque(maxlen=MOST_KEPT)
        self._since_s: float | None = None
        if definition.reference is not None:
            self._take_frame(_as_frame(definition.reference), definition.reference)
        contour_requests.open()

    @property
    def events(self) -> Sequence[JournalEvent]:
        """Events for the journal, oldest first: when contouring began, and each request."""
        began = [] if self._since_s is None else [_phase(self._since_s)]
        return [*began, *self._events]

    def step(self, frame: Frame | None) -> tuple[SessionSetup, Armed] | None:
        """Process a frame and all waiting requests; return setup and engine once an outline is accepted."""
        if self._since_s is None:
            self._begin()
        if frame is not None and self._reference is None and self._is_of_shown_plane(frame):
            self._show_frame(frame)
        while (pending := self._contour_requests.next()) is not None:
            request = pending.request
            try:
                begun, note = self._do(request)
            except InputError as error:
                self._note("refused", {"wish": request.word, **_who(request), "note": str(error)})
                self._status.add_line(self._clock.now_s(), f"refused: {error}")
                pending.settle(Answer(False, str(error)))
                continue
            self._status.add_line(self._clock.now_s(), note)
            pending.settle(Answer(True, note))
            if begun is not None:
                self._contour_requests.close(BEGUN)
                return begun
        return None

    def _begin(self) -> None:
        self._since_s = self._clock.now_s()
        self._status.enter(Phase.DRAWING, self._since_s)
        self._status.show_contouring(self._contouring, self._since_s)
        self._status.add_line(self._since_s, f"phase {Phase.DRAWING.value}: {self._asked()} on the console's page")

    def _asked(self) -> str:
        """Return what the operator is to do, in words."""
        by_hand = self._drawn.by_hand.values()
        if len(by_hand) == 1:
            return "draw the target" if self._definition.target is None else "adjust the target"
        verbs = {"draw": [one for one in by_hand if one.known is None], "adjust": [one for one in by_hand if one.known]}
        return " and ".join(f"{verb} {', '.join(one.name for one in todo)}" for verb, todo in verbs.items() if todo)

    def _do(self, request: ContourRequest) -> tuple[tuple[SessionSetup, Armed] | None, str]:
        """Execute a request; return setup and engine if the session begins, and a line for the event log."""
        match request:
            case TakeFrame():
                note = self._take(request)
            case RetakeFrame():
                note = self._release(request)
            case DrawnContour():
                return self._confirm(request)
        self._note("drawing", {"did": request.word, **_who(request), "note": note})
        return None, note

    def _take(self, request: TakeFrame) -> str:
        frame = self._contouring.frame
        if self._reference is not None:
            raise InputError(f"{_called(self._contouring.frame)} is taken already; draw on it, or release it first")
        if frame is None:
            raise InputError("there is no frame to be taken yet; wait for one")
        if not (np.isfinite(frame.image).all() and np.ptp(frame.image) > 0.0):
            raise InputError(f"{_called(frame)} is blank or has pixels that are not numbers; take another")
        self._take_frame(frame, reference_of(frame))
        return f"{_called(frame)} taken by {request.operator} to draw on"

    def _release(self, request: RetakeFrame) -> str:
        if self._fixed:
            raise InputError("the target is drawn on the image that the session names; no other can be taken")
        if self._reference is None:
            raise InputError("no frame is taken; new ones are shown already")
        was, self._reference = self._contouring.frame, None
        self._drawn.release()
        self._show(was, taken=False)
        return f"{_called(was)} released by {request.operator}"

    def _confirm(self, contour: DrawnContour) -> tuple[tuple[SessionSetup, Armed] | None, str]:
        """Keep a drawn outline; return setup and engine if none is missing, and a line for the event log."""
        reference, frame, drawn = self._reference, self._contouring.frame, self._drawn
        name = next(iter(drawn.by_hand)) if contour.structure is None else contour.structure
        called = NAME if contour.structure is None else name
        if reference is None or frame is None:
            raise InputError("no frame is taken to draw on; take one first")
        if contour.sequence != frame.sequence:
            raise InputError(
                f"outline of {called}: was drawn on frame {contour.sequence}, but {_called(frame)} is taken now; "
                "draw it on that"
            )
        if name not in drawn.by_hand:
            raise InputError(f"outline of {called}: is not drawn here; draw one of {', '.join(drawn.by_hand)}")
        margin_mm = contour.margin_mm
        if (drawn.by_hand[name].role is Role.TARGET) != (margin_mm is not None):
            raise InputError(f"outline of {called}: a target has a margin, and an organ at risk has none")
        rows, cols = reference.image.shape
        region = region_of(contour.points_px, margin_mm, (rows, cols), reference.spacing_mm, called)
        drawn.confirm(name, region, margin_mm)
        begun = drawn.begin(name, reference)
        verb = "adjusted" if contour.shape == "adjusted" else "drawn"
        margin = "" if margin_mm is None else f", margin {margin_mm:g} mm"
        who = "target" if contour.structure is None else name
        note = f"{who} {verb} by {contour.operator} on {_called(frame)}: {region.area_mm2 / 100.0:.1f} cm2{margin}"
        values = _values(contour, region, note)
        self._note("target", values if contour.structure is None else {**values, "structure": name})
        if begun is None:
            self._show(frame, taken=True)
        return begun, note

    def _is_of_shown_plane(self, frame: Frame) -> bool:
        """Return whether a frame has the orientation of the first suitable one; a device may image several in turn."""
        now = orientation_of(frame.plane)
        if self._orientation is None and self._has_target(frame):
            self._orientation = now
        if self._orientation is None:
            return True
        if now is not self._orientation and not self._several_told:
            self._several_told = True
            self._status.add_line(
                self._clock.now_s(),
                f"{now.name} images come in turn with {self._orientation.name} ones, which are shown; plane of "
                "[source] chooses others",
            )
        return now is self._orientation

    def _has_target(self, frame: Frame) -> bool:
        """Return whether the target, if it is known, lies on the plane of a frame."""
        if self._definition.target is None:
            return True
        try:
            self._definition.target.on(reference_of(frame, NEWEST), self._beside_mm)
        except InputError:
            return False
        return True

    def _show_frame(self, frame: Frame) -> None:
        """Show a new frame, if the target can be drawn on it."""
        # A source may write its next frame into the same memory.
        frame = replace(frame, image=frame.image.copy())
        if (grid := (frame.image.shape, frame.spacing_mm, frame.plane)) != self._grid:
            self._grid = grid
            self._drawn.clear()
            try:
                self._drawn.place(reference_of(frame, NEWEST), propose=False)
            except InputError as error:
                if str(error) != self._reported:
                    self._reported = str(error)
                    self._status.add_line(self._clock.now_s(), f"no reference: {error}")
        self._show(frame, taken=False)

    def _take_frame(self, frame: Frame, reference: Reference) -> None:
        """Take a frame to draw on, or raise InputError when it is unsuitable."""
        self._drawn.place(reference, propose=True)
        self._reference = reference
        self._show(frame, taken=True)

    def _show(self, frame: Frame | None, *, taken: bool) -> None:
        self._contouring = ContouringStatus(frame, taken, self._fixed, self._drawn.shown())
        if self._since_s is not None:
            self._status.show_contouring(self._contouring, self._clock.now_s())

    def _note(self, name: str, values: dict[str, object]) -> None:
        self._events.append((name, self._clock.now_s(), values))


def _as_frame(reference: Reference) -> Frame:
    """Return an image from a file as a frame without an acquisition time."""
    image = np.ascontiguousarray(reference.image, dtype=np.float32)
    return Frame(image, reference.spacing_mm, FROM_FILE, math.nan, math.nan, reference.plane)


def _called(frame: Frame | None) -> str:
    return "no frame" if frame is None else "the image" if frame.sequence == FROM_FILE else f"frame {frame.sequence}"


def _phase(time_s: float) -> JournalEvent:
    return "phase", time_s, {"phase": Phase.DRAWING.value, "operator": None, "note": ""}


def _who(request: ContourRequest) -> dict[str, object]:
    return {"operator": request.operator, "door": request.origin}


def _values(contour: DrawnContour, region: Region, note: str) -> dict[str, object]:
    """Return the journal's values of the target; the filled outline is the mask that the session stores."""
    return {
        **_who(contour),
        "shape": contour.shape,
        "sequence": None if contour.sequence == FROM_FILE else contour.sequence,
        "margin_mm": contour.margin_mm,
        "area_mm2": region.area_mm2,
        "points_px": region.points_px.tolist(),
        "note": note,
    }
