"""Data of a finished session from which its report and its overview are made."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import SessionConfig
from gatekeeper.core.axes import SAGITTAL, Orientation
from gatekeeper.core.contour import center_mm
from gatekeeper.core.decision import BeamState, Decision, Reason
from gatekeeper.core.frame import FrameStack
from gatekeeper.core.json_values import measured
from gatekeeper.core.session_counts import SessionCounts, counts_of
from gatekeeper.core.track import Track
from gatekeeper.report.structure_data import Outline, StructureData
from gatekeeper.session.primary_limits import PrimaryLimits
from gatekeeper.style.colors import ENVELOPE_COLOR, TARGET_COLOR


@dataclass(frozen=True, slots=True, eq=False)
class OverviewData:
    """Data of the overview picture.

    Attributes
    ----------
    name : str
        Name of the case.
    images : FrameStack, shape (T, H, W)
        The frame with sequence number n is `images[n]`.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    decisions : sequence of Decision
        Decisions over the whole session, oldest first; at least one.
    tracks : sequence of Track or None
        The target that belongs to each decision.
    counts : SessionCounts
        The numbers of the whole session.
    envelope_px : ndarray of float64, shape (N, 2)
        Envelope, as (row, col).
    reference_mm : tuple of float
        Centre of the target on the reference, as (row, col) in mm.
    limits : PrimaryLimits
        Limits of the target.
    orientation : Orientation
        That of the images.
    structures : sequence of StructureData
        Each of several structures, the primary target first; empty with one.
    """

    name: str
    images: FrameStack
    spacing_mm: tuple[float, float]
    decisions: Sequence[Decision]
    tracks: Sequence[Track | None]
    counts: SessionCounts
    envelope_px: NDArray[np.float64]
    reference_mm: tuple[float, float]
    limits: PrimaryLimits
    orientation: Orientation = SAGITTAL
    structures: Sequence[StructureData] = ()

    def outlines(self, index: int) -> list[Outline]:
        """Return envelopes, zones and the structures at a decision; one that was lost is left out."""
        return outlines_of(self.structures, self.envelope_px, self.tracks, index)

    def times_s(self) -> NDArray[np.float64]:
        """Return the time of each decision since the first one in s, shape (N,)."""
        return np.array([decision.time_s for decision in self.decisions]) - self.decisions[0].time_s

    def beam_on(self) -> NDArray[np.bool_]:
        """Return whether each decision lets the beam on, shape (N,)."""
        return np.array([decision.state is BeamState.ON for decision in self.decisions], dtype=np.bool_)

    def moved_mm(self) -> NDArray[np.float64]:
        """Return the displacement from the reference in mm, shape (N, 2), S, P, L positive; NaN where lost."""
        moved = np.full((len(self.tracks), 2), np.nan)
        for row, track in zip(moved, self.tracks, strict=True):
            if track is not None and track.confidence > 0.0:
                row[:] = self.orientation.between(self.reference_mm, track.center_mm)
        return moved


def outlines_of(
    structures: Sequence[StructureData],
    envelope_px: NDArray[np.float64],
    tracks: Sequence[Track | None],
    index: int,
) -> list[Outline]:
    """Return what a picture of a decision shows.

    Parameters
    ----------
    structures : sequence of StructureData
        Each of several structures; empty with one.
    envelope_px : ndarray of float64, shape (N, 2)
        Envelope of the target, where it is the only structure.
    tracks : sequence of Track or None
        That target on each decision.
    index : int
        Which decision.
    """
    if structures:
        return [outline for one in structures for outline in one.outlines(index)]
    track = tracks[index]
    found = [Outline(envelope_px, ENVELOPE_COLOR, "envelope")]
    if track is not None and track.confidence > 0.0:
        found.append(Outline(track.contour_px, TARGET_COLOR, "structure"))
    return found


Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DutyMap:
    """Duty cycle of the session under other margins and limits.

    Attributes
    ----------
    margins_mm : tuple of float
        Margins of the envelope, in mm.
    outside_percents : tuple of float
        Limits of the share outside, in percent.
    duty_cycles : tuple of tuple of float
        One row for each margin, one value for each limit, 0-1.
    exposed_s : tuple of tuple of float
        In the same order the time with the beam on while the target was outside the session's own limit, in s.
    """

    margins_mm: tuple[float, ...]
    outside_percents: tuple[float, ...]
    duty_cycles: tuple[tuple[float, ...], ...]
    exposed_s: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class SessionData:
    """Data of the report.

    Attributes
    ----------
    name : str
        Name of the case.
    config : SessionConfig
        The settings in force.
    decisions : sequence of mapping
        Lines of the journal about frames and frame timeouts, oldest first; at least one.
    events : sequence of mapping
        Lines of the journal about operators and phases.
    tracks : sequence of Track or None
        The target at each decision; None when it was not tracked.
    image : callable
        Returns the image (H, W) that belongs to a decision, by its index; None when it was not kept.
    image_shape : tuple of int
        (H, W).
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    target_px : ndarray of float64, shape (N, 2)
        The target on the reference, as (row, col).
    envelope_px : ndarray of float64, shape (N, 2)
        Envelope, as (row, col).
    limits : PrimaryLimits
        Limits of the target.
    summary : mapping
        Content of `summary.json`; empty when the session is incomplete.
    duty_map : DutyMap
        The duty cycle under other limits.
    checked : sequence of (str, str)
        Rows of the verification, name and text.
    good : bool
        Whether the verification has no finding.
    versions : mapping
        Versions with which the session was recorded.
    orientation : Orientation
        That of the images.
    structures : sequence of StructureData
        Each of several structures, the primary target first; empty with one.
    left_out : sequence of str
        Optional structures that are not there, one line each.
    started_utc : str
        When the session was begun, such as "20261201T074841.752Z"; empty where the journal does not say it.
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
    envelope_px: NDArray[np.float64]
    limits: PrimaryLimits
    summary: Mapping[str, Any]
    duty_map: DutyMap
    checked: Sequence[tuple[str, str]]
    good: bool
    versions: Mapping[str, str]
    orientation: Orientation = SAGITTAL
    structures: Sequence[StructureData] = ()
    left_out: Sequence[str] = ()
    started_utc: str = ""

    def outlines(self, index: int) -> list[Outline]:
        """Return envelopes, zones and the structures at a decision; one that was lost is left out."""
        return outlines_of(self.structures, self.envelope_px, self.tracks, index)

    def outside_percent(self) -> NDArray[np.float64]:
        """Return the primary target's share outside at each decision in percent, shape (N,); NaN where unknown."""
        # The journal's number is the largest of several targets.
        return self.structures[0].values() if self.structures else self.numbers("outside_percent")

    @property
    def resume_percent(self) -> float:
        """Share of the primary target outside at which a held beam comes on again, in percent."""
        return self.config.gate.model_copy(update={"outside_percent": self.limits.outside_percent}).resume_percent

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
        """Return the displacement from the reference in mm, shape (N, 2), S, P, L positive; NaN where lost."""
        moved_mm = np.full((len(self.decisions), 2), np.nan)
        reference_mm = center_mm(self.target_px, self.spacing_mm)
        for row, entry in zip(moved_mm, self.decisions, strict=True):
            if entry["center_mm"] is not None and (entry["confidence"] or 0.0) > 0.0:
                row_mm, col_mm = (measured(value) for value in entry["center_mm"])
                row[:] = self.orientation.between(reference_mm, (row_mm, col_mm))
        return moved_mm

    def sure(self) -> NDArray[np.bool_]:
        """Return whether the confidence of each decision is at least its limit, shape (N,)."""
        return np.array(self.numbers("confidence") >= self.limits.min_confidence, dtype=np.bool_)

    def reasons(self) -> list[tuple[Reason, ...]]:
        """Return the reasons of each decision, in the order of the table."""
        return [tuple(Reason(word) for word in entry["reasons"]) for entry in self.decisions]
