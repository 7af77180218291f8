"""Arming: from a reference with its target to an engine that judges frames; the same live, replayed and verified."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import SessionConfig
from gatekeeper.core.contour import Role, Structure, center_mm, mask_to_contour
from gatekeeper.core.frame import FrameStack
from gatekeeper.core.protocols import TargetTracker
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.gate import Gate
from gatekeeper.gating.motion import LearnedRange
from gatekeeper.gating.zones import TargetZone, Zone, zones_for
from gatekeeper.recording.session_setup import SessionSetup
from gatekeeper.session.engine import Engine
from gatekeeper.tracking.preview.report import FEWEST_FRAMES, PreviewReport
from gatekeeper.tracking.tracker import StructureTracker
from kernels.polygon import fill

LEAST_INSIDE = 0.05
"""On a preview the target must be inside its envelope on this share of the frames: else it was drawn elsewhere."""


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """What a preview has taught.

    Attributes
    ----------
    tracker : TargetTracker
        Knows it, and stands where the preview ends.
    motion : LearnedRange or None
        The range of motion that was seen; None when the target was hardly ever found.
    preview : PreviewReport
        The report.
    nearest_mm : float
        How close the target came to where it was drawn, in mm; NaN when it was never found.
    inside : float
        Share of the frames on which it was found and inside its envelope, 0-1: the duty cycle can hardly be larger.
    """

    tracker: TargetTracker
    motion: LearnedRange | None
    preview: PreviewReport
    nearest_mm: float
    inside: float

    @property
    def go(self) -> bool:
        """Whether the target can be gated on, and comes to where the beam may be on."""
        return self.preview.go and self.inside >= LEAST_INSIDE

    def as_lines(self) -> list[str]:
        """Return a few lines for a reader: what the preview says, and whether the target was where it was drawn."""
        if math.isnan(self.nearest_mm):
            target = "target      not found on any frame"
        else:
            target = (
                f"target      comes within {self.nearest_mm:.1f} mm of where it was drawn, "
                f"inside its envelope on {100.0 * self.inside:.0f} % of the frames"
                f"{'' if self.inside >= LEAST_INSIDE else ', which speaks against gating on it'}"
            )
        return [*self.preview.as_text().splitlines(), target]


@dataclass(slots=True, eq=False)
class Armed:
    """An engine that is ready for the first frame.

    Attributes
    ----------
    engine : Engine
        One frame in, one decision out.
    gate : Gate
        The gate inside it, for the operator.
    config : SessionConfig
        All settings, with which it was made.
    envelope : Envelope
        Where the target must stay.
    target_px : ndarray of float64, shape (N, 2)
        The target's outline on the reference, as (row, col).
    learn : callable
        Returns what a preview (T, H, W) teaches; takes seconds and changes nothing here, so that another thread may do
        it.
    around : callable or None
        Returns what is put around a tracker.
    preview : PreviewReport or None
        The report on the preview, where there was one.
    motion : LearnedRange or None
        The range of motion that was seen on it, where there was one and it showed enough.
    """

    engine: Engine
    gate: Gate
    config: SessionConfig
    envelope: Envelope
    target_px: NDArray[np.float64]
    learn: Callable[[FrameStack | Sequence[NDArray[np.generic]]], Learned]
    around: Callable[[TargetTracker], TargetTracker] | None = None
    preview: PreviewReport | None = None
    motion: LearnedRange | None = None

    def adopt(self, learned: Learned) -> None:
        """Go on with what was learned, from the next frame on.

        Raises
        ------
        ValueError
            When the gate is armed: nothing changes under the beam.
        """
        tracker = learned.tracker if self.around is None else self.around(learned.tracker)
        self.engine.adopt(tracker, learned.motion)
        self.preview, self.motion = learned.preview, learned.motion


def arm(
    setup: SessionSetup, config: SessionConfig, around: Callable[[TargetTracker], TargetTracker] | None = None
) -> Armed:
    """Return an engine for a reference, with the beam held, and the gate armed unless the setup says otherwise.

    Where there is a preview, the tracker learns from it, and the gate takes the range of motion that was seen on it.

    Parameters
    ----------
    setup : SessionSetup
        The reference with its target and what is to be avoided, and the preview if there is one.
    config : SessionConfig
        All settings.
    around : callable, optional
        Returns what is put around the tracker, for example one that is slow on purpose.

    Raises
    ------
    TargetError
        When a structure cannot be tracked.
    """
    target_px = mask_to_contour(setup.target_mask)
    shape = (setup.reference.shape[0], setup.reference.shape[1])
    envelope = zones_of(setup, config)[0].envelope
    masks = {"target": setup.target_mask, **{one.name: _mask(one, shape) for one in setup.structures}}

    def tracker() -> StructureTracker:
        reference = np.ascontiguousarray(setup.reference, dtype=np.float32)
        return StructureTracker(reference, masks, setup.spacing_mm, config.tracker)

    def learn(frames: FrameStack | Sequence[NDArray[np.generic]]) -> Learned:
        return _learned(tracker(), frames, target_px, envelope, config)

    learned = None if setup.preview is None else learn(setup.preview)
    first: TargetTracker = tracker() if learned is None else learned.tracker
    motion = None if learned is None else learned.motion
    gate = gate_of(setup, config, motion)
    engine = Engine(first if around is None else around(first), gate, profile=config.profile)
    preview = None if learned is None else learned.preview
    return Armed(engine, gate, config, envelope, target_px, learn, around, preview, motion)


def gate_of(setup: SessionSetup, config: SessionConfig, motion: LearnedRange | None) -> Gate:
    """Return a gate with the beam held, armed unless the setup says otherwise.

    Parameters
    ----------
    setup : SessionSetup
        The reference with its target and what is to be avoided.
    config : SessionConfig
        All settings.
    motion : LearnedRange or None
        The range of motion that a preview has shown; None: the session learns its own.
    """
    zones = zones_of(setup, config)
    return Gate(zones, config.gate, armed=setup.armed, learned=motion, prediction=config.prediction)


def zones_of(setup: SessionSetup, config: SessionConfig) -> tuple[TargetZone, *tuple[Zone, ...]]:
    """Return where each structure must be or must not be, the target's envelope first."""
    shape = (setup.reference.shape[0], setup.reference.shape[1])
    structures = (Structure("target", Role.TARGET, mask_to_contour(setup.target_mask)), *setup.structures)
    primary, *others = zones_for(structures, config.envelope.margin_mm, setup.spacing_mm, shape, setup.plane)
    assert isinstance(primary, TargetZone)  # noqa: S101  (zones_for says so otherwise)
    return primary, *others


