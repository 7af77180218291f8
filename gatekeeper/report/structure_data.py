"""Data of one of several structures, and the outlines that pictures show."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import SessionConfig
from gatekeeper.core.axes import Orientation, orientation_of
from gatekeeper.core.contour import center_mm
from gatekeeper.core.decision import Reason, StructureResult
from gatekeeper.core.track import Track
from gatekeeper.gating.zones import Zone
from gatekeeper.recording.session_setup import SessionSetup
from gatekeeper.session.arming import structures_of
from gatekeeper.session.structure_info import StructureInfo, shown_zone_px, structure_infos

Kind = Literal["structure", "envelope", "zone"]


class Outline(NamedTuple):
    """An outline on a picture.

    Attributes
    ----------
    points_px : ndarray of float64, shape (N, 2)
        Closed outline as (row, col).
    color : str
        Colour as #rrggbb.
    kind : str
        What it is: a structure, the envelope of a target, or a keep-out zone. Each has a line of its own.
    tag : str
        Letter that names its structure; empty where there is only one.
    """

    points_px: NDArray[np.float64]
    color: str
    kind: Kind
    tag: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class StructureData:
    """One of several structures during a session.

    Attributes
    ----------
    info : StructureInfo
        Its name, colour and limits.
    tag : str
        Letter by which it is named on pictures, so that it is told apart without its colour.
    reference_px : ndarray of float64, shape (M, 2)
        Its outline on the reference, as (row, col).
    zone_px : ndarray of float64, shape (K, 2), or None
        Envelope of a target, or a keep-out zone of its own; None where the zone is the envelopes of the targets.
    tracks : sequence of Track or None
        Its track on each decision.
    results : sequence of StructureResult or None
        What each decision measured of it, and whether it held; None where it was not tracked.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    orientation : Orientation
        That of the images.
    nearest_mm : ndarray of float64, shape (N,), or None
        Distance of an organ at risk from its zone on each decision, in mm, negative where it reaches into it; NaN where
        it was not tracked. None where it was not measured.
    """

    info: StructureInfo
    tag: str
    reference_px: NDArray[np.float64]
    zone_px: NDArray[np.float64] | None
    tracks: Sequence[Track | None]
    results: Sequence[StructureResult | None]
    spacing_mm: tuple[float, float]
    orientation: Orientation
    nearest_mm: NDArray[np.float64] | None = None

    @property
    def title(self) -> str:
        """Its letter and name."""
        return f"{self.tag} {self.info.name}"

    def drawn(self, contour_px: NDArray[np.float64] | None) -> list[Outline]:
        """Return its zones, and its outline (N, 2) as (row, col) unless it is not known."""
        kind: Kind = "envelope" if self.info.is_target else "zone"
        found = [] if self.zone_px is None else [Outline(self.zone_px, self.info.color, kind)]
        if contour_px is not None:
            found.append(Outline(contour_px, self.info.color, "structure", self.tag))
        return found

    def outlines(self, index: int) -> list[Outline]:
        """Return its zones, and its outline at a decision unless it was lost."""
        track = self.tracks[index]
        return self.drawn(track.contour_px if track is not None and track.confidence > 0.0 else None)

    def confidence(self) -> NDArray[np.float64]:
        """Return the tracking confidence on each decision, 0-1, shape (N,); NaN where it was not tracked."""
        return np.array([np.nan if track is None else track.confidence for track in self.tracks])

    def sure(self) -> NDArray[np.bool_]:
        """Return whether its confidence on each decision is at least its limit, shape (N,)."""
        return np.array(self.confidence() >= self.info.min_confidence, dtype=np.bool_)

    def moved_mm(self) -> NDArray[np.float64]:
        """Return the displacement from the reference in mm, shape (N, 2), S, P, L positive; NaN where lost."""
        moved = np.full((len(self.tracks), 2), np.nan)
        reference_mm = center_mm(self.reference_px, self.spacing_mm)
        for row, track in zip(moved, self.tracks, strict=True):
            if track is not None and track.confidence > 0.0:
                row[:] = self.orientation.between(reference_mm, track.center_mm)
        return moved

    def values(self) -> NDArray[np.float64]:
        """Return what each decision measured of it, in the unit of its limit, shape (N,); NaN where nothing."""
        return np.array([np.nan if result is None else result.value for result in self.results])

    def reasons_at(self, index: int) -> tuple[Reason, ...]:
        """Return why it held the beam at a decision."""
        result = self.results[index]
        return () if result is None else result.reasons

    def held(self) -> NDArray[np.bool_]:
        """Return whether it held the beam at each decision, shape (N,)."""
        return np.array([bool(self.reasons_at(index)) for index in range(len(self.results))], dtype=np.bool_)


def structures_in(
    setup: SessionSetup,
    config: SessionConfig,
    zones: Sequence[Zone],
    results: Sequence[Sequence[StructureResult]] = (),
    tracks: Sequence[Track | None] = (),
    others: Sequence[tuple[Track, ...]] = (),
) -> tuple[StructureData, ...]:
    """Return each of several structures of a session, the primary target first; nothing when there is only one.

    Parameters
    ----------
    setup : SessionSetup
        The structures.
    config : SessionConfig
        All settings.
    zones : sequence of TargetZone and KeepOutZone
        The zone of each.
    results : sequence of sequence of StructureResult
        What each decision measured of them; empty where nothing.
    tracks : sequence of Track or None
        The primary target on each decision; None where there was no frame or it was not tracked.
    others : sequence of tuple of Track
        The other structures, in the order of the setup.
    """
    if not setup.structures:
        return ()
    return tuple(
        StructureData(
            info,
            tag_of(number),
            structure.contour_px,
            shown_zone_px(info, zone),
            tracks if number == 0 else [found[number - 1] if found else None for found in others],
            [found[number] if found else None for found in results],
            setup.spacing_mm,
            orientation_of(setup.plane),
        )
        for number, (info, structure, zone) in enumerate(
            zip(structure_infos(setup, config), structures_of(setup), zones, strict=True)
        )
    )


def tag_of(number: int) -> str:
    """Return the letter of a structure; the 27th and later ones have a number."""
    return chr(ord("A") + number) if number < 26 else str(number + 1)
