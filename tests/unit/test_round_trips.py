"""A phantom in any plane that was written in any format comes back as it was, and the gate decides the same on it."""

import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from gatekeeper.config import SessionConfig
from gatekeeper.core.axes import ORIENTATIONS, orientation_of
from gatekeeper.core.clock import VirtualClock
from gatekeeper.recording.journal import read_decisions
from replay import run
from replay.formats.format import Choices
from replay.formats.open import open_recording
from replay.formats.writers.dicom import write_dicom
from replay.run import replay_input
from tests.support.image_files import SAGITTAL, assert_same, rate_hz, write_side
from tests.support.matrices import mostly_slow
from tests.support.phantoms import phantom
from tests.support.sessions import quiet
from tests.support.vendor_files import raw_cine, write_dat, write_unity
from tests.support.written_recordings import TARGETLESS, WRITERS

FOLDERS = {
    "dicom": lambda folder, case: write_dicom(case, folder / "case", quiet) or folder / "case",
    "MRIdian frames": lambda folder, case: write_dat(folder / "case", case),
    "MRIdian cine": lambda folder, case: _raw(folder / "case.raw", case),
    "Unity frames": lambda folder, case: write_unity(folder / "case", case, masks=case.labels),
}
UNTOLD = ("MRIdian cine", "axial")
SIGNED = ("MRIdian frames", "MRIdian cine")
NO_TARGET = (*TARGETLESS, "dicom", *SIGNED)

DECIDED = ("kind", "sequence", "state", "reasons", "outside_percent", "center_mm", "confidence", "contour_hash")


@cache
def case(bits, orientation):
    acquisition = {"matrix": (64, 64), "duration_s": 4.0, "plane": orientation}
    made = phantom(acquisition=acquisition, breathing={"rl_ratio": 0.3}).recording
    made = replace(made, plane=replace(made.plane, origin_mm=SAGITTAL.origin_mm), name="case")
    return made if bits == 16 else replace(made, frames=(made.frames / made.frames.max() * 255).astype(np.uint8))


def _raw(path, case):
    path.write_bytes(raw_cine(case))
    write_side(path, rate_hz=rate_hz(case))
    return path


def decisions(recording, folder):
    """Return what the journal of a replay says, without times and hashes of what the formats cannot hold."""
    run.replay(replay_input(recording), SessionConfig(), folder, VirtualClock(), quiet)
    return [
        {name: entry.get(name) for name in DECIDED}
        for entry in read_decisions(folder / "decisions.jsonl")
        if entry["kind"] == "frame"
    ]


@cache
def decided(bits, orientation):
    with tempfile.TemporaryDirectory() as folder:
        return decisions(case(bits, orientation), Path(folder) / "original")


ALWAYS = [
    *((name, "sagittal") for name in ("mha", "tiff", "MRIdian cine")),
    ("dicom", "coronal"),
    ("nii", "axial"),
]
"""Cases that `make test` tries; the rest is slow."""
CASES = [(name, orientation) for orientation in ORIENTATIONS for name in {**WRITERS, **FOLDERS}]
CASES = [*ALWAYS, *(one for one in CASES if one not in ALWAYS)]


@pytest.mark.parametrize(("name", "orientation"), mostly_slow(CASES, len(ALWAYS)))
def test_a_phantom_comes_back_and_is_decided_on_alike(name, orientation, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "overview_png", lambda seen: b"undrawn")
    bits = 8 if name == "avi" else 16
    original = case(bits, orientation)
    written = {**WRITERS, **FOLDERS}[name](tmp_path, original)
    # A MRIdian's cine of one slice in z lies as it is stored, whatever its axes are called.
    told = {"orientation": orientation, "plane": original.plane} if (name, orientation) == UNTOLD else {}
    opened = open_recording(written, Choices(**told))
    assert orientation_of(opened.plane).name == orientation
    held = original.frames.astype(np.int16) if name in SIGNED else original.frames
    assert_same(opened, replace(original, frames=held))
    if name in NO_TARGET:
        assert opened.labels is None
        opened = replace(opened, first_mask=original.first_mask)
    else:
        if not name.startswith("Unity"):
            np.testing.assert_array_equal(np.asarray(opened.labels), original.labels)
        np.testing.assert_array_equal(opened.first_mask, original.first_mask)
    assert decisions(opened, tmp_path / "session") == decided(bits, orientation)
    assert {entry["state"] for entry in decided(bits, orientation)} == {"ON", "HOLD"}
