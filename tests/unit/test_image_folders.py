"""A folder with one image file for each frame is a recording in the order of the numbers in the names."""

import json
import shutil
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import tifffile

from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import Plane
from replay.formats.format import Choices
from replay.formats.open import format_of, open_recording
from replay.formats.session import open_session
from replay.formats.writers.slicer import write_slicer
from replay.progress import no_progress
from tests.support.image_files import SAGITTAL, assert_same, small, write_itk
from tests.support.sessions import recorded

EVEN = small(times_s=np.arange(4) / 4.0)
AT_4_HZ = Choices(rate_hz=4.0)


def one(case, index, **fields):
    return replace(case, frames=case.frames[index : index + 1], times_s=np.zeros(1), **fields)


def write(folder, names=None, case=EVEN, ending="mha", compressed=False, **how):
    """Write a file for each frame, of these names."""
    folder.mkdir(exist_ok=True)
    for index in range(len(case.frames)):
        name = f"frame_{index:05d}" if names is None else names[index]
        write_itk(folder / f"{name}.{ending}", one(case, index), compressed, beside=False, **how)
    return folder


def refusal(path, choices=AT_4_HZ):
    with pytest.raises(RecordingError) as caught:
        open_recording(path, choices)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert len(message) < len(str(path)) + 400
    return message


@pytest.mark.parametrize("ending", ["mha", "mhd", "nrrd", "nhdr", "nii", "nii.gz"])
def test_a_folder_of_single_images_is_a_recording(tmp_path, ending):
    opened = open_recording(write(tmp_path / "cine", ending=ending, compressed=True), AT_4_HZ)
    assert_same(opened, EVEN)
    assert (opened.name, opened.notes) == ("cine", ())


def test_files_without_geometry_take_it_from_the_sidecar_file(tmp_path):
    for index, image in enumerate(EVEN.frames):
        (tmp_path / "cine").mkdir(exist_ok=True)
        tifffile.imwrite(tmp_path / "cine" / f"{index}.tif", image)
    told = {"rate_hz": 4, "spacing_mm": list(EVEN.spacing_mm), "origin_mm": SAGITTAL.origin_mm}
    steps = {"row_step": SAGITTAL.row_step, "col_step": SAGITTAL.col_step}
    (tmp_path / "cine.json").write_text(json.dumps({**told, **steps}))
    assert_same(open_recording(tmp_path / "cine"), EVEN)


@pytest.mark.parametrize(
    "names", [["9", "10", "11", "100"], ["a3_7", "a3_8", "a3_9", "a3_10"], ["f1_t0", "f2_t250", "f3_t500", "f10_t750"]]
)
def test_numbers_are_the_order_and_not_letters(tmp_path, names):
    opened = open_recording(write(tmp_path / "cine", names), AT_4_HZ)
    np.testing.assert_array_equal(np.asarray(opened.frames), EVEN.frames)


@pytest.mark.parametrize(
    "names", [["s1_f1", "s1_f2", "s2_f1", "s2_f2"], ["1", "01", "2", "3"], ["1_9", "2_8", "3_7", "4_6"]]
)
def test_names_in_which_no_single_number_counts_are_refused(tmp_path, names):
    assert "name the files with one number that counts the frames" in refusal(write(tmp_path / "cine", names))


def test_names_without_numbers_are_no_order(tmp_path):
    assert "holds 4 sequences of images, choose one" in refusal(write(tmp_path / "cine", list("dbca")))


def test_where_a_number_is_missing_the_times_have_a_gap(tmp_path):
    opened = open_recording(write(tmp_path / "cine", ["1", "2", "5", "6"]), AT_4_HZ)
    np.testing.assert_allclose(opened.times_s, [0.0, 0.25, 1.0, 1.25])
    assert "the first after 2; the times have gaps there" in opened.notes[0]
    every_second = open_recording(write(tmp_path / "even", ["2", "4", "6", "8"]), AT_4_HZ)
    np.testing.assert_allclose(every_second.times_s, np.arange(4) / 4.0)
    assert every_second.notes == ()


def test_sequences_in_one_folder_are_listed_and_never_mixed(tmp_path):
    folder = write(tmp_path / "cine")
    write(folder, list("1234"))
    assert "holds 2 sequences of images" in refusal(folder)
    assert_same(open_recording(folder, Choices(rate_hz=4.0, scan="2")), EVEN)
    assert "has no sequence '3'" in refusal(folder, Choices(rate_hz=4.0, scan="3"))


def test_interleaved_planes_are_told_apart_by_the_plane(tmp_path):
    folder = tmp_path / "cine"
    coronal = replace(EVEN, plane=Plane((0.0, 0.0, 0.0), (0.0, 0.0, -1.0), (1.0, 0.0, 0.0)))
    write(folder, ["0", "2", "4", "6"])
    write(folder, ["1", "3", "5", "7"], coronal)
    message = refusal(folder)
    assert "1: 4 images, sagittal 12 x 10" in message
    assert "2: 4 images, coronal 12 x 10" in message
    assert_same(open_recording(folder, Choices(rate_hz=4.0, scan="1")), EVEN)


