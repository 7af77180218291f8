"""Make the tables of a cohort: characteristics, workflow times, interruptions and gating, as clinical papers show them.

They count sessions that are complete or were interrupted, have a decision, and are no copy of another one.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gatekeeper.analysis.columns import REASON_COLUMNS
from gatekeeper.analysis.extra import needed
from gatekeeper.core.reasons import text_of
from gatekeeper.core.workflow import STEPS
from replay.cohort.read import DAMAGED
from replay.sessions.marks_file import Key

if TYPE_CHECKING:
    import pandas as pd

STATISTICS = ("n", "mean", "sd", "median", "min", "max")
"""Columns of a table of statistics; the standard deviation is that of a sample."""
ALL = "all"
COUNTED: dict[str, tuple[str, ...]] = {
    "patients": (),
    "courses": ("strategy", "prescription", "breath_hold"),
    "fractions": (
        "breath_hold",
        "contrast_agent",
        "orientation",
        "margin_mm",
        "outside_percent",
        "tracker",
        "prediction",
    ),
}
MEASURED_OF_COURSES = {
    "fractions_seen": ("fractions in this cohort", ""),
    "fractions": ("fractions prescribed", ""),
    "dose_gy": ("total dose", "Gy"),
    "bed_gy": ("BED to the tumour", "Gy"),
    "late_bed_gy": ("BED for late effects", "Gy"),
    "eqd2_gy": ("EQD2 to the tumour", "Gy"),
}
GATING = {
    "duty_cycle": ("duty cycle", "%", 100.0),
    "armed_s": ("time armed", "min", 1.0 / 60.0),
    "beam_on_s": ("beam on", "min", 1.0 / 60.0),
    "holds": ("holds", "", 1.0),
    "longest_hold_s": ("longest hold", "s", 1.0),
    "held_s": ("held for the target's position", "min", 1.0 / 60.0),
    "waiting_s": ("waiting before beam-on", "min", 1.0 / 60.0),
    "interrupted_s": ("unexpected interruptions", "min", 1.0 / 60.0),
    "mean_confidence": ("tracking confidence", "0-1", 1.0),
    "motion_si_mm": ("motion SI, 5th to 95th percentile", "mm", 1.0),
    "motion_ap_mm": ("motion AP, 5th to 95th percentile", "mm", 1.0),
    "motion_rl_mm": ("motion RL, 5th to 95th percentile", "mm", 1.0),
    "drift_mm_per_min": ("drift", "mm/min", 1.0),
    "breaths": ("breaths and breath-holds", "", 1.0),
    "hold_sd_mm": ("reproducibility of breath-holds, SD", "mm", 1.0),
    "latency_p50_ms": ("latency, median", "ms", 1.0),
    "latency_p99_ms": ("latency, 99th percentile", "ms", 1.0),
}
"""Words, unit and factor of each column of `sessions` in the table of gating."""


def counted_sessions(sessions: "pd.DataFrame") -> "pd.DataFrame":
    """Return the sessions that the tables count."""
    used = (sessions["state"] != DAMAGED) & sessions["copy_of"].isna() & sessions["frames"].notna()
    counted: pd.DataFrame = sessions[used]
    return counted


def statistics_of(values: "pd.Series") -> dict[str, float]:
    """Return the statistics of the values that are known.

    Examples
    --------
    >>> import pandas as pd
    >>> statistics_of(pd.Series([1.0, 2.0, None, 6.0]))
    {'n': 3, 'mean': 3.0, 'sd': 2.6457513110645907, 'median': 2.0, 'min': 1.0, 'max': 6.0}
    """
    known = values.dropna().to_numpy(np.float64)
    if not len(known):
        return {"n": 0} | dict.fromkeys(STATISTICS[1:], np.nan)
    return {
        "n": len(known),
        "mean": float(known.mean()),
        "sd": float(known.std(ddof=1)) if len(known) > 1 else np.nan,
        "median": float(np.median(known)),
        "min": float(known.min()),
        "max": float(known.max()),
    }


def characteristics(sessions: "pd.DataFrame") -> "pd.DataFrame":
    """Return the characteristics of patients, courses and fractions.

    Parameters
    ----------
    sessions : DataFrame
        Sessions that count.

    Returns
    -------
    DataFrame
        `of`, `characteristic`, and `value`, `n` and `percent`, or, of a quantity, its `unit` and statistics.
    """
    pandas = needed("pandas")
    known = sessions.assign(prescription=_prescriptions(sessions))
    named = known[known["label"].notna()].sort_values(["label", "course", "fraction"], kind="stable")
    by = {
        "patients": named.drop_duplicates("label"),
        "courses": _courses(named),
        "fractions": known,
    }
    rows: list[dict[str, Any]] = []
    for of, names in COUNTED.items():
        group = by[of]
        rows.append({"of": of, "characteristic": of, "value": ALL, "n": len(group)})
        for name in names:
            rows += [{"of": of, "characteristic": name, **one} for one in _shares(group[name])]
        if of == "courses":
            for name, (words, unit) in MEASURED_OF_COURSES.items():
                rows.append({"of": of, "characteristic": words, "unit": unit, **statistics_of(group[name])})
    columns = ["of", "characteristic", "unit", "value", "n", "percent", *STATISTICS[1:]]
    return pandas.DataFrame(rows, columns=columns)


def _courses(named: "pd.DataFrame") -> "pd.DataFrame":
    """Return the first session of each course, with the number of its sessions."""
    seen = named.groupby(["label", "course"], observed=True)["session"].transform("count")
    courses: pd.DataFrame = named.assign(fractions_seen=seen).drop_duplicates(["label", "course"])
    return courses


def _prescriptions(sessions: "pd.DataFrame") -> list[str | None]:
    return [
        None if np.isnan(dose_gy) or np.isnan(fractions) else f"{dose_gy:g} Gy in {fractions:g}"
        for dose_gy, fractions in zip(
            sessions["dose_gy"].to_numpy(np.float64), sessions["fractions"].to_numpy(np.float64), strict=True
        )
    ]


def _shares(values: "pd.Series") -> Iterator[dict[str, Any]]:
    """Yield each value with its number and share, the most frequent first; what is missing is told last."""
    objects = values.astype(object)
    texts = [None if one is None else _in_words(one) for one in objects.where(objects.notna(), None)]
    counts: dict[str, int] = {}
    for text in texts:
        if text is not None:
            counts[text] = counts.get(text, 0) + 1
    for value, count in sorted(counts.items(), key=lambda one: (-one[1], one[0])):
        yield {"value": value, "n": count, "percent": 100.0 * count / len(texts)}
    if missing := texts.count(None):
        yield {"value": "not told", "n": missing, "percent": 100.0 * missing / len(texts)}


def _in_words(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def workflow(sessions: "pd.DataFrame", marks: "pd.DataFrame") -> "pd.DataFrame":
    """Return the times of the steps of a fraction in minutes, over the sessions that have each.

    Parameters
    ----------
    sessions, marks : DataFrame
        Sessions that count, and all marks.

    Returns
    -------
    DataFrame
        `step`, `unit` and statistics; a step that is there twice in a session counts with its sum.
    """
    pandas = needed("pandas")
    own = marks[marks["session"].isin(sessions["session"])]
    total_s = own.groupby([own["mark"].astype(str), own["session"].astype(str)], sort=False)["lasts_s"].sum()
    rows = []
    for step in dict.fromkeys(own["mark"].astype(str)):
        rows.append({"step": step, "unit": "min", **statistics_of(total_s[step] / 60.0)})
    order = {step: place for place, step in enumerate(STEP_ORDER)}
    rows.sort(key=lambda row: order.get(row["step"], -1))
    return pandas.DataFrame(rows, columns=["step", "unit", *STATISTICS])


def with_measured(
    marks: "pd.DataFrame", sessions: "pd.DataFrame", measured_s: Mapping[Key, Mapping[str, float]]
) -> "pd.DataFrame":
    """Return the marks with steps that were measured elsewhere, found by label, course and fraction.

    Parameters
    ----------
    marks, sessions : DataFrame
        The marks, and the sessions that count.
    measured_s : mapping
        Durations in s by step, by label, course and fraction.

    Returns
    -------
    DataFrame
        Session, mark, cause and duration.
    """
    pandas = needed("pandas")
    named = sessions[sessions["label"].notna()]
    rows = [
        {"session": session, "mark": step, "lasts_s": lasts_s}
        for session, label, course, fraction in zip(
            named["session"], named["label"], named["course"].astype(str), named["fraction"], strict=True
        )
        for step, lasts_s in measured_s.get((label, course, int(fraction)), {}).items()
    ]
    own = marks.astype({"session": str, "mark": str})
    return pandas.concat([own, pandas.DataFrame(rows)]) if rows else own


STEP_ORDER = (
    *STEPS,
    "connect",
    "drawing",
    "preview",
    "learning",
    "ready",
    "delivery",
    "beam-on",
    "held",
    "waiting",
    "interruption",
)


def interruptions(sessions: "pd.DataFrame", marks: "pd.DataFrame") -> "pd.DataFrame":
    """Return the unexpected interruptions by cause.

    Parameters
    ----------
    sessions, marks : DataFrame
        Sessions that count, and all marks.

    Returns
    -------
    DataFrame
        `cause`, its `text`, the `sessions` that had any, how many there were, and statistics of their duration in s.
    """
    pandas = needed("pandas")
    own = marks[marks["session"].isin(sessions["session"]) & (marks["mark"] == "interruption")]
    rows = [
        {
            "cause": cause,
            "text": text_of(cause),
            "sessions": group["session"].nunique(),
            "unit": "s",
            **statistics_of(group["lasts_s"]),
        }
        for cause, group in own.groupby(own["cause"].astype(str))
    ]
    rows.sort(key=lambda row: (-row["n"], row["cause"]))
    return pandas.DataFrame(rows, columns=["cause", "text", "sessions", "unit", *STATISTICS])


def gating(sessions: "pd.DataFrame") -> "pd.DataFrame":
    """Return the figures of gating, over all sessions and over those of each strategy.

    Parameters
    ----------
    sessions : DataFrame
        Sessions that count.

    Returns
    -------
    DataFrame
        `strategy`, `quantity`, `unit` and statistics. Shares of decisions with a reason are over all sessions.
    """
    pandas = needed("pandas")
    strategies = sorted(sessions["strategy"].dropna().astype(str).unique())
    groups = [(ALL, sessions), *((name, sessions[sessions["strategy"] == name]) for name in strategies)]
    rows = []
    for strategy, group in groups:
        for column, (words, unit, factor) in GATING.items():
            figures = statistics_of(factor * group[column].astype(np.float64))
            if figures["n"]:
                rows.append({"strategy": strategy, "quantity": words, "unit": unit, **figures})
    decisions = (sessions["frames"] + sessions["silences"]).to_numpy(np.float64)
    for reason, column in REASON_COLUMNS.items():
        if sessions[column].any():
            percent = pandas.Series(100.0 * sessions[column].to_numpy(np.float64) / decisions)
            words = f"decisions with: {text_of(reason.value).lower()}"
            rows.append({"strategy": ALL, "quantity": words, "unit": "%", **statistics_of(percent)})
    return pandas.DataFrame(rows, columns=["strategy", "quantity", "unit", *STATISTICS])
