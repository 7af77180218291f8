"""Check number, time and content of a frame against the frames before it."""

import math
from typing import NamedTuple

from gatekeeper.core.frame import Frame
from gatekeeper.gating.frame_checks import FrameChecks

FUTURE_S = 0.02
"""Tolerance for times of acquisition after the present session time, as clocks differ, in seconds."""


class SequenceHistory(NamedTuple):
    """State of the checks after the last frame.

    Attributes
    ----------
    sequence : int or None
        Number of the last frame; None before the first.
    acquired_s, now_s : float
        Latest plausible time of acquisition and session time, in seconds.
    fingerprint : int or None
        Fingerprint of the last frame's pixels; None when they could not be read.
    repeats : int
        Number of consecutive frames, including the last one, with the pixels of the frame before.
    off_grid : int
        Number of consecutive frames, including the last one, of another shape, spacing or plane.
    not_live : int
        Number of consecutive frames, including the last one, that show an earlier picture again.
    """

    sequence: int | None = None
    acquired_s: float = -math.inf
    now_s: float = -math.inf
    fingerprint: int | None = None
    repeats: int = 0
    off_grid: int = 0
    not_live: int = 0


class SequenceChecks(NamedTuple):
    """Results of the checks of one frame.

    Attributes
    ----------
    missing : int
        Number of frames missing just before this one, without those that the source skipped.
    rising : bool
        True when the number is larger than that of the frame before.
    forward : bool
        True when the session time and, if the number rises, the time of acquisition did not go back.
    repeats, off_grid, not_live : int
        As in `SequenceHistory`, including this frame.
    """

    missing: int = 0
    rising: bool = True
    forward: bool = True
    repeats: int = 0
    off_grid: int = 0
    not_live: int = 0


def check_sequence(
    history: SequenceHistory, frame: Frame, checks: FrameChecks, off_grid: bool, now_s: float
) -> tuple[SequenceChecks, SequenceHistory]:
    """Check a frame against the frames before it.

    A time that is not finite or lies in the future does not enter the history and does not count as a step back: the
    frame's age holds the beam in any case.

    Parameters
    ----------
    history : SequenceHistory
        State after the frame before.
    frame : Frame
        The frame.
    checks : FrameChecks
        Results of `check_frame`.
    off_grid : bool
        True when the frame is of another shape, spacing or plane.
    now_s : float
        Session time in seconds.

    Returns
    -------
    checks : SequenceChecks
        Results for this frame.
    history : SequenceHistory
        State after it.
    """
    step = 1 if history.sequence is None else frame.sequence - history.sequence
    rising = step > 0
    back = _is_back(now_s, history.now_s) or (rising and _is_back(frame.acquired_s, history.acquired_s))
    same = checks.fingerprint is not None and checks.fingerprint == history.fingerprint
    order = SequenceChecks(
        missing=max(step - 1 - max(frame.skipped, 0), 0),
        rising=rising,
        forward=not back,
        repeats=history.repeats + 1 if same else 0,
        off_grid=history.off_grid + 1 if off_grid else 0,
        # An old frame under its old number is not an old picture under a new one.
        not_live=0 if checks.live or not rising else history.not_live + 1,
    )
    plausible = math.isfinite(frame.acquired_s) and frame.acquired_s - FUTURE_S <= now_s
    return order, SequenceHistory(
        sequence=frame.sequence,
        acquired_s=max(history.acquired_s, frame.acquired_s) if plausible else history.acquired_s,
        now_s=_later(history.now_s, now_s),
        fingerprint=checks.fingerprint,
        repeats=order.repeats,
        off_grid=order.off_grid,
        not_live=order.not_live,
    )


def check_time(history: SequenceHistory, now_s: float) -> tuple[bool, SequenceHistory]:
    """Check the session time when no frame came.

    Parameters
    ----------
    history : SequenceHistory
        State after the last frame.
    now_s : float
        Session time in seconds.

    Returns
    -------
    forward : bool
        True when the session time did not go back.
    history : SequenceHistory
        The state from now on.
    """
    forward = not _is_back(now_s, history.now_s)
    return forward, history._replace(now_s=_later(history.now_s, now_s))


def _is_back(time_s: float, past_s: float) -> bool:
    return math.isfinite(time_s) and time_s < past_s


def _later(past_s: float, now_s: float) -> float:
    return max(past_s, now_s) if math.isfinite(now_s) else past_s
