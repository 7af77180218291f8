"""Report how well a target can be tracked on a preview cine."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.axes import UNKNOWN
from gatekeeper.tracking.model import Model
from gatekeeper.tracking.preview.breathing_states import BreathingState, breathing_states
from gatekeeper.tracking.preview.motion_compensated import MotionCompensated
from gatekeeper.tracking.preview.trajectory import Trajectory

FEWEST_FRAMES = 30
"""Least number of frames with confident positions."""
LEAST_VISIBLE = 0.9
"""Least share of frames with confident positions."""
RING_MM = (2.0, 8.0)
"""Distance from the outline of the surroundings with which the target is compared, in mm."""
RESERVE_MM = (30.0, 15.0)
"""Additional displacement by a deep breath along SI and AP, in mm."""
FARTHEST_MM = 200.0
"""Upper limit of the suggested search range, in mm."""


@dataclass(frozen=True, slots=True)
class PreviewReport:
    """Report on a preview cine.

    Attributes
    ----------
    frames : int
        Number of frames.
    visible : float
        Share of frames on which the target was found with confidence, 0-1.
    contrast_to_noise : float
        Difference in brightness of the target and its surroundings over the standard deviation of noise and flow, per
        pixel of about 2 mm; NaN when it could not be measured.
    si_range_mm, ap_range_mm : tuple of float
        Least and largest displacement from the reference along superior-inferior (inferior positive) and
        anterior-posterior (posterior positive), in mm.
    search_mm : tuple of float
        Suggested search range along SI and AP, to either side, in mm.
    go : bool
        True when the target is suitable for gating.
    reasons : tuple of str
        Reasons against gating; empty when `go`.
    stiff : bool
        True when the anatomy is modelled as stiffer than without a preview.
    evened : bool
        True when a static bias field, such as banding, is corrected.
    states_mm : tuple of float
        SI displacement of the breathing state of each template, in mm.
    apart : tuple of BreathingState
        Breathing states that lie apart, such as shallow breathing and breath-holds, from superior to inferior; one when
        none do, and none without a sure position.

    Examples
    --------
    >>> from gatekeeper import PreviewReport
    >>> report = PreviewReport(
    ...     frames=120,
    ...     visible=1.0,
    ...     contrast_to_noise=5.5,
    ...     si_range_mm=(-1.0, 14.0),
    ...     ap_range_mm=(-0.5, 3.0),
    ...     search_mm=(45.0, 20.0),
    ...     go=True,
    ...     reasons=(),
    ...     stiff=False,
    ...     evened=False,
    ...     states_mm=(0.0, 5.0, 11.0),
    ... )
    >>> report.as_text().splitlines()[-1]
    'verdict     go'
    """

    frames: int
    visible: float
    contrast_to_noise: float
    si_range_mm: tuple[float, float]
    ap_range_mm: tuple[float, float]
    search_mm: tuple[float, float]
    go: bool
    reasons: tuple[str, ...]
    stiff: bool
    evened: bool
    states_mm: tuple[float, ...]
    apart: tuple[BreathingState, ...] = ()

    def as_text(self) -> str:
        """Return the report as a few lines of text."""
        superior_mm, inferior_mm = self.si_range_mm
        verdict = "go" if self.go else "no-go: " + "; ".join(self.reasons)
        states, ratio = len(self.states_mm), self.contrast_to_noise
        learned = [
            name
            for name, is_so in (
                (f"{states} breathing states", states > 1),
                ("stiff anatomy", self.stiff),
                ("bias field corrected", self.evened),
            )
            if is_so
        ]
        return "\n".join(
            (
                f"preview     {self.frames} frames, target found on {100.0 * self.visible:.0f} %",
                f"contrast    {'not measured' if math.isnan(ratio) else f'{ratio:.1f} times the noise'}",
                # As a person sees it everywhere: superior and posterior positive.
                f"motion      SI {-inferior_mm:+z.1f} to {-superior_mm:+z.1f} mm, "
                f"AP {self.ap_range_mm[0]:+z.1f} to {self.ap_range_mm[1]:+z.1f} mm",
                *self._lines_on_states(),
                f"search      SI {self.search_mm[0]:.0f} mm, AP {self.search_mm[1]:.0f} mm suggested",
                f"learned     {', '.join(learned) or 'nothing'}",
                f"verdict     {verdict}",
            )
        )

    def _lines_on_states(self) -> list[str]:
        """Return a line for each state, superior and posterior positive; none when they are not apart."""
        if len(self.apart) < 2:
            return []
        return [
            f"{'' if number else 'states':<12}SI {-one.si_mm[1]:+z.1f} to {-one.si_mm[0]:+z.1f} mm, "
            f"AP {one.ap_mm[0]:+z.1f} to {one.ap_mm[1]:+z.1f} mm on {100.0 * one.share:.0f} % of these"
            for number, one in enumerate(self.apart)
        ]


def preview_report(
    trajectory: Trajectory, model: Model, frames: MotionCompensated | None, first: Model
) -> PreviewReport:
    """Return the report on a preview.

    Parameters
    ----------
    trajectory : Trajectory
        Result of tracking the preview with `model`.
    model : Model
        The learned model.
    frames : MotionCompensated or None
        Frames of the preview moved onto the reference; None when there were too few.
    first : Model
        Model of the reference alone.

    Returns
    -------
    PreviewReport
        With a verdict and the reasons for it.
    """
    report = report_of_moves(trajectory.moves_mm, trajectory.sure)
    farthest = np.abs([report.si_range_mm, report.ap_range_mm]).max(axis=1)
    reasons = [*report.reasons]
    for axis, value, limit in zip(model.region.axes, farthest, first.search_mm, strict=True):
        if value > 0.9 * limit:
            name, setting = ("an unknown axis", "si") if axis == UNKNOWN else (axis, axis.lower())
            reasons.append(
                f"moves by {value:.0f} mm along {name}, close to the search range of {limit:g} mm: raise search_"
                f"{setting}_mm"
            )
    return replace(
        report,
        contrast_to_noise=math.nan if frames is None else _contrast_to_noise(model, frames),
        go=not reasons,
        reasons=tuple(reasons),
        stiff=model.config.deformation_mm < first.config.deformation_mm,
        evened=model.fine.bias_correction is not None,
        states_mm=model.states_mm,
    )


def report_of_moves(
    moves_mm: NDArray[np.float64], sure: NDArray[np.bool_], against: Sequence[str] = ()
) -> PreviewReport:
    """Return the report on a preview from positions alone, for a tracker that does not learn.

    Parameters
    ----------
    moves_mm : ndarray of float64, shape (T, 2)
        Displacement of the target from the reference on each frame, as (row, col).
    sure : ndarray of bool, shape (T,)
        Whether the target was found there.
    against : sequence of str
        Further reasons against gating on the target.

    Returns
    -------
    PreviewReport
        With a verdict and the reasons for it.
    """
    visible = float(sure.mean())
    apart = breathing_states(moves_mm[sure])
    moves_mm = moves_mm[sure] if sure.any() else np.zeros((1, 2))
    low, high = moves_mm.min(axis=0), moves_mm.max(axis=0)
    farthest = np.maximum(np.abs(low), np.abs(high))
    search_mm = tuple(min(5.0 * math.ceil(value / 5.0), FARTHEST_MM) for value in farthest + RESERVE_MM)
    reasons = [*against]
    if sure.sum() < FEWEST_FRAMES:
        reasons.append(f"found on {sure.sum()} frames only, {FEWEST_FRAMES} are needed: record a longer preview")
    if visible < LEAST_VISIBLE:
        reasons.append(
            f"found on {100.0 * visible:.0f} % of the frames, {100.0 * LEAST_VISIBLE:.0f} % are needed: "
            "choose another plane or another target outline"
        )
    return PreviewReport(
        frames=len(sure),
        visible=visible,
        contrast_to_noise=math.nan,
        si_range_mm=(float(low[0]), float(high[0])),
        ap_range_mm=(float(low[1]), float(high[1])),
        search_mm=(search_mm[0], search_mm[1]),
        go=not reasons,
        reasons=tuple(reasons),
        stiff=False,
        evened=False,
        states_mm=(0.0,),
        apart=apart,
    )


def _contrast_to_noise(model: Model, frames: MotionCompensated) -> float:
    """Return the contrast of the target over noise and flow, per pixel of the fine grid."""
    row, col = frames.corner_px
    rows, cols = frames.reference.shape
    distance_mm = model.fine.grid.distance_mm[row : row + rows, col : col + cols]
    inside, around = distance_mm == 0.0, (distance_mm >= RING_MM[0]) & (distance_mm <= RING_MM[1])
    if not inside.any() or not around.any():
        return math.nan
    mean, spread = frames.values.mean(axis=0), frames.values.std(axis=0)
    noise = float(np.median(spread[inside | around]))
    return abs(float(mean[inside].mean() - mean[around].mean())) / noise if noise > 0.0 else math.nan
