"""Score gating: compare the decisions with the true position of the target."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class GatingScore:
    """Score of the gating of one session.

    Attributes
    ----------
    frames_scored : int
        Number of labelled frames except frame 0.
    accuracy : float
        Share of scored frames with the beam on and the target inside, or held and the target outside, 0-1.
    on_while_out_s : float
        Time with the beam on while the target was outside, in seconds.
    false_hold_s : float
        Time with the beam held while the target was inside, in seconds.
    """

    frames_scored: int
    accuracy: float
    on_while_out_s: float
    false_hold_s: float


def gating_score(
    beam_on: NDArray[np.bool_],
    truth_outside_percent: NDArray[np.float64],
    limit_percent: float,
    frame_period_s: float,
) -> GatingScore | None:
    """Return the gating score over the labelled frames after frame 0, each lasting one frame period.

    Parameters
    ----------
    beam_on : ndarray of bool, shape (T,)
        Whether the beam was on, on each frame.
    truth_outside_percent : ndarray of float64, shape (T,)
        Share of the true target outside the envelope, 0-100; NaN for a frame without label.
    limit_percent : float
        Largest share outside, 0-100, at which the target counts as inside.
    frame_period_s : float
        Time from frame to frame, in seconds.

    Returns
    -------
    GatingScore or None
        None when no frame after frame 0 has a label.
    """
    scored = ~np.isnan(truth_outside_percent)
    scored[:1] = False
    if not scored.any():
        return None
    on = beam_on[scored]
    inside = truth_outside_percent[scored] <= limit_percent
    return GatingScore(
        frames_scored=int(scored.sum()),
        accuracy=float((on == inside).mean()),
        on_while_out_s=float((on & ~inside).sum() * frame_period_s),
        false_hold_s=float((~on & inside).sum() * frame_period_s),
    )


def truth_outside_percent(
    labels: Iterable[NDArray[np.bool_]], outside_percent_of: Callable[[NDArray[np.bool_]], float]
) -> NDArray[np.float64]:
    """Return the share of the true target outside the envelope on each frame, shape (T,).

    Parameters
    ----------
    labels : ndarray of bool, shape (T, H, W)
        The true target; an empty mask counts as not labelled and gives NaN.
    outside_percent_of : callable
        Returns the share of a non-empty mask outside the envelope, 0-100.

    Returns
    -------
    ndarray of float64, shape (T,)
    """
    return np.array([outside_percent_of(label) if label.any() else np.nan for label in labels], dtype=np.float64)


def frame_period_s(times_s: NDArray[np.float64]) -> float:
    """Return the median time from frame to frame, in seconds; 0 for a single frame."""
    return float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.0
