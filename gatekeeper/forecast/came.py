"""Compare a forecast with what came."""

from dataclasses import asdict, dataclass
from typing import Any

from gatekeeper.config.course import Strategy
from gatekeeper.forecast.fraction import FractionForecast


@dataclass(frozen=True, slots=True)
class Came:
    """A forecast, and what the session's gate did with the same margin and limit.

    Attributes
    ----------
    strategy : str
        The strategy that is compared.
    margin_mm, percent : float
        Margin, and limit of the share outside.
    low_percent, forecast_percent, high_percent : float
        Forecast of the duty cycle.
    duty_percent : float
        Duty cycle that came.
    """

    strategy: Strategy
    margin_mm: float
    percent: float
    low_percent: float
    forecast_percent: float
    high_percent: float
    duty_percent: float

    @property
    def error_points(self) -> float:
        """Forecast minus what came, in points."""
        return self.forecast_percent - self.duty_percent

    @property
    def held(self) -> bool:
        """Whether the interval holds what came."""
        return self.low_percent <= self.duty_percent <= self.high_percent

    def as_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**asdict(self), "error_points": round(self.error_points, 3), "held": self.held}


def compare(forecast: FractionForecast, strategy: Strategy, duty_percent: float) -> Came:
    """Return forecast and duty cycle that came, with the margin and limit of the session's settings.

    Parameters
    ----------
    forecast : FractionForecast
        The forecast.
    strategy : str
        The strategy of the session.
    duty_percent : float
        Duty cycle while the session was armed.
    """
    one = next(one for one in forecast.strategies if one.strategy == strategy)
    row = forecast.margins_mm.index(forecast.plan_margin_mm)
    col = forecast.percents.index(forecast.plan_percent)
    low, middle, high = one.duty_percent[row, col].tolist()
    return Came(strategy, forecast.plan_margin_mm, forecast.plan_percent, low, middle, high, duty_percent)
