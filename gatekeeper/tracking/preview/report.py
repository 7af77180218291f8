"""Report how well a target can be tracked on a preview cine."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.axes import AP, RL, SAGITTAL, SI, UNKNOWN, axes_named
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
RESERVE_MM = {SI.name: 30.0, AP.name: 15.0, RL.name: 15.0, UNKNOWN: 30.0}
"""Additional displacement by a deep breath along each axis, in mm."""
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
    row_range_mm, col_range_mm : tuple of float
        Least and largest displacement from the reference along rows and columns of the image, as their index grows, in
        mm.
    search_mm : tuple of float
        Suggested search range along rows and columns, to either side, in mm.
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
        Breathing states that lie apart, such as shallow breathing and breath-holds, in the order of rows; one when none
        do, and none without a sure position.
    axes : tuple of str
        Names of the axes along rows and columns, each "SI", "AP", "RL" or "unknown".

    Examples
    --------
    >>> from gatekeeper import PreviewReport
    >>> report = PreviewReport(
    ...     frames=120,
    ...     visible=1.0,
    ...     contrast_to_noise=5.5,
    ...     row_range_mm=(-1.0, 14.0),
    ...     col_range_mm=(-0.5, 3.0),
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
    row_range_mm: tuple[float, float]
    col_range_mm: tuple[float, float]
    search_mm: tuple[float, float]
    go: bool
    reasons: tuple[str, ...]
    stiff: bool
    evened: bool
    states_mm: tuple[float, ...]
    apart: tuple[BreathingState, ...] = ()
    axes: tuple[str, str] = SAGITTAL.names

    @property
    def si_range_mm(self) -> tuple[float, float]:
        """Deprecated name of `row_range_mm`."""
        warnings.warn("PreviewReport.si_range_mm is called row_range_mm", DeprecationWarning, stacklevel=2)
        return self.row_range_mm

    @property
    def ap_range_mm(self) -> tuple[float, float]:
        """Deprecated name of `col_range_mm`."""
        warnings.warn("PreviewReport.ap_range_mm is called col_range_mm", DeprecationWarning, stacklevel=2)
        return self.col_range_mm

    def as_json(self) -> dict[str, Any]:
        """Return plain values for JSON, with the axes in the names of ranges, such as ``si_range_mm``."""
        rows, cols = (axis.name.lower() for axis in axes_named(self.axes))
        names = {"row_range_mm": f"{rows}_range_mm", "col_range_mm": f"{cols}_range_mm"}
        values = {names.get(name, name): value for name, value in asdict(self).items()}
        values["apart"] = [
            {"share": one.share, f"{rows}_mm": one.row_mm, f"{cols}_mm": one.col_mm} for one in self.apart
        ]
        if values["axes"] == SAGITTAL.names:
            # Sessions of sagittal images keep the names they always had.
            del values["axes"]
        return values

    def as_text(self) -> str:
        """Return the report as a few lines of text."""
        verdict = "go" if self.go else "no-go: " + "; ".join(self.reasons)
        states, ratio = len(self.states_mm), self.contrast_to_noise
        rows, cols = axes_named(self.axes)
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
                f"motion      {self._ranges(self.row_range_mm, self.col_range_mm)}",
                *self._lines_on_states(),
                f"search      {rows.name} {self.search_mm[0]:.0f} mm, {cols.name} {self.search_mm[1]:.0f} mm suggested",
                f"learned     {', '.join(learned) or 'nothing'}",
                f"verdict     {verdict}",
            )
        )

    def _lines_on_states(self) -> list[str]:
        """Return a line for each state; none when they are not apart."""
        if len(self.apart) < 2:
            return []
        return [
            f"{'' if number else 'states':<12}{self._ranges(one.row_mm, one.col_mm)} on {100.0 * one.share:.0f} % of "
            "these"
            for number, one in enumerate(self.apart)
        ]

    def _ranges(self, row_mm: tuple[float, float], col_mm: tuple[float, float]) -> str:
        """Return two ranges with their axes, as a person sees them: superior, posterior and left positive."""
        shown = zip(axes_named(self.axes), (row_mm, col_mm), strict=True)
        return ", ".join(
            "{} {:+z.1f} to {:+z.1f} mm".format(axis.name, *axis.shown(*range_mm)) for axis, range_mm in shown
        )


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
    report = report_of_moves(trajectory.moves_mm, trajectory.sure, axes=model.region.axes)
    farthest = np.abs([report.row_range_mm, report.col_range_mm]).max(axis=1)
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
    moves_mm: NDArray[np.float64],
    sure: NDArray[np.bool_],
    against: Sequence[str] = (),
    axes: tuple[str, str] = SAGITTAL.names,
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
    axes : tuple of str, optional
        Names of the axes along rows and columns.

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
    wanted_mm = farthest + [RESERVE_MM[axis] for axis in axes]
    search_mm = tuple(min(5.0 * math.ceil(value / 5.0), FARTHEST_MM) for value in wanted_mm)
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
        row_range_mm=(float(low[0]), float(high[0])),
        col_range_mm=(float(low[1]), float(high[1])),
        search_mm=(search_mm[0], search_mm[1]),
        go=not reasons,
        reasons=tuple(reasons),
        stiff=False,
        evened=False,
        states_mm=(0.0,),
        apart=apart,
        axes=axes,
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
