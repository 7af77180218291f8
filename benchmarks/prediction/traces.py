"""Score every way to decide on motion that was measured, and compare methods at equal beam-on time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.table import Table

from benchmarks.prediction.gating import (
    Predictions,
    Score,
    beam_on,
    beam_on_within,
    instants_of,
    predict,
    score,
    settings,
)
from benchmarks.prediction.methods import METHODS, OURS
from benchmarks.prediction.scenes import WINDOW_MM, Scene, measured
from gatekeeper.config import PredictionConfig
from gatekeeper.core.errors import RecordingError

SETTINGS = (8.0, 0.3), (8.0, 0.5), (4.0, 0.3)
"""Frames per second and latency in seconds."""
NOISE_MM, SEEDS = 0.1, 2
RISKS_PERCENT = 2.0, 1.0, 0.5
FULL_GATE = f"{OURS}, full, as the gate decides"
HALVINGS = 10
"""Halvings by which the shift of a window is found, to 0.01 mm."""


@dataclass(frozen=True, slots=True)
class EqualDuty:
    """How a method does when its window is shifted until the beam is on for as long as by ours.

    Attributes
    ----------
    shift_mm : float
        By which the window is smaller.
    on_while_out, duty_cycle : float
        Mean over traces, in percent of the time.
    """

    shift_mm: float
    on_while_out: float
    duty_cycle: float


@dataclass(frozen=True, slots=True)
class TraceScores:
    """Scores at one frame rate and latency.

    Attributes
    ----------
    rate_hz, latency_s : float
        Frames per second, and latency in seconds.
    scores : dict
        The score of every way to decide, for each trace with each noise.
    equal : dict
        For each duty cycle, by its name, every method at it, on the traces that leave the window.
    """

    rate_hz: float
    latency_s: float
    scores: dict[str, dict[str, Score]]
    equal: dict[str, dict[str, EqualDuty]]

    @property
    def moving(self) -> list[dict[str, Score]]:
        """The scores on traces of which some is outside the window; on others there is nothing to decide."""
        return [ways for ways in self.scores.values() if next(iter(ways.values())).inside < 100.0]


def measure(
    folder: Path,
    judge: Callable[[Scene, float], Mapping[str, Score]],
    on_progress: Callable[[str, int, int], None],
) -> list[TraceScores]:
    """Score the traces of all CSV files below a folder, at each of `SETTINGS`.

    Parameters
    ----------
    folder : Path
        Holds the traces.
    judge : callable
        Returns the score of every way to decide on a scene at a latency.
    on_progress : callable
        Called with a name, the number of traces done and that of all.

    Raises
    ------
    RecordingError
        When the folder has no trace, or a file is not one.
    """
    results = []
    for rate_hz, latency_s in SETTINGS:
        scenes = list(measured(folder, rate_hz, NOISE_MM, SEEDS))
        if not scenes:
            raise RecordingError(f"{folder}: holds no trace; give a folder of CSV files")
        scores: dict[str, dict[str, Score]] = {}
        title = title_of(rate_hz, latency_s)
        for done, (name, scene) in enumerate(scenes):
            on_progress(title, done, len(scenes))
            scores[name] = dict(judge(scene, latency_s)) | within(scene, latency_s)
        moving = [scene for name, scene in scenes if next(iter(scores[name].values())).inside < 100.0]
        equal = {}
        for name in (f"{OURS}, full", f"{FULL_GATE}, risk {RISKS_PERCENT[1]:g} %"):
            duty = float(np.mean([ways[name].duty_cycle for ways in scores.values() if ways[name].inside < 100.0]))
            equal[name] = equal_duty(moving, latency_s, duty) if moving else {}
        on_progress(title, len(scenes), len(scenes))
        results.append(TraceScores(rate_hz, latency_s, scores, equal))
    return results


def title_of(rate_hz: float, latency_s: float) -> str:
    """Return a frame rate and a latency in words."""
    return f"{rate_hz:g} frames/s, {latency_s * 1e3:.0f} ms"


def within(scene: Scene, latency_s: float) -> dict[str, Score]:
    """Return the score of the gate's decisions with each risk limit."""
    config = settings("full", latency_s)
    return {
        f"{FULL_GATE}, risk {risk:g} %": score(scene, beam_on_within(scene, config, risk), latency_s)
        for risk in RISKS_PERCENT
    }


def equal_duty(scenes: Sequence[Scene], latency_s: float, duty_cycle: float) -> dict[str, EqualDuty]:
    """Return every method with its window shifted until the beam is on for `duty_cycle`, as mean over scenes."""
    off, full = settings("off", latency_s), settings("full", latency_s)
    found: dict[str, EqualDuty] = {}
    for name, make in METHODS.items():
        said = [predict(one, make(), instants_of(one, full)) for one in scenes]
        if name == OURS:
            found["measured (off)"] = _at(scenes, said, off, duty_cycle)
        found[f"{name}, full"] = _at(scenes, said, full, duty_cycle)
    return found


def _at(scenes: Sequence[Scene], said: Sequence[Predictions], config: PredictionConfig, duty_cycle: float) -> EqualDuty:
    def shifted(shift_mm: float) -> EqualDuty:
        scores = [
            score(scene, beam_on(scene, one, config, window_mm=WINDOW_MM - shift_mm), config.latency_s)
            for scene, one in zip(scenes, said, strict=True)
        ]
        out, duty = np.mean([(one.on_while_out, one.duty_cycle) for one in scores], axis=0).tolist()
        return EqualDuty(shift_mm, out, duty)

    low_mm, high_mm = -WINDOW_MM, WINDOW_MM
    for _ in range(HALVINGS):
        middle_mm = 0.5 * (low_mm + high_mm)
        low_mm, high_mm = (middle_mm, high_mm) if shifted(middle_mm).duty_cycle > duty_cycle else (low_mm, middle_mm)
    return shifted(0.5 * (low_mm + high_mm))


def equal_table(result: TraceScores) -> Table:
    """Return a table of all methods, each with its window shifted until the beam is on for as long as by ours."""
    title = f"{title_of(result.rate_hz, result.latency_s)}: windows shifted to equal duty cycle, mean over traces"
    table = Table(title=title, title_justify="left")
    table.add_column("decided by", no_wrap=True)
    for name in result.equal:
        table.add_column(f"on while out % (shift mm)\nas long as {name}", justify="right", no_wrap=True)
    for name in result.equal:
        duty, out = (
            np.mean([getattr(ways[name], what) for ways in result.moving]) for what in ("duty_cycle", "on_while_out")
        )
        table.add_row(f"{name}: {duty:.1f} %", *[f"{out:.2f}" if other == name else "" for other in result.equal])
    for method in next(iter(result.equal.values()), {}):
        cells = [
            f"{of_method[method].on_while_out:.2f} ({of_method[method].shift_mm:+.2f})"
            for of_method in result.equal.values()
        ]
        table.add_row(method, *cells)
    return table
