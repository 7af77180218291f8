"""A frame that is to become the reference, with the outlines that were carried over to it by tracking."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import GateConfig
from gatekeeper.core.axes import orientation_of
from gatekeeper.core.contour import center_mm
from gatekeeper.core.decision import BeamState
from gatekeeper.core.frame import Plane
from gatekeeper.core.reason_row import Category
from gatekeeper.core.reasons import REASONS
from gatekeeper.core.step import Step
from gatekeeper.core.track import Track
from gatekeeper.gating.gate import BEAM_ON
from gatekeeper.gating.state_machine import GateState
from kernels.polygon import area

UNFIT = frozenset({Category.TECHNICAL, Category.TRACKING})
"""Categories of reasons for which a frame is held that speak against it as a reference."""


@dataclass(frozen=True, slots=True, eq=False)
class TakenFrame:
    """A frame of a session with what was tracked on it.

    Attributes
    ----------
    sequence : int
        Number of the frame.
    image : ndarray, shape (H, W)
        The frame, in the type of its source.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    tracks : tuple of Track
        The target, and the other structures in the order of the setup.
    plane : Plane
        Position of the image in the patient.
    """

    sequence: int
    image: NDArray[np.generic]
    spacing_mm: tuple[float, float]
    tracks: tuple[Track, ...]
    plane: Plane = field(default_factory=Plane)

    @classmethod
    def of(cls, step: Step, image: NDArray[np.generic] | None = None) -> "TakenFrame | None":
        """Return the frame of a step; None when it has none, or was not tracked.

        Parameters
        ----------
        step : Step
            The step.
        image : ndarray, shape (H, W), optional
            A copy of the frame's pixels to use instead, as a source may write its next frame into the same memory.
        """
        if step.frame is None or step.track is None:
            return None
        pixels = step.frame.image if image is None else image
        return cls(step.frame.sequence, pixels, step.frame.spacing_mm, (step.track, *step.others), step.frame.plane)

    @property
    def target_px(self) -> NDArray[np.float64]:
        """The target's outline (N, 2), carried over from the reference by tracking, as (row, col)."""
        return self.tracks[0].contour_px

    def masks(self, names: Sequence[str]) -> dict[str, NDArray[np.bool_]]:
        """Return the mask of each structure by its name, the target first."""
        rows, cols = self.image.shape
        return {name: track.mask((rows, cols)) for name, track in zip(names, self.tracks, strict=True)}

    def as_words(self, drawn_px: NDArray[np.float64], names: Sequence[str]) -> str:
        """Describe in one line what it means to use this frame.

        Parameters
        ----------
        drawn_px : ndarray of float64, shape (N, 2)
            The target as it was drawn, as (row, col).
        names : sequence of str
            Names of the structures, the target first.
        """
        at_mm, drawn_mm = (center_mm(outline_px, self.spacing_mm) for outline_px in (self.target_px, drawn_px))
        moved_mm = at_mm[0] - drawn_mm[0], at_mm[1] - drawn_mm[1]
        share = 100.0 * area(np.ascontiguousarray(self.target_px)) / area(np.ascontiguousarray(drawn_px))
        where = orientation_of(self.plane).in_words(moved_mm)
        others = [f"{name} {track.confidence:.2f}" for name, track in zip(names[1:], self.tracks[1:], strict=True)]
        carried = f"; carried over with it, with their confidence: {', '.join(others)}" if others else ""
        return (
            f"frame {self.sequence} becomes the reference, with the target {where} of where it was drawn, "
            f"{share:.0f} % of its area, confidence {self.tracks[0].confidence:.2f}{carried}; the envelope stays "
            "where it is"
        )


def refusal(
    step: Step | None, now_s: float, state: GateState, config: GateConfig, least: Mapping[str, float]
) -> str | None:
    """Return why the newest frame may not become the reference, in one line; None when it may.

    Parameters
    ----------
    step : Step or None
        The newest pass of the loop.
    now_s : float
        Session time in s.
    state : GateState
        State of the gate.
    config : GateConfig
        The limit of age.
    least : mapping of str to float
        Least tracking confidence of each structure by its name, 0-1, the target first.
    """
    if state.beam is not BeamState.HOLD:
        return BEAM_ON
    if state.faults:
        return f"not used: {', '.join(state.faults)} is latched; look into it and reset it first"
    if step is None or step.frame is None:
        return "not used: the source is silent; wait for a frame"
    name, age_s = f"frame {step.frame.sequence}", now_s - step.frame.acquired_s
    unfit = [reason.value for reason in step.decision.reasons if REASONS[reason].category in UNFIT]
    if step.track is None:
        return f"not used: {name} was not tracked ({', '.join(unfit)}); wait for another"
    for (called, limit), track in zip(least.items(), (step.track, *step.others), strict=True):
        if not track.confidence >= limit:
            return (
                f"not used: {called} is not surely found on {name}, confidence {track.confidence:.2f} is below its "
                f"min_confidence = {limit:g}; wait for a frame on which it is"
            )
    # An organ at risk may be cut off by the edge, as where it was drawn.
    target_px, high_px = step.track.contour_px, np.array(step.frame.image.shape) - 0.5
    if not ((target_px >= -0.5).all() and (target_px <= high_px).all()):
        return f"not used: {next(iter(least))} is not wholly on {name}; wait for a frame on which it is"
    if not age_s <= config.max_age_s:
        return (
            f"not used: {name} is {age_s:.2f} s old, more than gate.max_age_s = {config.max_age_s:g}; wait for another"
        )
    if unfit:
        return f"not used: {name} is held for {', '.join(unfit)}; wait for another"
    return None
