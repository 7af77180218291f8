"""Score a replay: tracking, gating, and each of several structures."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import SessionConfig
from gatekeeper.core.contour import mask_to_contour
from gatekeeper.core.decision import BeamState
from gatekeeper.gating.zones import TargetZone
from gatekeeper.recording.session_setup import SessionSetup
from gatekeeper.session.arming import structures_of, zones_of
from replay.progress import OnProgress
from replay.recorders import KeepingRecorder
from replay.recording import Recording
from replay.scores.gating import GatingScore, frame_period_s, gating_score, truth_outside_percent
from replay.scores.structures import Judged, StructureScore, score_structures
from replay.scores.tracking import Score, score


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of a replay.

    Attributes
    ----------
    tracking : Score or None
        Score of the primary target; None when it has no labels.
    gating : GatingScore or None
        Score of the beam against all structures with labels; None without any.
    structures : dict of str to StructureScore
        Each of several structures that has labels, by its name; empty in a session of one.
    """

    tracking: Score | None
    gating: GatingScore | None
    structures: dict[str, StructureScore] = field(default_factory=dict)


def scores_of(
    kept: KeepingRecorder,
    recording: Recording,
    setup: SessionSetup,
    config: SessionConfig,
    index: Callable[[int], int],
    on_progress: OnProgress,
) -> Scores:
    """Return the scores of a replay against the labels of its recording.

    Parameters
    ----------
    kept : KeepingRecorder
        Its decisions and tracks.
    recording : Recording
        What was played, with its labels.
    setup : SessionSetup
        The structures.
    config : SessionConfig
        The limits.
    index : callable
        Returns the index in the recording of the frame with a sequence number.
    on_progress : callable
        Called after every frame that is scored.
    """
    judged = {
        index(decision.sequence): Judged(decision, () if track is None else (track, *others))
        for decision, track, others in zip(kept.decisions, kept.tracks, kept.others, strict=True)
        if decision.sequence >= 0
    }
    zones = zones_of(setup, config)
    if setup.structures:
        roles = {one.name: one.role for one in structures_of(setup)}

        def on_scored(name: str, done: int, total: int) -> None:
            on_progress(f"scoring {name}", done, total)

        found, gating = score_structures(recording, roles, zones, config.gate, judged, on_scored)
        primary = found.get(setup.target_name)
        return Scores(None if primary is None else primary.tracking, gating, found)
    return Scores(_tracking(judged, recording, on_progress), _gating(judged, recording, zones[0], config, on_progress))


def _tracking(judged: Mapping[int, Judged], recording: Recording, on_progress: OnProgress) -> Score | None:
    """Return the tracking score, or None without labels; a lost target is an empty mask."""
    shape = (recording.frames.shape[1], recording.frames.shape[2])
    found = {number: one.tracks[0] for number, one in judged.items() if one.tracks}
    on_frames = (
        found[number].mask(shape) if number in found else np.zeros(shape, dtype=np.bool_)
        for number in range(len(recording.frames))
    )
    not_tracked = {number for number in range(len(recording.frames)) if number not in found}
    return score(_counted(on_frames, "tracking", len(recording.frames), on_progress), recording, not_tracked)


def _gating(
    judged: Mapping[int, Judged],
    recording: Recording,
    zone: TargetZone,
    config: SessionConfig,
    on_progress: OnProgress,
) -> GatingScore | None:
    """Return the gating score, or None without labels."""
    if recording.labels is None:
        return None
    beam_on = np.zeros(len(recording.frames), dtype=np.bool_)
    for number, one in judged.items():
        beam_on[number] = one.decision.state is BeamState.ON
    truth = truth_outside_percent(
        _counted(recording.labels, "gating", len(recording.labels), on_progress),
        lambda mask: zone.envelope.outside_percent(mask_to_contour(mask)),
    )
    most_percent = config.gate.outside_percent if zone.most_percent is None else zone.most_percent
    return gating_score(beam_on, truth, most_percent, frame_period_s(recording.times_s))


def _counted(
    masks: Iterable[NDArray[np.bool_]], scored: str, total: int, on_progress: OnProgress
) -> Iterator[NDArray[np.bool_]]:
    """Yield the masks, reporting progress after each."""
    for done, mask in enumerate(masks, start=1):
        yield mask
        on_progress(f"scoring {scored}", done, total)
