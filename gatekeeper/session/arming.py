"""Arming: from a reference with its target to an engine, the same for live sessions, replay and verification."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import SessionConfig
from gatekeeper.core.contour import Role, Structure, center_mm, mask_to_contour
from gatekeeper.core.errors import TrackerError
from gatekeeper.core.frame import FrameStack
from gatekeeper.core.protocols import LearningTracker, TargetTracker, TrackerFactory
from gatekeeper.core.track import Track
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.gate import Gate
from gatekeeper.gating.motion import LearnedRange
from gatekeeper.gating.zones import TargetZone, Zone, zones_for
from gatekeeper.recording.session_setup import SessionSetup
from gatekeeper.session.engine import Engine
from gatekeeper.session.tracker_guard import TrackerMaker, with_tracker
from gatekeeper.tracking.preview.report import FEWEST_FRAMES, PreviewReport, report_of_moves
from kernels.polygon import fill

LEAST_INSIDE = 0.05
"""Smallest share of preview frames with the target inside its envelope; below it the target was drawn elsewhere."""


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """Result of learning from a preview.

    Attributes
    ----------
    tracker : TargetTracker
        Tracker that has learned from the preview, in its state at the preview's end.
    motion : LearnedRange or None
        Range of motion in the preview; None when the target was found on too few frames.
    preview : PreviewReport
        The report.
    nearest_mm : float
        Smallest distance of the target from its drawn position, in mm; NaN when it was never found.
    inside : float
        Share of the frames with the target found and inside its envelope, 0-1; an estimate of the largest duty cycle.
    note : str
        Remark on how the tracker learned; may be empty.
    """

    tracker: TargetTracker
    motion: LearnedRange | None
    preview: PreviewReport
    nearest_mm: float
    inside: float
    note: str = ""

    @property
    def go(self) -> bool:
        """Whether the target can be tracked, and reaches the position where the beam may be on."""
        return self.preview.go and self.inside >= LEAST_INSIDE

    def as_lines(self) -> list[str]:
        """Return the report as lines of text, with the target's distance from its drawn position."""
        if math.isnan(self.nearest_mm):
            target = "target      not found on any frame"
        else:
            target = (
                f"target      comes within {self.nearest_mm:.1f} mm of where it was drawn, "
                f"inside its envelope on {100.0 * self.inside:.0f} % of the frames"
                f"{'' if self.inside >= LEAST_INSIDE else ', too few for gating on it'}"
            )
        return [*self.preview.as_text().splitlines(), target, *([f"note        {self.note}"] if self.note else [])]


@dataclass(slots=True, eq=False)
class Armed:
    """An engine that is ready for the first frame.

    Attributes
    ----------
    engine : Engine
        One frame in, one decision out.
    gate : Gate
        The engine's gate.
    config : SessionConfig
        All settings.
    envelope : Envelope
        Envelope of the target.
    target_px : ndarray of float64, shape (N, 2)
        Contour of the target on the reference, as (row, col).
    learn : callable
        Return the result of learning from a preview (T, H, W); takes seconds and changes nothing here, so that it may
        run on another thread.
    around : callable or None
        Return a wrapper of a tracker.
    preview : PreviewReport or None
        Report on the preview, if there was one.
    motion : LearnedRange or None
        Range of motion in the preview, if there was one with enough frames.
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
        """Use what was learned from the next frame on.

        Raises
        ------
        ValueError
            When the gate is armed.
        """
        tracker = learned.tracker if self.around is None else self.around(learned.tracker)
        self.engine.adopt(tracker, learned.motion)
        self.preview, self.motion = learned.preview, learned.motion


def arm(
    setup: SessionSetup,
    config: SessionConfig,
    around: Callable[[TargetTracker], TargetTracker] | None = None,
    tracker: TrackerFactory | None = None,
) -> Armed:
    """Return an engine for a setup, with the beam held and the gate armed unless the setup says otherwise.

    With a preview, the tracker learns from it, and the gate takes its range of motion.

    Parameters
    ----------
    setup : SessionSetup
        Reference, target, organs at risk, and the preview if there is one.
    config : SessionConfig
        All settings.
    around : callable, optional
        Return a wrapper of the tracker, for example one with an artificial delay.
    tracker : TrackerFactory, optional
        Return the tracker; by default the one that ``config.tracker.kind`` names. The settings in the result name it,
        so record the session with those.

    Returns
    -------
    Armed
        The engine with everything that belongs to it.

    Raises
    ------
    TargetError
        When a structure cannot be tracked.
    PluginError
        When there is no tracker of that kind, or it cannot be created.

    Examples
    --------
    >>> import numpy as np
    >>> from gatekeeper import SessionConfig, SessionSetup, arm
    >>> rows, cols = np.mgrid[:96, :96]
    >>> image = np.float32(100.0 * np.sin(rows / 5.0) * np.cos(cols / 7.0) + rows)
    >>> setup = SessionSetup("phantom", image, np.hypot(rows - 48, cols - 48) < 8, (2.0, 2.0))
    >>> armed = arm(setup, SessionConfig())
    >>> armed.gate.state.armed
    True
    """
    if tracker is not None:
        config = with_tracker(config, tracker)
    maker = TrackerMaker(config.tracker, tracker)
    target_px = mask_to_contour(setup.target_mask)
    shape = (setup.reference.shape[0], setup.reference.shape[1])
    envelope = zones_of(setup, config)[0].envelope
    masks = {"target": setup.target_mask, **{one.name: _mask(one, shape) for one in setup.structures}}

    def make() -> TargetTracker:
        reference = np.ascontiguousarray(setup.reference, dtype=np.float32)
        return maker.make(reference, masks, setup.spacing_mm)

    def learn(frames: FrameStack | Sequence[NDArray[np.generic]]) -> Learned:
        return _learned(make, maker.plugin.origin, frames, target_px, envelope, config)

    learned = None if setup.preview is None else learn(setup.preview)
    first = make() if learned is None else learned.tracker
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
        Reference, target and organs at risk.
    config : SessionConfig
        All settings.
    motion : LearnedRange or None
        Range of motion in a preview; None: the gate learns it during the session.
    """
    zones = zones_of(setup, config)
    return Gate(
        zones,
        config.gate,
        armed=setup.armed,
        learned=motion,
        prediction=config.prediction,
        frames_per_s=setup.frames_per_s,
    )


