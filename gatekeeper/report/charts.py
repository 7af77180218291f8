"""Draw the charts of a report, each as one SVG element."""

import io
import math
import re
from collections.abc import Mapping

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from gatekeeper.core.axes import Orientation
from gatekeeper.core.decision import BeamState
from gatekeeper.report.session_data import DutyMap
from gatekeeper.style.colors import BEAM_COLOR, LIMIT_COLOR, MUTED_COLOR, SI_COLOR

BAR_COLOR = BEAM_COLOR[BeamState.ON]
BINS = 40
MOST_POINTS = 1000
CELL_MM = 0.5
"""Usual size of a cell of the map of positions, in mm."""
LEAST_MM = 2.0
"""Smallest extent of the motion chart, in mm, so that noise does not look like motion."""

Array = NDArray[np.float64]


def outside_chart(outside_percent: Array, limit_percent: float) -> str:
    """Return a histogram of the share of the target outside the envelope, in percent, with its limit."""
    figure, (axes,) = new_figure(5.2, 2.7)
    known = outside_percent[np.isfinite(outside_percent)]
    highest = max(float(known.max(initial=0.0)), 2.0 * limit_percent, 1.0)
    edges = _edges(highest, limit_percent)
    # A value at the limit is within it.
    places = np.clip(np.searchsorted(edges, known) - 1, 0, len(edges) - 2)
    counts = np.bincount(places, minlength=len(edges) - 1)
    axes.bar(edges[:-1], counts, np.diff(edges), align="edge", color=BAR_COLOR)
    if counts.any():
        axes.set_yscale("log")
    axes.set_ylim(bottom=0.7)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.axvline(limit_percent, color=LIMIT_COLOR, lw=1.5)
    axes.set(xlabel="share of the target outside the envelope (%)", ylabel="decisions", xlim=(0.0, highest))
    return as_svg(figure, "Histogram of the share of the target outside the envelope")


