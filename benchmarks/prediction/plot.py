"""Plot one scene: trace, prediction, and beam states."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmarks.prediction.gating import Predictions, beam_at
from benchmarks.prediction.scenes import WINDOW_MM, Scene

SHOWN_S = 24.0


def draw(
    path: Path, scene: Scene, predictions: Predictions, ways: Mapping[str, NDArray[np.bool_]], latency_s: float
) -> None:
    """Write a PNG of the time after burn-in; red beam states mean beam on while the target was out."""
    begin_s = scene.scored_from_s
    figure = Figure(figsize=(11.0, 5.5), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    top.axhspan(-WINDOW_MM, WINDOW_MM, color="tab:green", alpha=0.12, label="window")
    top.plot(scene.truth_s, scene.truth_mm, color="black", linewidth=1.2, label="truth")
    top.plot(scene.times_s, scene.measured_mm[:, 0], ".", color="tab:grey", markersize=4, label="measured")
    ahead_s = predictions.instants_s[0]
    top.plot(
        scene.times_s + ahead_s,
        predictions.si_mm[:, 0],
        "x",
        color="tab:blue",
        markersize=4,
        label="predicted for then",
    )
    shown = (scene.truth_s >= begin_s) & (scene.truth_s <= begin_s + SHOWN_S)
    low, high = scene.truth_mm[shown].min(), scene.truth_mm[shown].max()
    top.set(ylabel="SI, inferior positive (mm)", ylim=(low - 2.0, high + 2.0), xlim=(begin_s, begin_s + SHOWN_S))
    top.legend(loc="upper right", ncols=4)
    inside = np.abs(scene.truth_mm) <= WINDOW_MM
    for row, on in enumerate(ways.values()):
        beam = beam_at(scene, on, latency_s)
        for wanted, colour in ((inside, "tab:green"), (~inside, "tab:red")):
            bottom.fill_between(scene.truth_s, row - 0.35, row + 0.35, where=beam & wanted, color=colour, linewidth=0)
    bottom.set(yticks=range(len(ways)), yticklabels=list(ways), xlabel="time (s)", ylim=(len(ways) - 0.5, -0.5))
    figure.savefig(path, dpi=120)
