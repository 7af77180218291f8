"""A replay: a recording through the live loop into a session folder, scored where the recording has labels."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import SessionConfig
from gatekeeper.core.atomic_write import write_atomically
from gatekeeper.core.clock import Clock, stopwatch_ns
from gatekeeper.core.contour import center_mm, mask_to_contour
from gatekeeper.core.decision import BeamState, Decision
from gatekeeper.core.errors import InputError, OutputError, TargetError
from gatekeeper.core.protocols import FrameSource, LinacPort, Recorder, TrackerFactory
from gatekeeper.core.step import Step
from gatekeeper.core.track import Track
from gatekeeper.gating.envelope import Envelope
from gatekeeper.linac.dry_run import DryRunLinac
from gatekeeper.recording.forwarding import ForwardingRecorder
from gatekeeper.recording.session_folder import SessionRecorder
from gatekeeper.recording.session_setup import SessionSetup
from gatekeeper.recording.writer_client import OFFLINE_TIMEOUTS
from gatekeeper.report.overview import overview_png
from gatekeeper.report.session_data import OverviewData
from gatekeeper.runtime.timing import LoopStats
from gatekeeper.session.arming import Armed, arm
from gatekeeper.session.loop import run_loop
from gatekeeper.session.phases import Phase
from gatekeeper.session.status import SessionStatus
from replay.faults import FaultSpec, inject
from replay.player import Player
from replay.progress import OnProgress
from replay.recording import Recording
from replay.result import Result
from replay.scores.gating import GatingScore, frame_period_s, gating_score, truth_outside_percent
from replay.scores.tracking import Score, score


@dataclass(frozen=True, slots=True, eq=False)
class ReplayInput:
    """What is replayed.

    Attributes
    ----------
    recording : Recording
        Its frames are drawn, and scored where there are labels.
    setup : SessionSetup
        What tracker and envelope are made of.
    source : callable
        Makes the source of the frames, which are those of the recording, from the session's clock, the armed engine
        and the recorder.
    index : callable
        Which frame of the recording has the sequence number.
    """

    recording: Recording
    setup: SessionSetup
    source: Callable[[Clock, Armed, Recorder], FrameSource]
    index: Callable[[int], int]


def replay_input(recording: Recording, preview_s: float = 0.0) -> ReplayInput:
    """Return a recorded case to be replayed, its target drawn on its first frame.

    Parameters
    ----------
    recording : Recording
        The case.
    preview_s : float
        The frames of so many first seconds are learned from; the others are played.

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
    )
    recording = replace(
        recording,
        frames=frames[first:],
        times_s=recording.times_s[first:],
        labels=None if recording.labels is None else recording.labels[first:],
    )
    return ReplayInput(recording, setup, lambda clock, *_: Player(recording, clock), lambda sequence: sequence)


def replay(
    material: ReplayInput,
    config: SessionConfig,
    folder: Path,
    clock: Clock,
    on_progress: OnProgress,
    linac: LinacPort | None = None,
    faults: Sequence[FaultSpec] = (),
    status: SessionStatus | None = None,
    tracker: TrackerFactory | None = None,
) -> Result:
    """Play a recording through tracker, gate and loop, and leave a whole session in `folder`.

    A replay that cannot be recorded any more ends at once.

    Parameters
    ----------
    material : ReplayInput
        What to play.
    config : SessionConfig
        All settings.
    folder : Path
        Where the session goes; new or empty.
    clock : Clock
        Sets the pace.
    on_progress : callable
        Told of every frame, so that a progress bar can be shown.
    linac : LinacPort, optional
        Where decisions go, and is closed at the end; by default nowhere.
    faults : sequence of FaultSpec
        What goes wrong with the frames on their way.
    status : SessionStatus, optional
        Shows how it is, to whoever looks on.
    tracker : TrackerFactory, optional
        Makes the tracker; by default the one that the settings name.

    Raises
    ------
    TargetError
        When the target cannot be tracked.
    OutputError
        When the session cannot be written.
    EngineError
        When tracking or deciding fails on a frame.
    """
    recording, frames = material.recording, len(material.recording.frames)
    armed = arm(material.setup, config, tracker=tracker)
    config = armed.config
    with SessionRecorder(folder, config, material.setup, OFFLINE_TIMEOUTS) as session:
        witness = _Witness(session, on_progress, frames)
        if status is not None:
            status.not_kept = lambda: session.frames_dropped
            status.begin(material.setup, armed)
            status.enter(Phase.DELIVERY, clock.now_s())
        stats = LoopStats(config.loop.stall_ms)
        began_ns = stopwatch_ns()
        source = material.source(clock, armed, witness)
        if faults:
            source = inject(source, faults, clock)
        with closing(source), closing(DryRunLinac() if linac is None else linac) as told:
            run_loop(
                source,
                armed.engine,
                told,
                witness if status is None else _OnBoard(witness, status, told),
                clock,
                config.gate.max_age_s,
                stats,
                silence_s=config.silence_s(frame_period_s(recording.times_s)),
            )
        ended_ns = stopwatch_ns()
        if status is not None:
            status.enter(Phase.ENDED, clock.now_s())
        score = _score(witness, recording, on_progress)
        gating = _gating(witness, recording, armed.envelope, config.gate.outside_percent, on_progress)
        result = Result(
            case=recording.name,
            folder=folder,
            summary=session.summary(),
            replay_s=(ended_ns - began_ns) * 1e-9,
            lag=stats.summary(session.counts.skipped),
            score=score,
            gating=gating,
            seal=session.seal(),
            preview=armed.preview,
        )
        on_progress("drawing", 0, 1)
        seen = _seen(witness, material, armed, config)
        write_atomically(folder / "overview.png", overview_png(seen))
        on_progress("drawing", 1, 1)
        session.finish(result.as_json())
    return result


