"""A replay: a recording through the live loop into a session folder, scored where the recording has labels."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gatekeeper.clock import Clock, stopwatch_ns
from gatekeeper.config import SessionConfig
from gatekeeper.decision import BeamState, Decision
from gatekeeper.errors import OutputError, TargetError
from gatekeeper.gating.envelope import Envelope
from gatekeeper.lag import LoopStats
from gatekeeper.linac.dry_run import DryRunLinac
from gatekeeper.linac.port import LinacPort
from gatekeeper.loop import run_loop
from gatekeeper.recording.link import PATIENT
from gatekeeper.recording.port import Recorder
from gatekeeper.recording.session import Session
from gatekeeper.recording.setup import Setup
from gatekeeper.recording.whole import write_whole
from gatekeeper.report.overview import overview_png
from gatekeeper.report.seen import Seen
from gatekeeper.sources.port import FrameSource
from gatekeeper.step import Step
from gatekeeper.structure import mask_to_contour
from gatekeeper.track import Track
from kernels.polygon import centroid
from replay.arming import Armed, arm
from replay.faults import FaultSpec, inject
from replay.gating_scores import GatingScore, frame_period_s, gating_score, truth_outside_percent
from replay.player import Player
from replay.recording import Recording
from replay.result import Result
from replay.scores import Score, score

OnProgress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What is replayed.

    Attributes
    ----------
    recording : Recording
        Its frames are drawn, and scored where there are labels.
    setup : Setup
        What tracker and envelope are made of.
    source : callable
        Makes the source of the frames, which are those of the recording, from the session's clock, the armed engine
        and the recorder.
    index : callable
        Which frame of the recording has the sequence number.
    """

    recording: Recording
    setup: Setup
    source: Callable[[Clock, Armed, Recorder], FrameSource]
    index: Callable[[int], int]


def material_of(recording: Recording) -> Material:
    """Return a recorded case to be replayed, its target drawn on its first frame.

    Raises
    ------
    TargetError
        When there is no target on the first frame.
    """
    name, frames, mask = recording.name, recording.frames, recording.first_mask
    if mask is None:
        raise TargetError(f"{name}: no target is drawn on its first frame; add targets/{name}_first_label.mha")
    setup = Setup(
        name=name,
        reference=frames[0],
        target_mask=mask,
        spacing_mm=recording.spacing_mm,
        plane=recording.plane,
        pixel_type=frames.dtype,
    )
    return Material(recording, setup, lambda clock, *_: Player(recording, clock), lambda sequence: sequence)


def replay(
    material: Material,
    config: SessionConfig,
    folder: Path,
    clock: Clock,
    on_progress: OnProgress,
    linac: LinacPort | None = None,
    faults: Sequence[FaultSpec] = (),
) -> Result:
    """Play a recording through tracker, gate and loop, and leave a whole session in `folder`.

    A replay that cannot be recorded any more ends at once.

    Parameters
    ----------
    material : Material
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
    armed = arm(material.setup, config)
    with Session(folder, config, material.setup, PATIENT) as session:
        witness = _Witness(session, on_progress, frames)
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
                witness,
                clock,
                config.gate.max_age_s,
                stats,
                silence_s=config.silence_s(frame_period_s(recording.times_s)),
            )
        ended_ns = stopwatch_ns()
        score = _score(witness, recording, on_progress)
        gating = _gating(witness, recording, armed.envelope, config.gate.outside_percent, on_progress)
        result = Result(
            case=recording.name,
            folder=folder,
            summary=session.summary(),
            replay_s=(ended_ns - began_ns) * 1e-9,
            lag=stats.summary(),
            score=score,
            gating=gating,
            seal=session.seal(),
        )
        on_progress("drawing", 0, 1)
        seen = _seen(witness, material, armed, config)
        write_whole(folder / "overview.png", overview_png(seen))
        on_progress("drawing", 1, 1)
        session.finish(result.as_json())
    return result


class _Witness:
    """A Recorder that passes everything on to the session, and remembers what is scored and drawn afterwards."""

    def __init__(self, session: Session, on_progress: OnProgress, frames: int) -> None:
        self._session = session
        self._on_progress = on_progress
        self._frames = frames
        self._seen = 0
        self.decisions: list[Decision] = []
        self.tracks: list[Track | None] = []

    @property
    def fault(self) -> str | None:
        """Why the session is no longer recorded."""
        return self._session.fault

    def event(self, name: str, time_s: float, values: Mapping[str, object]) -> None:
        """Keep what an operator did."""
        self._session.event(name, time_s, values)

    def record(self, step: Step, total_ms: float) -> None:
        """Keep one pass of the loop, without its image."""
        self._session.record(step, total_ms)
        if self._session.fault is not None:
            raise OutputError(f"{self._session.fault}; free some space or name another folder")
        self.decisions.append(step.decision)
        self.tracks.append(step.track)
        self._seen += step.frame is not None
        self._on_progress("replaying", self._seen, self._frames)


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


def _seen(witness: _Witness, material: Material, armed: Armed, config: SessionConfig) -> Seen:
    """Return what the overview is drawn from."""
    recording = material.recording
    center_px = np.empty(2)
    centroid(armed.target_px, center_px)
    row_mm, col_mm = center_px * recording.spacing_mm
    return Seen(
        name=recording.name,
        images=recording.frames,
        spacing_mm=recording.spacing_mm,
        decisions=[
            replace(decision, sequence=material.index(decision.sequence)) if decision.sequence >= 0 else decision
            for decision in witness.decisions
        ],
        tracks=witness.tracks,
        envelope_px=armed.envelope.contour_px,
        reference_mm=(float(row_mm), float(col_mm)),
        margin_mm=config.envelope.margin_mm,
        limit_percent=config.gate.outside_percent,
    )
