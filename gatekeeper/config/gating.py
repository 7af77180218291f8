"""Define the settings of envelope, gate and prediction."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from gatekeeper.config.course import Strategy
from gatekeeper.config.strict import Fraction, Percent, StrictModel

STRATEGY_LIMITS: dict[Strategy, dict[str, float | int]] = {
    # Between holds deep breaths are usual; one that settles is not a hold yet.
    "inhale_hold": {"outside_percent": 10.0, "frames_to_resume": 3, "exception_mm": 15.0, "drift_mm": 10.0},
    "exhale_hold": {"outside_percent": 10.0, "frames_to_resume": 3, "exception_mm": 15.0, "drift_mm": 5.0},
    "exhale": {"outside_percent": 5.0, "frames_to_resume": 2, "exception_mm": 5.0, "drift_mm": 3.0},
    "mid_ventilation": {"outside_percent": 10.0, "frames_to_resume": 2, "exception_mm": 5.0, "drift_mm": 3.0},
    # The envelope holds the usual motion, and what is unusual holds the beam.
    "exception": {"outside_percent": 20.0, "frames_to_resume": 2, "exception_mm": 3.0, "drift_mm": 3.0},
}
"""Limits that a strategy sets where they are not set themselves; sources in docs/explanation/forecast.md."""


def strategy_limits(strategy: Strategy) -> dict[str, float | int]:
    """Return the limits of a strategy for `GateConfig`, but its limit of the share outside."""
    return {name: value for name, value in STRATEGY_LIMITS[strategy].items() if name != "outside_percent"}


class EnvelopeConfig(StrictModel):
    """Settings of the envelope in which the target must stay.

    Examples
    --------
    >>> from gatekeeper import EnvelopeConfig
    >>> EnvelopeConfig(margin_mm=3.0).margin_mm
    3.0
    """

    margin_mm: Annotated[float, Field(ge=0.0, le=50.0)] = 5.0
    """Isotropic growth of the target's reference contour, in mm."""


class GateConfig(StrictModel):
    """Limits under which the beam may be on, and limits of an operator's changes.

    Examples
    --------
    >>> from gatekeeper import GateConfig
    >>> GateConfig(outside_percent=10.0).resume_percent
    9.0
    """

    strategy: Strategy | None = None
    """How the beam is gated: sets `outside_percent`, `frames_to_resume`, `exception_mm` and `drift_mm` where they are
    not set themselves; the session's config.toml has them all. None by default, with the defaults below."""
    outside_percent: Percent = 5.0
    """The beam is held when more than this share of the target's area is outside the envelope, in percent."""
    outside_hysteresis_percent: Percent = 1.0
    """The beam comes on again only when the share is this much lower, in percent of the target's area."""
    risk_percent: Annotated[float, Field(ge=0.1, le=10.0)] | None = None
    """The beam is on for at most this share of the time while the target is outside by more than `outside_percent`, in
    percent of the delivery and of its last minute; none by default. Needs a `[prediction]`."""
    stop_at_prescribed: bool = False
    """Whether the beam is held once `course.beam_on_s`, the prescribed beam-on time, is delivered by the gate's own
    count. By default the linac alone ends the beam."""
    overlap_percent: Percent = 5.0
    """The beam is held when more than this share of an organ at risk is in its keep-out zone, in percent."""
    overlap_resume_share: Fraction = 0.8
    """The beam comes on again only when the overlap is at most this share of its limit, 0-1."""
    min_confidence: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    """The beam is held when the tracking confidence is below this, 0-1; a lost target has 0."""
    confidence_hysteresis: Fraction = 0.05
    """The beam comes on again only when the confidence is this much higher (1 is always enough), 0-1."""
    max_age_s: Annotated[float, Field(gt=0.0, le=10.0)] = 0.5
    """The beam is held when the newest frame was acquired longer ago than this, in seconds."""
    frames_to_resume: Annotated[int, Field(ge=1, le=1000)] = 2
    """Number of consecutive good frames, including the present one, before the beam comes on again."""
    saturated_percent: Percent = 5.0
    """The beam is held when more than this share of the pixels has the largest value of the frame, in percent, and that
    is the end of a range: of the pixel type, of the scanner, or a cut that few pixels come near."""
    identical_frames: Annotated[int, Field(ge=0, le=100)] = 0
    """The beam is held when more than this number of consecutive frames repeat the pixels of the frame before, or
    otherwise show an earlier picture again. A live image has new noise each time; retrospectively sorted recordings
    repeat frames, so that their replay needs 1."""
    retrospective: bool = False
    """Only for replay of recordings that were sorted in retrospect, in which pictures come back: whether only repeats
    of the frame before count. A live session refuses it."""
    missing_frames: Annotated[int, Field(ge=0, le=100)] = 0
    """The beam is held when more than this number of consecutive frames are missing before a frame."""
    plane_angle_deg: Annotated[float, Field(gt=0.0, le=45.0)] = 1.0
    """The beam is held when the image's rows or columns are rotated by more than this, in degrees."""
    plane_offset_mm: Annotated[float, Field(gt=0.0, le=50.0)] = 1.0
    """The beam is held when the image's first pixel is displaced by more than this, in mm."""
    geometry_frames: Annotated[int, Field(ge=1, le=1000)] = 3
    """Number of consecutive frames of another shape, spacing or plane from which on it is a latched fault."""
    learning_s: Annotated[float, Field(ge=1.0, le=600.0)] = 20.0
    """Time for which the range of positions is learned at the start of a session without a preview, in seconds."""
    exception_mm: Annotated[float, Field(ge=0.0, le=100.0)] = 5.0
    """The beam is held when the target is further than this outside its learned range along SI or AP, in mm."""
    jump_mm_per_s: Annotated[float, Field(gt=0.0, le=1000.0)] = 150.0
    """The beam is held when the target's centre has moved faster than this since its last confident position, in mm/s.
    Measured traces of breathing and of the prostate reach 30 mm/s; the limit leaves room for a cough or a sniff."""
    drift_mm: Annotated[float, Field(gt=0.0, le=100.0)] = 3.0
    """The beam is held when the end-exhale baseline is further than this from its reference, in mm along SI; in
    breath-holds, when a hold drifts by more, or the last ones lie further than this from those before."""
    drift_cycles: Annotated[int, Field(ge=1, le=50)] = 5
    """Number of breathing cycles whose median is the end-exhale baseline, and the first of which are its reference; in
    breath-holds, number of the last holds that are compared with as many before."""
    breath_mm: Annotated[float, Field(ge=0.5, le=50.0)] = 3.0
    """Least motion along SI that counts as a breath, in mm; less is noise or a breath-hold."""
    rebase_step_mm: Annotated[float, Field(ge=0.0, le=20.0)] = 3.0
    """An operator may move the envelope by at most this with one command, in mm."""
    rebase_total_mm: Annotated[float, Field(ge=0.0, le=50.0)] = 5.0
    """An operator may move the envelope by at most this from its planned position, in mm."""

    @model_validator(mode="before")
    @classmethod
    def _of_strategy(cls, values: Any) -> Any:
        """Set the limits of the strategy where they are not given."""
        if isinstance(values, dict) and isinstance(strategy := values.get("strategy"), str):
            return {**STRATEGY_LIMITS.get(strategy, {}), **values}  # type: ignore[call-overload]
        return values

    @property
    def resume_percent(self) -> float:
        """Largest share outside at which a held beam comes on again, in percent of the target's area."""
        return max(self.outside_percent - self.outside_hysteresis_percent, 0.0)


