"""Prepare a recorded session for the console's page, decision by decision."""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.axes import orientation_of
from gatekeeper.core.decision import BeamState, Reason
from gatekeeper.core.errors import RecordingError
from gatekeeper.core.json_values import measured, number
from gatekeeper.core.session_counts import SessionCounts
from gatekeeper.core.track import Track
from gatekeeper.display.web.live_message import counts_for_page
from gatekeeper.display.web.message import IMAGE, for_page, packed
from gatekeeper.display.web.session_info import Mode, SessionInfo
from gatekeeper.display.web.structures import NOT_TRACKED, ShownStructures
from gatekeeper.display.web.trace_row import COLUMNS, STRUCTURES, Row, axes_for_page, row_of, structure_row
from gatekeeper.runtime.timing import Durations
from gatekeeper.session.arming import zones_of
from gatekeeper.session.controller import WARNING
from gatekeeper.session.status import FrameRate
from replay.formats.session import Entry, RecordedSession
from replay.sessions.rejudge import Rejudged, TrackedEntry
from replay.sessions.what_if import WhatIf

Arrays = dict[str, NDArray[np.generic]]


class Review:
    """A recorded session, for review in a browser.

    Parameters
    ----------
    session : RecordedSession
        The session; must stay open.
    again : Rejudged
        The same session, tracked again.

    Attributes
    ----------
    session, again : RecordedSession, Rejudged
        The parameters.
    length : int
        Number of decisions.
    facts : SessionInfo
        Facts that do not change during the session.
    what_if : WhatIf
        Judges the session with other settings.

    Raises
    ------
    RecordingError
        When the session holds no decision.
    """

    def __init__(self, session: RecordedSession, again: Rejudged) -> None:
        setup = session.setup
        assert setup is not None  # noqa: S101  (Rejudged raises otherwise)
        self.session, self.again, self._setup = session, again, setup
        self._tracked = [one for one in again.tracked if one.entry["kind"] != "event"]
        self.length = len(self._tracked)
        if not self.length:
            raise RecordingError(f"{session.folder}: holds no decision; there is nothing to review")
        orientation = orientation_of(setup.plane)
        self._known = known = ShownStructures.of(setup, again.config)
        facts = SessionInfo.of(setup.name, again.config, "", "", mode=Mode.RECORDED)
        facts = replace(facts, orientation=orientation.name, structures=known.infos)
        # The settings of the source, of which a live session may warn too, are not recorded; its warnings are.
        self.facts = replace(facts, warnings=tuple(dict.fromkeys((*facts.warnings, *_warned(session)))))
        self._axes = axes_for_page(orientation)
        begin_s = measured(self._tracked[0].entry["decided_s"])
        self._rows = [_row(number, one, begin_s, known) for number, one in enumerate(self._tracked)]
        self._parts = [_structure_rows(one, known) for one in self._tracked] if known.several else []
        self._zones = zones_of(setup, again.config)
        self._panels = _panels(again, begin_s)
        self.what_if = WhatIf(again)

    def trace(self) -> bytes:
        """Return all decisions as one message, with the columns of `gatekeeper.display.web.trace_row`."""
        arrays: Arrays = {"recent": np.array(self._rows, dtype=np.float64).reshape(-1, len(COLUMNS))}
        if self._parts:
            arrays[STRUCTURES] = self._known.array(self._parts)
        return packed({"length": self.length}, arrays)

    def view(self, index: int) -> bytes:
        """Return the message of one decision for a browser.

        Parameters
        ----------
        index : int
            Index of the decision; an index beyond the ends is clipped.

        Returns
        -------
        bytes
        """
        index = min(max(index, 0), self.length - 1)
        tracked, setup = self._tracked[index], self._setup
        shift_mm, panel = self._panels[index]
        shift_px = np.divide(shift_mm, setup.spacing_mm)
        head = {
            **panel,
            "index": index,
            "spacing_mm": setup.spacing_mm,
            "axes": self._axes,
            "shift_px": shift_px.tolist(),
        }
        arrays = self._known.zones(self._zones, shift_px) | _contours(tracked)
        row = tracked.entry.get("frame_row")
        if row is not None:
            arrays[IMAGE] = self.session.frames.frame(int(row))[0].image
        return for_page(packed(head, arrays), index)


def _warned(session: RecordedSession) -> list[str]:
    """Return what every face of the session warned of."""
    events = (entry for entry in session.entries if entry["kind"] == "event")
    return [str(entry["values"]["note"]) for entry in events if entry["event"] == WARNING]


