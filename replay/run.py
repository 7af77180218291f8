"""Replay a recording through the live loop into a session folder, and score it if the recording has labels."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import SessionConfig
from gatekeeper.core.atomic_write import write_atomically
from gatekeeper.core.axes import orientation_of
from gatekeeper.core.clock import Clock, stopwatch_ns
from gatekeeper.core.contour import Structure, center_mm
from gatekeeper.core.errors import InputError, TargetError
from gatekeeper.core.protocols import FrameSource, LinacPort, Recorder, TrackerFactory
from gatekeeper.core.session_counts import SessionCounts
from gatekeeper.linac.dry_run import DryRunLinac
from gatekeeper.recording.session_folder import SessionRecorder
from gatekeeper.recording.session_setup import TARGET, SessionSetup
from gatekeeper.recording.writer_client import OFFLINE_TIMEOUTS
from gatekeeper.report.session_data import OverviewData
from gatekeeper.report.structure_data import structures_in
from gatekeeper.runtime.timing import LoopStats
from gatekeeper.session.arming import Armed, arm
from gatekeeper.session.controller import WARNING
from gatekeeper.session.loop import run_loop
from gatekeeper.session.phases import Phase
from gatekeeper.session.status import SessionStatus
from replay.faults import FaultSpec, inject
from replay.player import Player
from replay.progress import OnProgress
from replay.recorders import KeepingRecorder, StatusRecorder
from replay.recording import Recording
from replay.reference import AskedReference, ReferenceOperator
from replay.result import Result
from replay.scores.gating import frame_period_s
from replay.scores.replayed import scores_of
from replay.scores.vendor import compare_vendor


@dataclass(frozen=True, slots=True, eq=False)
class ReplayInput:
    """Input of a replay.

    Attributes
    ----------
    recording : Recording
        Frames for the overview, and labels for the scores.
    setup : SessionSetup
        Reference, target and structures, from which tracker and envelope are made.
    source : callable
        Makes the source of the recording's frames, from the session's clock, the armed engine and the recorder.
    index : callable
        Returns the index in the recording of the frame with a sequence number.
    """

    recording: Recording
    setup: SessionSetup
    source: Callable[[Clock, Armed, Recorder], FrameSource]
    index: Callable[[int], int]


def replay_input(
    recording: Recording,
    preview_s: float = 0.0,
    target_name: str = TARGET,
    structures: Sequence[Structure] = (),
    target_zone_px: NDArray[np.float64] | None = None,
    left_out: Sequence[str] = (),
) -> ReplayInput:
    """Return the replay input of a recorded case, with the primary target of its first frame.

    Parameters
    ----------
    recording : Recording
        The case.
    preview_s : float
        The tracker learns from the frames of this many first seconds; the others are played.
    target_name : str
        Name of the primary target.
    structures : sequence of Structure
        Further targets and organs at risk, outlined on the first frame.
    target_zone_px : ndarray of float64, shape (N, 2), optional
        The primary target's own envelope.
    left_out : sequence of str
        Optional structures that are left out, one line each.

    Returns
    -------
    ReplayInput

    Raises
    ------
    TargetError
        When there is no target on the first frame.
    InputError
        When the preview leaves no frame to be played.
    """
    name, frames, mask = recording.name, recording.frames, recording.first_mask
    if mask is None:
        raise TargetError(f"{name}: no target is drawn on its first frame; give one with --target FILE")
    first = int(np.searchsorted(recording.times_s, preview_s)) if preview_s > 0.0 else 0
    if first >= len(frames):
        raise InputError(
            f"{name}: a preview of {preview_s:g} s leaves none of its {len(frames)} frames to be played; "
            f"it lasts {recording.times_s[-1]:.1f} s, give less"
        )
    setup = SessionSetup(
        name=name,
        reference=np.asarray(frames[0]),
        target_mask=mask,
        spacing_mm=recording.spacing_mm,
        plane=recording.plane,
        pixel_type=frames.dtype,
        preview=np.asarray(frames[:first]) if first else None,
        structures=tuple(structures),
        target_name=target_name,
        target_zone_px=target_zone_px,
        left_out=tuple(left_out),
    )
    recording = recording.part(slice(first, None))
    return ReplayInput(recording, setup, lambda clock, *_: Player(recording, clock), lambda sequence: sequence)


def overview_png(seen: OverviewData) -> bytes:
    """Return the overview as PNG; only drawing it needs Matplotlib."""
    from gatekeeper.report import overview

    return overview.overview_png(seen)


def replay(
    replay_input: ReplayInput,
    config: SessionConfig,
    folder: Path,
    clock: Clock,
    on_progress: OnProgress,
    linac: LinacPort | None = None,
    faults: Sequence[FaultSpec] = (),
    status: SessionStatus | None = None,
    tracker: TrackerFactory | None = None,
    reference: AskedReference | None = None,
    picture: bool = True,
) -> Result:
    """Play a recording through tracker, gate and loop, and write a complete session into `folder`.

    The replay ends at once when it can no longer be recorded.

    Parameters
    ----------
    replay_input : ReplayInput
        The recording and its setup.
    config : SessionConfig
        All settings.
    folder : Path
        Session folder; new or empty.
    clock : Clock
        Sets the pace.
    on_progress : callable
        Called after every frame, for a progress bar.
    linac : LinacPort, optional
        Port that receives the decisions, closed at the end; by default a dry run.
    faults : sequence of FaultSpec
        Faults injected into the frames.
    status : SessionStatus, optional
        Status to be updated, which displays read.
    tracker : TrackerFactory, optional
        Makes the tracker; by default the one that the settings name.
    reference : AskedReference, optional
        A frame that is to become the reference in the middle.
    picture : bool
        Whether the overview is drawn.

    Returns
    -------
    Result

    Raises
    ------
    TargetError
        When the target cannot be tracked.
    OutputError
        When the session cannot be written.
    EngineError
        When tracking or deciding fails on a frame.
    """
    recording, frames = replay_input.recording, len(replay_input.recording.frames)
    armed = arm(replay_input.setup, config, tracker=tracker)
    config = armed.config
    with SessionRecorder(folder, config, replay_input.setup, OFFLINE_TIMEOUTS) as session:
        kept = KeepingRecorder(session, on_progress, frames)
        for line in replay_input.setup.left_out:
            kept.event(WARNING, clock.now_s(), {"note": line})
        if status is not None:
            status.not_kept = lambda: session.frames_dropped
            status.begin(replay_input.setup, armed)
            status.enter(Phase.DELIVERY, clock.now_s())
        stats = LoopStats(config.loop.stall_ms)
        began_ns = stopwatch_ns()
        source = replay_input.source(clock, armed, kept)
        if faults:
            source = inject(source, faults, clock)
        try:
            with closing(source), closing(DryRunLinac() if linac is None else linac) as port:
                recorder: Recorder = kept if status is None else StatusRecorder(kept, status, port)
                operator: ReferenceOperator | None = None
                if reference is not None:
                    operator = ReferenceOperator(recorder, reference, armed, replay_input.setup, folder, clock)
                    recorder = operator
                run_loop(
                    source,
                    armed.engine,
                    port,
                    recorder,
                    clock,
                    config.gate.max_age_s,
                    stats,
                    silence_s=config.silence_s(frame_period_s(recording.times_s)),
                    operator=operator,
                )
        finally:
            if status is not None:
                status.enter(Phase.ENDED, clock.now_s())
        ended_ns = stopwatch_ns()
        scores = scores_of(kept, recording, replay_input.setup, config, replay_input.index, on_progress)
        result = Result(
            case=recording.name,
            folder=folder,
            summary=session.summary(),
            replay_s=(ended_ns - began_ns) * 1e-9,
            lag=stats.summary(session.counts.skipped),
            score=scores.tracking,
            gating=scores.gating,
            structures=scores.structures,
            seal=session.settle(),
            preview=armed.preview,
            reference=None if operator is None else operator.outcome,
            vendor=compare_vendor(recording, kept.decisions, kept.tracks),
        )
        if picture:
            on_progress("drawing", 0, 1)
            overview = _overview_data(kept, session.counts, replay_input, armed)
            write_atomically(folder / "overview.png", overview_png(overview))
            on_progress("drawing", 1, 1)
        return replace(result, seal=session.finish(result.as_json()))


def _overview_data(
    kept: KeepingRecorder, counts: SessionCounts, replay_input: ReplayInput, armed: Armed
) -> OverviewData:
    """Return the data of the overview."""
    recording = replay_input.recording
    return OverviewData(
        name=recording.name,
        images=recording.frames,
        spacing_mm=recording.spacing_mm,
        decisions=[
            replace(decision, sequence=replay_input.index(decision.sequence)) if decision.sequence >= 0 else decision
            for decision in kept.decisions
        ],
        tracks=kept.tracks,
        counts=counts,
        envelope_px=armed.envelope.contour_px,
        reference_mm=center_mm(armed.target_px, recording.spacing_mm),
        limits=armed.limits,
        orientation=orientation_of(recording.plane),
        structures=structures_in(
            replay_input.setup,
            armed.config,
            armed.gate.zones,
            [one.structures for one in kept.decisions],
            kept.tracks,
            kept.others,
        ),
    )
