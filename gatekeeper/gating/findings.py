"""Findings: what is measured of one frame, and the one table that says which measurement violates what."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gatekeeper.config import GateConfig
from gatekeeper.decision import Reason
from gatekeeper.frame import Frame
from gatekeeper.gating.envelope import Envelope
from gatekeeper.track import Track
from kernels.validity import is_finite_and_varied

FUTURE_S = 0.02
"""A frame may seem to be acquired this long after now, in seconds: two clocks never agree entirely."""
SPACING_TOLERANCE = 1e-4
"""Pixel sizes that differ by this share or less are the same; headers round."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What was measured of one frame.

    Attributes
    ----------
    frame_valid : bool
        The image is finite, not constant, and of the shape and spacing that the envelope was drawn on.
    age_s : float
        Time since the frame was acquired, in seconds.
    confidence : float
        How sure the tracker is, 0-1; NaN when there is no track.
    outside_percent : float
        Share of the target's area outside the envelope, 0-100; NaN when it could not be measured.
    """

    frame_valid: bool
    age_s: float
    confidence: float
    outside_percent: float


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table of reasons.

    Attributes
    ----------
    reason : Reason
        The word in the log.
    measures : str
        What is looked at.
    limited_by : str or None
        Field of `GateConfig` that holds the limit; None when there is nothing to set.
    unit : str or None
        Unit of measurement and limit; None for yes or no.
    clears_itself : bool
        True when the reason goes away with its cause, without an operator.
    is_good : callable or None
        Returns True when the findings give no cause, so that NaN, which compares False, always is one; None for
        what the state machine knows without looking at a frame.
    """

    reason: Reason
    measures: str
    limited_by: str | None
    unit: str | None
    clears_itself: bool
    is_good: Callable[[Findings, GateConfig], bool] | None


TABLE = (
    Row(Reason.NOT_ARMED, "whether the gate is armed", None, None, True, None),
    Row(Reason.NO_FRAME, "whether a frame has come in time", "max_age_s", "s", True, None),
    Row(
        Reason.INVALID_FRAME,
        "whether all pixels are finite, any two differ, and shape and spacing are the envelope's",
        None,
        None,
        True,
        lambda found, _: found.frame_valid,
    ),
    Row(
        Reason.STALE_FRAME,
        "time since the frame was acquired, which must not lie in the future either",
        "max_age_s",
        "s",
        True,
        lambda found, config: -FUTURE_S <= found.age_s <= config.max_age_s,
    ),
    Row(
        Reason.LOW_CONFIDENCE,
        "how sure the tracker is of where the target is",
        "min_confidence",
        "0-1",
        True,
        lambda found, config: config.min_confidence <= found.confidence <= 1.0,
    ),
    Row(
        Reason.OUTSIDE,
        "share of the target's area outside the envelope",
        "outside_percent",
        "%",
        True,
        lambda found, config: 0.0 <= found.outside_percent <= config.outside_percent,
    ),
    Row(Reason.RESUMING, "good frames in a row since the last hold", "frames_to_resume", "frames", True, None),
)
"""Every reason once, in the order in which a decision lists them."""

CHECKS = tuple((row.reason, row.is_good) for row in TABLE if row.is_good is not None)


def violations(findings: Findings, config: GateConfig) -> tuple[Reason, ...]:
    """Return all reasons for which one frame holds the beam, in the order of the table."""
    return tuple([reason for reason, is_good in CHECKS if not is_good(findings, config)])


def measure(track: Track | None, frame: Frame, now_s: float, envelope: Envelope) -> Findings:
    """Return the findings on one frame.

    Parameters
    ----------
    track : Track or None
        Where the target is; None when the frame was not fit to be tracked.
    frame : Frame
        The frame that `track` was found on.
    now_s : float
        Session time in seconds.
    envelope : Envelope
        Where the target must be, and on which grid.
    """
    return Findings(
        frame_valid=is_valid(frame, envelope),
        age_s=now_s - frame.acquired_s,
        confidence=math.nan if track is None else track.confidence,
        outside_percent=math.nan if track is None else envelope.outside_percent(track.contour_px),
    )


def is_valid(frame: Frame, envelope: Envelope) -> bool:
    """Return True when a frame is a picture on the envelope's grid."""
    image = frame.image
    return (
        image.ndim == 2
        and image.dtype == np.float32
        and image.flags.c_contiguous
        and image.flags.aligned
        and (envelope.shape is None or image.shape == envelope.shape)
        and len(frame.spacing_mm) == 2
        and all(
            abs(found_mm - expected_mm) <= SPACING_TOLERANCE * expected_mm
            for found_mm, expected_mm in zip(frame.spacing_mm, envelope.spacing_mm, strict=True)
        )
        and is_finite_and_varied(image)
    )