def latency_chart(stages_ms: Mapping[str, Array], budgets_ms: Mapping[str, float]) -> str:
    """Return a histogram of the duration of each stage, in ms, with its budget."""
    figure, all_axes = new_figure(10.6, 2.5, len(stages_ms))
    for axes, (stage, taken_ms) in zip(all_axes, stages_ms.items(), strict=True):
        known = np.maximum(taken_ms[np.isfinite(taken_ms)], 1e-3)
        low, high = (float(known.min()), float(known.max())) if known.size else (1e-3, 1.0)
        high = max(high, 2.0 * budgets_ms[stage])
        axes.hist(known, bins=np.geomspace(min(low, 0.9 * high), high, BINS).tolist(), color=BAR_COLOR)
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(10.0, (1.0, 3.0)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.axvline(budgets_ms[stage], color=LIMIT_COLOR, lw=1.5)
        axes.set(xlabel=f"{stage} (ms)", ylabel="frames")
    return as_svg(figure, "Histograms of the time that each stage took")


def duty_chart(duty: DutyMap, margin_mm: float, outside_percent: float) -> str:
    """Return the map of duty cycle over margin and limit, with the session's own settings marked."""
    values = 100.0 * np.array(duty.duty_cycles)
    return _map(duty, values, 100.0, (margin_mm, outside_percent), "Duty cycle in percent over margin and limit")


def exposed_chart(duty: DutyMap, margin_mm: float, outside_percent: float) -> str:
    """Return the map of the time with the beam on while outside, in s; empty where that is not known."""
    if not duty.exposed_s:
        return ""
    values = np.array(duty.exposed_s)
    # One second and less is little, however short the session.
    highest = max(float(values.max()), 1.0)
    return _map(duty, values, highest, (margin_mm, outside_percent), "Seconds on while outside over margin and limit")


def _map(duty: DutyMap, values: Array, highest: float, own: tuple[float, float], title: str) -> str:
    """Return a map over margin and limit, with one pair of them marked."""
    figure, (axes,) = new_figure(5.2, 3.4)
    axes.imshow(values, origin="lower", aspect="auto", cmap="cividis", vmin=0.0, vmax=highest)
    digits = 0 if highest >= 10.0 else 1
    for row, column in np.ndindex(values.shape):
        value = values[row, column]
        ink = "white" if value < 0.55 * highest else "black"
        axes.text(column, row, f"{value:.{digits}f}", ha="center", va="center", color=ink)
    axes.set_xticks(range(values.shape[1]), [f"{percent:g}" for percent in duty.outside_percents])
    axes.set_yticks(range(values.shape[0]), [f"{margin:g}" for margin in duty.margins_mm])
    axes.set(xlabel="limit of the share outside (%)", ylabel="margin (mm)")
    margin_mm, outside_percent = own
    if margin_mm in duty.margins_mm and outside_percent in duty.outside_percents:
        at = duty.outside_percents.index(outside_percent) - 0.5, duty.margins_mm.index(margin_mm) - 0.5
        axes.add_patch(_frame(at))
    return as_svg(figure, title)


def dwell_chart(moved_mm: Array, stood_s: Array, orientation: Orientation) -> str:
    """Return a map of the time at each position in mm from the reference, in s, placed as on the image."""
    figure, (axes,) = new_figure(5.2, 3.4)
    known = np.isfinite(moved_mm).all(axis=1)
    places_mm, weights_s = moved_mm[known], stood_s[known]
    low, high = (-LEAST_MM, LEAST_MM) if not len(places_mm) else (places_mm.min(axis=0), places_mm.max(axis=0))
    low_mm, high_mm = np.minimum(low, -LEAST_MM) * np.ones(2), np.maximum(high, LEAST_MM) * np.ones(2)
    edges = [
        np.linspace(first, last, max(int((last - first) / CELL_MM), 4) + 1)
        for first, last in zip(low_mm, high_mm, strict=True)
    ]
    seconds, *_ = np.histogram2d(places_mm[:, 0], places_mm[:, 1], bins=edges, weights=weights_s)
    rows, cols = orientation.axes
    drawn = axes.imshow(
        np.ma.masked_equal(seconds, 0.0),
        origin="lower",
        aspect="equal",
        cmap="cividis",
        vmin=0.0,
        extent=(low_mm[1], high_mm[1], low_mm[0], high_mm[0]),
    )
    upper = rows.positive if rows.sign < 0.0 else rows.negative
    axes.set(xlabel=f"{cols.name} (mm, {cols.positive} right)", ylabel=f"{rows.name} (mm, {upper} up)")
    if rows.sign > 0.0:
        axes.invert_yaxis()
    axes.axhline(0.0, color=MUTED_COLOR, lw=0.6)
    axes.axvline(0.0, color=MUTED_COLOR, lw=0.6)
    figure.colorbar(drawn, ax=axes, label="s")
    return as_svg(figure, "Beam-on time at each position of the target")


def movement_chart(moved_mm: Array, beam_on: NDArray[np.bool_], orientation: Orientation) -> str:
    """Return a scatter plot of the target's positions in mm from the reference, placed as on the image."""
    figure, (axes,) = new_figure(5.2, 3.4)
    for on, color, words in ((False, BEAM_COLOR[BeamState.HOLD], "held"), (True, BAR_COLOR, "beam on")):
        points = moved_mm[beam_on == on]
        points = points[np.isfinite(points).all(axis=1)]
        points = points[:: max(math.ceil(len(points) / MOST_POINTS), 1)]
        axes.plot(points[:, 1], points[:, 0], ".", ms=3, color=color, label=words)
    rows, cols = orientation.axes
    upper = rows.positive if rows.sign < 0.0 else rows.negative
    axes.set(xlabel=f"{cols.name} (mm, {cols.positive} right)", ylabel=f"{rows.name} (mm, {upper} up)")
    axes.update_datalim([(-LEAST_MM, -LEAST_MM), (LEAST_MM, LEAST_MM)])
    axes.autoscale_view()
    if rows.sign > 0.0:
        axes.invert_yaxis()
    axes.axhline(0.0, color=MUTED_COLOR, lw=0.6)
    axes.axvline(0.0, color=MUTED_COLOR, lw=0.6)
    axes.legend(frameon=False, fontsize=9, loc="best")
    return as_svg(figure, "Positions of the target in the plane")


def _edges(highest: float, limit_percent: float) -> Array:
    """Return edges of about `BINS` bins from 0 on, one of them at the limit if that is not within the first bin."""
    width = highest / BINS
    if limit_percent >= width:
        width = limit_percent / round(limit_percent / width)
    return width * np.arange(np.ceil(highest / width - 1e-9) + 1.0, dtype=np.float64)


def new_figure(width_in: float, height_in: float, panels: int = 1) -> tuple[Figure, list[Axes]]:
    """Return a figure with panels side by side, in the style of the reports; sizes in inches."""
    figure = Figure(figsize=(width_in, height_in), layout="constrained", facecolor="none")
    FigureCanvasSVG(figure)
    all_axes = [figure.add_subplot(1, panels, panel + 1) for panel in range(panels)]
    for axes in all_axes:
        axes.set_facecolor("none")
        axes.tick_params(colors=SI_COLOR, labelsize=9)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    return figure, all_axes


def _frame(corner: tuple[float, float]) -> Rectangle:
    return Rectangle(corner, 1.0, 1.0, fill=False, edgecolor=LIMIT_COLOR, linewidth=2.5)


def as_svg(figure: Figure, title: str) -> str:
    """Return a figure as an SVG element with a title for screen readers and without a date."""
    with rc_context({"svg.hashsalt": title, "svg.fonttype": "none", "font.family": "sans-serif"}):
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    drawn = text.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    drawn = re.sub(r"<metadata>.*?</metadata>", "", drawn, flags=re.DOTALL)
    # Two figures on one page must not share identifiers.
    tag = "".join(word[0] for word in title.split()).lower()
    drawn = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{tag}-", drawn)
    return drawn.replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1)
