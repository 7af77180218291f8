"""Turn the columns of a journal into the rows of a cohort's tables.

Times with the beam on and with the gate armed follow the rules of `gatekeeper.core.session_counts`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.analysis.breaths import breaths_in
from gatekeeper.analysis.columns import BREATHS, DECISIONS, MARKS, REASON_COLUMNS, Column, arrow_schema
from gatekeeper.analysis.extra import needed
from gatekeeper.analysis.journal import JournalColumns
from gatekeeper.core.axes import SAGITTAL, Orientation, orientation_of
from gatekeeper.core.decision import BeamState, Reason
from gatekeeper.core.reason_row import Category
from gatekeeper.core.reasons import reason_rows
from gatekeeper.core.session_counts import ALLOWED, MICROSECONDS
from gatekeeper.core.workflow import marked_steps
from gatekeeper.recording.hashing import plane_of
from gatekeeper.recording.journal import LATENCY

if TYPE_CHECKING:
    import pyarrow as pa

MOVING = frozenset(row.reason.value for row in reason_rows() if row.category is Category.MOTION)
WAITING = frozenset(row.reason.value for row in reason_rows() if row.category is Category.WAITING)
PARTS = ("held", "waiting", "interruption")
"""Parts of the delivery without beam."""
PHASES = ("connect", "drawing", "preview", "learning", "ready")
"""Phases of a live session before the delivery."""
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SessionTables:
    """One session as rows of the tables.

    Attributes
    ----------
    figures : dict
        Its row of `sessions`, without key and state.
    decisions, breaths, marks : pyarrow.Table
        Its rows of these tables, without key.
    """

    figures: dict[str, Any]
    decisions: "pa.Table"
    breaths: "pa.Table"
    marks: "pa.Table"


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """The decisions of a session as arrays of shape (N,).

    Attributes
    ----------
    time_s : ndarray of float64
        Time of each decision in s.
    lasts_s, beam_on_s : ndarray of float64
        Time until the next decision, and the part of it with the beam on.
    on, armed : ndarray of bool
        Whether the beam was let on, and the gate was armed.
    parts : ndarray of str
        "beam-on", "held" for the target's position, "waiting" for further good frames or the minimum off-time, or
        "interruption", as in the report's time analysis.
    causes : list of str
        First reason of each hold; empty with the beam on.
    """

    time_s: Values
    lasts_s: Values
    beam_on_s: Values
    on: NDArray[np.bool_]
    armed: NDArray[np.bool_]
    parts: NDArray[np.str_]
    causes: list[str]

    @classmethod
    def of(cls, lines: "pa.Table") -> "Trace":
        """Return the trace of the lines about decisions."""
        time_s = numbers(lines["decided_s"])
        lasts_s = np.diff(time_s, append=time_s[-1:])
        lasts_s[~(lasts_s > 0.0)] = 0.0
        on = _equal(lines["state"], BeamState.ON.value)
        # A decision allows the beam until the next one, which tells for how long the linac's port allowed it.
        allowed_s = np.append(numbers(lines[ALLOWED])[1:], np.nan)
        beam_on_s = np.where(on, np.fmin(lasts_s, np.maximum(allowed_s, 0.0)), 0.0)
        reasons = lines["reasons"].to_pylist()
        armed = np.array([Reason.NOT_ARMED.value not in one for one in reasons], dtype=np.bool_)
        parts = np.array([_part(one) for one in reasons])
        return cls(time_s, lasts_s, beam_on_s, on, armed, parts, [one[0] if one else "" for one in reasons])

    @property
    def delivery(self) -> NDArray[np.bool_]:
        """Whether each decision comes after the gate was first armed."""
        return np.logical_or.accumulate(self.armed)

    def holds(self) -> list[tuple[int, int]]:
        """Return first index and end of each separate hold while armed."""
        return _runs(self.armed & ~self.on)

    def interruptions(self) -> list[tuple[int, int]]:
        """Return first index and end of each unexpected interruption of the delivery."""
        return _runs(self.delivery & (self.parts == "interruption"))


def _part(reasons: list[str]) -> str:
    if not reasons:
        return "beam-on"
    if not MOVING.isdisjoint(reasons):
        return "held"
    return "waiting" if WAITING.issuperset(reasons) else "interruption"


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def numbers(column: "pa.ChunkedArray") -> Values:
    """Return a column of numbers, shape (N,); NaN where it is missing."""
    found: Values = column.to_numpy().astype(np.float64)
    return found


def session_tables(journal: JournalColumns) -> SessionTables:
    """Return the rows of a session.

    Parameters
    ----------
    journal : JournalColumns
        Its journal, with at least one decision.

    Returns
    -------
    SessionTables
    """
    lines, trace = journal.decisions, Trace.of(journal.decisions)
    setup = journal.header.get("setup") or {}
    orientation = orientation_of(plane_of(setup["plane"])) if "plane" in setup else SAGITTAL
    confidence = numbers(lines["confidence"])
    moved_mm = _moved_mm(lines, confidence, orientation)
    breaths = _breaths(trace, moved_mm[:, 0], orientation)
    figures = {
        **_figures(trace),
        **_reasons(lines),
        **_motion(trace, moved_mm, confidence, orientation),
        **_latency(lines),
        "frames": int(np.count_nonzero(_is_frame(lines))),
        "silences": int(np.count_nonzero(~_is_frame(lines))),
        "frame_s": _median_step(numbers(lines["acquired_s"])),
        "structures": 1 + len(setup.get("structures", ())),
        "orientation": orientation.name,
        "breaths": breaths.num_rows,
        "hold_sd_mm": _hold_sd_mm(breaths),
    }
    return SessionTables(figures, _decisions(lines, trace, moved_mm, orientation), breaths, _marks(journal, trace))


def _marks(journal: JournalColumns, trace: Trace) -> "pa.Table":
    """Return the steps that were marked, the phases of a live session, and the parts of the delivery."""
    begin_s, last_s = float(np.nanmin(trace.time_s)), float(np.nanmax(trace.time_s))
    delivery = np.flatnonzero(trace.delivery)
    rows: list[dict[str, Any]] = [
        {"mark": one.step, "begin_s": one.begin_s - begin_s, "lasts_s": one.lasted_s}
        for one in marked_steps(journal.events, last_s)
    ]
    turns = [
        (str(event["values"]["phase"]), float(event["time_s"])) for event in journal.events if event["event"] == "phase"
    ]
    ends_s = [*(time_s for _, time_s in turns), last_s][1:]
    rows += [
        {"mark": phase, "begin_s": time_s - begin_s, "lasts_s": max(end_s - time_s, 0.0)}
        for (phase, time_s), end_s in zip(turns, ends_s, strict=True)
        if phase in PHASES
    ]
    if len(delivery):
        first_s = float(trace.time_s[delivery[0]]) - begin_s
        rows.append({"mark": "delivery", "begin_s": first_s, "lasts_s": float(trace.lasts_s[delivery].sum())})
        for part in ("beam-on", "held", "waiting"):
            lasts_s = trace.lasts_s[trace.delivery & (trace.parts == part)]
            rows.append({"mark": part, "begin_s": first_s, "lasts_s": float(lasts_s.sum())})
    for first, end in trace.interruptions():
        at_s, lasts_s = float(trace.time_s[first]) - begin_s, float(trace.lasts_s[first:end].sum())
        rows.append({"mark": "interruption", "cause": trace.causes[first], "begin_s": at_s, "lasts_s": lasts_s})
    return as_table(rows, MARKS[1:])


def _is_frame(lines: "pa.Table") -> NDArray[np.bool_]:
    return _equal(lines["kind"], "frame")


def _equal(column: "pa.ChunkedArray", word: str) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = needed("pyarrow.compute").equal(column, word).to_numpy()
    return found


def _figures(trace: Trace) -> dict[str, Any]:
    armed_s, beam_on_s = float(trace.lasts_s[trace.armed].sum()), float(trace.beam_on_s.sum())
    lasted_s = [float(trace.lasts_s[first:end].sum()) for first, end in trace.holds()]
    parts_s = {name: float(trace.lasts_s[trace.delivery & (trace.parts == name)].sum()) for name in PARTS}
    return {
        "lasted_s": round(float(np.nanmax(trace.time_s) - np.nanmin(trace.time_s)), MICROSECONDS),
        "armed_s": round(armed_s, MICROSECONDS),
        "beam_on_s": round(beam_on_s, MICROSECONDS),
        "duty_cycle": min(beam_on_s / armed_s, 1.0) if armed_s > 0.0 else 0.0,
        "delivery_s": round(float(trace.lasts_s[trace.delivery].sum()), MICROSECONDS),
        "held_s": round(parts_s["held"], MICROSECONDS),
        "waiting_s": round(parts_s["waiting"], MICROSECONDS),
        "interrupted_s": round(parts_s["interruption"], MICROSECONDS),
        "interruptions": len(trace.interruptions()),
        "holds": len(lasted_s),
        "longest_hold_s": round(max(lasted_s, default=0.0), MICROSECONDS),
    }


def _reasons(lines: "pa.Table") -> dict[str, int]:
    given = needed("pyarrow.compute").value_counts(lines["reasons"].combine_chunks().flatten()).to_pylist()
    counted = {one["values"]: one["counts"] for one in given}
    return {column: counted.get(reason.value, 0) for reason, column in REASON_COLUMNS.items()}


def _moved_mm(lines: "pa.Table", confidence: Values, orientation: Orientation) -> Values:
    """Return the displacement from the first tracked position along rows and columns, with the signs people see."""
    centers = [one or (None, None) for one in lines["center_mm"].to_pylist()]
    moved_mm = np.array(centers, dtype=np.float64).reshape(-1, 2)
    moved_mm[~(confidence > 0.0)] = np.nan
    known = np.flatnonzero(np.isfinite(moved_mm).all(axis=1))
    if len(known):
        moved_mm -= moved_mm[known[0]]
    moved_mm *= [axis.sign for axis in orientation.axes]
    return moved_mm + 0.0


def _motion(trace: Trace, moved_mm: Values, confidence: Values, orientation: Orientation) -> dict[str, Any]:
    tracked = np.isfinite(moved_mm).all(axis=1) & np.isfinite(trace.time_s)
    figures: dict[str, Any] = {f"motion_{name.lower()}_mm": None for name in ("SI", "AP", "RL")}
    figures["mean_confidence"] = float(confidence[tracked].mean()) if tracked.any() else None
    figures["drift_mm_per_min"] = None
    if np.count_nonzero(tracked) >= 2 and np.ptp(trace.time_s[tracked]) > 0.0:
        low, high = np.percentile(moved_mm[tracked], (5.0, 95.0), axis=0)
        for place, name in enumerate(orientation.names):
            figures[f"motion_{name.lower()}_mm"] = float(high[place] - low[place])
        time_s, along_mm = trace.time_s[tracked], moved_mm[tracked, 0]
        from_mean_s = time_s - time_s.mean()
        figures["drift_mm_per_min"] = 60.0 * float(from_mean_s @ along_mm / (from_mean_s @ from_mean_s))
    return figures


def _latency(lines: "pa.Table") -> dict[str, float | None]:
    total_ms = numbers(lines[LATENCY].combine_chunks().field("total"))[_is_frame(lines)]
    total_ms = total_ms[np.isfinite(total_ms)]
    if not len(total_ms):
        return dict.fromkeys(("latency_p50_ms", "latency_p99_ms", "latency_max_ms"))
    p50, p99, longest = np.percentile(total_ms, (50.0, 99.0, 100.0)).tolist()
    return {"latency_p50_ms": p50, "latency_p99_ms": p99, "latency_max_ms": longest}


def _median_step(times_s: Values) -> float | None:
    steps_s = np.diff(times_s[np.isfinite(times_s)])
    return float(np.median(steps_s)) if len(steps_s) else None


def _hold_sd_mm(breaths: "pa.Table") -> float | None:
    held = np.array(breaths["kind"].to_pylist()) == "hold"
    return float(np.std(numbers(breaths["position_mm"])[held], ddof=1)) if np.count_nonzero(held) >= 2 else None


def _breaths(trace: Trace, along_mm: Values, orientation: Orientation) -> "pa.Table":
    """Return the breaths along the axis of rows, along which breathing is measured."""
    # Breaths are found towards inhalation; a person sees superior or posterior as positive.
    sign = orientation.rows.sign * orientation.rows.inhaling
    known = np.flatnonzero(np.isfinite(along_mm) & np.isfinite(trace.time_s))
    found = breaths_in(trace.time_s[known], sign * along_mm[known])
    until_s = np.concatenate([[0.0], np.cumsum(trace.beam_on_s)])
    begin_s = np.nanmin(trace.time_s)
    rows = []
    for number, one in enumerate(found):
        first, last = int(known[one.first]), int(known[one.last])
        # A hold lasts until the decision after its last position.
        end = last + 1 if one.kind == "hold" else last
        rows.append(
            {
                "number": number,
                "kind": one.kind,
                "begin_s": float(trace.time_s[first] - begin_s),
                "lasts_s": float(trace.lasts_s[first:end].sum()),
                "position_mm": sign * one.position_mm + 0.0,
                "amplitude_mm": one.amplitude_mm,
                "beam_on_s": float(until_s[end] - until_s[first]),
            }
        )
    return as_table(rows, BREATHS[1:])


def as_table(rows: list[dict[str, Any]], columns: tuple[Column, ...]) -> "pa.Table":
    """Return rows as an Arrow table with the given columns."""
    arrow = needed("pyarrow")
    schema = arrow_schema(columns)
    arrays = [arrow.array([row.get(one.name) for row in rows], one.type) for one in schema]
    return arrow.Table.from_arrays(arrays, schema=schema)


def _decisions(lines: "pa.Table", trace: Trace, moved_mm: Values, orientation: Orientation) -> "pa.Table":
    arrow = needed("pyarrow")
    schema, count = arrow_schema(DECISIONS[1:]), lines.num_rows
    moved = dict(zip(orientation.names, moved_mm.T, strict=True))
    missing = np.full(count, np.nan)
    values: dict[str, Any] = {
        "number": np.arange(count),
        "kind": lines["kind"].combine_chunks().dictionary_encode(),
        "sequence": lines["sequence"].combine_chunks(),
        "time_s": trace.time_s - np.nanmin(trace.time_s),
        "lasts_s": trace.lasts_s,
        "beam_on_s": trace.beam_on_s,
        "on": trace.on,
        "armed": trace.armed,
        "reasons": lines["reasons"].combine_chunks(),
        "latency_ms": numbers(lines[LATENCY].combine_chunks().field("total")),
        **{f"{name.lower()}_mm": moved.get(name, missing) for name in ("SI", "AP", "RL")},
        **{name: numbers(lines[name]) for name in ("outside_percent", "predicted_percent", "confidence")},
    }
    arrays = [
        arrow.array(values[one.name].astype(one.type.to_pandas_dtype(), copy=False), one.type, from_pandas=True)
        if isinstance(values[one.name], np.ndarray)
        else values[one.name]
        for one in schema
    ]
    return arrow.Table.from_arrays(arrays, schema=schema)


def _time_of(stamp: object) -> datetime | None:
    """Return the time that a stamp of `gatekeeper.core.clock.utc_stamp` tells; None for any other text."""
    try:
        return datetime.strptime(str(stamp), "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def header_figures(header: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a journal's header says of a session, as values of `sessions`; no machine and no user."""
    session = header.get("session") or {}
    parts = {name: (header.get(name) or {}).get("kind") for name in ("tracker", "source", "linac")}
    return {
        "session_id": session.get("id"),
        "started": _time_of(session.get("started_utc")),
        "version": (header.get("versions") or {}).get("gatekeeper"),
        **parts,
    }
