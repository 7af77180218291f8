"""Review: a recorded session as the console's page shows it, decision by decision."""

import math

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.contour import Role, center_mm, mask_to_contour
from gatekeeper.core.decision import BeamState, Reason
from gatekeeper.core.errors import RecordingError
from gatekeeper.core.json_values import measured, number
from gatekeeper.core.session_counts import SessionCounts
from gatekeeper.display.web.live_message import counts_for_page
from gatekeeper.display.web.message import IMAGE, for_page, packed
from gatekeeper.display.web.session_info import SessionInfo
from gatekeeper.display.web.trace_row import COLUMNS, Row, moved_mm, row_of
from gatekeeper.runtime.timing import Durations
from gatekeeper.session.arming import zones_of
from gatekeeper.session.status import FrameRate
from replay.formats.session import Entry, RecordedSession
from replay.sessions.rejudge import Rejudged, Seen
from replay.sessions.what_if import WhatIf

Arrays = dict[str, NDArray[np.generic]]


class Review:
    """A session to be looked at again.

    Parameters
    ----------
    session : RecordedSession
        The session; must stay open.
    again : Rejudged
        The same, with what was found on its frames.

    Attributes
    ----------
    session, again
        As given.
    length : int
        How many decisions there are.
    facts : SessionInfo
        What stays the same.
    what_if : WhatIf
        Judges it with other settings.

    Raises
    ------
    RecordingError
        When there is no decision to be looked at.
    """

    def __init__(self, session: RecordedSession, again: Rejudged) -> None:
        setup = session.setup
        assert setup is not None  # noqa: S101  (Rejudged says so otherwise)
        self.session, self.again, self._setup = session, again, setup
        self._seen = [seen for seen in again.seen if seen.entry["kind"] != "event"]
        self.length = len(self._seen)
        if not self.length:
            raise RecordingError(f"{session.folder}: holds no decision; there is nothing to look at")
        self.facts = SessionInfo.of(setup.name, again.config, "recorded session", "")
        reference_mm = center_mm(mask_to_contour(setup.target_mask), setup.spacing_mm)
        begin_s = measured(self._seen[0].entry["decided_s"])
        self._rows = [_row(number, seen, begin_s, reference_mm) for number, seen in enumerate(self._seen)]
        self._envelope_px = zones_of(setup, again.config)[0].envelope.contour_px
        self._panels = _panels(again, begin_s)
        self.what_if = WhatIf(again)

    def trace(self) -> bytes:
        """Return all decisions as one message, with the columns of `gatekeeper.display.web.trace_row`."""
        rows = np.array(self._rows, dtype=np.float64).reshape(-1, len(COLUMNS))
        return packed({"length": self.length}, {"recent": rows})

    def view(self, index: int) -> bytes:
        """Return what a browser shows of one decision; the nearest there is when the index is beyond the ends."""
        index = min(max(index, 0), self.length - 1)
        seen, setup = self._seen[index], self._setup
        shift_mm, panel = self._panels[index]
        head = {
            **panel,
            "index": index,
            "spacing_mm": setup.spacing_mm,
            "others": [{"name": one.name, "avoid": one.role is Role.AVOID} for one in setup.structures],
        }
        arrays: Arrays = {
            "envelope": (self._envelope_px + np.divide(shift_mm, setup.spacing_mm)).astype(np.float32),
            **_contours(seen),
        }
        row = seen.entry.get("frame_row")
        if row is not None:
            arrays[IMAGE] = self.session.frames.frame(int(row))[0].image
        return for_page(packed(head, arrays), index)


def _row(number: int, seen: Seen, begin_s: float, reference_mm: tuple[float, float]) -> Row:
    entry, track = seen.entry, seen.target
    moved, confidence = (math.nan, math.nan), math.nan
    if track is not None:
        moved, confidence = moved_mm(track.center_mm, reference_mm), track.confidence
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


def _contours(seen: Seen) -> Arrays:
    """Return the outlines that were found; one of a lost target would look as if it were found where it was last."""
    tracks = seen.track if isinstance(seen.track, tuple) else () if seen.track is None else (seen.track,)
    arrays: Arrays = {f"other{number}": one.contour_px.astype(np.float32) for number, one in enumerate(tracks[1:])}
    if tracks and tracks[0].confidence > 0.0:
        arrays["target"] = tracks[0].contour_px.astype(np.float32)
    return arrays


def _panels(again: Rejudged, begin_s: float) -> list[tuple[tuple[float, float], dict[str, object]]]:
    """Return for each decision how far the envelope had been moved, in mm, and what the panel said then."""
    counts = _PanelState(begin_s)
    panels: list[tuple[tuple[float, float], dict[str, object]]] = []
    for seen in again.seen:
        if seen.entry["kind"] == "event":
            counts.event(seen.entry)
        else:
            counts.decision(seen.entry)
            panels.append((counts.moved_mm, counts.panel(seen)))
    return panels


class _PanelState:
    """What a session has come to so far, decision by decision; times count from the first one."""

    def __init__(self, begin_s: float) -> None:
        self._begin_s = begin_s
        self.moved_mm = (0.0, 0.0)
        self._phase = "delivery"
        self._counts = SessionCounts()
        self._latency = Durations()
        self._rate = FrameRate()
        self._lines: list[list[object]] = []

    def event(self, entry: Entry) -> None:
        """Take in what an operator did, or that a phase began."""
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
        """Take in a decision."""
        self._counts = self._counts.with_entry(entry)
        if entry["kind"] == "frame":
            self._latency.add(float(entry["latency_ms"]["total"]))
            self._rate.add(measured(entry["received_s"]))

    def panel(self, seen: Seen) -> dict[str, object]:
        """Return what the panel says."""
        entry, counts, latency = seen.entry, self._counts, self._latency
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
