"""Estimate survival by Kaplan and Meier, with lifelines."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.analysis.extra import needed
from replay.cohort.outcomes import DAYS, ENDPOINTS, EVENT, Outcomes

if TYPE_CHECKING:
    import pandas as pd

YEAR_DAYS = 365.25
ESTIMATED_YEARS = (1.0, 2.0)
AT_RISK_YEARS = 0.5
"""Years between two numbers at risk."""
MOST_AT_RISK = 11


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A Kaplan-Meier curve.

    Attributes
    ----------
    endpoint : str
        Name of the endpoint.
    patients, events : int
        Numbers of patients and of events.
    days : ndarray of float64, shape (N,)
        Times at which the curve steps down or patients leave, from 0.
    survival, low, high : ndarray of float64, shape (N,)
        Estimate from each time on, and its 95 % band (log-log).
    censored_days : ndarray of float64, shape (M,)
        Times at which patients left without the event.
    median_days : float
        Time at which the estimate falls to a half; infinite when it does not.
    """

    endpoint: str
    patients: int
    events: int
    days: NDArray[np.float64]
    survival: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    censored_days: NDArray[np.float64]
    leaving_days: NDArray[np.float64]
    median_days: float

    @property
    def words(self) -> str:
        """The endpoint in words."""
        return ENDPOINTS.get(self.endpoint, self.endpoint)

    def at(self, days: float) -> tuple[float, float, float]:
        """Return the estimate at a time and its band; NaN beyond the last time that anybody was seen."""
        if days > self.days[-1] and self.survival[-1] > 0.0:
            return math.nan, math.nan, math.nan
        place = int(np.searchsorted(self.days, days, side="right")) - 1
        return float(self.survival[place]), float(self.low[place]), float(self.high[place])

    def at_risk(self, days: float) -> int:
        """Return the number of patients without event who were still seen just before a time."""
        return int(np.count_nonzero(self.leaving_days >= days))


def survival_curves(outcomes: Outcomes) -> list[Curve]:
    """Return the curve of each endpoint that is known for anybody.

    Parameters
    ----------
    outcomes : Outcomes
        The outcomes; a patient without days or event of an endpoint is left out of it.

    Returns
    -------
    list of Curve
    """
    curves = []
    for endpoint in outcomes.endpoints:
        known = outcomes.table[[f"{endpoint}{DAYS}", f"{endpoint}{EVENT}"]].dropna().to_numpy(np.float64)
        if len(known):
            curves.append(_curve(endpoint, known[:, 0], known[:, 1] > 0.0))
    return curves


def _curve(endpoint: str, days: NDArray[np.float64], events: NDArray[np.bool_]) -> Curve:
    # Lifelines switches off NumPy's warnings for the whole process.
    with np.errstate():
        fitted: Any = needed("lifelines").KaplanMeierFitter().fit(days, events)
    band = fitted.confidence_interval_survival_function_.to_numpy(np.float64)
    return Curve(
        endpoint=endpoint,
        patients=len(days),
        events=int(np.count_nonzero(events)),
        days=fitted.survival_function_.index.to_numpy(np.float64),
        survival=fitted.survival_function_.to_numpy(np.float64)[:, 0],
        low=band[:, 0],
        high=band[:, 1],
        censored_days=np.sort(days[~events]),
        leaving_days=np.sort(days),
        median_days=float(fitted.median_survival_time_),
    )


def estimates(curves: list[Curve]) -> "pd.DataFrame":
    """Return patients, events, median and the estimates at one and two years of each curve."""
    rows = []
    for curve in curves:
        row: dict[str, Any] = {"endpoint": curve.words, "patients": curve.patients, "events": curve.events}
        row["median_days"] = curve.median_days if math.isfinite(curve.median_days) else math.nan
        for years in ESTIMATED_YEARS:
            value, low, high = (100.0 * one for one in curve.at(years * YEAR_DAYS))
            name = f"at_{years:g}_years" if years != 1.0 else "at_1_year"
            row |= {f"{name}_percent": value, f"{name}_low_percent": low, f"{name}_high_percent": high}
        rows.append(row)
    table: pd.DataFrame = needed("pandas").DataFrame(rows)
    return table


def risk_days(curves: list[Curve]) -> list[float]:
    """Return the times at which the numbers at risk are told, in days."""
    longest = max(float(curve.days[-1]) for curve in curves)
    count = min(int(longest / (AT_RISK_YEARS * YEAR_DAYS)) + 1, MOST_AT_RISK)
    return [number * AT_RISK_YEARS * YEAR_DAYS for number in range(count)]


def numbers_at_risk(curves: list[Curve]) -> "pd.DataFrame":
    """Return the numbers at risk of each curve every half year."""
    rows = [
        {"endpoint": curve.words, "years": days / YEAR_DAYS, "days": days, "at_risk": curve.at_risk(days)}
        for curve in curves
        for days in risk_days(curves)
    ]
    table: pd.DataFrame = needed("pandas").DataFrame(rows)
    return table


def toxicity(outcomes: Outcomes) -> "pd.DataFrame":
    """Return how many patients had each grade of each toxicity."""
    rows = []
    for name in outcomes.grades:
        known = outcomes.table[name].dropna()
        for grade in sorted(known.unique()):
            count = int((known == grade).sum())
            rows.append(
                {
                    "toxicity": name.removesuffix("_grade"),
                    "grade": int(grade),
                    "n": count,
                    "percent": 100.0 * count / len(known),
                }
            )
    table: pd.DataFrame = needed("pandas").DataFrame(rows, columns=["toxicity", "grade", "n", "percent"])
    return table
