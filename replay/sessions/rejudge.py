"""Judge a session again with other margins and limits, without tracking again.

None of them affects the tracker. Every structure is therefore tracked once on every frame, and only the gate runs again
for each set of settings. The decisions are those that `gatekeeper replay SESSION_DIR` makes with the same settings.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import SessionConfig
from gatekeeper.core.decision import BeamState, Decision, Reason
from gatekeeper.core.errors import RecordingError, TrackerError
from gatekeeper.core.frame import Frame
from gatekeeper.core.protocols import TargetTracker
from gatekeeper.core.session_counts import ALLOWED, SessionCounts
from gatekeeper.core.step import Step
from gatekeeper.core.track import Track
from gatekeeper.gating.frame_checks import FrameChecks
from gatekeeper.gating.motion import LearnedRange
from gatekeeper.gating.zones import Zone
from gatekeeper.recording.session_setup import SessionSetup
from gatekeeper.session.arming import Armed, gate_of, motions_of
from gatekeeper.session.chain_latency import LATENCY
from gatekeeper.session.engine import Engine
from gatekeeper.session.preview_learning import Learned
from replay.formats.session import Entry, RecordedSession
from replay.sessions.events import LEARNED, NOTICES, command_of, latency_of
from replay.sessions.redo import circumstances, latch_again, redo
from replay.sessions.session_tracker import GivenTracker, arm_session

NO_IMAGE = np.zeros((1, 1), np.float32)

OnFrame = Callable[[int, int], None]
"""Called with the number of tracked frames, and the number of all frames."""


@dataclass(frozen=True, slots=True, eq=False)
class TrackedEntry:
    """One decision or event of a session, with the results of tracking on its frame.

    Attributes
    ----------
    entry : dict
        Entry of the journal.
    frame : Frame or None
        The frame without its pixels; None for an event or a frame timeout.
    checks : FrameChecks or None
        Results of the frame checks.
    track : Track or tuple of Track or None
        Track of the target, or of each of several structures.
    learned : Learned or None
        What was learned from a preview, after a learning event.
    failed : bool
        Whether a plug-in tracker failed on the frame.
    """

    entry: Entry
    frame: Frame | None = None
    checks: FrameChecks | None = None
    track: Track | tuple[Track, ...] | None = None
    learned: Learned | None = None
    failed: bool = False

    @property
    def target(self) -> Track | None:
        """Track of the target."""
        return self.track[0] if isinstance(self.track, tuple) else self.track

    @property
    def others(self) -> tuple[Track, ...]:
        """Tracks of the other structures, in the order of the setup."""
        return self.track[1:] if isinstance(self.track, tuple) else ()


OnZones = Callable[[tuple[Zone, ...], TrackedEntry], None]
"""Called with the zones of all structures at a decision, and the decision."""


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Decisions of a session under given settings.

    Attributes
    ----------
    decisions : list of Decision
        One for each decision of the session, oldest first.
    counts : SessionCounts
        Counts of these decisions.
    envelope_px : ndarray of float64, shape (N, 2)
        Envelope of the primary target at the end, as (row, col) in px.
    """

    decisions: list[Decision]
    counts: SessionCounts
    envelope_px: NDArray[np.float64]


