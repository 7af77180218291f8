"""Build the message that shows a running session in browsers, from the session status.

The message is built in the session's process, so the work is kept small: arrays are passed on unchanged, and slower
steps, such as scaling the image, are done in the console's process.
"""

import math
from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.axes import orientation_of
from gatekeeper.core.contour import Role
from gatekeeper.core.decision import BeamState
from gatekeeper.core.frame import Plane
from gatekeeper.core.json_values import number
from gatekeeper.core.session_counts import SessionCounts
from gatekeeper.core.step import Step
from gatekeeper.display.web.breath_holds import breath_holds_for_page, shifts_for_page
from gatekeeper.display.web.message import IMAGE, REFERENCE, Buffer, parts_of, scaled
from gatekeeper.display.web.session_info import settings_for_page
from gatekeeper.display.web.structures import NOT_TRACKED, ShownStructures
from gatekeeper.display.web.trace_row import COLUMNS, STRUCTURES, Row, axes_for_page, columns_on, row_of, structure_row
from gatekeeper.gating.envelope import Envelope
from gatekeeper.recording.session_setup import SessionSetup
from gatekeeper.session.arming import Armed
from gatekeeper.session.contouring.state import ContouringStatus
from gatekeeper.session.phases import GATE_PHASES, Phase
from gatekeeper.session.preview_learning import Learned
from gatekeeper.session.status import RecentDecision, SessionStatus, Status
from gatekeeper.session.taken_frame import TakenFrame

RECENT = 64
"""Number of decisions in a message, so that a browser that misses some messages still gets each decision."""
LINES = 6
"""Number of lines of the event log in a message."""

Arrays = dict[str, NDArray[np.generic]]


