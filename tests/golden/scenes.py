"""The phantom sessions whose decisions are pinned, and how they are made and written."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from gatekeeper.config import SessionConfig, build
from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.contour import Role, Structure
from gatekeeper.recording.journal import read_decisions
from replay.phantom import PhantomConfig, make_phantom
from replay.run import replay, replay_input

FOLDER = Path(__file__).parent
MATRIX = {"matrix": (112, 96), "pixel_mm": (2.4, 2.4)}
NOT_PINNED = {"latency_ms", "contour_hash", "frame_hash", "frame_row", "hash", "previous", "line"}
"""Fields that differ from run to run, and hashes, which differ with the last bit of what they are hashes of."""
PINNED_BEFORE = {"hard": {"structures"}}
"""Fields that were added after a scene had been pinned without them."""
DIGITS = 8

PHANTOMS = {
    "free-breathing": {"seed": 3, "acquisition": {**MATRIX, "duration_s": 32.0}},
    "breath-hold-drift": {
        "seed": 4,
        "acquisition": {**MATRIX, "duration_s": 50.0, "frame_rate_hz": 4.0},
        "breathing": {
            "pattern": "inhale_hold",
            "hold_s": 10.0,
            "rest_s": 6.0,
            "hold_drift_mm_per_s": -0.3,
            "drift_mm_per_min": 4.0,
        },
    },
    "hard": {
        "seed": 5,
        "acquisition": {**MATRIX, "duration_s": 24.0, "frame_rate_hz": 8.0, "snr": 12.0},
        "breathing": {"coughs": [{"start_s": 9.0}, {"start_s": 18.0}], "out_of_plane": [{"start_s": 13.0}]},
        "artefacts": {"whitening": 0.5, "whitening_s": 20.0, "flicker": 0.1},
    },
    "several": {"seed": 6, "acquisition": {**MATRIX, "duration_s": 14.0, "frame_rate_hz": 8.0}},
}
SETTINGS = {
    "free-breathing": {"prediction": {"mode": "conservative"}},
    "breath-hold-drift": {"gate": {"learning_s": 12.0, "frames_to_resume": 3, "drift_mm": 1.0, "drift_cycles": 1}},
    "hard": {
        "envelope": {"margin_mm": 4.0},
        "gate": {"outside_percent": 10.0, "missing_frames": 1},
        "structures": {"oar": {"bowel": {"slides": False}}},
    },
    "several": {
        "prediction": {"mode": "conservative", "burn_in_s": 5.0},
        "structures": {
            "target": {"node": {"margin_mm": 6.0, "outside_percent": 8.0}},
            "oar": {
                "bowel": {"overlap_mm2": 25.0, "slides": False},
                "stomach": {"nearer_mm": 1.0, "slides": False},
            },
        },
    },
}
PREVIEWS_S = {"free-breathing": 8.0}
DISCS_MM = {
    "hard": {"bowel": (Role.AVOID, (27.0, -4.0))},
    "several": {
        "node": (Role.TARGET, (-4.0, 30.0)),
        "bowel": (Role.AVOID, (22.0, -4.0)),
        "stomach": (Role.AVOID, (-12.0, -24.0)),
    },
}
"""Discs of 9 mm besides the target, in the tissue around it: role, and centre from the target's along rows and columns,
in mm."""


def record(name: str, folder: Path) -> list[dict[str, object]]:
    """Replay a scene into a session folder, and return the decisions of its journal as they are pinned."""
    made = make_phantom(build(PhantomConfig, {"name": name, **PHANTOMS[name]}, name))
    material = replay_input(made.recording, PREVIEWS_S.get(name, 0.0))
    spacing_mm, turn = np.array(material.setup.spacing_mm), np.linspace(0.0, 2.0 * np.pi, 24, endpoint=False)
    disc_px = 9.0 / spacing_mm * np.stack([np.sin(turn), np.cos(turn)], axis=1)
    others = tuple(
        Structure(called, role, made.contours[0].mean(axis=0) + np.array(beside_mm) / spacing_mm + disc_px)
        for called, (role, beside_mm) in DISCS_MM.get(name, {}).items()
    )
    material = replace(material, setup=replace(material.setup, structures=others))
    config = build(SessionConfig, SETTINGS[name], name)
    replay(material, config, folder, VirtualClock(), lambda *progress: None)
    later = PINNED_BEFORE.get(name, set())
    return [pinned(entry, later) for entry in read_decisions(folder / "decisions.jsonl")]


def pinned(entry: dict[str, object], later: set[str]) -> dict[str, object]:
    """Return what of a journal's line is pinned, numbers rounded to what another processor gives as well."""
    return {name: _rounded(value) for name, value in entry.items() if name not in NOT_PINNED | later}


def read(name: str) -> list[dict[str, object]]:
    """Return the pinned decisions of a scene."""
    return [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text().splitlines()]


def write(name: str, entries: list[dict[str, object]]) -> None:
    """Pin the decisions of a scene."""
    lines = "".join(json.dumps(entry, sort_keys=True) + "\n" for entry in entries)
    (FOLDER / f"{name}.jsonl").write_text(lines)


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, dict):
        return pinned(value, set())
    return [_rounded(one) for one in value] if isinstance(value, list) else value
