"""The columns of the tables of a cohort: name, type, unit and meaning of each.

The readers, the writers, the data dictionary of a cohort and the documentation take them from here.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from gatekeeper.analysis.extra import needed
from gatekeeper.core.reasons import reason_rows

if TYPE_CHECKING:
    import pyarrow as pa

NO_UNIT = ""


class Column(NamedTuple):
    """One column of a table.

    Attributes
    ----------
    name : str
        Its name.
    type : str
        "text", "word" (few different values), "words" (a list), "real", "short real" (32 bits), "count", "yes or no" or
        "UTC".
    unit : str
        Its unit; empty where it has none.
    meaning : str
        What it is, in one line.
    """

    name: str
    type: str
    unit: str
    meaning: str


KEY = Column("session", "word", NO_UNIT, "key of the session in this cohort; `index.json` tells the folder")

REASON_COLUMNS = {row.reason: f"frames_{row.reason.value}" for row in reason_rows()}
"""Column of `sessions` for each hold reason."""

SESSIONS: tuple[Column, ...] = (
    KEY._replace(type="text"),
    Column("session_id", "text", NO_UNIT, "random id in the journal's header; copies of a session share it"),
    Column("copy_of", "text", NO_UNIT, "key of the session that this one is a copy of; missing otherwise"),
    Column("state", "word", NO_UNIT, "complete, interrupted (not sealed) or damaged (no figures)"),
    Column("finding", "text", NO_UNIT, "what is wrong with the record; missing where nothing is"),
    Column("started", "UTC", NO_UNIT, "begin of the session, as the machine's clock told"),
    Column("label", "text", NO_UNIT, "pseudonym of the patient"),
    Column("course", "word", NO_UNIT, "which course of this patient"),
    Column("fraction", "count", NO_UNIT, "number of the fraction, from 1"),
    Column("fractions", "count", NO_UNIT, "number of fractions of the course"),
    Column("dose_gy", "real", "Gy", "prescribed total dose of the course"),
    Column("bed_gy", "real", "Gy", "biologically effective dose to the tumour"),
    Column("late_bed_gy", "real", "Gy", "biologically effective dose for late effects"),
    Column("eqd2_gy", "real", "Gy", "dose to the tumour in fractions of 2 Gy with the same effect"),
    Column("prescribed_s", "real", "s", "prescribed beam-on time of the fraction"),
    Column("strategy", "word", NO_UNIT, "how the beam is gated"),
    Column("breath_hold", "word", NO_UNIT, "where the breath is held"),
    Column("contrast_agent", "word", NO_UNIT, "name of the contrast agent"),
    Column("contrast_min", "real", "min", "time from its injection to the begin of the session"),
    Column("source", "word", NO_UNIT, "kind of the source of a live session; missing for a replay"),
    Column("linac", "word", NO_UNIT, "kind of the linac port; missing without one"),
    Column("tracker", "word", NO_UNIT, "kind of the tracker"),
    Column("version", "word", NO_UNIT, "version of gatekeeper"),
    Column("structures", "count", NO_UNIT, "number of structures that were tracked"),
    Column("orientation", "word", NO_UNIT, "sagittal, coronal or axial"),
    Column("margin_mm", "real", "mm", "margin of the envelope"),
    Column("outside_percent", "real", "%", "limit of the share outside"),
    Column("min_confidence", "real", "0-1", "least tracking confidence"),
    Column("prediction", "word", NO_UNIT, "mode of prediction"),
    Column("frames", "count", NO_UNIT, "decisions on frames"),
    Column("silences", "count", NO_UNIT, "decisions because no frame came in time"),
    Column("frame_s", "real", "s", "median time between frames"),
    Column("lasted_s", "real", "s", "time from the first to the last decision"),
    Column("armed_s", "real", "s", "time with the gate armed"),
    Column("delivery_s", "real", "s", "time from the first decision with the gate armed to the last decision"),
    Column("beam_on_s", "real", "s", "time with the beam on"),
    Column("duty_cycle", "real", "0-1", "beam-on time over armed time"),
    Column("held_s", "real", "s", "time of the delivery held for the position of the target"),
    Column("waiting_s", "real", "s", "time of it held only for further good frames or the minimum off-time"),
    Column("interrupted_s", "real", "s", "time of it held for any other reason: unexpected interruptions"),
    Column("interruptions", "count", NO_UNIT, "number of unexpected interruptions"),
    Column("holds", "count", NO_UNIT, "separate holds while armed"),
    Column("longest_hold_s", "real", "s", "longest of them"),
    *(
        Column(REASON_COLUMNS[row.reason], "count", NO_UNIT, f"decisions with the reason: {row.text.lower()}")
        for row in reason_rows()
    ),
    Column("mean_confidence", "real", "0-1", "mean tracking confidence of tracked frames"),
    Column("motion_si_mm", "real", "mm", "5th to 95th percentile of motion along SI; missing if not in the plane"),
    Column("motion_ap_mm", "real", "mm", "the same along AP"),
    Column("motion_rl_mm", "real", "mm", "the same along RL"),
    Column("drift_mm_per_min", "real", "mm/min", "slope of the position along rows, superior or posterior positive"),
    Column("breaths", "count", NO_UNIT, "breaths and breath-holds found, see `breaths`"),
    Column(
        "hold_sd_mm", "real", "mm", "standard deviation of the positions of breath-holds; missing for fewer than two"
    ),
    Column("latency_p50_ms", "real", "ms", "median time from a frame's arrival to its decision"),
    Column("latency_p99_ms", "real", "ms", "99th percentile of it"),
    Column("latency_max_ms", "real", "ms", "longest of it"),
)

DECISIONS: tuple[Column, ...] = (
    KEY,
    Column("number", "count", NO_UNIT, "number of the decision in its session, from 0"),
    Column("kind", "word", NO_UNIT, "frame, or silence when none came in time"),
    Column("sequence", "count", NO_UNIT, "number of the frame; missing for a silence"),
    Column("time_s", "real", "s", "time of the decision since the first one of its session"),
    Column("lasts_s", "short real", "s", "time until the next decision; 0 for the last"),
    Column("beam_on_s", "short real", "s", "time of that with the beam on"),
    Column("on", "yes or no", NO_UNIT, "whether the beam was let on"),
    Column("armed", "yes or no", NO_UNIT, "whether the gate was armed"),
    Column("reasons", "words", NO_UNIT, "all reasons to hold, in order"),
    Column("outside_percent", "short real", "%", "share of the target outside the envelope"),
    Column("predicted_percent", "short real", "%", "the same as predicted; missing without prediction"),
    Column("confidence", "short real", "0-1", "tracking confidence"),
    Column("si_mm", "short real", "mm", "displacement from the first tracked position, superior positive"),
    Column("ap_mm", "short real", "mm", "the same, posterior positive"),
    Column("rl_mm", "short real", "mm", "the same, left positive"),
    Column("latency_ms", "short real", "ms", "time from the frame's arrival to the decision"),
)

BREATHS: tuple[Column, ...] = (
    KEY,
    Column("number", "count", NO_UNIT, "number in its session, from 0"),
    Column("kind", "word", NO_UNIT, "hold: a breath-hold; cycle: from one end-exhale to the next"),
    Column("begin_s", "real", "s", "begin, since the first decision"),
    Column("lasts_s", "real", "s", "duration"),
    Column(
        "position_mm",
        "real",
        "mm",
        "median position of a hold, or end-exhale position of a cycle; superior or "
        "posterior positive, from the first tracked position",
    ),
    Column("amplitude_mm", "real", "mm", "largest less smallest position"),
    Column("beam_on_s", "real", "s", "time with the beam on"),
)

MARKS: tuple[Column, ...] = (
    KEY,
    Column(
        "mark",
        "word",
        NO_UNIT,
        "step that an operator marked, phase of a live session, or part of the delivery: delivery, beam-on, held, "
        "waiting, interruption",
    ),
    Column("cause", "word", NO_UNIT, "first reason of an interruption; missing for all else"),
    Column("begin_s", "real", "s", "begin, since the first decision; negative before it"),
    Column("lasts_s", "real", "s", "duration; of beam-on, held and waiting the sum over the delivery"),
)

TABLES: dict[str, tuple[Column, ...]] = {
    "sessions": SESSIONS,
    "decisions": DECISIONS,
    "breaths": BREATHS,
    "marks": MARKS,
}
"""All tables by name."""


@lru_cache(maxsize=16)
def arrow_schema(columns: tuple[Column, ...]) -> "pa.Schema":
    """Return the Arrow schema of a table; unit and meaning are metadata of its fields.

    Parameters
    ----------
    columns : tuple of Column
        The columns.

    Returns
    -------
    pyarrow.Schema
    """
    arrow = needed("pyarrow")
    types = {
        "text": arrow.string(),
        "word": arrow.dictionary(arrow.int32(), arrow.string()),
        "words": arrow.list_(arrow.string()),
        "real": arrow.float64(),
        "short real": arrow.float32(),
        "count": arrow.int64(),
        "yes or no": arrow.bool_(),
        "UTC": arrow.timestamp("ms", tz="UTC"),
    }
    fields = [
        arrow.field(one.name, types[one.type], metadata={"unit": one.unit, "meaning": one.meaning}) for one in columns
    ]
    schema: pa.Schema = arrow.schema(fields)
    return schema