def zones_of(setup: SessionSetup, config: SessionConfig) -> tuple[TargetZone, *tuple[Zone, ...]]:
    """Return the zones of all structures, the target's envelope first."""
    shape = (setup.reference.shape[0], setup.reference.shape[1])
    structures = (Structure("target", Role.TARGET, mask_to_contour(setup.target_mask)), *setup.structures)
    primary, *others = zones_for(structures, config.envelope.margin_mm, setup.spacing_mm, shape, setup.plane)
    assert isinstance(primary, TargetZone)  # noqa: S101  (zones_for says so otherwise)
    return primary, *others


def _learned(
    make: Callable[[], TargetTracker],
    origin: str,
    frames: FrameStack | Sequence[NDArray[np.generic]],
    target_px: NDArray[np.float64],
    envelope: Envelope,
    config: SessionConfig,
) -> Learned:
    """Return the result of learning with a new tracker, which is left in its state at the preview's end."""
    tracker, preview, note = make(), None, f"{origin} does not learn; the preview shows how it tracks"
    against: list[str] = []
    if isinstance(tracker, LearningTracker):
        note = ""
        try:
            preview = _report_in(tracker.learn(np.asarray(frames)))
        except TrackerError as error:
            tracker, against = make(), [str(error)]
    tracks = [_tracked(tracker, frame, against) for frame in frames]
    sure = np.array([track is not None and track.confidence >= config.gate.min_confidence for track in tracks])
    found = [track for track, is_sure in zip(tracks, sure, strict=True) if track is not None and is_sure]
    drawn_mm = center_mm(target_px, envelope.spacing_mm)
    centers_mm = np.array([(np.nan, np.nan) if track is None else track.center_mm for track in tracks])
    # An envelope of its own, because another thread may be using the gate's at this moment.
    own = Envelope(envelope.contour_px, envelope.spacing_mm)
    inside = [own.outside_percent(track.contour_px) <= config.gate.outside_percent for track in found]
    enough = len(found) >= FEWEST_FRAMES
    return Learned(
        tracker,
        LearnedRange.of(np.array([track.center_mm for track in found]), config.gate) if enough else None,
        report_of_moves(centers_mm - drawn_mm, sure, against) if preview is None else preview,
        float(min((math.dist(track.center_mm, drawn_mm) for track in found), default=np.nan)),
        sum(inside) / len(tracks),
        note,
    )


def _report_in(learned: object) -> PreviewReport | None:
    """Return the report on the target in what a tracker has returned; None without one."""
    first = learned[0] if isinstance(learned, tuple) and learned else learned
    return first if isinstance(first, PreviewReport) else None


def _tracked(tracker: TargetTracker, frame: NDArray[Any], against: list[str]) -> Track | None:
    """Return the track on a frame of a preview; None, with the first reason in `against`, when a plug-in fails."""
    try:
        found = tracker.track(frame)
    except TrackerError as error:
        if not against:
            against.append(str(error))
        return None
    return found[0] if isinstance(found, tuple) else found


def _mask(structure: Structure, shape: tuple[int, int]) -> NDArray[np.bool_]:
    mask = np.empty(shape, dtype=np.bool_)
    fill(structure.contour_px, mask)
    return mask