def _learned(
    tracker: StructureTracker,
    frames: FrameStack | Sequence[NDArray[np.generic]],
    target_px: NDArray[np.float64],
    envelope: Envelope,
    config: SessionConfig,
) -> Learned:
    """Return what a preview teaches a tracker, which ends where the preview ends: where the session begins."""
    preview = tracker.learn(np.asarray(frames))[0]
    tracks = [tracker.track(frame)[0] for frame in frames]
    found = [track for track in tracks if track.confidence >= config.gate.min_confidence]
    drawn_mm = center_mm(target_px, envelope.spacing_mm)
    moves_mm = [math.dist(track.center_mm, drawn_mm) for track in found]
    # An envelope of its own: any other may be measured with on another thread at this moment.
    own = Envelope(envelope.contour_px, envelope.spacing_mm)
    inside = [own.outside_percent(track.contour_px) <= config.gate.outside_percent for track in found]
    enough = len(found) >= FEWEST_FRAMES
    return Learned(
        tracker,
        LearnedRange.of(np.array([track.center_mm for track in found]), config.gate) if enough else None,
        preview,
        float(min(moves_mm, default=np.nan)),
        sum(inside) / len(tracks),
    )


def _mask(structure: Structure, shape: tuple[int, int]) -> NDArray[np.bool_]:
    mask = np.empty(shape, dtype=np.bool_)
    fill(structure.contour_px, mask)
    return mask
