"""Plot how the time of a step grows with structures, pixels and frame rate."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from benchmarks.cold.pace import Timed


def draw(path: Path | str, panels: Sequence[tuple[str, Sequence[float], Sequence[Timed]]]) -> None:
    """Write a picture with one panel for each axis along which the cases grow.

    Parameters
    ----------
    path : Path
        The file; its suffix names the format.
    panels : sequence of (str, sequence of float, sequence of Timed)
        Of each axis its name, the places of the cases on it, and their times.
    """
    figure = Figure(figsize=(10.0, 3.4), layout="constrained")
    rows = figure.subplots(1, len(panels), squeeze=False, sharey=True)
    for axes, (name, places, timed) in zip(rows[0], panels, strict=True):
        for which, style, label in ((99, "s--", "p99"), (50, "o-", "p50")):
            cold = [np.percentile(one.cold_ms[:, 2], which) for one in timed]
            axes.plot(places, cold, style, color="tab:blue", markersize=4, label=f"cold {label}")
        hot = [np.percentile(one.hot_ms[:, 2], 50) for one in timed]
        axes.plot(places, hot, "o:", color="tab:orange", markersize=4, label="hot p50")
        axes.set(xlabel=name, xlim=(0.0, None), yscale="log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.grid(axis="y", color="0.9")
    figure.axes[0].set_ylabel("frame to decision (ms)")
    figure.axes[0].legend()
    figure.savefig(path, dpi=120)
