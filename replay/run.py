"""A replay: a recording through the live loop into a session folder, scored where the recording has labels."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gatekeeper.clock import Clock, stopwatch_ns
from gatekeeper.config import SessionConfig
from gatekeeper.decision import BeamState, Decision
from gatekeeper.engine import Engine
from gatekeeper.errors import TargetError
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.gate import Gate
from gatekeeper.lag import LoopStats
from gatekeeper.linac.dry_run import DryRunLinac
from gatekeeper.loop import run_loop
from gatekeeper.recording.session import Session
from gatekeeper.recording.whole import write_whole
from gatekeeper.report.overview import overview_png
from gatekeeper.report.seen import Seen
from gatekeeper.step import Step
from gatekeeper.structure import mask_to_contour
from gatekeeper.track import Track
from gatekeeper.tracking.tracker import Tracker
from kernels.polygon import centroid
from replay.gating_scores import GatingScore, frame_period_s, gating_score, truth_outside_percent
from replay.player import Player
from replay.recording import Recording
from replay.result import Result
from replay.scores import Score, score

OnProgress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""


def replay(recording: Recording, config: SessionConfig, folder: Path, clock: Clock, on_progress: OnProgress) -> Result:
    """Play a recording through tracker, gate and loop, and leave a whole session in `folder`.

    Parameters
    ----------
    recording : Recording
        What to play; the target must be drawn on its first frame.
    config : SessionConfig
        All settings.
    folder : Path
        Where the session goes; new or empty.
    clock : Clock
        Sets the pace.
    on_progress : callable
        Told of every frame, so that a progress bar can be shown.

    Raises
    ------
    TargetError
        When there is no target on the first frame, or none that can be tracked.
    OutputError
        When the session cannot be written.
    EngineError
        When tracking or deciding fails on a frame.
    """
    name, frames, spacing_mm, mask = recording.name, recording.frames, recording.spacing_mm, recording.first_mask
    if mask is None:
        raise TargetError(f"{name}: no target is drawn on its first frame; add targets/{name}_first_label.mha")
    reference = np.ascontiguousarray(frames[0], dtype=np.float32)
    tracker = Tracker(reference, mask, spacing_mm, config.tracker)
    target_px = mask_to_contour(mask)
    envelope = Envelope.around(target_px, config.envelope.margin_mm, spacing_mm, reference.shape)
    engine = Engine(tracker, Gate(envelope, config.gate))

    with Session(folder, config) as session:
        witness = _Witness(session, on_progress, len(frames))
        stats = LoopStats(config.loop.stall_ms)
        began_ns = stopwatch_ns()
        with closing(Player(recording, clock)) as player, closing(DryRunLinac()) as linac:
            run_loop(player, engine, linac, witness, clock, config.gate.max_age_s, stats)
        ended_ns = stopwatch_ns()
        result = Result(
            case=name,
            folder=folder,
            summary=session.summary(),
            replay_s=(ended_ns - began_ns) * 1e-9,
            lag=stats.summary(),
            score=_score(witness, recording, on_progress),
            gating=_gating(witness, recording, envelope, config.gate.outside_percent, on_progress),
        )
        on_progress("drawing", 0, 1)
        seen = _seen(witness, recording, target_px, envelope, config)
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

    def record(self, step: Step, total_ms: float) -> None:
        """Keep one pass of the loop, without its image."""
        self._session.record(step, total_ms)
        self.decisions.append(step.decision)
        self.tracks.append(step.track)
        self._seen += step.frame is not None
        self._on_progress("replaying", self._seen, self._frames)


def _score(witness: _Witness, recording: Recording, on_progress: OnProgress) -> Score | None:
    """Return how well the target was tracked, where the recording has labels; a lost target is an empty mask."""
    shape = (recording.frames.shape[1], recording.frames.shape[2])
    on_frames = (
        np.zeros(shape, dtype=np.bool_) if track is None else track.mask(shape)
        for decision, track in zip(witness.decisions, witness.tracks, strict=True)
        if decision.sequence >= 0
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


def _seen(
    witness: _Witness,
    recording: Recording,
    target_px: NDArray[np.float64],
    envelope: Envelope,
    config: SessionConfig,
) -> Seen:
    """Return what the overview is drawn from."""
    center_px = np.empty(2)
    centroid(target_px, center_px)
    row_mm, col_mm = center_px * recording.spacing_mm
    return Seen(
        name=recording.name,
        images=recording.frames,
        spacing_mm=recording.spacing_mm,
        decisions=witness.decisions,
        tracks=witness.tracks,
        envelope_px=envelope.contour_px,
        reference_mm=(float(row_mm), float(col_mm)),
        margin_mm=config.envelope.margin_mm,
        limit_percent=config.gate.outside_percent,
    )
