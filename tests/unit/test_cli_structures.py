"""`replay`, `info` and `export` take several targets and organs at risk."""

import csv
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from gatekeeper.core.contour import Role
from gatekeeper.core.frame import Plane
from replay.formats.metaimage_writer import write_metaimage
from replay.formats.open import open_recording
from replay.formats.session import open_session
from replay.formats.trackrad import write_case
from tests.support.cases import SHAPE, SPACING_MM, breathing_case
from tests.support.command_line import gatekeeper
from tests.support.matrices import mostly_slow
from tests.support.recordings import disc
from tests.support.sessions import checked
from tests.support.structure_sets import ellipsoid, written

CASE = replace(breathing_case(frames=30), plane=Plane((0.0, -60.0, 72.0)))
"""Its target lies at row and column 30, that is 0 mm posterior and 12 mm superior of the patient's origin."""
DISCS = {1: ((30.0, 30.0), 8.0), 2: ((30.0, 12.0), 5.0), 3: ((16.0, 31.0), 4.0)}


def labels(*, frames=1, moved_px=(0,)):
    """Return labels of several structures (H, W, frames), which move as the tissue."""
    found = np.zeros((*SHAPE, frames), np.uint8)
    for frame, row in zip(range(frames), moved_px, strict=True):
        for value, (center, radius_px) in DISCS.items():
            found[..., frame][disc(SHAPE, np.add(center, (row, 0.0)), radius_px)] = value
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A case of several labels, masks and a structure set, only read."""
    path = tmp_path_factory.mktemp("structures")
    write_case(replace(CASE, labels=None), path / "P_001")
    first = labels()
    write_metaimage(path / "P_001" / "targets" / "P_001_first_label.mha", first, (*SPACING_MM, 1.0))
    for value in DISCS:
        one = path / f"mask{value}"
        write_case(replace(CASE, first_mask=first[..., 0] == value, labels=None), one)
    write_metaimage(path / "all.mha", first, (*SPACING_MM, 1.0))
    inside = {"GTV": (0.0, 12.0, 16.0), "node": (-36.0, 12.0, 10.0), "bowel": (2.0, 40.0, 8.0)}
    regions = {name: ellipsoid((0.0, col, row), (9.0, radius, radius)) for name, (col, row, radius) in inside.items()}
    regions |= {"beside": ellipsoid((40.0, 0.0, 0.0)), "PTV": ellipsoid((0.0, 0.0, 12.0), (22.0, 22.0, 22.0))}
    written(path / "rt.dcm", regions)
    return path


def mask(folder, value):
    return folder / f"mask{value}" / "targets" / "P_001_first_label.mha"


def replayed(out, *args):
    assert gatekeeper("replay", *args, "--out", out, "--json") == 0
    return open_session(out).setup, open_session(out).config().structures


def refused(capsys, *args):
    """Return the one line with which a command refuses, behind notes of the reader."""
    assert gatekeeper(*args) == 2
    *notes, line = capsys.readouterr().err.splitlines()
    assert all("holds labels" in note for note in notes)
    return line


def test_targets_and_organs_are_masks_regions_and_labels(tmp_path, folder, capsys):
    plan = folder / "rt.dcm"
    setup, limits = replayed(
        tmp_path / "s", folder / "P_001", "--target", f"{plan}:GTV", "--target", f"lump={mask(folder, 2)}",
        "--oar", f"{plan}:bowel", "--zone", f"GTV={plan}:PTV", "--margin-mm", "4", "--margin-mm", "lump=3",
        "--outside-percent", "lump=2", "--overlap", "bowel=20mm2",
    )  # fmt: skip
    assert setup.names == ("GTV", "lump", "bowel")
    assert [one.role for one in setup.structures] == [Role.TARGET, Role.AVOID]
    assert setup.target_zone_px.mean(axis=0) == pytest.approx([30.0, 30.0], abs=0.5)
    assert open_session(tmp_path / "s").config().envelope.margin_mm == 4.0
    assert (limits.target["lump"].margin_mm, limits.target["lump"].outside_percent) == (3.0, 2.0)
    assert limits.oar["bowel"].overlap_mm2 == 20.0
    values = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert list(values["structures"]) == ["GTV", "lump", "bowel"]
    assert values["structures"]["lump"]["frames"] == 30
    assert checked(tmp_path / "s").findings == []


@pytest.mark.slow
def test_labels_of_a_recording_are_chosen_by_roi(tmp_path, folder):
    setup, _ = replayed(tmp_path / "s", folder / "P_001", "--roi", "2", "--roi", "1", "--oar", "bowel=3")
    assert setup.names == ("2", "1", "bowel")
    assert np.array_equal(setup.target_mask, disc(SHAPE, *DISCS[2]))


@pytest.mark.slow
def test_regions_of_one_file_are_chosen_by_roi(tmp_path, folder):
    plan = folder / "rt.dcm"
    setup, _ = replayed(tmp_path / "s", folder / "P_001", "--target", plan, "--roi", "GTV", "--roi", "node")
    assert setup.names == ("GTV", "node")


@pytest.mark.slow
def test_a_session_replays_with_another_limit_of_one_structure(tmp_path, folder):
    plan = folder / "rt.dcm"
    replayed(tmp_path / "s", folder / "P_001", "--target", f"{plan}:GTV", "--target", f"{plan}:node")
    setup, limits = replayed(tmp_path / "again", tmp_path / "s", "--margin-mm", "node=2")
    assert setup.names == ("GTV", "node")
    assert limits.target["node"].margin_mm == 2.0


@pytest.mark.parametrize(
    ("region", "why"),
    mostly_slow(
        [("Liver", "has no region 'Liver'"), ("beside", "does not meet the cine plane; choose a plane through it")]
    ),
)
def test_what_is_not_there_is_told_in_one_line_or_left_out(region, why, tmp_path, folder, capsys):
    args = (
        "replay",
        folder / "P_001",
        "--target",
        f"{folder / 'rt.dcm'}:GTV",
        "--oar",
        f"{folder / 'rt.dcm'}:{region}",
    )
    line = refused(capsys, *args, "--out", tmp_path / "none")
    assert f"'{region}'" in line
    assert why in line
    setup, _ = replayed(tmp_path / "s", *args[1:], "--optional", region)
    assert setup.names == ("GTV",)
    assert f"without {region}, which is not required: " in setup.left_out[0]
    assert why in setup.left_out[0]
    assert setup.left_out[0] in capsys.readouterr().err
    warned = [
        entry["values"]["note"] for entry in open_session(tmp_path / "s").entries if entry.get("event") == "warning"
    ]
    assert warned == list(setup.left_out)


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (("--target", "{m1}", "--target", "P_001_first_label={m2}"), "structure 'P_001_first_label' is there twice"),
        (("--target", "{m1}", "--target", "none.mha"), "target = 'none.mha': "),
        (("--target", "{m1}", "--target", "{m2}", "--roi", "GTV"), "roi = 'GTV': names a region of one --target"),
        (("--target", "a={m1}", "--optional", "a"), "optional = 'a': a session needs its first target"),
        (("--target", "a={m1}", "--optional", "b"), "optional = 'b': names no structure; there are a"),
        (("--target", "a={m1}", "--zone", "b={m2}"), "zone = .*: names no structure; there are a"),
        (("--target", "a={m1}", "--margin-mm", "b=2"), "limits of target 'b': it is not there"),
        (("--target", "a={m1}", "--margin-mm", "a=wide"), "margin-mm = 'a=wide': must be a number"),
        (("--target", "a={m1}", "--margin-mm", "a=99"), "structures.target.a.margin_mm = 99.0"),
        (("--target", "a={m1}", "--oar", "b={m2}", "--overlap", "b=2"), "overlap = 'b=2': must be"),
        (("--target", "a={m1}", "--oar", "b={m2}", "--overlap", "b=1.2.3mm"), "overlap = 'b=1.2.3mm': must be"),
        (("--target", "a={m1}", "--zone", "a={m1}", "--zone", "a={m2}"), "zone = .*: is a second one of 'a'"),
        (("--target", "={m1}"), "target = .*: has no name before ="),
        (("--roi", "7"), "has no label '7' on its first frame; it has 1, 2, 3"),
        (("--target", "a={all}:9"), "no pixel of .*all.mha is 9; it holds 1, 2, 3"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(args, why, tmp_path, folder, capsys):
    places = {"m1": mask(folder, 1), "m2": mask(folder, 2), "all": folder / "all.mha"}
    args = [arg.format(**places) for arg in args]
    line = refused(capsys, "replay", folder / "P_001", *args, "--out", tmp_path / "s")
    assert re.search(why, line), line


def test_info_lists_structures_with_areas_and_which_are_not_there(folder, capsys):
    assert gatekeeper("info", folder / "P_001", "--target", folder / "rt.dcm", "--json") == 0
    found = {one["name"]: one for one in json.loads(capsys.readouterr().out.splitlines()[-1])["structures"]}
    assert list(found) == ["1", "2", "3", "GTV", "node", "bowel", "beside", "PTV"]
    assert found["1"]["area_mm2"] == 4.0 * disc(SHAPE, *DISCS[1]).sum()
    assert found["GTV"]["area_mm2"] == pytest.approx(np.pi * 16.0**2, rel=0.03)
    assert found["GTV"]["why"] == ""
    assert found["beside"] == {
        "name": "beside",
        "area_mm2": None,
        "why": "does not meet the cine plane; choose a plane through it",
    }


def test_labels_that_are_taken_as_one_target_are_told(folder, capsys):
    assert gatekeeper("info", folder / "P_001") == 0
    assert "holds labels 1, 2, 3; all are one target" in " ".join(capsys.readouterr().out.split())


@pytest.mark.slow
def test_a_session_is_listed_and_converted_with_each_structure(tmp_path, folder, capsys):
    setup, _ = replayed(tmp_path / "s", folder / "P_001", "--roi", "1", "--roi", "2", "--oar", "3")
    capsys.readouterr()
    assert gatekeeper("info", tmp_path / "s") == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[-3:]] == ["1", "2", "3"]
    assert gatekeeper("convert", tmp_path / "s", tmp_path / "out.npz") == 0
    opened = open_recording(tmp_path / "out.npz")
    assert [one.name for one in opened.named_structures] == ["1", "2", "3"]
    np.testing.assert_array_equal(opened.first_mask, setup.target_mask)
    np.testing.assert_array_equal(opened.structures[1].first_mask, disc(SHAPE, *DISCS[3]))
    assert gatekeeper("info", tmp_path / "s", "--roi", "9") == 2
    assert "has no structure '9'; it has '1', '2', '3'" in capsys.readouterr().err


@pytest.mark.slow
def test_export_writes_each_structure(tmp_path, folder):
    replayed(tmp_path / "s", folder / "P_001", "--roi", "1", "--roi", "2", "--oar", "3")
    assert gatekeeper("export", tmp_path / "s", "--slicer", "--out", tmp_path / "slicer") == 0
    entries = [entry for entry in open_session(tmp_path / "s").entries if entry["kind"] == "frame"]
    for name, suffix in (("1", ""), ("2", "-2"), ("3", "-3")):
        with (tmp_path / "slicer" / f"Transforms{suffix}.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == len(entries)
        # Rows run inferior, that is against Z.
        down_mm = [entry["structures"][name]["center_mm"][0] for entry in entries]
        moved_mm = np.array([float(row["Z"]) for row in rows])
        np.testing.assert_allclose(moved_mm - moved_mm[0], down_mm[0] - np.array(down_mm), atol=1e-5)
        assert (tmp_path / "slicer" / f"Segmentation{suffix}.mha").is_file()
