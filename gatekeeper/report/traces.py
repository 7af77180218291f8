"""Curves of a session over its time: movement, share outside, beam and the reasons of each hold."""

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MultipleLocator
from numpy.typing import NDArray

from gatekeeper.core.decision import BeamState, Reason
from gatekeeper.core.reasons import REASONS
from gatekeeper.report.legend import shortened
from gatekeeper.report.session_data import OverviewData
from gatekeeper.report.structure_data import StructureData
from gatekeeper.session.structure_info import MEASURE_TEXT
from gatekeeper.style.colors import (
    AP_COLOR,
    BEAM_COLOR,
    ENVELOPE_COLOR,
    ENVELOPE_DASHES,
    LIMIT_COLOR,
    MUTED_COLOR,
    SI_COLOR,
)

MOST_HATCHED = 100
"""More holds than this are too narrow to be hatched."""
NOTE_X = 0.996
LABEL_X = -0.04
LONG_S = 180.0
"""From this duration on, times are told in minutes."""
STEPS_S, MOST_LABELS = (30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0), 12
"""Times between two labels, in s, and the largest number of labels."""
POINTS_AT_FULL_WIDTH = 1000
"""Curves of more points are drawn thinner, so that many breaths side by side do not become one black band."""


def draw_movement(axes: Axes, seen: OverviewData, chosen: Sequence[int]) -> None:
    """Draw the target's movement in mm with the margin behind it, and the number of each frame that is shown."""
    margin_mm = seen.limits.margin_mm
    _draw_moved(axes, seen, seen.moved_mm(), margin_mm)
    axes.margins(y=0.14)
    axes.set_ylabel("target from\nreference (mm)")
    margin = "least distance to the envelope" if seen.limits.region else "margin"
    _note(axes, margin_mm, f"± {margin_mm:.3g} mm {margin}", MUTED_COLOR)
    draw_chosen(axes, seen, chosen)
    _plain(axes)


def draw_chosen(axes: Axes, seen: OverviewData, chosen: Sequence[int]) -> None:
    """Draw the number of each frame that is shown into the target's movement, and say what its lines are."""
    times_s, moved_mm = seen.times_s(), seen.moved_mm()
    for number, index in enumerate(chosen, start=1):
        x, y = times_s[index], moved_mm[index, 0]
        if np.isfinite(y):
            axes.plot(x, y, "o", ms=13, mfc="white", mec=SI_COLOR, mew=1.2, zorder=5, clip_on=False)
            axes.text(x, y, str(number), fontsize=8.5, ha="center", va="center_baseline", zorder=6)
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 0.98), ncol=2, frameon=False, fontsize=9.5, borderaxespad=0.1)


def draw_outside(axes: Axes, seen: OverviewData) -> None:
    """Draw the share of the target outside the envelope in percent, and its limit."""
    outside = np.array([decision.outside_percent for decision in seen.decisions])
    limit = seen.limits.outside_percent
    highest = _draw_value(axes, seen, outside, limit, "%")
    axes.set(ylim=(0.0, min(max(highest, 1.0), 105.0)), ylabel="outside\n(%)")
    _plain(axes)


def draw_structure(moved: Axes, value: Axes, seen: OverviewData, one: StructureData) -> None:
    """Draw the movement of one of several structures, and what was measured of it with its limit.

    Parameters
    ----------
    moved, value : Axes
        Where to draw.
    seen : OverviewData
        The session.
    one : StructureData
        The structure.
    """
    info, (what, unit) = one.info, MEASURE_TEXT[one.info.measure]
    # An organ at risk has a margin only where its zone is what lies beyond it.
    margin_mm = info.margin_mm if info.is_target else info.zone_margin_mm
    _draw_moved(moved, seen, one.moved_mm(), margin_mm)
    moved.margins(y=0.12)
    if np.isfinite(margin_mm):
        _note(moved, margin_mm, f"± {margin_mm:.3g} mm {'to its envelope' if info.region else 'margin'}", MUTED_COLOR)
    _label(moved, f"{shortened(one.title)}\nmoved (mm)")
    highest = _draw_value(value, seen, one.values(), info.limit, unit)
    value.set_ylim(0.0, min(highest, 105.0) if unit == "%" else highest)
    _label(value, f"{what} ({unit})")
    for axes in (moved, value):
        _plain(axes)