@dataclass(slots=True, eq=False)
class LiveMessage:
    """Builder of messages that keeps the recent decisions between calls.

    Attributes
    ----------
    status : SessionStatus
        The session status.
    """

    status: SessionStatus
    _rows: deque[Row] = field(default_factory=lambda: deque(maxlen=RECENT))
    _parts: deque[list[Row]] = field(default_factory=lambda: deque(maxlen=RECENT))
    _last: int = -1
    _state: BeamState | None = None
    _begun_s: float | None = None
    _known: ShownStructures | None = None
    _window: tuple[Envelope, tuple[float, float]] | None = None
    _arming: tuple[Armed, dict[str, object]] | None = None
    _preview: tuple[Learned, dict[str, object]] | None = None
    _reference: tuple[TakenFrame, dict[str, object], Arrays] | None = None

    def parts(self, now_s: float, extra: Arrays) -> list[Buffer]:
        """Return the message for this moment.

        Parameters
        ----------
        now_s : float
            Session time in seconds.
        extra : dict
            Further arrays of the message, by name.

        Returns
        -------
        list of bytes or memoryview
            Parts of the message; see `gatekeeper.display.web.message`.
        """
        status, begun = self.status.current, self.status.begun
        self._add_decisions(begun)
        arrays: Arrays = {"recent": np.array(self._rows, dtype=np.float64).reshape(-1, len(COLUMNS))}
        head = self._values(status, now_s)
        if begun is not None:
            setup, armed = begun
            known = self._structures_of(begun)
            head |= _names_of(setup.plane)
            head["structures"] = known.for_page
            head["window_mm"] = self._window_of(armed, setup)
            if status.phase is Phase.READY:
                head["arming"] = self._arming_of(armed)
            arrays |= known.zones(armed.gate.zones)
            if expected := armed.gate.interval:
                arrays["ahead"] = np.array(
                    [(one.time_s, *known.moved_mm(0, one.center_mm), *one.spread_mm) for one in expected], np.float64
                )
            if status.exposure is not None:
                head["risk"] = [number(value) for value in status.exposure]
            if status.breath_holds:
                head |= breath_holds_for_page(status, known.reference_mm[0], known.orientation)
            if status.phase in GATE_PHASES:
                head |= shifts_for_page(status, armed.gate, known.orientation)
            if known.several:
                arrays[STRUCTURES] = known.array(self._parts)
            if (taken := self.status.reference) is not None:
                head["reference"], asked = self._reference_of(taken, armed)
                arrays |= asked
        if self.status.learned is not None:
            head["preview"] = self._preview_of(self.status.learned)
        if status.contouring is not None:
            _add_contouring(status.contouring, head, arrays)
        if (frame := status.frame) is not None:
            head["spacing_mm"] = frame.spacing_mm
            if begun is None:
                head |= _names_of(frame.plane)
            if status.last_frame_step is not None and status.last_frame_step.frame is frame:
                arrays |= _contours(status.last_frame_step, frame.spacing_mm)
            arrays[IMAGE] = frame.image
        return parts_of(head, arrays | extra)

    def _arming_of(self, armed: Armed) -> dict[str, object]:
        """Return the settings that are shown before arming, made once."""
        if self._arming is None or self._arming[0] is not armed:
            self._arming = armed, settings_for_page(armed.config)
        return self._arming[1]

    def _preview_of(self, learned: Learned) -> dict[str, object]:
        """Return the result of the preview as text, formatted once."""
        if self._preview is None or self._preview[0] is not learned:
            self._preview = learned, {"go": learned.go, "lines": learned.as_lines()}
        return self._preview[1]

    def _reference_of(self, taken: TakenFrame, armed: Armed) -> tuple[dict[str, object], Arrays]:
        """Return values and arrays of the frame that is to become the reference, made once."""
        if self._reference is None or self._reference[0] is not taken:
            pixels, low, high = scaled(taken.image)
            outlines = {f"{REFERENCE}_other{n}": track.contour_px for n, track in enumerate(taken.tracks[1:])}
            arrays: Arrays = {REFERENCE: pixels}
            arrays |= {
                name: outline_px.astype(np.float32)
                for name, outline_px in {f"{REFERENCE}_target": taken.target_px, **outlines}.items()
            }
            words = taken.as_words(armed.target_px, armed.names)
            head = {"frame": taken.sequence, "words": words, "low": low, "high": high, "spacing_mm": taken.spacing_mm}
            self._reference = taken, head, arrays
        return self._reference[1:]

    def _add_decisions(self, begun: tuple[SessionSetup, Armed] | None) -> None:
        """Add the decisions since the last call."""
        for recent in self.status.recent.copy():
            if recent.number <= self._last:
                continue
            self._last = recent.number
            if recent.decision.state is not self._state:
                self._state, self._begun_s = recent.decision.state, recent.decision.time_s
            known = None if begun is None else self._structures_of(begun)
            self._rows.append(_row(recent, known))
            if known is not None and known.several:
                self._parts.append(_structure_rows(recent, known))

    def _window_of(self, armed: Armed, setup: SessionSetup) -> tuple[float, float]:
        """Return how far the target may move along rows, from its reference, to each side of the envelope in mm."""
        envelope = armed.gate.envelope
        if self._window is None or self._window[0] is not envelope:
            spacing_mm, axis = setup.spacing_mm[0], orientation_of(setup.plane).rows
            zone_mm, target_mm = (spacing_mm * outline[:, 0] for outline in (envelope.contour_px, armed.target_px))
            sides = axis.sign * (zone_mm.min() - target_mm.min()), axis.sign * (zone_mm.max() - target_mm.max())
            self._window = envelope, (float(min(sides)), float(max(sides)))
        return self._window[1]

    def _structures_of(self, begun: tuple[SessionSetup, Armed]) -> ShownStructures:
        """Return what does not change of the structures, made once."""
        if self._known is None:
            self._known = ShownStructures.of(begun[0], begun[1].config)
        return self._known

    def _values(self, status: Status, now_s: float) -> dict[str, object]:
        """Return the values that the page shows as numbers and text."""
        step, latency, frame = status.step, status.latency, status.frame
        decision = status.decision
        return {
            "phase": status.phase.value,
            "since_s": status.since_s,
            "now_s": now_s,
            "gathered": list(status.preview_progress),
            "state": BeamState.HOLD.value if decision is None else decision.state.value,
            "reasons": ["not_armed"] if decision is None else [reason.value for reason in decision.reasons],
            "decided_s": None if decision is None else number(decision.time_s),
            "state_s": None if self._begun_s is None else number(now_s - self._begun_s),
            "link": status.link_alive,
            "beam": self.status.machine_beam(),
            "rate_hz": number(status.rate_hz),
            **counts_for_page(status.counts),
            "latency_ms": [
                number(latency.percentile_ms(50.0)),
                number(latency.percentile_ms(99.0)),
                number(latency.longest_ms),
            ],
            "chain": self.status.latency_line,
            "sequence": None if frame is None else frame.sequence,
            "age_s": None if frame is None else number(now_s - frame.acquired_s),
            "silent": step is not None and step.frame is None,
            "warnings": list(self.status.warnings),
            "message": list(self.status.message),
            "lines": [[line.time_s, line.text] for line in self.status.lines[-LINES:]],
        }


