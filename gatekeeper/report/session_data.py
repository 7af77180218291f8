"""What a report is made of: a session that has ended, as it is told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import SessionConfig
from gatekeeper.core.contour import center_mm
from gatekeeper.core.decision import BeamState, Decision, Reason
from gatekeeper.core.frame import FrameStack
from gatekeeper.core.json_values import measured
from gatekeeper.core.session_counts import SessionCounts, counts_of
from gatekeeper.core.track import Track


@dataclass(frozen=True, slots=True, eq=False)
class OverviewData:
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


Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DutyMap:
    """What the duty cycle would have been with other margins and limits.

    Attributes
    ----------
    margins_mm : tuple of float
        Margins of the envelope, in mm.
    outside_percents : tuple of float
        Limits of the share outside, in percent.
    duty_cycles : tuple of tuple of float
        For each margin one number per limit, 0-1.
    """

    margins_mm: tuple[float, ...]
    outside_percents: tuple[float, ...]
    duty_cycles: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, eq=False)
class SessionData:
    """A session to be told.

    Attributes
    ----------
    name : str
        What the case is called.
    config : SessionConfig
        The settings in force.
    decisions : sequence of mapping
        The journal's lines about frames and silences, oldest first; at least one.
    events : sequence of mapping
        Its lines about what an operator did and which phase began.
    tracks : sequence of Track or None
        Where the target was found, one for each decision.
    image : callable
        Returns the image (H, W) that belongs to a decision, by its index; None when it was not kept.
    image_shape : tuple of int
        (H, W).
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    target_px : ndarray of float64, shape (N, 2)
        The target on the reference, as (row, col).
    avoid : sequence of str
        Names of the structures to be avoided.
    envelope_px : ndarray of float64, shape (N, 2)
        Where the target had to stay, as (row, col).
    summary : mapping
        What `summary.json` says; empty when the session did not come to its end.
    duty_map : DutyMap
        The duty cycle under other limits.
    checked : sequence of (str, str)
        What the verification says, name and text.
    good : bool
        Whether it found nothing wrong.
    versions : mapping
        What the session was made with.
    """

    name: str
    config: SessionConfig
    decisions: Sequence[Entry]
    events: Sequence[Entry]
    tracks: Sequence[Track | None]
    image: Callable[[int], NDArray[np.generic] | None]
    image_shape: tuple[int, int]
    spacing_mm: tuple[float, float]
    target_px: NDArray[np.float64]
    avoid: Sequence[str]
    envelope_px: NDArray[np.float64]
    summary: Mapping[str, Any]
    duty_map: DutyMap
    checked: Sequence[tuple[str, str]]
    good: bool
    versions: Mapping[str, str]

    def counts(self) -> SessionCounts:
        """Return the numbers of the session, counted from its decisions."""
        return counts_of(self.decisions)

    def times_s(self) -> NDArray[np.float64]:
        """Return the time of each decision since the first one in s, shape (N,); NaN where it was not known."""
        times_s = self.numbers("decided_s")
        since_s: NDArray[np.float64] = times_s - times_s[0]
        return since_s

    def beam_on(self) -> NDArray[np.bool_]:
        """Return whether each decision let the beam on, shape (N,)."""
        return np.array([entry["state"] == BeamState.ON for entry in self.decisions], dtype=np.bool_)

    def numbers(self, field: str) -> NDArray[np.float64]:
        """Return a field of each decision, shape (N,); NaN where it was not measured."""
        return np.array([measured(entry[field]) for entry in self.decisions])

    def moved_mm(self) -> NDArray[np.float64]:
        """Return the movement from the reference towards head and back in mm, shape (N, 2); NaN where lost."""
        moved_mm = np.full((len(self.decisions), 2), np.nan)
        row_mm, column_mm = center_mm(self.target_px, self.spacing_mm)
        for row, entry in zip(moved_mm, self.decisions, strict=True):
            if entry["center_mm"] is not None and (entry["confidence"] or 0.0) > 0.0:
                down_mm, back_mm = (measured(value) for value in entry["center_mm"])
                row[:] = row_mm - down_mm, back_mm - column_mm
        return moved_mm

    def sure(self) -> NDArray[np.bool_]:
        """Return on which decisions the target was surely found, shape (N,)."""
        return np.array(self.numbers("confidence") >= self.config.gate.min_confidence, dtype=np.bool_)

    def reasons(self) -> list[tuple[Reason, ...]]:
        """Return the reasons of each decision, in the order of the table."""
        return [tuple(Reason(word) for word in entry["reasons"]) for entry in self.decisions]
