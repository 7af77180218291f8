"""Images of an MRIdian, in a file each or in one file: as the public descriptions have them, or refused."""

from dataclasses import replace

import numpy as np
import pytest

from gatekeeper.core.errors import GeometryError
from gatekeeper.core.frame import Plane
from replay.formats.format import Choices
from replay.formats.open import format_of, open_recording
from replay.formats.vendor import mridian, mridian_raw
from tests.support.image_files import assert_same, oblique, small, write_side
from tests.support.recordings import refusal
from tests.support.vendor_files import dat_frame, raw_cine, write_dat

CASE = replace(small(np.int16), plane=oblique(4.5), times_s=np.array([0.0, 0.25, 0.51, 0.74]))
STRAIGHT = small(np.int16)


def raw(tmp_path, case=STRAIGHT, **changes):
    path = tmp_path / "cine.raw"
    path.write_bytes(raw_cine(case, **changes))
    write_side(path, rate_hz=5.97)
    return path


def test_mridian_frames_come_back_without_the_approach_to_the_steady_state(tmp_path):
    opened = open_recording(write_dat(tmp_path / "cine", CASE))
    assert format_of(tmp_path / "cine") is mridian.FORMAT
    assert_same(opened, CASE)
    assert opened.notes == ("the first 5 frames are the approach to the steady state and are left out",)


def test_mridian_frames_are_sorted_by_number_or_else_by_the_numbers_in_their_names(tmp_path):
    case = replace(CASE, frames=np.stack([CASE.frames[0] + index for index in range(14)]), times_s=np.arange(14) / 4.0)
    folder = tmp_path / "cine"
    folder.mkdir()
    for index, image in enumerate(case.frames):
        (folder / f"frame{index}.dat").write_bytes(dat_frame(image, case, index, InstanceNumber=None))
    opened = open_recording(folder)
    np.testing.assert_array_equal(np.asarray(opened.frames), case.frames[5:])


def test_mridian_frames_without_a_time_need_a_rate(tmp_path):
    folder = write_dat(tmp_path / "cine", STRAIGHT, AcquisitionTime=None)
    assert "write rate_hz" in refusal(folder)
    write_side(folder, rate_hz=5.97)
    assert_same(open_recording(folder), STRAIGHT)


@pytest.mark.parametrize(
    ("own", "frames", "said"),
    [
        ({"Rows": 11}, [0, 1, 3], "1 of 9 files are left out: 7.dat; the first has 11 x 10 pixels"),
        ({"InstanceNumber": "third"}, [0, 1, 3], "1 of 9 frames tell no number and are left out: 7.dat"),
        ({"AcquisitionTime": "25:00:00"}, [0, 1, 2, 3], "AcquisitionTime: 1 of 9 times are missing"),
        ({"AcquisitionTime": "100000.250000"}, [0, 1, 2, 3], "AcquisitionTime: 1 of 9 times are missing, there twice"),
    ],
)
def test_one_mridian_frame_with_nonsense_does_not_refuse_the_others(tmp_path, own, frames, said):
    case = replace(STRAIGHT, times_s=np.arange(4) * 0.25)
    (tmp_path / "cine").mkdir()
    for index in range(9):
        told = {"InstanceNumber": index + 1, "AcquisitionTime": f"1000{index / 4:09.6f}", **(own if index == 7 else {})}
        content = dat_frame(case.frames[max(index - 5, 0)], case, 0, **told)
        (tmp_path / "cine" / f"{index}.dat").write_bytes(content)
    opened = open_recording(tmp_path / "cine")
    np.testing.assert_array_equal(np.asarray(opened.frames), case.frames[frames])
    np.testing.assert_allclose(opened.times_s, case.times_s[frames], atol=1e-6)
    assert any(said in note for note in opened.notes)


def test_mridian_times_that_do_not_rise_are_not_used(tmp_path):
    folder = tmp_path / "cine"
    folder.mkdir()
    for index in range(9):
        told = {"InstanceNumber": index + 1, "AcquisitionTime": f"1000{index // 4:02d}"}
        (folder / f"{index}.dat").write_bytes(dat_frame(CASE.frames[max(index - 5, 0)], CASE, 0, **told))
    assert "write rate_hz" in refusal(folder)
    opened = open_recording(folder, Choices(rate_hz=4.0))
    assert "AcquisitionTime does not rise with the order of frames and is not used" in opened.notes
    np.testing.assert_allclose(opened.times_s, np.arange(4) / 4.0)


def test_mridian_times_go_on_after_midnight(tmp_path):
    folder = tmp_path / "cine"
    folder.mkdir()
    for index in range(9):
        clock = 86399.0 + 0.25 * (index - 5) + 0.5
        seconds = clock % 86400.0
        told = f"{int(seconds // 3600):02d}{int(seconds % 3600 // 60):02d}{seconds % 60:09.6f}"
        image = CASE.frames[max(index - 5, 0)]
        own = {"InstanceNumber": index + 1, "AcquisitionTime": told}
        (folder / f"{index}.dat").write_bytes(dat_frame(image, CASE, 0, **own))
    np.testing.assert_allclose(open_recording(folder).times_s, [0.0, 0.25, 0.5, 0.75], atol=1e-6)


