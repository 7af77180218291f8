"""Draw the charts of a latency test, each as one SVG element."""

from collections.abc import Mapping, Sequence

import numpy as np

from gatekeeper.core.decision import BeamState
from gatekeeper.report.charts import as_svg, new_figure
from gatekeeper.style.colors import AP_COLOR, BEAM_COLOR, LIMIT_COLOR, MUTED_COLOR, SI_COLOR

ON_COLOR, OFF_COLOR = BEAM_COLOR[BeamState.ON], BEAM_COLOR[BeamState.HOLD]
BINS = 20
MARKS = ("o", "s", "^", "D", "v")


def trace_chart(trace: Mapping[str, Sequence[float]], axis: str) -> str:
    """Return truth, tracked positions and beam over the first seconds of a test."""
    figure, (axes,) = new_figure(10.6, 2.9)
    times_s, true_mm = np.array(trace["times_s"]), np.array(trace["true_mm"])
    low, high = (float(true_mm.min()), float(true_mm.max())) if true_mm.size else (0.0, 1.0)
    height = max(high - low, 1.0)
    axes.plot(times_s, true_mm, color=SI_COLOR, lw=0.8, label="true position")
    if "frame_s" in trace:
        axes.plot(trace["frame_s"], trace["frame_mm"], "o", ms=3, color=AP_COLOR, label="tracked, at its frame")
    for row, (key, words, color) in enumerate((("on", "beam on", ON_COLOR), ("out", "target outside", OFF_COLOR))):
        bottom = low - (0.12 + 0.1 * row) * height
        axes.fill_between(
            times_s, bottom, bottom - 0.07 * height, where=np.array(trace[key]) > 0.5, color=color, lw=0, label=words,
            step="post",
        )  # fmt: skip
    axes.set(xlabel="time (s)", ylabel=f"{axis} (mm)", xlim=(0.0, float(times_s[-1]) if times_s.size else 1.0))
    axes.legend(frameon=False, fontsize=9, loc="upper right", ncols=4)
    axes.set_ylim(top=high + 0.22 * height)
    return as_svg(figure, "Position and beam over time")


def delay_chart(off_ms: Sequence[float], on_ms: Sequence[float]) -> str:
    """Return histograms of the time from the target's crossing to the beam."""
    figure, panels = new_figure(5.4, 2.7, 2)
    for axes, values, words, color in zip(
        panels, (off_ms, on_ms), ("beam off", "beam on"), (OFF_COLOR, ON_COLOR), strict=True
    ):
        if len(values):
            axes.hist(values, bins=BINS, color=color)
            axes.axvline(float(np.mean(values)), color=SI_COLOR, lw=1.2)
        axes.set(xlabel=f"to {words} (ms)", ylabel="changes")
    return as_svg(figure, "Time from crossing to beam")


def linearity_chart(segments: Sequence[tuple[str, float, float, float]]) -> str:
    """Return measured amplitude over true amplitude, and the delay of each part.

    Parameters
    ----------
    segments : sequence of tuple
        Name, true amplitude in mm, measured amplitude in mm, and delay in ms of each part.
    """
    figure, (amplitudes, delays) = new_figure(5.4, 2.7, 2)
    true_mm = [one[1] for one in segments]
    top = 1.1 * max([*true_mm, 1.0])
    amplitudes.plot([0.0, top], [0.0, top], color=MUTED_COLOR, lw=0.8)
    amplitudes.plot(true_mm, [one[2] for one in segments], "o", ms=4, color=ON_COLOR)
    amplitudes.set(xlabel="true amplitude (mm)", ylabel="tracked (mm)")
    delays.plot(range(len(segments)), [one[3] for one in segments], "o", ms=4, color=ON_COLOR)
    delays.set_xticks(range(len(segments)), [one[0] for one in segments], rotation=90, fontsize=7)
    delays.set_ylabel("tracking delay (ms)")
    delays.margins(y=0.4)
    return as_svg(figure, "Amplitude and delay of tracking")


def trend_chart(days: Sequence[str], figures_ms: Mapping[str, Sequence[float]], passed: Sequence[bool]) -> str:
    """Return the latencies of each test over the days; a failed test is crossed."""
    figure, (axes,) = new_figure(10.6, 2.7)
    places = np.arange(len(days))
    colors = (MUTED_COLOR, OFF_COLOR, ON_COLOR, LIMIT_COLOR, SI_COLOR)
    for (name, values), color, mark in zip(figures_ms.items(), colors, MARKS, strict=False):
        axes.plot(places, values, mark, ls="-", lw=1.0, ms=4, color=color, label=name)
    failed = [place for place, good in enumerate(passed) if not good]
    if failed:
        axes.plot(failed, [0.0] * len(failed), "x", color=LIMIT_COLOR, ms=8, mew=2.0, clip_on=False, label="failed")
    step = max(len(days) // 12, 1)
    axes.set_xticks(places[::step], list(days)[::step], fontsize=8)
    axes.set(ylabel="latency (ms)", ylim=(0.0, None))
    axes.legend(frameon=False, fontsize=9, ncols=6, loc="upper left", bbox_to_anchor=(0.0, 1.16))
    return as_svg(figure, "Latency over the days")