def _row(number: int, tracked: TrackedEntry, begin_s: float, known: ShownStructures) -> Row:
    entry, track = tracked.entry, tracked.target
    moved, confidence = (math.nan, math.nan), math.nan
    if track is not None:
        moved, confidence = known.moved_mm(0, track.center_mm), track.confidence
    return row_of(
        number,
        -1 if entry.get("sequence") is None else int(entry["sequence"]),
        measured(entry["decided_s"]) - begin_s,
        BeamState(entry["state"]),
        [Reason(word) for word in entry["reasons"]],
        measured(entry.get("outside_percent")),
        measured(entry.get("predicted_percent")),
        moved,
        confidence,
    )


def _structure_rows(tracked: TrackedEntry, known: ShownStructures) -> list[Row]:
    """Return each of several structures in a decision; NaN where the frame was not tracked."""
    tracks, parts = _tracks(tracked), tracked.entry.get("structures") or {}
    if not tracks:
        return [NOT_TRACKED for _ in known.infos]
    rows = []
    for place, (info, track) in enumerate(zip(known.infos, tracks, strict=True)):
        # Older sessions do not record single structures.
        part = parts.get(info.name, {})
        value, reasons = measured(part.get(info.measure.value)), [Reason(word) for word in part.get("reasons", ())]
        rows.append(structure_row(known.moved_mm(place, track.center_mm), value, track.confidence, reasons))
    return rows


def _tracks(tracked: TrackedEntry) -> tuple[Track, ...]:
    track = tracked.track
    return track if isinstance(track, tuple) else () if track is None else (track,)


def _contours(tracked: TrackedEntry) -> Arrays:
    """Return the tracked outlines; that of a lost target is left out, since it would show the last position."""
    tracks = _tracks(tracked)
    arrays: Arrays = {f"other{number}": one.contour_px.astype(np.float32) for number, one in enumerate(tracks[1:])}
    if tracks and tracks[0].confidence > 0.0:
        arrays["target"] = tracks[0].contour_px.astype(np.float32)
    return arrays


def _panels(again: Rejudged, begin_s: float) -> list[tuple[tuple[float, float], dict[str, object]]]:
    """Return for each decision the shift of the envelope in mm, and the content of the panel."""
    counts = _PanelState(begin_s)
    panels: list[tuple[tuple[float, float], dict[str, object]]] = []
    for one in again.tracked:
        if one.entry["kind"] == "event":
            counts.event(one.entry)
        else:
            counts.decision(one.entry)
            panels.append((counts.moved_mm, counts.panel(one)))
    return panels


class _PanelState:
    """Counts, rates and messages of a session up to a decision; times count from the first one."""

    def __init__(self, begin_s: float) -> None:
        self._begin_s = begin_s
        self.moved_mm = (0.0, 0.0)
        self._phase = "delivery"
        self._counts = SessionCounts()
        self._latency = Durations()
        self._rate = FrameRate()
        self._lines: list[list[object]] = []

    def event(self, entry: Entry) -> None:
        """Add an operator's command, the begin of a phase, or another event."""
        values, name = entry["values"], entry["event"]
        note = str(values.get("note") or name)
        if name == "phase":
            self._phase = str(values["phase"])
            note = f"phase {self._phase}" + (f", {values['note']}" if values.get("note") else "")
        if name == "rebase" and values.get("accepted"):
            row_mm, col_mm = values["shift_mm"]
            self.moved_mm = self.moved_mm[0] + row_mm, self.moved_mm[1] + col_mm
        line: list[object] = [number(measured(entry["time_s"]) - self._begin_s), note]
        self._lines = [*self._lines[-5:], line]

    def decision(self, entry: Entry) -> None:
        """Add a decision."""
        self._counts = self._counts.with_entry(entry)
        if entry["kind"] == "frame":
            self._latency.add(float(entry["latency_ms"]["total"]))
            self._rate.add(measured(entry["received_s"]))

    def panel(self, tracked: TrackedEntry) -> dict[str, object]:
        """Return the content of the panel."""
        entry, counts, latency = tracked.entry, self._counts, self._latency
        return {
            "phase": self._phase,
            "now_s": number(counts.last_s - self._begin_s) or 0.0,
            "state": entry["state"],
            "reasons": entry["reasons"],
            "link": Reason.LINK_LOST.value not in entry["reasons"],
            "rate_hz": number(self._rate.hz),
            **counts_for_page(counts),
            "latency_ms": [latency.percentile_ms(50.0), latency.percentile_ms(99.0), latency.longest_ms],
            "sequence": entry.get("sequence"),
            "age_s": number(measured(entry.get("decided_s")) - measured(entry.get("acquired_s"))),
            "silent": entry["kind"] == "silence",
            "lines": self._lines,
        }
