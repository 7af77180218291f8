"""Findings: what is measured of one frame, and the limits that it is compared with."""

import math
from typing import NamedTuple

from gatekeeper.config import GateConfig
from gatekeeper.core.decision import Reason
from gatekeeper.gating.frame_checks import FrameChecks
from gatekeeper.gating.sequence_checks import SequenceChecks


class Observation(NamedTuple):
    """What was measured of the target and of other structures; what could not be measured is NaN.

    Attributes
    ----------
    confidence : float
        How sure the tracker is, 0-1, of several structures the least.
    outside_percent : float
        Share of the target's area outside its envelope, 0-100, of several targets the most; with prediction what
        counts instead.
    overlaps : tuple of (float, float)
        Of each structure to avoid how much of it is in its forbidden zone, and the limit on that.
    excursion_mm : float
        How far the primary target is outside the range of positions that was learned; 0 while it is lost.
    drift_mm : float
        How far its end-exhale baseline is from the reference, inferior positive.
    """

    confidence: float = math.nan
    outside_percent: float = math.nan
    overlaps: tuple[tuple[float, float], ...] = ()
    excursion_mm: float = 0.0
    drift_mm: float = 0.0


class Measurements(NamedTuple):
    """What was measured of one frame; no limit lets NaN pass.

    Attributes
    ----------
    picture : FrameChecks
        What the frame is by itself.
    order : SequenceChecks
        How it follows on the frames before.
    age_s : float
        Time since the frame was acquired, in seconds.
    target : Observation
        What of the structures; nothing when the frame was not tracked.
    link_alive : bool
        The linac answers.
    refusals : tuple of Reason
        Why the linac would not begin a beam now, which matters only to a beam that is off.
    """

    picture: FrameChecks
    order: SequenceChecks
    age_s: float
    target: Observation
    link_alive: bool = True
    refusals: tuple[Reason, ...] = ()


class Limits(NamedTuple):
    """What findings are compared with.

    Attributes
    ----------
    config : GateConfig
        Limits that are the same whether the beam is on or off.
    outside_percent, min_confidence, overlap_share : float
        Those that are not.
    """

    config: GateConfig
    outside_percent: float
    min_confidence: float
    overlap_share: float

    @classmethod
    def to_stay_on(cls, config: GateConfig) -> "Limits":
        """Return the limits at which a beam that is on is held."""
        return cls(config, config.outside_percent, config.min_confidence, 1.0)

    @classmethod
    def to_resume(cls, config: GateConfig) -> "Limits":
        """Return the limits, at least as strict, that let a held beam come on."""
        return cls(
            config,
            config.resume_percent,
            min(config.min_confidence + config.confidence_hysteresis, 1.0),
            config.overlap_resume_share,
        )
