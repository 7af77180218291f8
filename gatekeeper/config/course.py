"""Define the facts of the course to which a session belongs."""

from collections.abc import Callable
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gatekeeper.config.strict import StrictModel
from gatekeeper.core.fractionation import bed_gy, eqd2_gy

Pseudonym = Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
"""A label without spaces, commas or carets, as names of persons have them."""
Gray = Annotated[float, Field(gt=0.0, le=200.0)]
Strategy = Literal["inhale_hold", "exhale_hold", "exhale", "mid_ventilation", "exception"]
"""How the beam is gated: in breath-holds at end-inhale or end-exhale, or in free breathing at end-exhale, around
mid-ventilation, or except for unusual motion."""
BreathHold = Literal["inhale", "exhale", "none"]
HELD: dict[str, BreathHold] = {"inhale_hold": "inhale", "exhale_hold": "exhale"}
"""Where the breath is held by the strategies that hold it."""


class CourseConfig(StrictModel):
    """Facts of the course, which no decision depends on; every table over several sessions is made of them.

    Examples
    --------
    >>> from gatekeeper.config import CourseConfig
    >>> course = CourseConfig(label="P07", fraction=2, fractions=5, dose_gy=50.0)
    >>> course.bed_gy, round(course.late_bed_gy, 1), round(course.eqd2_gy, 1)
    (100.0, 216.7, 83.3)
    """

    label: Pseudonym
    """Pseudonym of the patient: 1 to 32 letters, digits, `-` and `_`; never a name or a number of the hospital."""
    course: Pseudonym = "1"
    """Which course of this patient, where there are several."""
    fraction: Annotated[int, Field(ge=1, le=60)]
    """Number of this fraction, from 1."""
    fractions: Annotated[int, Field(ge=1, le=60)] | None = None
    """Number of fractions of the course."""
    dose_gy: Gray | None = None
    """Prescribed total dose of the course, in Gy."""
    alpha_beta_gy: Annotated[float, Field(gt=0.0, le=30.0)] = 10.0
    """Alpha/beta of the tumour, in Gy."""
    late_alpha_beta_gy: Annotated[float, Field(gt=0.0, le=30.0)] = 3.0
    """Alpha/beta of late effects, in Gy."""
    beam_on_s: Annotated[float, Field(gt=0.0, le=14_400.0)] | None = None
    """Prescribed beam-on time of the fraction, in seconds."""
    plan_file: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    """DICOM RTPLAN that gives fractions, dose and beam-on time where they are not set; only these are read."""
    strategy: Strategy | None = None
    """How the beam is gated."""
    breath_hold: BreathHold | None = None
    """Where the breath is held."""
    contrast_agent: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z][a-z0-9 -]*$")] | None = None
    """Name of the contrast agent in small letters, for example `gadoxetate`."""
    contrast_min: Annotated[float, Field(ge=0.0, le=1440.0)] | None = None
    """Time from its injection to the begin of the session, in minutes."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.fractions is not None and self.fraction > self.fractions:
            raise ValueError(f"fraction is {self.fraction} and must be at most fractions = {self.fractions}")
        if self.contrast_min is not None and self.contrast_agent is None:
            raise ValueError("contrast_min is given without contrast_agent; name the agent")
        if self.strategy is not None and self.breath_hold not in (None, HELD.get(self.strategy, "none")):
            raise ValueError(f'breath_hold is "{self.breath_hold}", which strategy = "{self.strategy}" has not')
        return self

    @property
    def held(self) -> BreathHold | None:
        """Where the breath is held, as `breath_hold` or `strategy` says; None when neither does."""
        if self.breath_hold is not None or self.strategy is None:
            return self.breath_hold
        return HELD.get(self.strategy, "none")

    @property
    def bed_gy(self) -> float | None:
        """Biologically effective dose to the tumour, in Gy; None while dose or fractions are not known."""
        return self._of(bed_gy, self.alpha_beta_gy)

    @property
    def late_bed_gy(self) -> float | None:
        """Biologically effective dose for late effects, in Gy."""
        return self._of(bed_gy, self.late_alpha_beta_gy)

    @property
    def eqd2_gy(self) -> float | None:
        """Dose to the tumour in fractions of 2 Gy with the same effect, in Gy."""
        return self._of(eqd2_gy, self.alpha_beta_gy)

    def _of(self, measure: Callable[[float, int, float], float], alpha_beta_gy: float) -> float | None:
        if self.dose_gy is None or self.fractions is None:
            return None
        return measure(self.dose_gy, self.fractions, alpha_beta_gy)