@pytest.mark.parametrize(("apart_mm", "sequences"), [(0.06, 1), (0.9, 1), (1.1, 2)])
def test_a_plane_may_move_as_far_as_the_gate_allows(tmp_path, apart_mm, sequences):
    x, y, z = SAGITTAL.origin_mm
    for index in range(4):
        plane = replace(SAGITTAL, origin_mm=(x + apart_mm * (index % 2), y, z))
        (tmp_path / "cine").mkdir(exist_ok=True)
        write_itk(tmp_path / "cine" / f"{index}.mha", one(EVEN, index, plane=plane), beside=False)
    if sequences > 1:
        assert f"holds {sequences} sequences" in refusal(tmp_path / "cine")
        return
    opened = open_recording(tmp_path / "cine", AT_4_HZ)
    assert_same(opened, EVEN)
    assert opened.notes == (f"positions of images differ by up to {apart_mm:g} mm; that of the first is used for all",)


def test_a_mask_beside_the_frames_is_left_out_and_that_is_said(tmp_path):
    folder = write(tmp_path / "cine")
    write_itk(folder / "Segmentation.mha", one(small(np.uint8), 0), beside=False)
    (folder / "notes.txt").write_text("7")
    opened = open_recording(folder, AT_4_HZ)
    assert_same(opened, EVEN)
    assert opened.notes == ("1 image files are no part of the sequence and left out: Segmentation.mha",)


def test_a_file_of_several_images_is_named(tmp_path):
    folder = write(tmp_path / "cine")
    write_itk(folder / "frame_00004.mha", EVEN, beside=False)
    assert "frame_00004.mha: holds 4 images" in refusal(folder)


def test_a_damaged_file_is_left_out_and_that_is_said(tmp_path):
    folder = write(tmp_path / "cine")
    whole = (folder / "frame_00001.mha").read_bytes()
    (folder / "frame_00001.mha").write_bytes(whole[:-1])
    opened = open_recording(folder, AT_4_HZ)
    np.testing.assert_array_equal(np.asarray(opened.frames), EVEN.frames[[0, 2, 3]])
    np.testing.assert_allclose(opened.times_s, [0.0, 0.5, 0.75])
    said, gap = opened.notes
    assert said.startswith("1 of 4 files are left out: frame_00001.mha; the first is cut short")
    assert "the times have gaps there" in gap
    for file in folder.iterdir():
        file.write_bytes(whole[:-1])
    assert "frame_00000.mha: is cut short" in refusal(folder)


@pytest.mark.slow
def test_what_is_exported_to_slicer_is_read_back_with_its_times(tmp_path):
    with closing(open_session(recorded(tmp_path / "session"))) as session:
        write_slicer(session, tmp_path / "slicer", no_progress)
        case = session.recording()
        for lost in (1, 3):
            shutil.copytree(tmp_path / "slicer", tmp_path / f"lost{lost}")
            (tmp_path / f"lost{lost}" / "images" / f"{lost:05d}.mha").write_bytes(b"ObjectType = Image\nNDims = 3\n")
            opened = open_recording(tmp_path / f"lost{lost}")
            rest = np.delete(case.times_s - case.times_s[0], lost)
            np.testing.assert_allclose(opened.times_s, rest, atol=1e-6)
            assert f"files are left out: {lost:05d}.mha; the first is not a MetaImage" in opened.notes[0]
        for folder in (tmp_path / "slicer", tmp_path / "slicer" / "images"):
            opened = open_recording(folder)
            assert format_of(folder).name == "folder of single images"
            assert_same(opened, replace(case, times_s=case.times_s - case.times_s[0]))


def test_a_file_that_changes_is_found_when_it_is_read(tmp_path):
    opened = open_recording(write(tmp_path / "cine"), AT_4_HZ)
    (tmp_path / "cine" / "frame_00002.mha").write_bytes(b"")
    with pytest.raises(RecordingError, match=r"frame_00002\.mha"):
        opened.frames[2]


def test_a_folder_of_recordings_lists_them(tmp_path):
    folder = tmp_path / "func"
    folder.mkdir()
    for run in (1, 2):
        case = small(frames=small().frames + np.uint16(run))
        write_itk(folder / f"sub-01_run-0{run}_bold.nii.gz", case, axes=4, beside=False)
        (folder / f"sub-01_run-0{run}_bold.json").write_text(json.dumps({"RepetitionTime": 1 / 5.97}))
    message = refusal(folder, Choices())
    assert "holds 2 recordings, choose one by its number (--scan), or name its file: 1: sub-01_run-01" in message
    opened = open_recording(folder, Choices(scan="2"))
    assert_same(opened, case)
    assert opened.name == "sub-01_run-02_bold"
    assert "has no recording '3'" in refusal(folder, Choices(scan="3"))
    (folder / "sub-01_run-02_bold.nii.gz").unlink()
    assert open_recording(folder).name == "sub-01_run-01_bold"


@pytest.mark.parametrize("place", ["cine", "."])
def test_the_rate_of_trackrad_beside_the_frames_is_read(tmp_path, place):
    folder = write(tmp_path / "cine", ["1", "2", "5", "6"])
    (tmp_path / place / "frame-rate.json").write_text("4.0")
    opened = open_recording(folder)
    np.testing.assert_allclose(opened.times_s, [0.0, 0.25, 1.0, 1.25])
    assert opened.notes[0] == "the rate is that of frame-rate.json"
    np.testing.assert_allclose(open_recording(folder, Choices(rate_hz=8.0)).times_s, [0.0, 0.125, 0.5, 0.625])