class PredictionConfig(StrictModel):
    """Settings of the prediction that compensates for the latency of the system.

    Examples
    --------
    >>> from gatekeeper import PredictionConfig
    >>> round(PredictionConfig(mode="conservative", linac_s=0.15).latency_s, 3)
    0.252
    """

    mode: Literal["off", "conservative", "full"] = "off"
    """off: the measured position is used; conservative: the beam is held when the measured or the predicted position
    is outside; full: the predicted position is used while the predictor is healthy, else as in conservative."""
    look_ahead: Literal["middle", "whole"] = "middle"
    """A decision lasts for one frame period from when it takes effect. middle: predict for the middle of that time;
    whole: for its start, middle and end, and hold when the target is outside at any of them."""
    latency: Literal["set", "measured"] = "set"
    """set: the three times below are used; measured: what a live session measures of them is used instead, its upper
    quartile, with those below for what it cannot measure. A change of more than 50 ms after arming is a finding and
    not followed further."""
    imaging_s: Annotated[float, Field(ge=0.0, le=1.0)] = 0.1
    """Time from the middle of a frame's acquisition to its arrival, in seconds; 0 when frames are stamped on arrival
    and this time is not known."""
    compute_s: Annotated[float, Field(ge=0.0, le=1.0)] = 0.002
    """Time from a frame's arrival to the decision, in seconds."""
    linac_s: Annotated[float, Field(ge=0.0, le=1.0)] = 0.2
    """Time from the decision until the beam is on or off, in seconds."""
    history_s: Annotated[float, Field(ge=30.0, le=1800.0)] = 240.0
    """Length of the trace that is searched for similar breathing, in seconds."""
    burn_in_s: Annotated[float, Field(ge=5.0, le=300.0)] = 20.0
    """Length of the trace before predictions are used, in seconds."""
    likeness_mm: Annotated[float, Field(gt=0.0, le=1000.0)] = 0.6
    """Bandwidth of similarity, in mm: moments before which the motion of two seconds differs by this (root mean square)
    have a weight of 0.6, identical ones of 1."""
    ridge_mm2: Annotated[float, Field(gt=0.0, le=1000.0)] = 1.0
    """Ridge penalty of the regression, in mm^2; larger values draw the prediction to the mean of similar samples."""
    min_confidence: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    """Positions with a tracking confidence below this are left out of the trace, 0-1."""
    max_gap_s: Annotated[float, Field(gt=0.0, le=5.0)] = 0.75
    """Between positions further apart than this the trace is not known, in seconds."""
    error_limit_mm: Annotated[float, Field(gt=0.0, le=20.0)] = 3.0
    """The predictor is not healthy while the error of its recent predictions exceeds this, in mm."""
    error_half_life_s: Annotated[float, Field(gt=0.0, le=60.0)] = 2.0
    """Time after which an error has half its weight in the recent error, in seconds."""

    @property
    def latency_s(self) -> float:
        """Time from the middle of a frame's acquisition until the beam is on or off, in seconds."""
        return self.imaging_s + self.compute_s + self.linac_s
