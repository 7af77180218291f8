"""A session that was exported for SlicerCineTrack shows the target where the session found it."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK
from scipy import ndimage

from gatekeeper.recording.journal import read_decisions
from replay import run
from replay.formats.session import open_session
from replay.run import replay_input
from tests.support.cases import breathing_case
from tests.support.command_line import gatekeeper
from tests.support.image_files import oblique
from tests.support.sessions import recorded, whole_session


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    case = breathing_case(frames=24)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "overview_png", lambda seen: b"undrawn")
        session = recorded(folder / "session", material=replay_input(replace(case, plane=oblique(10.0))))
    assert gatekeeper("export", session, "--slicer", "--out", folder / "out") == 0
    return session, folder / "out"


def rows(folder):
    with (folder / "Transforms.csv").open(encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def test_there_is_an_image_and_a_row_for_each_frame(exported):
    _, out = exported
    images = sorted((out / "images").iterdir())
    assert [image.name for image in images] == [f"{index:05d}.mha" for index in range(24)]
    assert len(rows(out)) == 24
    assert list(rows(out)[0])[:3] == ["X", "Y", "Z"]


def test_images_are_single_slices_that_lie_where_the_frames_did(exported):
    session, out = exported
    opened = open_session(session)
    image = SimpleITK.ReadImage(str(out / "images" / "00007.mha"))
    assert image.GetSize() == (60, 72, 1)
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(image)[0], opened.frames.image(opened.rows()[7]))
    for row, col in ((0, 0), (71, 0), (0, 59)):
        there = opened.setup.plane.to_patient_mm(np.array([[row, col]], float), opened.setup.spacing_mm)[0]
        assert image.TransformIndexToPhysicalPoint((col, row, 0)) == pytest.approx(there, abs=1e-4)
    opened.close()


def test_the_segmentation_is_a_binary_volume_of_the_target_on_the_reference(exported):
    session, out = exported
    opened = open_session(session)
    image = SimpleITK.ReadImage(str(out / "Segmentation.mha"))
    mask = SimpleITK.GetArrayFromImage(image)
    assert set(np.unique(mask)) == {0, 1}
    np.testing.assert_array_equal(mask[0] != 0, opened.setup.target_mask)
    assert image.GetDirection() == SimpleITK.ReadImage(str(out / "images" / "00000.mha")).GetDirection()
    opened.close()


def test_the_segmentation_moved_by_a_row_lies_on_the_true_target(exported):
    """As the extension does it: every voxel of the volume moved by X, Y, Z in LPS."""
    _, out = exported
    labels = breathing_case(frames=24).labels
    image = SimpleITK.ReadImage(str(out / "Segmentation.mha"))
    inside = np.argwhere(SimpleITK.GetArrayFromImage(image)[0] != 0)
    for index, row in enumerate(rows(out)):
        row_col = inside.mean(axis=0)
        at = image.TransformContinuousIndexToPhysicalPoint((row_col[1], row_col[0], 0.0))
        moved = np.add(at, [float(row[name]) for name in "XYZ"])
        col_row = image.TransformPhysicalPointToContinuousIndex(moved.tolist())
        truth = ndimage.center_of_mass(labels[index])
        assert (col_row[1], col_row[0]) == pytest.approx(truth, abs=0.6)
        assert col_row[2] == pytest.approx(0.0, abs=1e-4)


def test_rows_tell_of_the_decisions_too(exported):
    session, out = exported
    decided = [entry for entry in read_decisions(session / "decisions.jsonl") if entry["kind"] == "frame"]
    for row, entry in zip(rows(out), decided, strict=True):
        assert (row["state"], int(row["frame"])) == (entry["state"], entry["sequence"])
        assert float(row["confidence"]) == (entry["confidence"] or 0.0)


def test_a_target_that_was_lost_stays_where_it_was_last_with_confidence_0(tmp_path):
    session = whole_session(tmp_path / "session")
    assert gatekeeper("export", session, "--slicer", "--out", tmp_path / "out") == 0
    told = rows(tmp_path / "out")
    lost = [index for index, row in enumerate(told) if float(row["confidence"]) == 0.0]
    assert lost
    for index in lost:
        assert [told[index][name] for name in "XYZ"] == [told[index - 1][name] for name in "XYZ"]


def test_what_for_must_be_said_and_what_is_there_is_kept(exported, tmp_path, capsys):
    session, out = exported
    assert gatekeeper("export", session) == 2
    assert "give --slicer" in capsys.readouterr().err
    assert gatekeeper("export", session, "--slicer", "--out", out) == 2
    assert "not an empty folder" in capsys.readouterr().err
    assert gatekeeper("export", tmp_path, "--slicer") == 2
