"""`replay --truth` scores each structure against where it was, and refuses in one line what does not fit."""

import json
import re

import numpy as np
import pytest

from replay.formats.metaimage_writer import write_metaimage
from replay.formats.open import open_recording
from replay.formats.trackrad import write_case
from replay.phantom import write_phantom
from tests.support.cases import SHAPE, SPACING_MM, breathing_case
from tests.support.command_line import gatekeeper
from tests.support.matrices import mostly_slow
from tests.support.phantoms import phantom_config
from tests.support.recordings import disc

FRAMES = 12
DISCS = {1: ((30.0, 30.0), 8.0), 2: ((48.0, 12.0), 5.0), 3: ((16.0, 31.0), 4.0)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A case of three labels on all frames, and the same as files of their own, only read."""
    path = tmp_path_factory.mktemp("truth")
    made = breathing_case(frames=FRAMES)
    down_px = np.array([np.argwhere(label).mean(axis=0)[0] for label in made.labels]) - 30.0
    labels = np.zeros((*SHAPE, FRAMES), np.uint8)
    for frame, row in enumerate(down_px):
        for value, (center, radius_px) in DISCS.items():
            labels[..., frame][disc(SHAPE, np.add(center, (row, 0.0)), radius_px)] = value
    write_case(made, path / "P_001")
    write_metaimage(path / "P_001" / "targets" / "P_001_first_label.mha", labels[..., :1], (*SPACING_MM, 1.0))
    write_metaimage(path / "P_001" / "targets" / "P_001_labels.mha", labels, (*SPACING_MM, 1.0))
    write_metaimage(path / "all.mha", labels, (*SPACING_MM, 1.0))
    write_metaimage(path / "short.mha", labels[..., :5], (*SPACING_MM, 1.0))
    for value in DISCS:
        write_metaimage(path / f"m{value}.mha", (labels[..., :1] == value).astype(np.uint8), (*SPACING_MM, 1.0))
    (path / "truth.json").write_text(json.dumps({"structures": {"lump": {"visible": [True], "contours_rc": [[[1]]]}}}))
    (path / "no.json").write_text("[1, 2]")
    return path


def scores(out, capsys, *args):
    assert gatekeeper("replay", *args, "--out", out, "--json") == 0
    said = capsys.readouterr()
    return json.loads(said.out.splitlines()[-1]), said.err


@pytest.mark.slow
def test_labels_of_the_recording_score_each_structure(tmp_path, folder, capsys):
    values, said = scores(tmp_path / "s", capsys, folder / "P_001", "--roi", "1", "--roi", "2", "--oar", "bowel=3")
    assert list(values["structure_scores"]) == ["1", "2", "bowel"]
    for one in values["structure_scores"].values():
        assert one["score"]["center_mm"] < 1.0
        assert one["zone"]["frames_scored"] == FRAMES - 1
    assert values["score"] == values["structure_scores"]["1"]["score"]
    assert "by the labels of 1, 2, bowel" in said
    assert re.search(r"^bowel +OAR +11 ", said, re.MULTILINE)


@pytest.mark.slow
def test_a_target_is_judged_by_its_own_limit(tmp_path, folder, capsys):
    values, _ = scores(tmp_path / "s", capsys, folder / "P_001", "--outside-percent", "target=100")
    assert values["beam_on_s"] > 2.0
    assert values["gating"]["on_while_out_s"] == 0.0


@pytest.mark.slow
def test_label_images_are_the_truth_of_structures_from_files(tmp_path, folder, capsys):
    args = folder / "P_001", "--target", folder / "m1.mha", "--oar", folder / "m3.mha"
    truth = "--truth", f"m1={folder / 'all.mha'}:1", "--truth", f"m3={folder / 'all.mha'}:3"
    values, _ = scores(tmp_path / "s", capsys, *args, *truth)
    assert list(values["structure_scores"]) == ["m1", "m3"]
    assert values["structure_scores"]["m3"]["score"]["dsc"] > 0.9
    again, _ = scores(tmp_path / "again", capsys, tmp_path / "s", *truth)
    assert again["structure_scores"]["m3"]["score"] == values["structure_scores"]["m3"]["score"]
    alone, _ = scores(tmp_path / "alone", capsys, *args, *truth[2:])
    assert list(alone["structure_scores"]) == ["m3"]
    assert "score" not in alone


@pytest.mark.slow
def test_the_truth_of_a_phantom_is_that_of_all_structures_it_names(tmp_path, capsys):
    acquisition = {"duration_s": 1.0, "matrix": (64, 48), "pixel_mm": (3.0, 3.0), "center_mm": (45.0, -28.0)}
    config = phantom_config(organs={"shown": True}, acquisition=acquisition, breathing={"start_phase": 0.0})
    path = write_phantom(config, tmp_path / "P")
    args = path, "--target", path / "masks" / "lesion.mha", "--oar", f"gut={path / 'masks' / 'duodenum.mha'}"
    values, _ = scores(tmp_path / "s", capsys, *args, "--truth", path / "truth.json")
    assert list(values["structure_scores"]) == ["lesion"]
    both = "--truth", path / "truth.json", "--truth", f"gut={path / 'truth.json'}:duodenum"
    values, _ = scores(tmp_path / "t", capsys, *args, *both)
    assert list(values["structure_scores"]) == ["lesion", "gut"]
    assert values["structure_scores"]["gut"]["zone"]["distance_p95_mm"] < 3.0
    # The labels of the recording are those of the lesion.
    assert np.asarray(open_recording(path).labels[0]).sum() > 0


@pytest.mark.parametrize(
    ("args", "why"),
    mostly_slow(
        [
            (("--truth", "{all}"), "does not say of which structure; give NAME="),
            (("--truth", "none=x.mha"), "truth = .*: names no structure; there are m1, m3"),
            (("--truth", "m1=x.mha"), "there is no such file; give NAME=FILE"),
            (("--truth", "m1={all}:9"), "no pixel is 9; its first frame holds 1, 2, 3"),
            (("--truth", "m1={all}:wide"), "'wide' is no value of a label"),
            (("--truth", "m1={short}"), "holds .*5.* frames, rows and columns of labels"),
            (("--truth", "m1={all}:1", "--truth", "m1={all}"), "is a second truth of 'm1'"),
            (("--truth", "{phantom}"), "holds lump, and the session has m1, m3"),
            (("--truth", "m1={phantom}"), "has no structure 'm1'; it holds lump"),
            (("--truth", "m1={phantom}:lump"), "'lump' is damaged|'m1' is damaged"),
            (("--truth", "{none}"), "holds no structures"),
        ],
        quick=2,
    ),
)
def test_a_truth_that_does_not_fit_is_told_in_one_line(args, why, tmp_path, folder, capsys):
    places = {"phantom": folder / "truth.json", "none": folder / "no.json"}
    places |= {name: folder / f"{name}.mha" for name in ("all", "short")}
    structures = "--target", folder / "m1.mha", "--oar", folder / "m3.mha"
    given = [arg.format(**places) for arg in args]
    assert gatekeeper("replay", folder / "P_001", *structures, *given, "--out", tmp_path / "s") == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("gatekeeper: ")
    assert re.search(why, line), line
    assert not (tmp_path / "s").exists()
