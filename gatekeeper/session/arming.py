"""Arming: from a reference with its target to an engine, the same for live sessions, replay and verification."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import SessionConfig
from gatekeeper.core.axes import orientation_of
from gatekeeper.core.contour import Role, Structure, mask_to_contour
from gatekeeper.core.errors import TrackerError
from gatekeeper.core.frame import FrameStack
from gatekeeper.core.protocols import LearningTracker, TargetTracker, TrackerFactory
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.gate import Gate
from gatekeeper.gating.motion import LearnedRange
from gatekeeper.gating.zones import TargetZone, Zone, zones_for
from gatekeeper.recording.session_setup import SessionSetup
from gatekeeper.session.engine import Engine
from gatekeeper.session.preview_learning import Learned, learn_from, ranges_of
from gatekeeper.session.primary_limits import PrimaryLimits
from gatekeeper.session.taken_frame import TakenFrame
from gatekeeper.session.tracker_guard import TrackerMaker, with_tracker
from gatekeeper.tracking.preview.report import PreviewReport


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
    limits : PrimaryLimits
        Limits of the target.
    target_px : ndarray of float64, shape (N, 2)
        Contour of the target on the reference, as (row, col).
    learn : callable
        Return the result of learning from a preview (T, H, W); takes seconds and changes nothing here, so that it may
        run on another thread.
    make : callable
        Return a new tracker for a reference image and the masks of the structures on it.
    names : tuple of str
        Names of the structures, the primary target first.
    around : callable or None
        Return a wrapper of a tracker.
    learned : Learned or None
        Result of the preview, if there was one.
    reference : TakenFrame or None
        The frame that an operator has made the reference; None: that of the setup.
    """

    engine: Engine
    gate: Gate
    config: SessionConfig
    envelope: Envelope
    limits: PrimaryLimits
    target_px: NDArray[np.float64]
    learn: Callable[[FrameStack | Sequence[NDArray[np.generic]]], Learned]
    make: Callable[[NDArray[np.float32], Mapping[str, NDArray[np.bool_]]], TargetTracker]
    names: tuple[str, ...]
    around: Callable[[TargetTracker], TargetTracker] | None = None
    learned: Learned | None = None
    reference: TakenFrame | None = None

    @property
    def preview(self) -> PreviewReport | None:
        """Report on the preview, if there was one."""
        return None if self.learned is None else self.learned.preview

    @property
    def motion(self) -> LearnedRange | None:
        """Range of motion of the primary target in the preview, if there was one with enough frames."""
        return None if self.learned is None else self.learned.motion

    @property
    def motions(self) -> tuple[LearnedRange | None, ...]:
        """Range of motion of each target in the preview; empty without one."""
        return () if self.learned is None else self.learned.motions

    @property
    def reference_px(self) -> NDArray[np.float64]:
        """Outline (N, 2) of the target on the reference that is in use, as (row, col)."""
        return self.target_px if self.reference is None else self.reference.target_px

    @property
    def least_confidences(self) -> dict[str, float]:
        """Least tracking confidence of each structure by its name, 0-1."""
        general = self.config.gate.min_confidence
        return {
            name: general if zone.min_confidence is None else zone.min_confidence
            for name, zone in zip(self.names, self.gate.zones, strict=True)
        }

    def adopt(self, learned: Learned) -> None:
        """Use what was learned from the next frame on.

        Raises
        ------
        ValueError
            When the gate is armed.
        """
        self.engine.adopt(self._wrapped(learned.tracker), learned.motions)
        self.learned = learned

    def tracker_on(self, taken: TakenFrame) -> TargetTracker:
        """Return a tracker with a frame as its reference, which has learned from the preview if there was one.

        It may take seconds, and changes nothing here, so that it may run on another thread.

        Parameters
        ----------
        taken : TakenFrame
            The frame, with the outlines that become those of the reference.

        Raises
        ------
        TargetError
            When a structure cannot be tracked there.
        PluginError
            When a plug-in fails.
        """
        image, masks = np.array(taken.image, dtype=np.float32, order="C"), taken.masks(self.names)
        tracker = self.make(image, masks)
        if self.learned is not None and isinstance(tracker, LearningTracker):
            try:
                tracker.learn(np.asarray(self.learned.frames))
            except TrackerError:
                return self.make(image, masks)
        return tracker

    def use_reference(self, taken: TakenFrame, tracker: TargetTracker) -> None:
        """Use a frame as the reference from the next frame on; envelope and limits of the gate stay as they are.

        Parameters
        ----------
        taken : TakenFrame
            The frame.
        tracker : TargetTracker
            The result of `tracker_on`.

        Raises
        ------
        ValueError
            When the beam is on.
        """
        self.engine.use(self._wrapped(tracker))
        self.reference = taken

    def _wrapped(self, tracker: TargetTracker) -> TargetTracker:
        return tracker if self.around is None else self.around(tracker)


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
        Reference, structures, and the preview if there is one.
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
        When a structure cannot be tracked, or limits are set for one that is not there.
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
    maker = TrackerMaker(config.tracker.on(setup.plane).with_sliding(_sliding(setup, config)), tracker)
    target_px = mask_to_contour(setup.target_mask)
    shape = (setup.reference.shape[0], setup.reference.shape[1])
    zones = zones_of(setup, config)
    envelope = zones[0].envelope
    masks = {setup.target_name: setup.target_mask, **{one.name: one.mask(shape) for one in setup.structures}}
    least = _least_confidences(zones, config)

    def make(reference: NDArray[np.float32], masks: Mapping[str, NDArray[np.bool_]]) -> TargetTracker:
        return maker.make(reference, masks, setup.spacing_mm)

    def make_first() -> TargetTracker:
        return make(np.ascontiguousarray(setup.reference, dtype=np.float32), masks)

    def learn(frames: FrameStack | Sequence[NDArray[np.generic]]) -> Learned:
        return learn_from(make_first, maker.plugin.origin, frames, target_px, envelope, config, least)

    learned = None if setup.preview is None else learn(setup.preview)
    first = make_first() if learned is None else learned.tracker
    gate = gate_of(setup, config, () if learned is None else learned.motions)
    engine = Engine(first if around is None else around(first), gate, profile=config.profile, beam_on_s=config.stop_s)
    limits = PrimaryLimits.of(setup, config)
    return Armed(engine, gate, config, envelope, limits, target_px, learn, make, tuple(masks), around, learned)