class _Witness(ForwardingRecorder):
    """A Recorder that passes everything on to the session, and remembers what is scored and drawn afterwards."""

    def __init__(self, session: SessionRecorder, on_progress: OnProgress, frames: int) -> None:
        super().__init__(session)
        self._on_progress = on_progress
        self._frames = frames
        self._seen = 0
        self.decisions: list[Decision] = []
        self.tracks: list[Track | None] = []

    def record(self, step: Step, total_ms: float) -> None:
        """Keep one pass of the loop, without its image."""
        super().record(step, total_ms)
        if self.fault is not None:
            raise OutputError(f"{self.fault}; free some space or name another folder")
        self.decisions.append(step.decision)
        self.tracks.append(step.track)
        self._seen += step.frame is not None
        self._on_progress("replaying", self._seen, self._frames)


class _OnBoard(ForwardingRecorder):
    """A Recorder that passes everything on, and shows it on a board."""

    def __init__(self, recorder: Recorder, status: SessionStatus, linac: LinacPort) -> None:
        super().__init__(recorder)
        self._status, self._linac = status, linac

    def record(self, step: Step, total_ms: float) -> None:
        """Pass on one pass of the loop, and show it."""
        super().record(step, total_ms)
        self._status.update(step, total_ms, self._linac.alive)


def _score(witness: _Witness, recording: Recording, on_progress: OnProgress) -> Score | None:
    """Return how well the target was tracked, where the recording has labels; a lost target is an empty mask."""
    shape = (recording.frames.shape[1], recording.frames.shape[2])
    found = {
        decision.sequence: track
        for decision, track in zip(witness.decisions, witness.tracks, strict=True)
        if track is not None
    }
    on_frames = (
        found[index].mask(shape) if index in found else np.zeros(shape, dtype=np.bool_)
        for index in range(len(recording.frames))
    )
    return score(_counted(on_frames, "tracking", len(recording.frames), on_progress), recording)


def _gating(
    witness: _Witness, recording: Recording, envelope: Envelope, limit_percent: float, on_progress: OnProgress
) -> GatingScore | None:
    """Return how well the beam was gated, where the recording has labels."""
    if recording.labels is None:
        return None
    beam_on = np.zeros(len(recording.frames), dtype=np.bool_)
    for decision in witness.decisions:
        if decision.sequence >= 0:
            beam_on[decision.sequence] = decision.state is BeamState.ON
    truth = truth_outside_percent(
        _counted(recording.labels, "gating", len(recording.labels), on_progress),
        lambda mask: envelope.outside_percent(mask_to_contour(mask)),
    )
    return gating_score(beam_on, truth, limit_percent, frame_period_s(recording.times_s))


def _counted(
    masks: Iterable[NDArray[np.bool_]], scored: str, total: int, on_progress: OnProgress
) -> Iterator[NDArray[np.bool_]]:
    """Yield the masks and tell how many of them there were already."""
    for done, mask in enumerate(masks, start=1):
        yield mask
        on_progress(f"scoring {scored}", done, total)


def _seen(witness: _Witness, material: ReplayInput, armed: Armed, config: SessionConfig) -> OverviewData:
    """Return what the overview is drawn from."""
    recording = material.recording
    return OverviewData(
        name=recording.name,
        images=recording.frames,
        spacing_mm=recording.spacing_mm,
        decisions=[
            replace(decision, sequence=material.index(decision.sequence)) if decision.sequence >= 0 else decision
            for decision in witness.decisions
        ],
        tracks=witness.tracks,
        envelope_px=armed.envelope.contour_px,
        reference_mm=center_mm(armed.target_px, recording.spacing_mm),
        margin_mm=config.envelope.margin_mm,
        limit_percent=config.gate.outside_percent,
    )
