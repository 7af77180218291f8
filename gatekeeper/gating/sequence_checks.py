"""Order: how a frame follows on those before it, by number, time and content."""

import math
from typing import NamedTuple

from gatekeeper.core.frame import Frame
from gatekeeper.gating.frame_checks import FrameChecks

FUTURE_S = 0.02
"""A frame may seem to be acquired this long after now, in seconds: two clocks never agree entirely."""


class SequenceHistory(NamedTuple):
    """What is remembered of the frames before.

    Attributes
    ----------
    sequence : int or None
        Number of the last frame; None before the first.
    acquired_s, now_s : float
        The latest time of acquisition and of the session that could be believed, in seconds.
    fingerprint : int or None
        That of the last frame's pixels; None when there were none.
    repeats : int
        How many frames in a row, the last one included, had the pixels of the one before.
    strays : int
        How many frames in a row, the last one included, were of another shape, spacing or plane.
    """

    sequence: int | None = None
    acquired_s: float = -math.inf
    now_s: float = -math.inf
    fingerprint: int | None = None
    repeats: int = 0
    strays: int = 0


class SequenceChecks(NamedTuple):
    """How one frame follows.

    Attributes
    ----------
    missing : int
        How many numbers are missing just before this frame, those that were skipped on purpose apart.
    rising : bool
        The number is larger than that of the frame before.
    forward : bool
        Neither the session's time nor, while numbers rise, the time of acquisition went back.
    repeats, strays : int
        As in `SequenceHistory`, this frame included.
    """

    missing: int = 0
    rising: bool = True
    forward: bool = True
    repeats: int = 0
    strays: int = 0


def follow(
    past: SequenceHistory, frame: Frame, picture: FrameChecks, stray: bool, now_s: float
) -> tuple[SequenceChecks, SequenceHistory]:
    """Return how a frame follows, and what is remembered from then on.

    A time that is not finite is neither a step back nor remembered, nor is one that lies in the future: the age of
    such a frame is reason enough to hold.

    Parameters
    ----------
    past : SequenceHistory
        What was remembered.
    frame : Frame
        The frame.
    picture : FrameChecks
        What the frame is by itself.
    stray : bool
        Whether it is of another shape, spacing or plane.
    now_s : float
        Session time in seconds.
    """
    step = 1 if past.sequence is None else frame.sequence - past.sequence
    rising = step > 0
    back = _is_back(now_s, past.now_s) or (rising and _is_back(frame.acquired_s, past.acquired_s))
    same = picture.fingerprint is not None and picture.fingerprint == past.fingerprint
    order = SequenceChecks(
        missing=max(step - 1 - max(frame.skipped, 0), 0),
        rising=rising,
        forward=not back,
        repeats=past.repeats + 1 if same else 0,
        strays=past.strays + 1 if stray else 0,
    )
    believed = math.isfinite(frame.acquired_s) and frame.acquired_s - FUTURE_S <= now_s
    return order, SequenceHistory(
        sequence=frame.sequence,
        acquired_s=max(past.acquired_s, frame.acquired_s) if believed else past.acquired_s,
        now_s=_later(past.now_s, now_s),
        fingerprint=picture.fingerprint,
        repeats=order.repeats,
        strays=order.strays,
    )


def wait(past: SequenceHistory, now_s: float) -> tuple[bool, SequenceHistory]:
    """Return whether the session's time did not go back while no frame came, and what is remembered."""
    forward = not _is_back(now_s, past.now_s)
    return forward, SequenceHistory(
        past.sequence, past.acquired_s, _later(past.now_s, now_s), past.fingerprint, past.repeats, past.strays
    )


def _is_back(time_s: float, past_s: float) -> bool:
    return math.isfinite(time_s) and time_s < past_s


def _later(past_s: float, now_s: float) -> float:
    return max(past_s, now_s) if math.isfinite(now_s) else past_s
