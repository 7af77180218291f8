"""Several structures of a TrackRAD case: a session writes all as an output, which is scored structure by structure."""

import csv
import json

import numpy as np
import pytest

from replay.formats.format import Choices
from replay.formats.metaimage import read_metaimage
from replay.formats.metaimage_writer import write_metaimage
from replay.formats.open import open_recording
from replay.formats.trackrad import write_case
from replay.formats.trackrad_predictions import OUTPUT
from tests.support.cases import SHAPE, SPACING_MM, breathing_case
from tests.support.command_line import gatekeeper
from tests.support.recordings import disc

FRAMES = 12
DISCS = {1: ((30.0, 30.0), 8.0), 2: ((48.0, 12.0), 5.0), 3: ((30.0, 44.0), 4.0)}


def case_labels(values=(1, 2, 3), down_px=0.0):
    made = breathing_case(frames=FRAMES)
    moved_px = [np.argwhere(label).mean(axis=0)[0] - 30.0 + down_px for label in made.labels]
    labels = np.zeros((*SHAPE, FRAMES), np.uint8)
    for frame, row in enumerate(moved_px):
        for value in values:
            center, radius_px = DISCS[value]
            labels[..., frame][disc(SHAPE, np.add(center, (row, 0.0)), radius_px)] = value
    return labels


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A case of three labels on all frames, only read."""
    path = tmp_path_factory.mktemp("trackrad")
    write_case(breathing_case(frames=FRAMES), path / "P_001")
    labels = case_labels()
    for name, part in (("first_label", labels[..., :1]), ("labels", labels)):
        write_metaimage(path / "P_001" / "targets" / f"P_001_{name}.mha", part, (*SPACING_MM, 1.0))
    return path


def written(folder, labels):
    folder.mkdir(exist_ok=True)
    write_metaimage(folder / "P_001.mha", labels, (*SPACING_MM, 1.0))
    return folder


def scored(truth, predictions, capsys, *options):
    assert gatekeeper("trackrad", "score", "--truth", truth, "--predictions", predictions, "--json", *options) == 0
    said = capsys.readouterr()
    return json.loads(said.out.splitlines()[-1]), said.err


def test_each_structure_is_scored_with_its_own_label(tmp_path, folder, capsys):
    labels = case_labels()
    labels[labels == 3] = 0
    values, table = scored(folder, written(tmp_path / "out", labels), capsys, "--csv", tmp_path / "s.csv")
    one = values["cases"]["P_001"]
    assert list(one["structures"]) == ["1", "2", "3"]
    dice = [part["correct"]["dsc"] for part in one["structures"].values()]
    assert dice == [1.0, 1.0, 0.0]
    assert one["correct"]["dsc"] == pytest.approx(2.0 / 3.0)
    assert one["compat"]["dice_similarity_coefficient"] == pytest.approx(2.0 / 3.0)
    assert (one["frames_scored"], values["pooled"]["cases"]) == (3 * (FRAMES - 1), 1)
    assert values["pooled"]["correct"]["dsc"] == values["pooled"]["correct_all_frames"]["dsc"] == pytest.approx(2 / 3)
    lines = table.splitlines()
    assert [line.split()[0] for line in lines[2:6]] == ["P_001", "1", "2", "3"]
    assert len({len(line) for line in lines[1:6]}) == 1
    with (tmp_path / "s.csv").open() as file:
        assert [row["case"] for row in csv.DictReader(file)][:4] == ["P_001", "P_001:1", "P_001:2", "P_001:3"]


def test_a_prediction_of_0_and_1_is_one_of_all_labels_as_one_target(tmp_path, folder, capsys):
    values, _ = scored(folder, written(tmp_path / "out", (case_labels() > 0).astype(np.uint8)), capsys)
    assert "structures" not in values["cases"]["P_001"]
    assert values["cases"]["P_001"]["correct"]["dsc"] == 1.0


def test_values_that_the_truth_does_not_have_are_refused(tmp_path, folder, capsys):
    labels = case_labels()
    labels[0, 0] = 7
    assert gatekeeper("trackrad", "score", "--truth", folder, "--predictions", written(tmp_path / "o", labels)) == 2
    assert "holds other values than 0 and those of the truth, 1, 2, 3" in capsys.readouterr().err


@pytest.mark.slow
def test_a_session_is_exported_with_each_structure_and_scored(tmp_path, folder, capsys):
    args = "--roi", "2", "--roi", "1", "--oar", "3"
    assert gatekeeper("replay", folder / "P_001", *args, "--out", tmp_path / "s", "--json") == 0
    replayed = json.loads(capsys.readouterr().out.splitlines()[-1])["structure_scores"]
    assert gatekeeper("export", tmp_path / "s", "--trackrad", "--out", tmp_path / "P_001") == 0
    opened = open_recording(tmp_path / "P_001", Choices(roi="2"))
    np.testing.assert_array_equal(np.asarray(opened.frames), breathing_case(frames=FRAMES).frames)
    np.testing.assert_array_equal(opened.first_mask, case_labels()[..., 0] == 2)
    pixels, spacing = read_metaimage(tmp_path / "P_001" / OUTPUT)
    assert (pixels.shape, spacing[:2]) == ((*SHAPE, FRAMES), SPACING_MM)
    assert set(np.unique(pixels).tolist()) == {0, 1, 2, 3}
    values, _ = scored(folder / "P_001", tmp_path / "P_001", capsys)
    for name, part in values["cases"]["P_001"]["structures"].items():
        assert part["correct"]["dsc"] == pytest.approx(replayed[name]["score"]["dsc"])
        assert part["correct"]["center_mm"] == pytest.approx(replayed[name]["score"]["center_mm"])


@pytest.mark.slow
def test_a_session_of_one_target_is_exported_as_the_challenge_has_it(tmp_path, folder, capsys):
    assert gatekeeper("replay", folder / "P_001", "--roi", "1", "--out", tmp_path / "s") == 0
    assert gatekeeper("export", tmp_path / "s", "--trackrad", "--out", tmp_path / "P_001") == 0
    pixels, _ = read_metaimage(tmp_path / "P_001" / OUTPUT)
    assert set(np.unique(pixels).tolist()) == {0, 1}
    assert not (tmp_path / "P_001" / "targets" / "structures.json").exists()
    assert gatekeeper("export", tmp_path / "s", "--trackrad", "--slicer") == 2
    assert "says both; give --slicer or --trackrad" in capsys.readouterr().err
