"""Where the target must stay, when the beam may be on, and how positions are predicted."""

from typing import Annotated, Literal

from pydantic import Field

from gatekeeper.config.strict import Fraction, Percent, StrictModel


class EnvelopeConfig(StrictModel):
    """The boundary in which the target must stay."""

    margin_mm: Annotated[float, Field(ge=0.0, le=50.0)] = 5.0
    """Isotropic growth of the target's reference contour, in mm."""


class GateConfig(StrictModel):
    """When the beam may be on, and what an operator may change about it."""

    outside_percent: Percent = 5.0
    """The beam is held when more than this share of the target's area is outside the envelope, in percent."""
    outside_hysteresis_percent: Percent = 1.0
    """It comes on again only when the share is this much lower, in percent of the target's area."""
    overlap_percent: Percent = 5.0
    """The beam is held when more than this share of a structure to avoid is in its forbidden zone, in percent."""
    overlap_resume_share: Fraction = 0.8
    """It comes on again only when the overlap is at most this share of its limit, 0-1."""
    min_confidence: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    """The beam is held when the tracker's confidence is below this, 0-1; a lost target has 0."""
    confidence_hysteresis: Fraction = 0.05
    """It comes on again only when the confidence is this much higher (but 1 is always enough), 0-1."""
    max_age_s: Annotated[float, Field(gt=0.0, le=10.0)] = 0.5
    """The beam is held when the newest frame was acquired longer ago than this, in seconds."""
    frames_to_resume: Annotated[int, Field(ge=1, le=1000)] = 2
    """Good frames in a row, the present one included, before the beam comes on again."""
    saturated_percent: Percent = 5.0
    """The beam is held when more than this share of the pixels has the largest value of the frame, in percent."""
    identical_frames: Annotated[int, Field(ge=0, le=100)] = 1
    """Frames in a row that may repeat the pixels of the one before under a new number; one more holds."""
    missing_frames: Annotated[int, Field(ge=0, le=100)] = 0
    """Frames in a row that may be missing before a frame; one more holds."""
    plane_angle_deg: Annotated[float, Field(gt=0.0, le=45.0)] = 1.0
    """The beam is held when the image's rows or columns are turned by more than this, in degrees."""
    plane_offset_mm: Annotated[float, Field(gt=0.0, le=50.0)] = 1.0
    """The beam is held when the image's first pixel is displaced by more than this, in mm."""
    geometry_frames: Annotated[int, Field(ge=1, le=1000)] = 3
    """Frames in a row of another shape, spacing or plane with which that becomes a fault."""
    learning_s: Annotated[float, Field(ge=1.0, le=600.0)] = 20.0
    """How long the range of positions is learned at the start of a session without a preview, in seconds."""
    exception_mm: Annotated[float, Field(ge=0.0, le=100.0)] = 5.0
    """The beam is held when the target is further than this outside its learned range along SI or AP, in mm."""
    drift_mm: Annotated[float, Field(gt=0.0, le=100.0)] = 3.0
    """The beam is held when the end-exhale baseline is further than this from its reference, in mm along SI."""
    drift_cycles: Annotated[int, Field(ge=1, le=50)] = 5
    """Breathing cycles over which the end-exhale baseline is the median, and which make up its reference."""
    breath_mm: Annotated[float, Field(ge=0.5, le=50.0)] = 3.0
    """Movement along SI that counts as a breath, in mm; less is noise, or a patient who holds the breath."""
    rebase_step_mm: Annotated[float, Field(ge=0.0, le=20.0)] = 3.0
    """An operator may move the envelope by at most this in one go, in mm."""
    rebase_total_mm: Annotated[float, Field(ge=0.0, le=50.0)] = 5.0
    """An operator may move the envelope by at most this from where it was planned, in mm."""

    @property
    def resume_percent(self) -> float:
        """At this share outside, or less, a held beam comes on again, in percent of the target's area."""
        return max(self.outside_percent - self.outside_hysteresis_percent, 0.0)


class PredictionConfig(StrictModel):
    """How the target's position is predicted against the latency of the system."""

    mode: Literal["off", "conservative", "full"] = "off"
    """off: the measured position counts; conservative: the beam is held when the measured or the predicted position
    is out; full: the predicted position counts while the predictor is healthy, else as in conservative."""
    look_ahead: Literal["middle", "whole"] = "middle"
    """A decision stands for one frame period from when it takes effect. middle: predict for the middle of that time;
    whole: for its start, middle and end, and hold when the target is out at any of them."""
    imaging_s: Annotated[float, Field(ge=0.0, le=1.0)] = 0.1
    """From the middle of a frame's acquisition to its arrival, in seconds; 0 when frames are stamped on arrival and
    this time is not known."""
    compute_s: Annotated[float, Field(ge=0.0, le=1.0)] = 0.002
    """From a frame's arrival to the decision, as measured, in seconds."""
    linac_s: Annotated[float, Field(ge=0.0, le=1.0)] = 0.2
    """From the decision to the beam being on or off, in seconds."""
    history_s: Annotated[float, Field(ge=30.0, le=1800.0)] = 240.0
    """How far back the trace is searched for moments like the present one, in seconds."""
    burn_in_s: Annotated[float, Field(ge=5.0, le=300.0)] = 20.0
    """Trace that must be known before a prediction counts, in seconds."""
    likeness_mm: Annotated[float, Field(gt=0.0, le=1000.0)] = 0.8
    """Moments whose last two seconds differ by this (root mean square) count 0.6 as much as equal ones, in mm."""
    ridge_mm2: Annotated[float, Field(gt=0.0, le=1000.0)] = 1.0
    """Penalty of the regression: the larger, the closer it stays to the mean of what came after like moments."""
    min_confidence: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    """Positions of which the tracker is less sure than this are left out of the trace, 0-1."""
    max_gap_s: Annotated[float, Field(gt=0.0, le=5.0)] = 0.75
    """Between positions further apart than this the trace is not known, in seconds."""
    error_limit_mm: Annotated[float, Field(gt=0.0, le=20.0)] = 3.0
    """The predictor is not healthy while its recent predictions were further off than this, in mm."""
    error_half_life_s: Annotated[float, Field(gt=0.0, le=60.0)] = 2.0
    """After this time an error counts half in the recent error, in seconds."""

    @property
    def latency_s(self) -> float:
        """From the middle of a frame's acquisition to the beam being on or off by it, in seconds."""
        return self.imaging_s + self.compute_s + self.linac_s
