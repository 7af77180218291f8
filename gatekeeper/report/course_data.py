"""Collect the figures of the sessions of one course, and find trends and outliers among them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import CourseConfig
from gatekeeper.core.decision import Reason
from gatekeeper.core.errors import InputError
from gatekeeper.report.breath_holds import breath_holds_of
from gatekeeper.report.motion import ranges_of
from gatekeeper.report.phases import INTERRUPTED, MARKED, parts_of
from gatekeeper.report.session_data import DutyMap, SessionData
from gatekeeper.session.hold_rows import HoldRow, mean_and_sd

FEWEST_FOR_OUTLIERS, FEWEST_FOR_TREND = 4, 5
"""Fewest sessions; with four even values that all go one way may be chance."""
OUTLIER_SCORE = 3.5
"""Modified z-score beyond which a value is an outlier (Iglewicz and Hoaglin, How to Detect and Handle Outliers, ASQC,
1993)."""
MAD_TO_SD = 0.6745
"""Median absolute deviation of a normal distribution with an SD of 1."""
MEAN_DEVIATION_TO_SD = 0.7979
"""Mean absolute deviation of the same, used where more than half of the values are equal."""
TREND_P = 0.05
"""Two-sided level of the Mann-Kendall test (Mann, Econometrica 13, 1945) at which a trend is marked."""


@dataclass(frozen=True, slots=True, eq=False)
class CourseSession:
    """One session of a course.

    Attributes
    ----------
    name : str
        Name of its folder.
    course : CourseConfig or None
        Facts of its course.
    started_utc : str
        When it began.
    good : bool
        Whether its verification has no finding.
    figures : dict of str to float
        By the names of `FIGURES`; NaN for what was not measured.
    held_s : dict of Reason to float
        Time held for each reason, in s.
    workflow_s : dict of str to float
        Duration of each step of the fraction, in s, by the names of `parts_of`.
    breath_holds : list of HoldRow
        Recognised breath-holds.
    duty_map : DutyMap
        Duty cycle under other limits.
    times_s, moved_mm : ndarray of float64, shape (N,) and (N, 2)
        Positions with sufficient confidence since the first decision, in mm from the reference.
    axes : tuple of str
        Names of the axes of rows and columns.
    """

    name: str
    course: CourseConfig | None
    started_utc: str
    good: bool
    figures: dict[str, float]
    held_s: dict[Reason, float]
    workflow_s: dict[str, float]
    breath_holds: list[HoldRow]
    duty_map: DutyMap
    times_s: NDArray[np.float64]
    moved_mm: NDArray[np.float64]
    axes: tuple[str, str]

    @property
    def title(self) -> str:
        """The fraction, or the name of the folder where none is known."""
        return self.name if self.course is None else f"fraction {self.course.fraction}"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a session.

    Attributes
    ----------
    name : str
        Its key.
    title : str
        What it is; ``{rows}`` and ``{cols}`` stand for the axes of the images.
    unit : str
        Its unit.
    digits : int
        Decimals that are shown.
    matters : float
        Least difference from the median of an outlier, in its unit.
    """

    name: str
    title: str
    unit: str
    digits: int
    matters: float


FIGURES = (
    Figure("duty_cycle", "duty cycle while armed", "%", 1, 5.0),
    Figure("beam_on_min", "beam on", "min", 1, 1.0),
    Figure("delivery_min", "delivery with gating", "min", 1, 2.0),
    Figure("interrupted_min", "unexpected interruptions", "min", 1, 1.0),
    Figure("holds", "holds", "", 0, 5.0),
    Figure("sure", "frames with sufficient confidence", "%", 1, 2.0),
    Figure("outside_on", "target outside while the beam was on, p95", "%", 1, 2.0),
    Figure("position_mm", "mean position while the beam was on, {rows}", "mm", 1, 1.5),
    Figure("range_mm", "motion along {rows}, p5 to p95", "mm", 1, 2.0),
    Figure("cross_range_mm", "motion along {cols}, p5 to p95", "mm", 1, 2.0),
    Figure("drift_mm_per_min", "drift along {rows}", "mm/min", 2, 0.3),
    Figure("breath_holds", "breath-holds", "", 0, 3.0),
    Figure("hold_s", "mean duration of a breath-hold", "s", 1, 3.0),
    Figure("reproducibility_mm", "SD of the positions of breath-holds", "mm", 1, 1.0),
)
"""Figures of a session, in the order in which they are shown."""