class Tracked:
    """Frames tracked once, to be judged with any margins and limits.

    Parameters
    ----------
    setup : SessionSetup
        Reference and structures.
    config : SessionConfig
        The settings with which they were tracked.
    tracked : sequence of TrackedEntry
        Every decision and event, oldest first.
    learned : Learned or None
        What was learned from a preview before the first of them.

    Attributes
    ----------
    setup, config, tracked
        As given.
    """

    def __init__(
        self, setup: SessionSetup, config: SessionConfig, tracked: Sequence[TrackedEntry], learned: Learned | None
    ) -> None:
        self.setup, self.config, self.tracked = setup, config, tracked
        self._learned = learned

    def motions(self, config: SessionConfig) -> tuple[LearnedRange | None, ...]:
        """Return the range of motion of each target in the preview with which a session of these settings begins."""
        return motions_of(self._learned, self.setup, config)

    def judge(self, config: SessionConfig, look: OnZones = lambda *_: None) -> Judged:
        """Judge the session with other margins and limits.

        Parameters
        ----------
        config : SessionConfig
            `Tracked.config` with another `margin_mm`, `outside_percent` or `min_confidence` of all structures, or with
            other limits of single ones. What was tracked holds for no other change.
        look : callable, optional
            Called after each decision.

        Returns
        -------
        Judged
        """
        gate = gate_of(self.setup, config, self.motions(config))
        engine = Engine(TrackerProbe(), gate, lambda: 0, config.profile, config.stop_s)
        counts, decisions = SessionCounts(), []
        before: Entry | None = None
        for one in self.tracked:
            entry = one.entry
            if entry["kind"] == "event":
                if entry["event"] == LEARNED:
                    engine.adopt(TrackerProbe(), motions_of(one.learned, self.setup, config))
                elif entry["event"] == LATENCY:
                    engine.use_latency(latency_of(entry))
                elif entry["event"] not in NOTICES:
                    engine.command(command_of(entry))
                continue
            latch_again(engine, entry)
            now_s, link_alive = circumstances(entry)
            if one.frame is None or one.checks is None:
                decision = engine.silence(now_s, link_alive=link_alive).decision
            else:
                if one.failed:
                    engine.latch(Reason.ENGINE_FAULT)
                decision = engine.judge(one.frame, one.checks, one.track, now_s, link_alive=link_alive)
            counts = counts.with_step(Step(decision, one.frame, allowed_s=allowed_s(before, entry)))
            decisions.append(decision)
            look(gate.zones, one)
            before = entry
        return Judged(decisions, counts, gate.envelope.contour_px)


class Rejudged(Tracked):
    """A session tracked once, to be judged with any margins and limits.

    Parameters
    ----------
    session : RecordedSession
        The session; entries after the first frame that was not recorded are left out.
    on_frame : callable, optional
        Called after every frame.
    tracker : str or TrackerFactory, optional
        Tracker to use; by default the one that the session was recorded with.
    config : SessionConfig, optional
        Settings to track with; by default those of the session itself.

    Raises
    ------
    RecordingError
        When the session holds no reference or no frame.
    """

    def __init__(
        self,
        session: RecordedSession,
        on_frame: OnFrame = lambda *_: None,
        tracker: GivenTracker = None,
        config: SessionConfig | None = None,
    ) -> None:
        if session.setup is None or not session.rows():
            raise RecordingError(f"{session.folder}: holds no reference or no frame; both are needed to judge it again")
        config = session.config() if config is None else config
        probe = TrackerProbe()
        armed = arm_session(session, config, tracker, probe.on)
        # A preview in the middle of the session replaces it.
        learned = armed.learned
        super().__init__(session.setup, config, list(_track_entries(session, armed, probe, on_frame)), learned)


def allowed_s(before: Entry | None, entry: Entry) -> float | None:
    """Return for how long the linac's port allowed the beam from one decision to the next, in s.

    None where the port did not tell, and where the session held the beam, so that nothing was asked for: other settings
    might have been allowed any time.
    """
    if before is None or before["state"] != BeamState.ON:
        return None
    told: float | None = entry.get(ALLOWED)
    return told


class TrackerProbe:
    """Wrap the engine's tracker, and keep its last result."""

    def __init__(self) -> None:
        self._tracker: TargetTracker | None = None
        self.found: Track | tuple[Track, ...] | None = None
        self.failed = False

    def on(self, tracker: TargetTracker) -> TargetTracker:
        """Wrap another tracker from now on."""
        self._tracker = tracker
        return self

    def track(self, image: NDArray[np.float32]) -> Track | tuple[Track, ...]:
        """Track with the wrapped tracker, and keep the result."""
        assert self._tracker is not None  # noqa: S101  (the engine does not track when it judges again)
        try:
            self.found = self._tracker.track(image)
        except TrackerError:
            self.failed = True
            raise
        return self.found


def _track_entries(
    session: RecordedSession, armed: Armed, probe: TrackerProbe, on_frame: OnFrame
) -> Iterator[TrackedEntry]:
    """Yield every decision and event, with each frame checked and tracked again."""
    done, total = 0, len(session.rows())
    for one in redo(session, armed):
        track, failed = probe.found, probe.failed
        probe.found, probe.failed = None, False
        if one.entry["kind"] == "event":
            yield TrackedEntry(one.entry, learned=armed.learned)
        elif one.step is None:
            return
        elif (frame := one.step.frame) is None:
            yield TrackedEntry(one.entry)
        else:
            yield TrackedEntry(one.entry, replace(frame, image=NO_IMAGE), armed.gate.checks, track, failed=failed)
            done += 1
            on_frame(done, total)
