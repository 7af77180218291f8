"""Draw the charts of a course, each as one SVG element."""

from collections.abc import Sequence

import numpy as np

from gatekeeper.core.decision import BeamState
from gatekeeper.report.charts import as_svg, new_figure
from gatekeeper.report.course_data import CourseSession
from gatekeeper.style.colors import BEAM_COLOR, MUTED_COLOR, SI_COLOR

PAGE_IN, WIDEST_IN, NARROWEST_IN = 11.6, 3.4, 1.9
"""Width of the page, and limits of the width of one session's panel, in inches; more sessions are scrolled."""
MOST_POINTS = 1500


def duty_chart(sessions: Sequence[CourseSession]) -> str:
    """Return the duty cycle of each session as bars."""
    figure, (axes,) = new_figure(max(1.0 + 0.9 * len(sessions), 4.0), 2.8)
    values = [one.figures["duty_cycle"] for one in sessions]
    places = range(len(sessions))
    axes.bar(places, values, color=BEAM_COLOR[BeamState.ON], width=0.6)
    for place, value in zip(places, values, strict=True):
        if np.isfinite(value):
            axes.text(place, value + 1.0, f"{value:.0f}", ha="center", va="bottom", fontsize=9)
    axes.set_xticks(places, [_short(one) for one in sessions], rotation=0 if len(sessions) < 12 else 60)
    axes.set(ylabel="duty cycle while armed (%)", ylim=(0.0, 110.0))
    return as_svg(figure, "Duty cycle of each session")


def motion_chart(sessions: Sequence[CourseSession]) -> str:
    """Return the motion along the axis of the rows in each session, on the same scale."""
    figure, panels = new_figure(_width_in(len(sessions)), 2.6, len(sessions))
    known = [one.moved_mm[:, 0][np.isfinite(one.moved_mm[:, 0])] for one in sessions]
    together = np.concatenate(known) if known else np.empty(0)
    low, high = (float(together.min()), float(together.max())) if together.size else (-1.0, 1.0)
    for panel, one in zip(panels, sessions, strict=True):
        step = max(len(one.times_s) // MOST_POINTS, 1)
        panel.plot(one.times_s[::step] / 60.0, one.moved_mm[::step, 0], color=SI_COLOR, lw=0.7)
        panel.axhline(0.0, color=MUTED_COLOR, lw=0.6)
        panel.set(xlabel="min", title=_short(one), ylim=(low - 1.0, high + 1.0))
        panel.label_outer(remove_inner_ticks=False)
    panels[0].set_ylabel(f"{sessions[0].axes[0]} (mm)")
    return as_svg(figure, "Motion along the rows in each session")


def duty_maps(sessions: Sequence[CourseSession]) -> str:
    """Return the duty cycle over margin and limit of each session."""
    figure, panels = new_figure(_width_in(len(sessions)), 2.8, len(sessions))
    for panel, one in zip(panels, sessions, strict=True):
        values = 100.0 * np.array(one.duty_map.duty_cycles)
        panel.imshow(values, origin="lower", aspect="auto", cmap="cividis", vmin=0.0, vmax=100.0)
        for row, column in np.ndindex(values.shape):
            color = "white" if values[row, column] < 55.0 else "black"
            panel.text(column, row, f"{values[row, column]:.0f}", ha="center", va="center", color=color, fontsize=8)
        panel.set_xticks(range(values.shape[1]), [f"{percent:g}" for percent in one.duty_map.outside_percents])
        panel.set_yticks(range(values.shape[0]), [f"{margin:g}" for margin in one.duty_map.margins_mm])
        panel.set(xlabel="limit (%)", title=_short(one))
    panels[0].set_ylabel("margin (mm)")
    return as_svg(figure, "Map of the duty cycle of each session")


def _width_in(sessions: int) -> float:
    return sessions * min(max(PAGE_IN / sessions, NARROWEST_IN), WIDEST_IN)


def _short(one: CourseSession) -> str:
    return one.name[:12] if one.course is None else f"F{one.course.fraction}"