def course_session(
    name: str, started_utc: str, session: SessionData, steps_s: Mapping[str, float] = MappingProxyType({})
) -> CourseSession:
    """Return the figures of a session.

    Parameters
    ----------
    name : str
        Name of its folder.
    started_utc : str
        When it began.
    session : SessionData
        Its data.
    steps_s : mapping of str to float
        Durations of steps that were measured elsewhere, in s; they count instead of marks of the session.

    Returns
    -------
    CourseSession
    """
    sure, times_s, moved_mm = session.sure(), session.times_s(), session.moved_mm()
    stands_s = np.nan_to_num(np.append(np.diff(times_s), 0.0))
    reasons = session.reasons()
    held_s = {
        reason: float(stands_s[[reason in given for given in reasons]].sum())
        for reason in Reason
        if any(reason in given for given in reasons)
    }
    on, holds = session.beam_on(), breath_holds_of(session)
    counts, parts = session.counts(), {part.name: part.lasted_s for part in parts_of(session)}
    motion = ranges_of(session)
    figures = {
        "duty_cycle": 100.0 * counts.armed_duty_cycle,
        "beam_on_min": counts.beam_on_s / 60.0,
        "delivery_min": parts["delivery with gating"] / 60.0,
        "interrupted_min": parts[INTERRUPTED] / 60.0,
        "holds": float(counts.holds),
        "sure": 100.0 * float(sure.mean()),
        "outside_on": _percentile(session.outside_percent()[on]),
        "position_mm": _mean(moved_mm[on & sure, 0]),
        "range_mm": motion[0].p95 - motion[0].p5 if motion else math.nan,
        "cross_range_mm": motion[1].p95 - motion[1].p5 if len(motion) > 1 else math.nan,
        "drift_mm_per_min": motion[0].drift_mm_per_min if motion else math.nan,
        "breath_holds": float(len(holds)),
        "hold_s": _mean(np.array([hold.lasted_s for hold in holds])),
        "reproducibility_mm": mean_and_sd(holds)["row_mm"][1] if holds else math.nan,
    }
    return CourseSession(
        name=name,
        course=session.config.course,
        started_utc=started_utc,
        good=session.good,
        figures=figures,
        held_s=held_s,
        workflow_s={**parts, **{f"{MARKED}{step}": step_s for step, step_s in steps_s.items()}},
        breath_holds=holds,
        duty_map=session.duty_map,
        times_s=times_s[sure],
        moved_mm=moved_mm[sure],
        axes=session.orientation.names,
    )


def in_order(sessions: Sequence[CourseSession]) -> list[CourseSession]:
    """Return the sessions of one course by fraction, or by their begin where no facts are known.

    Raises
    ------
    InputError
        When some have facts of a course and others not, or they belong to several courses.
    """
    without = [one.name for one in sessions if one.course is None]
    if without and len(without) < len(sessions):
        raise InputError(
            f"course: {', '.join(without)}: no [course] in the settings, which other sessions have; leave these out"
        )
    courses = {(one.course.label, one.course.course) for one in sessions if one.course is not None}
    if len(courses) > 1:
        told = ", ".join(f"{label} course {course}" for label, course in sorted(courses))
        raise InputError(f"course: the sessions belong to {told}; give those of one course")
    return sorted(sessions, key=lambda one: (0 if one.course is None else one.course.fraction, one.started_utc))


def outliers(values: Sequence[float], matters: float) -> list[bool]:
    """Return which values lie far from the others: a modified z-score beyond `OUTLIER_SCORE`.

    Parameters
    ----------
    values : sequence of float
        One value for each session; NaN for none.
    matters : float
        Least difference from the median of an outlier.

    Returns
    -------
    list of bool
        All False with fewer than `FEWEST_FOR_OUTLIERS` values.

    Examples
    --------
    >>> from gatekeeper.report.course_data import outliers
    >>> outliers([61.0, 58.0, 63.0, 12.0, 60.0], matters=5.0)
    [False, False, False, True, False]
    """
    given = np.asarray(values, dtype=np.float64)
    known = given[np.isfinite(given)]
    if len(known) < FEWEST_FOR_OUTLIERS:
        return [False] * len(given)
    away = np.abs(given - np.median(known))
    spread = float(np.nanmedian(away)) / MAD_TO_SD or float(np.nanmean(away)) / MEAN_DEVIATION_TO_SD
    return [bool(spread > 0.0 and one / spread > OUTLIER_SCORE and one >= matters) for one in away]


def trend(values: Sequence[float]) -> str:
    """Return "rising" or "falling" where values go one way by the Mann-Kendall test, else an empty text.

    Parameters
    ----------
    values : sequence of float
        One value for each session, in their order; NaN for none.

    Examples
    --------
    >>> from gatekeeper.report.course_data import trend
    >>> trend([1.0, 1.4, 1.9, 2.5, 3.1]), trend([1.0, 3.0, 2.0, 2.5, 1.5])
    ('rising', '')
    """
    from scipy.stats import kendalltau

    given = np.asarray(values, dtype=np.float64)
    known = given[np.isfinite(given)]
    if len(known) < FEWEST_FOR_TREND or np.ptp(known) == 0.0:
        return ""
    result = kendalltau(np.arange(len(known)), known)
    if not float(result.pvalue) < TREND_P:
        return ""
    return "rising" if float(result.statistic) > 0.0 else "falling"


def _mean(values: NDArray[np.float64]) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else math.nan


def _percentile(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(np.percentile(known, 95.0)) if known.size else math.nan