def draw_beam(axes: Axes, seen: OverviewData, reasons: Sequence[Reason]) -> None:
    """Draw when the beam was on and when held, below it each of the reasons, and which of several structures held."""
    times_s, beam_on = seen.times_s(), seen.beam_on()
    on, hold = BEAM_COLOR[BeamState.ON], BEAM_COLOR[BeamState.HOLD]
    held_s = list(spans_s(~beam_on, times_s))
    hatch = "////" if len(held_s) <= MOST_HATCHED else None
    axes.broken_barh(list(spans_s(beam_on, times_s)), (-0.45, 0.9), facecolor=on, lw=0)
    axes.broken_barh(held_s, (-0.45, 0.9), facecolor=hold, edgecolor="white", hatch=hatch, lw=0)
    for row, reason in enumerate(reasons, start=1):
        given = np.array([reason in decision.reasons for decision in seen.decisions], dtype=np.bool_)
        axes.broken_barh(list(spans_s(given, times_s)), (row - 0.3, 0.6), facecolor=MUTED_COLOR, lw=0)
    rows = ["Beam", *(REASONS[reason].text for reason in reasons)]
    for row, one in enumerate(seen.structures, start=len(rows)):
        axes.broken_barh(list(spans_s(one.held(), times_s)), (row - 0.3, 0.6), facecolor=SI_COLOR, lw=0)
    rows += [shortened(f"held by {one.title}") for one in seen.structures]
    axes.set_yticks(range(len(rows)), rows, fontsize=9.0)
    unit = "min:s" if is_long(times_s) else "s"
    axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel=f"time since the first decision ({unit})")
    if is_long(times_s):
        axes.xaxis.set_major_locator(MultipleLocator(_step_s(float(times_s[-1]))))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{int(value) // 60}:{int(value) % 60:02}"))
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def is_long(times_s: NDArray[np.float64]) -> bool:
    """Return whether times since the first decision, in s, are told in minutes."""
    return bool(times_s[-1] >= LONG_S)


def _step_s(lasted_s: float) -> float:
    """Return the time between two labels of a long session, in s."""
    return next((step_s for step_s in STEPS_S if lasted_s / step_s <= MOST_LABELS), lasted_s)


def spans_s(when: NDArray[np.bool_], times_s: NDArray[np.float64]) -> Iterator[tuple[float, float]]:
    """Yield start and length in s of each run of True; a decision stands until the next one is made.

    Parameters
    ----------
    when : ndarray of bool, shape (N,)
        What holds for each decision.
    times_s : ndarray of float64, shape (N,)
        When each was made; the last is taken to stand as long as is usual.
    """
    usual_s = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 1.0
    ends_s = np.append(times_s[1:], times_s[-1] + usual_s)
    edges = np.flatnonzero(np.diff(when.astype(np.int8), prepend=0, append=0))
    for first, after in edges.reshape(-1, 2):
        yield float(times_s[first]), float(ends_s[after - 1] - times_s[first])


def _draw_moved(axes: Axes, seen: OverviewData, moved_mm: NDArray[np.float64], margin_mm: float) -> None:
    """Draw a movement in mm, with the margin behind it if there is one."""
    times_s, thin = seen.times_s(), _thinness(seen)
    if np.isfinite(margin_mm):
        axes.axhspan(-margin_mm, margin_mm, color=ENVELOPE_COLOR, alpha=0.16, lw=0)
    names = [f"{axis.name} ({axis.positive} up)" for axis in seen.orientation.axes]
    axes.plot(times_s, moved_mm[:, 0], color=SI_COLOR, lw=1.5 * thin, label=names[0])
    axes.plot(times_s, moved_mm[:, 1], color=AP_COLOR, lw=1.1 * thin, ls=(0, (5, 1)), label=names[1])


def _draw_value(axes: Axes, seen: OverviewData, values: NDArray[np.float64], limit: float, unit: str) -> float:
    """Draw what was measured and its limit, and return how high the axis has to be."""
    times_s = seen.times_s()
    axes.fill_between(times_s, values, color=LIMIT_COLOR, alpha=0.2, lw=0)
    axes.plot(times_s, values, color=SI_COLOR, lw=1.0 * _thinness(seen))
    axes.axhline(limit, color=LIMIT_COLOR, lw=1.2, ls=ENVELOPE_DASHES)
    _note(axes, limit, f"limit {limit:g} {unit}", LIMIT_COLOR)
    return max(1.1 * max((value for value in values if np.isfinite(value)), default=0.0), 4.0 * limit, 0.1)


def _label(axes: Axes, words: str) -> None:
    """Write what a lane shows at its left, where there is no room for it upright."""
    axes.text(LABEL_X, 0.5, words, transform=axes.transAxes, fontsize=9.5, ha="right", va="center", linespacing=1.3)


def _thinness(seen: OverviewData) -> float:
    """Return the share of its full width that a curve is drawn with."""
    return max(min(POINTS_AT_FULL_WIDTH / len(seen.decisions), 1.0), 0.2)


def _note(axes: Axes, y: float, words: str, color: str) -> None:
    """Write what a level means, at the right end of it."""
    axes.text(
        NOTE_X,
        y,
        words,
        transform=axes.get_yaxis_transform(),
        fontsize=8.5,
        color=color,
        ha="right",
        va="bottom",
        bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1.0},
    )


def _plain(axes: Axes) -> None:
    """Leave only what is needed to read the numbers."""
    axes.tick_params(labelbottom=False)
    axes.grid(axis="x", color="#DDDDDD", lw=0.6)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
