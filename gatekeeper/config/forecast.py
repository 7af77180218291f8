"""Define the settings of the forecast of a fraction from its preview."""

from typing import Annotated

from pydantic import Field

from gatekeeper.config.strict import StrictModel

Share = Annotated[float, Field(gt=0.0, le=2.0)]
Millimetres = Annotated[float, Field(gt=0.0, le=50.0)]


class PopulationConfig(StrictModel):
    """How people breathe, where a preview of seconds cannot tell; sources in docs/explanation/forecast.md.

    Examples
    --------
    >>> from gatekeeper.config import PopulationConfig
    >>> PopulationConfig(amplitude_mm=9.0).amplitude_cv
    0.33
    """

    amplitude_mm: Millimetres = 11.9
    """Median of the motion along SI, peak to peak, in mm: 11.9 mm in 14 patients with liver tumours (Liang 2018)."""
    amplitude_log_sd: Share = 0.36
    """Standard deviation of its logarithm between people: the range of these 14, 5.1 to 17.3 mm, spans 3.4 of them."""
    amplitude_cv: Share = 0.33
    """Standard deviation of a person's breaths over a quarter of an hour, as a share of the mean (Tobin 1988)."""
    period_cv: Share = 0.21
    """The same of the time that a breath takes (Tobin 1988)."""
    correlation: Annotated[float, Field(ge=0.0, le=0.99)] = 0.8
    """Correlation of successive breaths, 0-1: deviations last for about five breaths."""
    breaths: Annotated[float, Field(gt=0.0, le=1000.0)] = 4.0
    """Number of breaths that the two spreads above count for beside those of the preview."""
    exhale_sd_mm: Millimetres = 1.0
    """Standard deviation of successive end-exhales along SI, in mm; half of it along AP."""
    exhales: Annotated[float, Field(gt=0.0, le=1000.0)] = 3.0
    """Number of end-exhales that this counts for beside those of the preview."""
    drift_mm: Millimetres = 0.6
    """Median of the random walk of the end-exhale position along SI, in mm after one minute, growing with the root of
    the time; half of it along AP. A mean distance of 1.3 mm in 720 fractions of 4.4 minutes gives as much (Radiat Oncol
    2019)."""
    drift_log_sd: Share = 0.6
    """Standard deviation of its logarithm between people; 5 mm in a quarter of an hour are in one of seven."""
    deep_breaths_per_h: Annotated[float, Field(ge=0.0, le=600.0)] = 10.0
    """Sighs per hour (Bendixen 1964)."""
    deep_breath_size: Annotated[float, Field(ge=1.0, le=5.0)] = 2.5
    """Size of a sigh, in breaths."""
    coughs_per_h: Annotated[float, Field(ge=0.0, le=600.0)] = 2.0
    """Coughs per hour; an assumption, as no rate on the couch is known."""
    cough_mm: Millimetres = 8.0
    """Motion of a cough along SI, superior, in mm; an assumption."""


class HoldConfig(StrictModel):
    """How people hold their breath, where the preview shows no hold; sources in docs/explanation/forecast.md.

    Examples
    --------
    >>> from gatekeeper.config import HoldConfig
    >>> HoldConfig(hold_s=25.0).rest_s
    20.0
    """

    hold_s: Annotated[float, Field(ge=3.0, le=120.0)] = 20.0
    """Duration of a breath-hold, in seconds."""
    rest_s: Annotated[float, Field(ge=1.0, le=300.0)] = 20.0
    """Free breathing between two holds, in seconds."""
    spread_mm: Millimetres = 1.5
    """Standard deviation of the position of holds within a fraction along SI, in mm (Eccles 2006)."""
    creep_mm: Annotated[float, Field(ge=0.0, le=20.0)] = 1.4
    """Motion of the diaphragm during a hold, in mm towards exhale (Eccles 2006)."""
    failed_percent: Annotated[float, Field(ge=0.0, le=100.0)] = 5.0
    """Holds that end after half of their time, in percent; an assumption."""


class ForecastConfig(StrictModel):
    """Settings of the forecast of a fraction from its preview. No decision on the beam depends on them.

    Examples
    --------
    >>> from gatekeeper.config import ForecastConfig
    >>> ForecastConfig(beam_s=600.0).futures
    1000
    """

    beam_s: Annotated[float, Field(ge=1.0, le=36000.0)] = 1140.0
    """Prescribed time with the beam on, in seconds."""
    minutes: Annotated[float, Field(ge=1.0, le=120.0)] = 20.0
    """Length of a simulated delivery, in minutes; a longer one is taken to go on as its first part."""
    futures: Annotated[int, Field(ge=20, le=100000)] = 1000
    """Number of simulated deliveries."""
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 0
    """Seed of the random numbers; equal seeds give equal numbers."""
    most_out_percent: Annotated[float, Field(ge=0.0, le=100.0)] = 1.0
    """Recommended is what takes the least time with the beam on while the target is outside for at most this share of
    the time, in percent."""
    population: PopulationConfig = PopulationConfig()
    hold: HoldConfig = HoldConfig()
