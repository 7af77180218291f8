"""Forecast what a gate does while a patient breathes freely, from a preview."""

import numpy as np

from gatekeeper.config import GateConfig
from gatekeeper.config.forecast import ForecastConfig
from gatekeeper.forecast.breathing_model import BreathingModel
from gatekeeper.forecast.breaths import Preview, cut
from gatekeeper.forecast.outside_table import OutsideTable, outside_table
from gatekeeper.forecast.simulate import Cells, Judged, simulate
from gatekeeper.gating.motion import LearnedRange

END_EXHALE = 0.5
"""Share of the frames, those with the least inhalation, whose median is the end-exhale position."""


def end_exhale_mm(preview: Preview, min_confidence: float) -> tuple[float, float]:
    """Return the end-exhale position of the target as (row, col) in mm.

    Parameters
    ----------
    preview : Preview
        The preview.
    min_confidence : float
        Positions of less confidence, 0-1, are left out.
    """
    sure_mm = preview.center_mm[preview.confidence >= min_confidence]
    along_mm = preview.breath_sign * sure_mm[:, 0]
    row_mm, col_mm = np.median(sure_mm[along_mm <= np.quantile(along_mm, END_EXHALE)], axis=0)
    return float(row_mm), float(col_mm)


def learned_range(preview: Preview, config: GateConfig) -> LearnedRange:
    """Return the range of motion that a gate learns from a preview."""
    sure = preview.confidence >= config.min_confidence
    return LearnedRange.of(preview.center_mm[sure], config, preview.breath_sign)


def forecast_free_breathing(
    preview: Preview,
    place_mm: tuple[float, float],
    margins_mm: tuple[float, ...],
    percents: tuple[float, ...],
    gate: GateConfig,
    settings: ForecastConfig,
    latency_s: float,
    seconds: float | None = None,
    table: OutsideTable | None = None,
) -> Judged:
    """Return figures of many futures of free breathing, for all margins and limits.

    Parameters
    ----------
    preview : Preview
        The preview.
    place_mm : tuple of float
        Position (row, col) of the target at which the envelope lies around it.
    margins_mm, percents : tuple of float
        Margins, and limits of the share outside.
    gate : GateConfig
        All other limits.
    settings : ForecastConfig
        Number of futures, seed, and how people breathe.
    latency_s : float
        Time from a frame to the beam.
    seconds : float, optional
        Length of a future; by default that of the settings.
    table : OutsideTable, optional
        The table of the target with these margins, if it is known already.

    Returns
    -------
    Judged

    Raises
    ------
    InputError
        When the preview is too short.
    """
    seconds = 60.0 * settings.minutes if seconds is None else seconds
    model = BreathingModel(cut(preview, gate.min_confidence), settings.population, preview.breath_sign, settings.hold)
    futures = model.draw(settings.futures, seconds, np.random.default_rng(settings.seed))
    if table is None:
        table = outside_table(preview.outline_px, preview.spacing_mm, margins_mm, max(percents))
    return simulate(
        futures,
        table,
        Cells.of(gate, percents),
        gate,
        learned_range(preview, gate),
        place_mm,
        preview.period_s,
        seconds,
        latency_s,
    )
