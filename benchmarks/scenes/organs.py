"""Judge whether the beam is held in time when an organ at risk that moves its own way enters its keep-out zone.

The targets of the phantom stand still here at full confidence, so that organs alone hold the beam. Their zone are the
envelopes of both lesions on the first frame. What is in it is known on each frame from the exact outline.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.scenes.follow import first_center_mm
from benchmarks.scenes.judge import SURE, WRONG_MM
from gatekeeper.config import GateConfig, TrackerConfig, build
from gatekeeper.core.contour import Role, Structure, mask_to_contour
from gatekeeper.core.decision import BeamState
from gatekeeper.core.frame import Frame
from gatekeeper.core.track import Track
from gatekeeper.gating.gate import Gate
from gatekeeper.gating.zones import KeepOutZone, zones_for
from gatekeeper.tracking.tracker import StructureTracker
from replay.phantom import Phantom, PhantomConfig, make_phantom, with_target

ORGANS = ("duodenum", "stomach")
TARGETS = ("second_lesion", "lesion")
MARGIN_MM = 5.0
DURATION_S = 84.0
"""Twenty breaths."""
RESUMED = GateConfig().frames_to_resume
"""Number of first frames that are left out, as the gate begins with the beam held."""
IN_TIME = 1
"""Frames after the first one in the zone on which the beam must be held at the latest."""

SCENES: dict[str, dict[str, Any]] = {
    "free breathing": {},
    "backward with the breath": {"breathing": {"ap_ratio": -0.4}},
    "deep breathing": {"breathing": {"amplitude_mm": 26.0, "ap_ratio": 0.4}},
    "held at end-inhale": {"breathing": {"pattern": "inhale_hold", "hold_s": 10.0, "rest_s": 8.0}},
    "content and gas": {
        "organs": {
            "duodenum": {"center_mm": (75.0, -16.0), "radii_mm": (13.0, 12.0), "lift_mm": 8.0, "period_s": 9.0}
            | {"content_change": 0.3, "gas_mm": 8.0}
        }
    },
    "stomach beside": {
        "organs": {
            "stomach": {"center_mm": (78.0, -44.0), "radii_mm": (20.0, 16.0), "lift_mm": 8.0, "period_s": 14.0}
            | {"content_brightness": 2.6, "squeeze": 0.05}
        }
    },
}
"""Settings of the phantom; by default the duodenum is lifted by 8 mm every 9 s, while the lesions breathe by 17 mm."""

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class OrganRun:
    """Results of one recording.

    Attributes
    ----------
    inside, held : ndarray of bool, shape (T,)
        Whether an organ is in the zone by more than the limit in truth, and whether the beam is held.
    errors_mm, confidence : dict of str to ndarray of float64, shape (T,)
        Error of the centre, and confidence, of each organ.
    """

    inside: Flags
    held: Flags
    errors_mm: dict[str, Array]
    confidence: dict[str, Array]


@dataclass(frozen=True, slots=True)
class OrganFigures:
    """Results over several recordings.

    Attributes
    ----------
    entries, in_time, missed : int
        How often organs entered the zone, how often the beam was held within `IN_TIME` frames, and how often not
        before they had left it.
    late : int
        Frames until the latest hold of those that were not missed; 0 is the first frame in the zone.
    false_share : float
        Frames held without an organ in the zone, over all frames.
    center_mm, center_p95_mm, sure_share : dict of str to float
        Error of the centre on all frames, and share of sure frames, of each organ.
    sure_and_wrong : dict of str to int
        Sure frames on which the centre is more than `WRONG_MM` off.
    """

    entries: int
    in_time: int
    missed: int
    late: int
    false_share: float
    center_mm: dict[str, float]
    center_p95_mm: dict[str, float]
    sure_share: dict[str, float]
    sure_and_wrong: dict[str, int]


def organ_phantom(scene: str, seed: int, duration_s: float = DURATION_S) -> Phantom:
    """Return the phantom of a scene."""
    given = SCENES[scene]
    values = {
        "seed": seed,
        "organs": {"shown": True, **given.get("organs", {})},
        "breathing": {"start_phase": 0.0, **given.get("breathing", {})},
        "acquisition": {"duration_s": duration_s},
    }
    return make_phantom(build(PhantomConfig, values, scene))


def follow_organs(phantom: Phantom, sliding: bool = True) -> OrganRun:
    """Track the organs of a phantom, and judge them frame by frame.

    Parameters
    ----------
    phantom : Phantom
        From `organ_phantom`.
    sliding : bool, optional
        Whether they are tracked as what they are; otherwise as targets are.
    """
    recording = phantom.recording
    shown = {name: with_target(phantom, name) for name in (*TARGETS, *ORGANS)}
    masks = {name: _first_mask(one) for name, one in shown.items()}
    structures = [
        Structure(name, Role.TARGET if name in TARGETS else Role.AVOID, mask_to_contour(mask))
        for name, mask in masks.items()
    ]
    zones = zones_for(structures, MARGIN_MM, recording.spacing_mm)
    gate, config = Gate(zones), TrackerConfig(sliding=ORGANS if sliding else ())
    tracker = StructureTracker(
        recording.frames[0], {name: masks[name] for name in ORGANS}, recording.spacing_mm, config
    )
    still = tuple(Track.of_contour(one.contour_px, recording.spacing_mm, 1.0) for one in structures[: len(TARGETS)])
    held, found = [], []
    for number, (image, at_s) in enumerate(zip(recording.frames, recording.times_s.tolist(), strict=True)):
        tracks = tracker.track(image)
        frame = Frame(np.float32(image), recording.spacing_mm, sequence=number, acquired_s=at_s, received_s=at_s)
        held.append(gate.decide((*still, *tracks), frame).state is BeamState.HOLD)
        found.append(tracks)
    limit = GateConfig().overlap_percent
    inside = np.zeros(len(held), dtype=bool)
    errors_mm, confidence = {}, {}
    for place, name in enumerate(ORGANS):
        zone, truth = zones[len(TARGETS) + place], shown[name]
        assert isinstance(zone, KeepOutZone)
        exact = [Track.of_contour(one, recording.spacing_mm, 1.0) for one in truth.contours]
        inside |= np.array([zone.overlap(one, limit)[0] > limit for one in exact])
        away_mm = np.array([tracks[place].center_mm for tracks in found])
        away_mm -= first_center_mm(masks[name], recording.spacing_mm)
        errors_mm[name] = np.linalg.norm(away_mm - truth.displacement_mm, axis=1)
        confidence[name] = np.array([tracks[place].confidence for tracks in found])
    return OrganRun(inside[RESUMED:], np.array(held)[RESUMED:], _cut(errors_mm), _cut(confidence))


def frames_until_held(run: OrganRun) -> list[int | None]:
    """Return for each entry the frames from the first one in the zone until the beam is held; None if it is missed."""
    turns = 1 + np.flatnonzero(run.inside[1:] != run.inside[:-1])
    found: list[int | None] = []
    for start, end in pairwise([*turns.tolist(), len(run.inside)]):
        if run.inside[start]:
            holds = np.flatnonzero(run.held[start:end])
            found.append(int(holds[0]) if holds.size else None)
    return found


def organ_figures(runs: Sequence[OrganRun]) -> OrganFigures:
    """Return the figures over several recordings."""
    waits = [wait for run in runs for wait in frames_until_held(run)]
    held = [wait for wait in waits if wait is not None]
    false = sum(int(np.count_nonzero(run.held & ~run.inside)) for run in runs)
    errors_mm, confidence = (
        {name: np.concatenate([getattr(run, what)[name] for run in runs]) for name in ORGANS}
        for what in ("errors_mm", "confidence")
    )
    return OrganFigures(
        entries=len(waits),
        in_time=sum(wait <= IN_TIME for wait in held),
        missed=len(waits) - len(held),
        late=max(held, default=0),
        false_share=false / sum(len(run.held) for run in runs),
        center_mm={name: float(errors_mm[name].mean()) for name in ORGANS},
        center_p95_mm={name: float(np.percentile(errors_mm[name], 95)) for name in ORGANS},
        sure_share={name: float((confidence[name] >= SURE).mean()) for name in ORGANS},
        sure_and_wrong={
            name: int(np.count_nonzero((confidence[name] >= SURE) & (errors_mm[name] > WRONG_MM))) for name in ORGANS
        },
    )


def organ_table(rows: dict[str, OrganFigures], seeds: Sequence[int]) -> Table:
    """Return a table with one row per scene."""
    table = Table(title=f"Organs at risk that enter the zone, seeds {', '.join(map(str, seeds))}")
    table.add_column("scene")
    for heading in ("entries", "in time", "missed", "latest", "false hold %"):
        table.add_column(heading, justify="right")
    for name in ORGANS:
        for heading in (f"{name} mm", "p95", "sure %", "sure, wrong"):
            table.add_column(heading, justify="right")
    for scene, row in rows.items():
        cells = [scene, *map(str, (row.entries, row.in_time, row.missed, row.late)), f"{100.0 * row.false_share:.1f}"]
        for name in ORGANS:
            cells += [f"{row.center_mm[name]:.2f}", f"{row.center_p95_mm[name]:.2f}"]
            cells += [f"{100.0 * row.sure_share[name]:.1f}", f"{row.sure_and_wrong[name]}"]
        table.add_row(*cells, style="red" if row.in_time < row.entries else None)
    table.caption = (
        f"in time: held within {IN_TIME} frame after the first one in the zone; latest: in frames; wrong: centre more "
        f"than {WRONG_MM:g} mm off; false holds include those that only wait to resume"
    )
    return table


def _first_mask(phantom: Phantom) -> Flags:
    assert phantom.recording.first_mask is not None
    return phantom.recording.first_mask


def _cut(values: dict[str, Array]) -> dict[str, Array]:
    return {name: one[RESUMED:] for name, one in values.items()}
