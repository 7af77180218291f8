"""What the pictures of a session are drawn from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.decision import BeamState, Decision
from gatekeeper.core.frame import FrameStack
from gatekeeper.core.track import Track


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A session to be drawn.

    Attributes
    ----------
    name : str
        What the case is called.
    images : FrameStack, shape (T, H, W)
        The frame with sequence number n is `images[n]`.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    decisions : sequence of Decision
        Every decision, oldest first; at least one.
    tracks : sequence of Track or None
        The target that belongs to each decision.
    envelope_px : ndarray of float64, shape (N, 2)
        Where the target must stay, as (row, col).
    reference_mm : tuple of float
        Where the target's centre was when the envelope was drawn, as (row, col) in mm.
    margin_mm : float
        By how much the envelope is larger than the target.
    limit_percent : float
        How much of the target may be outside the envelope.
    """

    name: str
    images: FrameStack
    spacing_mm: tuple[float, float]
    decisions: Sequence[Decision]
    tracks: Sequence[Track | None]
    envelope_px: NDArray[np.float64]
    reference_mm: tuple[float, float]
    margin_mm: float
    limit_percent: float

    def outline_px(self, index: int) -> NDArray[np.float64] | None:
        """Return the target's outline that belongs to a decision, as (row, col); None when it was not found."""
        track = self.tracks[index]
        return None if track is None or track.confidence <= 0.0 else track.contour_px

    def times_s(self) -> NDArray[np.float64]:
        """Return the time of each decision since the first one in s, shape (N,)."""
        return np.array([decision.time_s for decision in self.decisions]) - self.decisions[0].time_s

    def beam_on(self) -> NDArray[np.bool_]:
        """Return whether each decision lets the beam on, shape (N,)."""
        return np.array([decision.state is BeamState.ON for decision in self.decisions], dtype=np.bool_)

    def moved_mm(self) -> NDArray[np.float64]:
        """Return the movement from the reference towards head and back in mm, shape (N, 2); NaN where lost."""
        moved = np.full((len(self.tracks), 2), np.nan)
        for row, track in zip(moved, self.tracks, strict=True):
            if track is not None and track.confidence > 0.0:
                row[:] = self.reference_mm[0] - track.center_mm[0], track.center_mm[1] - self.reference_mm[1]
        return moved
