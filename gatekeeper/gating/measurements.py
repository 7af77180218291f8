"""Define what is measured on one frame, and the limits for it."""

import math
from typing import NamedTuple

from gatekeeper.config import GateConfig
from gatekeeper.core.decision import Reason
from gatekeeper.gating.frame_checks import FrameChecks
from gatekeeper.gating.sequence_checks import SequenceChecks
from gatekeeper.gating.source_checks import SourceChecks


class Observation(NamedTuple):
    """Measurements of a target, and of organs at risk judged with it; NaN for what could not be measured.

    Attributes
    ----------
    confidence : float
        Lowest tracking confidence, 0-1, of the target and of organs at risk with the same limit.
    outside_percent : float
        Share of the target's area outside its envelope, 0-100; with prediction, the share on which the decision is
        based.
    overlaps : tuple of (float, float)
        For each organ at risk its overlap with the keep-out zone, and the limit for it.
    speed_mm_per_s : float
        Speed of the target's centre since its last confident position; 0 without one, or while it is lost.
    excursion_mm : float
        Distance of the target from its learned range of positions; 0 while the target is lost.
    drift_mm : float
        Displacement of its end-exhale baseline from the reference, or of the held positions of a patient who holds the
        breath, positive where it moves on inhalation.
    sure : tuple of (float, float)
        For each organ at risk with another limit its confidence, and its least confidence for a beam that is on, 0-1.
    promised : bool
        False when the risk limit cannot be promised; True without one.
    """

    confidence: float = math.nan
    outside_percent: float = math.nan
    overlaps: tuple[tuple[float, float], ...] = ()
    speed_mm_per_s: float = 0.0
    excursion_mm: float = 0.0
    drift_mm: float = 0.0
    sure: tuple[tuple[float, float], ...] = ()
    promised: bool = True


class Measurements(NamedTuple):
    """Everything that is measured on one frame. NaN never meets a limit.

    Attributes
    ----------
    frame : FrameChecks
        Checks of grid and pixels.
    sequence : SequenceChecks
        Checks against the frames before.
    age_s : float
        Time since the frame was acquired, in seconds.
    link_alive : bool
        True when the linac answers.
    refusals : tuple of Reason
        Reasons why the linac cannot start a beam now; they do not affect a beam that is on.
    source : SourceChecks
        Checks of connection and clock of the sender.
    left_s : float
        Prescribed beam-on time that is left, in seconds; infinity where the beam does not end with it.
    target : Observation
        Measurements of a target; NaN when the frame was not tracked.
    """

    frame: FrameChecks
    sequence: SequenceChecks
    age_s: float
    link_alive: bool = True
    refusals: tuple[Reason, ...] = ()
    source: SourceChecks = SourceChecks()
    left_s: float = math.inf
    target: Observation = Observation()


class Limits(NamedTuple):
    """Limits for the measurements.

    Attributes
    ----------
    config : GateConfig
        Limits that do not depend on whether the beam is on.
    outside_percent, min_confidence, overlap_share : float
        Limits that do.
    """

    config: GateConfig
    outside_percent: float
    min_confidence: float
    overlap_share: float

    @classmethod
    def to_stay_on(cls, config: GateConfig) -> "Limits":
        """Return the limits for a beam that is on."""
        return cls(config, config.outside_percent, config.min_confidence, 1.0)

    @classmethod
    def to_resume(cls, config: GateConfig) -> "Limits":
        """Return the limits, at least as strict, for a held beam to come on."""
        return cls(
            config,
            config.resume_percent,
            min(config.min_confidence + config.confidence_hysteresis, 1.0),
            config.overlap_resume_share,
        )

    def own_confidence(self, to_stay_on: float) -> float:
        """Return a structure's own least confidence, made as much stricter as that of the target, 0-1."""
        return min(to_stay_on + (self.min_confidence - self.config.min_confidence), 1.0)