def test_mridian_planes_that_lie_among_each_other_are_asked_for(tmp_path):
    folder = write_dat(tmp_path / "cine", STRAIGHT)
    coronal = replace(STRAIGHT, plane=Plane((0.0, 0.0, 0.0), (0.0, 0.0, -1.0), (1.0, 0.0, 0.0)))
    for index in range(9):
        image = STRAIGHT.frames[max(index - 5, 0)]
        (folder / f"c{index}.dat").write_bytes(dat_frame(image, coronal, 0, InstanceNumber=100 + index))
    message = refusal(folder)
    assert "holds 2 planes" in message
    assert "sagittal 12 x 10, 9 images" in message
    number = "1" if message.index("sagittal") < message.index("coronal") else "2"
    assert_same(open_recording(folder, Choices(scan=number)), STRAIGHT)
    other = {"1": "2", "2": "1"}[number]
    second = open_recording(folder, Choices(scan=other, rate_hz=4.0))
    assert second.plane == coronal.plane
    assert any(note.startswith(f"of 2 planes this is {other}, without {number} (sagittal") for note in second.notes)
    assert open_recording(folder, Choices(orientation="coronal", rate_hz=4.0)).plane == coronal.plane
    assert "has no axial plane" in refusal(folder, Choices(orientation="axial"))
    assert "has no plane '3'" in refusal(folder, Choices(scan="3"))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"Rows": 11}, "11 x 10 pixels of 16 bits and 240 bytes"),
        ({"Rows": -12}, "DICOM.Rows '-12'"),
        ({"PixelSpacing": "1.25"}, "DICOM.PixelSpacing '1.25'; it must be 2 numbers"),
        ({"PixelSpacing": "1.25\\nan"}, "it must be 2 numbers"),
        ({"ImageOrientationPatient": None}, "it must be 6 numbers"),
        ({"ImagePositionPatient": "0\\0"}, "it must be 3 numbers"),
        ({"AcquisitionTime": "25:00:00"}, "write rate_hz"),
    ],
)
def test_mridian_headers_that_are_not_as_described_are_refused(tmp_path, changes, says):
    assert says in refusal(write_dat(tmp_path / "cine", STRAIGHT, **changes))


def test_mridian_spacing_below_zero_is_refused(tmp_path):
    assert "above 0" in refusal(write_dat(tmp_path / "cine", STRAIGHT, PixelSpacing="-1.25\\2.5"), kind=GeometryError)


@pytest.mark.parametrize("frames", [0, 4])
def test_mridian_cines_that_are_all_approach_are_refused(tmp_path, frames):
    folder = tmp_path / "cine"
    folder.mkdir()
    for index in range(frames):
        (folder / f"{index}.dat").write_bytes(dat_frame(STRAIGHT.frames[0], STRAIGHT, 0, InstanceNumber=index))
    assert ("approach to the steady state" if frames else "holds no recording") in refusal(folder)
    assert "holds 4 frames" in refusal(raw(tmp_path, replace(STRAIGHT, frames=STRAIGHT.frames[:4]), approach=0))


def test_a_mridian_cine_in_one_file_comes_back_without_the_approach(tmp_path):
    path = raw(tmp_path)
    assert format_of(path) is mridian_raw.FORMAT
    assert_same(open_recording(path), STRAIGHT)
    assert open_recording(path).notes[-1].startswith("the first 5 frames")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"count": 8}, "holds more than"),
        ({"count": 10}, "is cut short"),
        ({"count": 30000}, "is cut short"),
        ({"steps_cm": (0.7, -0.25, 0.125)}, "all must be above 0"),
    ],
)
def test_a_mridian_cine_that_does_not_hold_what_it_announces_is_refused(tmp_path, changes, says):
    assert says in refusal(raw(tmp_path, **changes))


def test_a_mridian_cine_needs_a_rate(tmp_path):
    path = raw(tmp_path)
    path.with_name("cine.raw.json").unlink()
    assert "write rate_hz" in refusal(path)


@pytest.mark.parametrize("moved_mm", [0.0, 4.0])
def test_mridian_headers_with_both_families_of_keywords_are_compared(tmp_path, moved_mm):
    rows, cols = STRAIGHT.frames.shape[1:]
    (row_mm, col_mm), plane = STRAIGHT.spacing_mm, STRAIGHT.plane
    half = 0.5 * (rows * row_mm * np.array(plane.row_step) + cols * col_mm * np.array(plane.col_step))
    place = np.array(plane.origin_mm) + half + np.array([0.0, 0.0, moved_mm])
    both = {f"PosVec.{k}": float(place[k]) for k in range(3)} | {"NoOfRows": rows, "NoOfCols": cols}
    opened = open_recording(write_dat(tmp_path / "cine", STRAIGHT, **both))
    assert_same(opened, STRAIGHT)
    said = "ImagePositionPatient and PosVec place images up to 4 mm apart; the former counts"
    assert (said in opened.notes) is (moved_mm > 0.0)
