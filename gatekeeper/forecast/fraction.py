"""Forecast a fraction with each strategy, and recommend by the user's rule."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import SessionConfig
from gatekeeper.config.course import HELD, Strategy
from gatekeeper.config.forecast import ForecastConfig
from gatekeeper.config.gating import strategy_limits
from gatekeeper.forecast.breathing_model import BreathingModel
from gatekeeper.forecast.breaths import Preview, cut
from gatekeeper.forecast.free_breathing import learned_range
from gatekeeper.forecast.hold_model import draw_holds
from gatekeeper.forecast.outside_table import outside_table
from gatekeeper.forecast.simulate import Cells, Judged, simulate
from gatekeeper.forecast.strategies import TITLES, place_of, seen_holds

SHARES = 0.1, 0.5, 0.9
"""Quantiles of the futures: the ends of the 80 % interval, and the median."""
MARGINS_MM = tuple(float(margin) for margin in range(3, 9))
PERCENTS = (1.0, 2.0, 3.0, 5.0, 8.0, 10.0, 15.0, 20.0)
LONGEST_MIN = 600.0
"""Longest time that is told, in minutes; beyond, the beam hardly comes on."""
SHORT_S, LONG_S = 15.0, 60.0
"""Length of a preview below which it is called short, and to which it should be cut."""
FEW_BREATHS = 3
NO_DRIFT_MM = 100.0
FAR_MM = 2.0
"""Distance of the drawn target from a strategy's place from which on it is told."""
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class StrategyForecast:
    """Forecast with one strategy, each figure of shape (margins, percents, 3): low, median and high.

    Attributes
    ----------
    strategy : str
        The strategy.
    place_mm : tuple of float
        Position (row, col) of the target at which the envelope lies around it.
    duty_percent, minutes, out_percent, residual_mm : ndarray of float64
        Duty cycle; time until the prescribed beam is given; beam on while the target is measured out, of the time; and
        95th percentile of the distance from the place with the beam on. What is out counts one latency later.
    holds : ndarray of float64
        Breath-holds until then; NaN in free breathing.
    notes : tuple of str
        What was assumed, one line each.
    """

    strategy: Strategy
    place_mm: tuple[float, float]
    duty_percent: Array
    minutes: Array
    out_percent: Array
    residual_mm: Array
    holds: Array
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The cell that the rule picks.

    Attributes
    ----------
    strategy : str
        The strategy.
    margin_mm, percent : float
        Margin, and limit of the share outside.
    minutes, out_percent : float
        Medians there.
    """

    strategy: Strategy
    margin_mm: float
    percent: float
    minutes: float
    out_percent: float


@dataclass(frozen=True, slots=True, eq=False)
class FractionForecast:
    """Forecast of a fraction.

    Attributes
    ----------
    name : str
        What it is of.
    margins_mm, percents : tuple of float
        Margins, and limits of the share outside.
    strategies : tuple of StrategyForecast
        One for each strategy.
    settings : ForecastConfig
        Settings, with the seed.
    plan_margin_mm, plan_percent : float
        Margin and limit of the session's settings.
    notes : tuple of str
        What must be known before the figures are used, one line each.
    recommended : Recommendation or None
        By the user's rule; None when no cell meets it. It is never applied by itself.
    preview_s : float
        Length of the preview, in seconds.
    """

    name: str
    margins_mm: tuple[float, ...]
    percents: tuple[float, ...]
    strategies: tuple[StrategyForecast, ...]
    settings: ForecastConfig
    plan_margin_mm: float
    plan_percent: float
    notes: tuple[str, ...]
    recommended: Recommendation | None
    preview_s: float

    def as_json(self) -> dict[str, Any]:
        """Return plain values for JSON; what is not known is None."""
        return {
            "name": self.name,
            "preview_s": round(self.preview_s, 3),
            "margins_mm": list(self.margins_mm),
            "percents": list(self.percents),
            "plan": {"margin_mm": self.plan_margin_mm, "outside_percent": self.plan_percent},
            "settings": self.settings.model_dump(),
            "notes": list(self.notes),
            "recommended": None if self.recommended is None else _plain_recommendation(self.recommended),
            "strategies": {
                one.strategy: {
                    "title": TITLES[one.strategy],
                    "place_mm": [round(value, 3) for value in one.place_mm],
                    "notes": list(one.notes),
                    **{name: _plain(getattr(one, name)) for name in FIGURES},
                }
                for one in self.strategies
            },
        }


FIGURES = ("duty_percent", "minutes", "out_percent", "residual_mm", "holds")
"""Names of the figures of a strategy."""


def forecast_fraction(
    name: str,
    preview: Preview,
    config: SessionConfig,
    settings: ForecastConfig,
    strategies: tuple[Strategy, ...] = tuple(TITLES),
    margins_mm: tuple[float, ...] = MARGINS_MM,
    percents: tuple[float, ...] = PERCENTS,
) -> FractionForecast:
    """Forecast a fraction with each strategy.

    Parameters
    ----------
    name : str
        What it is of.
    preview : Preview
        The preview.
    config : SessionConfig
        Settings of the session; where its `gate.strategy` is not the strategy, the gate has that strategy's limits.
    settings : ForecastConfig
        Settings of the forecast.
    strategies : tuple of str, optional
        The strategies.
    margins_mm, percents : tuple of float, optional
        Margins, and limits of the share outside. Those of the settings are added.

    Returns
    -------
    FractionForecast

    Raises
    ------
    InputError
        When the preview is too short.
    """
    gate, seconds = config.gate, 60.0 * settings.minutes
    margins_mm = tuple(sorted({*margins_mm, config.envelope.margin_mm}))
    percents = tuple(sorted({*percents, gate.outside_percent}))
    breaths = cut(preview, gate.min_confidence)
    model = BreathingModel(breaths, settings.population, preview.breath_sign, settings.hold)
    table = outside_table(preview.outline_px, preview.spacing_mm, margins_mm, max(percents))
    found = []
    for strategy in strategies:
        random = np.random.default_rng((settings.seed, list(TITLES).index(strategy)))
        of_strategy = gate if gate.strategy == strategy else gate.model_copy(update=strategy_limits(strategy))
        place_mm = place_of(preview, gate.min_confidence, strategy)
        notes = []
        if strategy in HELD:
            seen = seen_holds(preview, gate.min_confidence, strategy)
            if not seen.places_mm:
                notes.append(_no_hold_seen(strategy, settings))
            # Of a patient who holds the breath, the gate judges the drift of the held positions, which scatter here.
            of_strategy = of_strategy.model_copy(update={"drift_mm": NO_DRIFT_MM})
            futures = draw_holds(
                model, settings.hold, place_mm, seen, preview.breath_sign, settings.futures, seconds, random
            )
        else:
            futures = model.draw(settings.futures, seconds, random)
        judged = simulate(
            futures,
            table,
            Cells.of(of_strategy, percents),
            of_strategy,
            learned_range(preview, of_strategy),
            place_mm,
            preview.period_s,
            seconds,
            config.prediction.latency_s,
        )
        away_mm = math.dist(place_mm, preview.outline_mm)
        if away_mm > FAR_MM:
            notes.append(f"the envelope lies {away_mm:.1f} mm from the drawn target; draw it there")
        holds = futures.holds if strategy in HELD else None
        found.append(_figures(strategy, place_mm, judged, holds, settings, tuple(notes)))
    outcome = FractionForecast(
        name,
        margins_mm,
        percents,
        tuple(found),
        settings,
        config.envelope.margin_mm,
        gate.outside_percent,
        notes_on(preview, int(breaths.breathing.sum()), settings),
        None,
        preview.seconds,
    )
    return replace(outcome, recommended=recommend(outcome))


def recommend(forecast: FractionForecast) -> Recommendation | None:
    """Return the cell with the least time among those within the user's limit, with the margin of the plan.

    Among equal ones, the least share outside. None when no cell is within the limit, or none delivers the beam.
    """
    row = forecast.margins_mm.index(forecast.plan_margin_mm)
    cells = [
        (float(one.minutes[row, col, 1]), float(one.out_percent[row, col, 1]), place, col)
        for place, one in enumerate(forecast.strategies)
        for col in range(len(forecast.percents))
        if one.out_percent[row, col, 1] <= forecast.settings.most_out_percent and one.minutes[row, col, 1] < LONGEST_MIN
    ]
    if not cells:
        return None
    minutes, out_percent, place, col = min(cells)
    strategy = forecast.strategies[place].strategy
    return Recommendation(strategy, forecast.plan_margin_mm, forecast.percents[col], minutes, out_percent)


def notes_on(preview: Preview, breaths: int, settings: ForecastConfig) -> tuple[str, ...]:
    """Return what must be known of a preview before its forecast is used, one line each."""
    notes = []
    if preview.seconds < SHORT_S:
        notes.append(f"the preview lasts {preview.seconds:.0f} s only; {SHORT_S:g} to {LONG_S:g} s tell more")
    if 0 < breaths < FEW_BREATHS:
        notes.append(f"the preview shows {breaths} breath{'' if breaths == 1 else 's'}; the population counts for more")
    if not breaths:
        notes.append("the preview shows no breath; breaths to come are not in the forecast")
    people = settings.population
    notes.append(
        f"assumed: a motion of {people.amplitude_mm:g} mm of people, that varies by {100.0 * people.amplitude_cv:.0f} "
        f"%, a drift of {people.drift_mm:g} mm in the first minute, {people.deep_breaths_per_h:g} sighs and "
        f"{people.coughs_per_h:g} coughs an hour; nobody moves the envelope"
    )
    return tuple(notes)


def _no_hold_seen(strategy: Strategy, settings: ForecastConfig) -> str:
    hold = settings.hold
    return (
        f"no {TITLES[strategy]} was seen on the preview; assumed: holds of {hold.hold_s:g} s every "
        f"{hold.hold_s + hold.rest_s:g} s, at the end of a usual breath, alike to {hold.spread_mm:g} mm"
    )


def _figures(
    strategy: Strategy,
    place_mm: tuple[float, float],
    judged: Judged,
    holds: NDArray[np.int64] | None,
    settings: ForecastConfig,
    notes: tuple[str, ...],
) -> StrategyForecast:
    """Return the quantiles of all futures."""
    duty = judged.duty_percent.astype(np.float64)
    with np.errstate(divide="ignore"):
        minutes = np.minimum(settings.beam_s / 60.0 * 100.0 / duty, LONGEST_MIN)
    needed = np.full_like(minutes, np.nan) if holds is None else holds[:, None, None] * minutes / settings.minutes
    return StrategyForecast(
        strategy,
        place_mm,
        _quantiles(duty),
        _quantiles(minutes),
        _quantiles(judged.out_percent.astype(np.float64)),
        _quantiles(judged.residual_mm.astype(np.float64)),
        _quantiles(needed),
        notes,
    )


def _quantiles(values: Array) -> Array:
    """Return the quantiles over futures, as last axis; those without a value are left out."""
    known = np.isfinite(values)
    if known.all():
        found = np.quantile(values, SHARES, axis=0)
    else:
        found = np.full((len(SHARES), *values.shape[1:]), np.nan)
        for place in np.ndindex(*values.shape[1:]):
            column = values[(slice(None), *place)]
            if (finite := column[np.isfinite(column)]).size:
                found[(slice(None), *place)] = np.quantile(finite, SHARES)
    return np.moveaxis(found, 0, -1)


def _plain(values: Array) -> list[Any]:
    return [[[None if math.isnan(one) else round(one, 3) for one in cell] for cell in row] for row in values.tolist()]


def _plain_recommendation(one: Recommendation) -> dict[str, Any]:
    return {
        "strategy": one.strategy,
        "margin_mm": one.margin_mm,
        "outside_percent": one.percent,
        "minutes": round(one.minutes, 3),
        "out_percent": round(one.out_percent, 3),
    }
