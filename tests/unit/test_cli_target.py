"""A recording without a target is replayed with one that was drawn elsewhere."""

import json
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from gatekeeper.core.frame import Plane
from gatekeeper.recording.journal import read_decisions
from replay import run
from replay.formats.metaimage_writer import write_metaimage
from replay.formats.session import open_session
from replay.formats.trackrad import write_case
from replay.formats.writers.dicom import write_dicom
from tests.support.cases import SPACING_MM, breathing_case
from tests.support.command_line import gatekeeper
from tests.support.dicom_folders import write_recording
from tests.support.sessions import quiet
from tests.support.structure_sets import ellipsoid, written

DECIDED = ("state", "reasons", "outside_percent", "confidence", "center_mm")


@pytest.fixture(autouse=True)
def undrawn(monkeypatch):
    monkeypatch.setattr(run, "overview_png", lambda seen: b"undrawn")


@pytest.fixture
def case():
    return breathing_case()


@pytest.fixture
def dicom(tmp_path, case):
    write_dicom(case, tmp_path / "dicom", quiet)
    return tmp_path / "dicom"


def decisions(folder):
    return [{name: entry[name] for name in DECIDED} for entry in read_decisions(folder / "decisions.jsonl")]


def refused(capsys, *args):
    assert gatekeeper(*args) == 2
    return capsys.readouterr().err.strip()


@pytest.mark.slow
def test_a_mask_beside_dicom_images_decides_as_the_case_with_its_label(tmp_path, case, dicom, capsys):
    labelled = write_case(case, tmp_path / "P_001")
    label = labelled / "targets" / "P_001_first_label.mha"
    assert gatekeeper("replay", labelled, "--out", tmp_path / "one") == 0
    assert gatekeeper("replay", dicom, "--target", label, "--as-stored", "--out", tmp_path / "other", "--json") == 0
    assert decisions(tmp_path / "one") == decisions(tmp_path / "other")
    assert "score" not in json.loads(capsys.readouterr().out.splitlines()[-1])


def test_without_a_target_the_way_to_give_one_is_said(tmp_path, dicom, capsys):
    assert "no target is drawn on its first frame; give one with --target FILE" in refused(
        capsys, "replay", dicom, "--out", tmp_path / "s"
    )


def test_a_region_needs_the_file_it_is_in(tmp_path, dicom, capsys):
    assert "name it with --target" in refused(capsys, "replay", dicom, "--roi", "GTV", "--out", tmp_path / "s")


def test_a_session_keeps_the_target_that_it_began_with(tmp_path, case, capsys):
    labelled = write_case(case, tmp_path / "P_001")
    assert gatekeeper("replay", labelled, "--out", tmp_path / "s") == 0
    capsys.readouterr()
    said = refused(capsys, "replay", tmp_path / "s", "--target", labelled, "--out", tmp_path / "t")
    assert "target = " in said
    assert "leave it out" in said


def test_an_empty_mask_is_refused(tmp_path, case, dicom, capsys):
    write_metaimage(tmp_path / "empty.mha", np.zeros((72, 60), np.uint8), SPACING_MM)
    said = refused(capsys, "replay", dicom, "--target", tmp_path / "empty.mha", "--as-stored", "--out", tmp_path / "s")
    assert "\n" not in said
    assert "empty" in said


def test_labels_of_another_target_do_not_score_it(tmp_path, case, capsys):
    labelled = write_case(case, tmp_path / "P_001")
    other = replace(case, first_mask=np.roll(case.first_mask, 3, axis=1), labels=None)
    label = write_case(other, tmp_path / "other") / "targets" / "P_001_first_label.mha"
    assert gatekeeper("replay", labelled, "--target", label, "--out", tmp_path / "s", "--json") == 0
    assert "score" not in json.loads(capsys.readouterr().out.splitlines()[-1])


def test_a_region_of_a_plan_is_the_target(tmp_path, case, capsys):
    folder = write_recording(tmp_path / "series", replace(case, plane=Plane((0.0, -60.0, 60.0))))
    plan = written(tmp_path / "plan.dcm", {"GTV": ellipsoid(radii=(15.0, 16.0, 16.0))})
    assert gatekeeper("replay", folder, "--target", plan, "--roi", "GTV", "--out", tmp_path / "s", "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["frames"] == 24
    with closing(open_session(tmp_path / "s")) as session:
        assert np.count_nonzero(session.setup.target_mask ^ case.first_mask) < 0.1 * case.first_mask.sum()
    said = refused(capsys, "replay", folder, "--target", plan, "--roi", "CTV", "--out", tmp_path / "t")
    assert "CTV" in said
    assert "GTV" in said