def gate_of(setup: SessionSetup, config: SessionConfig, motions: Sequence[LearnedRange | None]) -> Gate:
    """Return a gate with the beam held, armed unless the setup says otherwise.

    Parameters
    ----------
    setup : SessionSetup
        Reference, target and organs at risk.
    config : SessionConfig
        All settings.
    motions : sequence of LearnedRange or None
        Range of motion of each target in a preview; the gate learns others during the session.
    """
    zones = zones_of(setup, config)
    return Gate(
        zones,
        config.gate,
        armed=setup.armed,
        learned=motions,
        prediction=config.prediction,
        frames_per_s=setup.frames_per_s,
        breath_hold=config.breath_hold if setup.breath_holds else None,
    )


def motions_of(learned: Learned | None, setup: SessionSetup, config: SessionConfig) -> tuple[LearnedRange | None, ...]:
    """Return the range of motion of each target in a preview, as a session with these settings learns it.

    Parameters
    ----------
    learned : Learned or None
        Result of the preview with any settings of the gate; None without a preview.
    setup : SessionSetup
        Reference, target and organs at risk.
    config : SessionConfig
        All settings.
    """
    if learned is None:
        return ()
    least = _least_confidences(zones_of(setup, config), config)
    return ranges_of(learned.tracks, least, config.gate, orientation_of(setup.plane))


def _least_confidences(zones: Sequence[Zone], config: SessionConfig) -> dict[int, float]:
    """Return the least confidence of each target by its place among the structures."""
    return {
        index: config.gate.min_confidence if zone.min_confidence is None else zone.min_confidence
        for index, zone in enumerate(zones)
        if isinstance(zone, TargetZone)
    }


def zones_of(setup: SessionSetup, config: SessionConfig) -> tuple[TargetZone, *tuple[Zone, ...]]:
    """Return the zones of all structures, the primary target's envelope first."""
    shape = (setup.reference.shape[0], setup.reference.shape[1])
    margin_mm, limits = config.envelope.margin_mm, config.structures
    primary, *others = zones_for(structures_of(setup), margin_mm, setup.spacing_mm, shape, setup.plane, limits)
    assert isinstance(primary, TargetZone)  # noqa: S101  (zones_for says so otherwise)
    return primary, *others


def structures_of(setup: SessionSetup) -> tuple[Structure, ...]:
    """Return all structures of a setup, the primary target first."""
    contour_px = mask_to_contour(setup.target_mask)
    return Structure(setup.target_name, Role.TARGET, contour_px, setup.target_zone_px), *setup.structures


def _sliding(setup: SessionSetup, config: SessionConfig) -> tuple[str, ...]:
    """Return the names of the organs at risk that slide along what is around them."""
    limits = config.structures.oar
    return tuple([name for name in setup.organs if setup.organs_slide and (name not in limits or limits[name].slides)])
