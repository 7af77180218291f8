"""Contouring workflow: an operator takes a frame and draws or adjusts the target, and the session begins with it."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gatekeeper.config import with_limits
from gatekeeper.core.axes import Orientation, orientation_of
from gatekeeper.core.clock import Clock
from gatekeeper.core.contour import Structure
from gatekeeper.core.errors import InputError
from gatekeeper.core.frame import Frame
from gatekeeper.operator.pending import Answer
from gatekeeper.recording.session_setup import SessionSetup
from gatekeeper.session.arming import Armed
from gatekeeper.session.contouring.outline import Region, outline_to_adjust, region_of
from gatekeeper.session.contouring.requests import (
    BEGUN,
    ContourRequest,
    ContourRequests,
    DrawnContour,
    RetakeFrame,
    TakeFrame,
)
from gatekeeper.session.definition import SessionDefinition
from gatekeeper.session.phases import Phase
from gatekeeper.session.startup import NEWEST, JournalEvent, reference_of
from gatekeeper.session.status import ContouringStatus, SessionStatus
from gatekeeper.session.target import Drawn, Reference

MOST_KEPT = 500
"""Number of contouring events kept for the journal."""
FROM_FILE = -1
"""Frame number of an image from a file."""


class ContouringWorkflow:
    """Wait until the target has been drawn.

    Parameters
    ----------
    definition : SessionDefinition
        What is known already: possibly the image, and an outline to adjust.
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
        self._settings = definition.config.settings()
        self._fixed = definition.reference is not None
        self._reference: Reference | None = None
        self._contouring = ContouringStatus(None, False, self._fixed, self._settings.envelope.margin_mm)
        self._beside_mm = self._settings.gate.plane_offset_mm
        self._reported = ""
        self._grid: tuple[object, ...] | None = None
        self._orientation: Orientation | None = None
        self._several_told = False
        self._avoid: tuple[Structure, ...] = ()
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
        verb = "draw" if self._definition.target is None else "adjust"
        self._status.add_line(self._since_s, f"phase {Phase.DRAWING.value}: {verb} the target on the console's page")

    def _do(self, request: ContourRequest) -> tuple[tuple[SessionSetup, Armed] | None, str]:
        """Execute a request; return setup and engine if the session begins, and a line for the event log."""
        match request:
            case TakeFrame():
                note = self._take(request)
            case RetakeFrame():
                note = self._release(request)
            case DrawnContour():
                return self._begin_with(request)
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
        self._show(ContouringStatus(was, False, False, self._contouring.margin_mm, avoid=self._contouring.avoid))
        return f"{_called(was)} released by {request.operator}"

    def _begin_with(self, contour: DrawnContour) -> tuple[tuple[SessionSetup, Armed], str]:
        """Return setup and engine of a session with a drawn outline."""
        reference, frame = self._reference, self._contouring.frame
        if reference is None or frame is None:
            raise InputError("no frame is taken to draw on; take one first")
        if contour.sequence != frame.sequence:
            raise InputError(
                f"outline of the target: was drawn on frame {contour.sequence}, but {_called(frame)} is taken now; "
                "draw it on that"
            )
        rows, cols = reference.image.shape
        region = region_of(contour.points_px, contour.margin_mm, (rows, cols), reference.spacing_mm)
        settings = with_limits(self._settings, contour.margin_mm, None, "outline of the target")
        target = Drawn.of_mask(self._definition.config.primary_name, region.mask, reference)
        begun = self._definition.begin(reference, target, settings)
        verb = "adjusted" if contour.shape == "adjusted" else "drawn"
        note = (
            f"target {verb} by {contour.operator} on {_called(frame)}: "
            f"{region.area_mm2 / 100.0:.1f} cm2, margin {contour.margin_mm:g} mm"
        )
        self._note("target", _values(contour, region, note))
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
            self._grid, self._avoid = grid, ()
            try:
                reference = reference_of(frame, NEWEST)
                if self._definition.target is not None:
                    self._definition.target.on(reference, self._beside_mm)
                self._avoid = self._definition.structures_on(reference)
            except InputError as error:
                if str(error) != self._reported:
                    self._reported = str(error)
                    self._status.add_line(self._clock.now_s(), f"no reference: {error}")
        self._show(ContouringStatus(frame, False, False, self._contouring.margin_mm, avoid=self._avoid))

    def _take_frame(self, frame: Frame, reference: Reference) -> None:
        """Take a frame to draw on, or raise InputError when it is unsuitable."""
        proposal_px = None
        if self._definition.target is not None:
            proposal_px = outline_to_adjust(self._definition.target.on(reference, self._beside_mm))
        avoid = self._definition.structures_on(reference)
        self._reference = reference
        self._show(ContouringStatus(frame, True, self._fixed, self._contouring.margin_mm, proposal_px, avoid))

    def _show(self, contouring: ContouringStatus) -> None:
        self._contouring = contouring
        if self._since_s is not None:
            self._status.show_contouring(contouring, self._clock.now_s())

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
