"""Draw the figures of a cohort: duty cycle of each session, and Kaplan-Meier curves with numbers at risk."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gatekeeper.core.decision import BeamState
from gatekeeper.style.colors import AP_COLOR, BEAM_COLOR, LIMIT_COLOR, MUTED_COLOR, SI_COLOR
from replay.cohort.survival import YEAR_DAYS, Curve, risk_days

if TYPE_CHECKING:
    import pandas as pd

COLORS = (BEAM_COLOR[BeamState.ON], LIMIT_COLOR, AP_COLOR, SI_COLOR, BEAM_COLOR[BeamState.HOLD])
DASHES = ("-", "--", "-.", ":", "-")
SPREAD = 0.18
NOT_TOLD = "not told"


def survival_figure(curves: Sequence[Curve]) -> Figure:
    """Return all curves with their 95 % bands, censored patients as ticks, and the numbers at risk below."""
    figure = Figure(figsize=(8.2, 4.4 + 0.22 * len(curves)), layout="constrained")
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(5.0, 0.5 + 0.45 * len(curves)))
    for number, curve in enumerate(curves):
        color, dash = COLORS[number % len(COLORS)], DASHES[number % len(DASHES)]
        years = curve.days / YEAR_DAYS
        axes.step(years, 100.0 * curve.survival, where="post", color=color, ls=dash, label=curve.words)
        axes.fill_between(years, 100.0 * curve.low, 100.0 * curve.high, step="post", color=color, alpha=0.13, lw=0)
        left = curve.censored_days
        height = [100.0 * curve.at(days)[0] for days in left]
        axes.plot(left / YEAR_DAYS, height, "|", color=color, ms=7)
    axes.set(xlabel="years", ylabel="without event (%)", ylim=(0.0, 102.0), xlim=(0.0, None))
    axes.legend(loc="lower left", frameon=False)
    axes.grid(alpha=0.3)
    axes.tick_params(labelbottom=True)
    _risk_rows(below, curves)
    return figure


def _risk_rows(axes: Axes, curves: Sequence[Curve]) -> None:
    times = risk_days(list(curves))
    for number, curve in enumerate(curves):
        color = COLORS[number % len(COLORS)]
        for days in times:
            axes.text(days / YEAR_DAYS, -number, f"{curve.at_risk(days)}", color=color, ha="center", va="center")
    axes.set_yticks([-number for number in range(len(curves))], [curve.words for curve in curves])
    axes.set(ylim=(-len(curves) + 0.4, 0.6))
    axes.set_title("numbers at risk", loc="left", fontsize=10)
    axes.tick_params(bottom=False, labelbottom=False, left=False)
    axes.spines[:].set_visible(False)


def duty_figure(sessions: "pd.DataFrame") -> Figure:
    """Return the duty cycle of each session, by strategy, with the median of each."""
    strategies = sessions["strategy"].astype(object).where(sessions["strategy"].notna(), NOT_TOLD)
    names = sorted(set(strategies), key=lambda name: (name == NOT_TOLD, name))
    figure = Figure(figsize=(8.2, 1.3 + 0.55 * len(names)), layout="constrained")
    axes = figure.subplots()
    for number, name in enumerate(names):
        percent = np.sort(100.0 * sessions.loc[strategies == name, "duty_cycle"].to_numpy(np.float64))
        # Points of one strategy are spread evenly, so that equal values are all seen.
        height = number + SPREAD * ((np.arange(len(percent)) * 0.618034 % 1.0) * 2.0 - 1.0)
        axes.plot(percent, height, "o", ms=4, alpha=0.6, color=COLORS[0], mec="none")
        axes.plot([np.median(percent)] * 2, [number - 0.32, number + 0.32], color=MUTED_COLOR, lw=2)
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    axes.set(xlabel="duty cycle (%); line: median", xlim=(-2.0, 102.0), ylim=(len(names) - 0.5, -0.5))
    axes.grid(axis="x", alpha=0.3)
    return figure