def _row(recent: RecentDecision, known: ShownStructures | None) -> Row:
    decision, moved = recent.decision, (math.nan, math.nan)
    if recent.center_mm is not None and known is not None:
        moved = known.moved_mm(0, recent.center_mm)
    return row_of(
        recent.number,
        decision.sequence,
        decision.time_s,
        decision.state,
        decision.reasons,
        decision.outside_percent,
        decision.predicted_percent,
        moved,
        recent.confidence,
    )


def _structure_rows(recent: RecentDecision, known: ShownStructures) -> list[Row]:
    """Return each of several structures in a decision; NaN where the frame was not tracked."""
    if recent.center_mm is None or not recent.decision.structures:
        return [NOT_TRACKED for _ in known.infos]
    found = [(recent.center_mm, recent.confidence), *((one.center_mm, one.confidence) for one in recent.others)]
    return [
        structure_row(known.moved_mm(place, at_mm), part.value, confidence, part.reasons)
        for place, ((at_mm, confidence), part) in enumerate(zip(found, recent.decision.structures, strict=True))
    ]


def _names_of(plane: Plane) -> dict[str, object]:
    """Return the axes of the images, and the columns of the trace that are named after them."""
    orientation = orientation_of(plane)
    return {"axes": axes_for_page(orientation), "columns": columns_on(orientation)}


def counts_for_page(counts: SessionCounts) -> dict[str, object]:
    """Return the counts that the page shows for a live or recorded session.

    Parameters
    ----------
    counts : SessionCounts
        Counts of the session.

    Returns
    -------
    dict
        Plain values by name; times in seconds.
    """
    return {
        "armed_s": counts.armed_s,
        "beam_on_s": counts.beam_on_s,
        "duty_cycle": counts.armed_duty_cycle,
        "frames": counts.frames,
        "silences": counts.silences,
        "skipped": counts.skipped,
        "missing": counts.missing,
        "not_kept": counts.not_kept,
        "holds": counts.holds,
        "hold_reasons": counts.hold_reasons,
    }


def _add_contouring(contouring: ContouringStatus, head: dict[str, object], arrays: Arrays) -> None:
    """Add the state of contouring, the structures with what is known of them, and proposed outlines."""
    shown = contouring.structures
    head["draw"] = {
        "taken": contouring.taken,
        "fixed": contouring.fixed,
        "sequence": -1 if contouring.frame is None else contouring.frame.sequence,
        "structures": [
            {name: getattr(one, name) for name in ("by_hand", "required", "confirmed", "margin_mm")} for one in shown
        ],
    }
    head["structures"] = [{"name": one.name, "target": one.role is Role.TARGET, "color": one.color} for one in shown]
    for place, one in enumerate(shown):
        outline, zone = ("target", "envelope") if place == 0 else (f"other{place - 1}", f"zone{place - 1}")
        found = {outline: one.outline_px, zone: one.zone_px, f"proposal{place}": one.proposal_px}
        arrays |= {name: contour_px.astype(np.float32) for name, contour_px in found.items() if contour_px is not None}


def _contours(step: Step, spacing_mm: tuple[float, float]) -> Arrays:
    """Return the outlines tracked on a frame, as (row, col) in px."""
    track = step.track
    if track is None:
        return {}
    arrays: Arrays = {f"other{number}": one.contour_px.astype(np.float32) for number, one in enumerate(step.others)}
    # The outline of a lost target is at its last position and would look like a tracked one.
    if track.confidence > 0.0:
        arrays["target"] = track.contour_px.astype(np.float32)
        if step.ahead_mm is not None:
            shift_px = np.subtract(step.ahead_mm, track.center_mm) / spacing_mm
            arrays["predicted"] = (track.contour_px + shift_px).astype(np.float32)
    return arrays
