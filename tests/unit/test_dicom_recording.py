"""A folder of DICOM images is a recording: in order, whole, of one series, and never mixed."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from pydicom.data import get_testdata_file
from pydicom.filereader import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from gatekeeper.core.errors import GeometryError, RecordingError
from gatekeeper.core.frame import Plane
from replay.formats import dicom_file
from replay.formats.dicom import FORMAT
from replay.formats.dicom_file import is_dicom_head
from replay.formats.format import Choices
from replay.formats.open import format_of, open_recording
from tests.support.dicom_folders import write, write_recording, write_series
from tests.support.dicom_objects import PLANE, SPACING_MM, as_big_endian, as_implicit, enhanced, picture, single
from tests.support.recordings import recording

BESIDE = Plane((18.0, -60.0, 80.0))


def check(case, count=6):
    assert case.frames.shape == (count, 24, 20)
    for k, image in enumerate(case.frames):
        np.testing.assert_array_equal(image, picture(k))
    np.testing.assert_allclose(case.times_s, 0.125 * np.arange(count), atol=1e-6)
    assert case.spacing_mm == SPACING_MM
    assert case.plane == PLANE


@pytest.mark.parametrize("preamble", [True, False])
@pytest.mark.parametrize("encode", [lambda item: item, as_implicit, as_big_endian])
@pytest.mark.parametrize("name", ["im{}.dcm", "{}", "IM-0001-{}.nii"])
def test_a_folder_of_images_is_read_in_the_order_of_time(tmp_path, preamble, encode, name):
    write_series(tmp_path / "cine", change=encode, preamble=preamble, name=name)
    assert format_of(tmp_path / "cine") is FORMAT
    case = open_recording(tmp_path / "cine")
    check(case)
    assert case.frames.dtype == np.uint16
    assert case.notes == ()


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
@pytest.mark.parametrize("make", [single, enhanced])
def test_compressed_images_are_read(tmp_path, syntax, make):
    for k in range(2):
        item = single(k, image=picture(k, (64, 48))) if make is single else enhanced(3, shape=(64, 48))
        item.compress(syntax, generate_instance_uid=False)
        write(tmp_path / f"{k}.dcm", item)
        if make is enhanced:
            break
    case = open_recording(tmp_path)
    for k, image in enumerate(case.frames):
        np.testing.assert_array_equal(image, picture(k, (64, 48)))


def test_an_enhanced_file_is_a_recording(tmp_path):
    case = open_recording(write(tmp_path / "cine", enhanced(5)))
    check(case, 5)


def test_a_recording_comes_back_as_it_was(tmp_path):
    case = recording()
    back = open_recording(write_recording(tmp_path / "cine", case))
    np.testing.assert_array_equal(np.asarray(back.frames), case.frames)
    np.testing.assert_allclose(back.times_s, case.times_s - case.times_s[0], atol=1e-3)
    np.testing.assert_allclose(back.plane.origin_mm, case.plane.origin_mm, atol=1e-4)
    np.testing.assert_allclose(back.spacing_mm, case.spacing_mm, atol=1e-4)


def without(*keywords):
    def change(item):
        for keyword in keywords:
            if keyword in item:
                del item[keyword]
        return item

    return change


def test_instance_numbers_order_as_numbers_where_no_time_tells_images_apart(tmp_path):
    write_series(tmp_path, 12, change=without("AcquisitionTime", "ContentTime"))
    with pytest.raises(RecordingError, match="rate_hz"):
        open_recording(tmp_path)
    side = tmp_path.with_name(tmp_path.name + ".toml")
    side.write_text("rate_hz = 8.0\n")
    check(open_recording(tmp_path), 12)
    side.unlink()


def test_trigger_times_tell_frames_apart_when_the_acquisition_time_is_that_of_the_series(tmp_path):
    def change(item):
        item.TriggerTime = 125 * (item.InstanceNumber - 1)
        item.AcquisitionTime = "100000"
        return item

    write_series(tmp_path, change=change)
    check(open_recording(tmp_path))


def test_nothing_that_tells_images_apart_is_told(tmp_path):
    write_series(tmp_path, change=without("AcquisitionTime", "ContentTime", "InstanceNumber"))
    with pytest.raises(RecordingError, match="neither different times nor different instance numbers"):
        open_recording(tmp_path)


def test_doubles_are_taken_once_and_missing_frames_are_told(tmp_path):
    paths = write_series(tmp_path, 8)
    shutil.copy(paths[2], tmp_path / "copy.dcm")
    paths[5].unlink()
    case = open_recording(tmp_path)
    assert len(case.frames) == 7
    said = " | ".join(case.notes)
    assert "1 image is there more than once" in said
    assert "1 frame is missing by the instance numbers, the first after 5" in said
    assert "1 step is in time longer" in said or "time longer" in said


def test_several_series_are_listed_and_asked_for(tmp_path):
    write_series(tmp_path, 4, name="a{}", series="2.25.1")
    write_series(tmp_path, 5, name="b{}", series="2.25.2")
    with pytest.raises(RecordingError, match=r"2 series or planes.*1: 4 frames of 24 x 20.*2: 5 frames") as refusal:
        open_recording(tmp_path)
    assert "--scan" in str(refusal.value)
    assert len(open_recording(tmp_path, Choices(scan="2")).frames) == 5
    with pytest.raises(RecordingError, match="there is no number 3"):
        open_recording(tmp_path, Choices(scan="3"))


@pytest.mark.parametrize(
    "other", [{"plane": BESIDE}, {"spacing_mm": (1.5, 2.1)}, {"image": picture(0, (24, 22))}, {"series": "2.25.77"}]
)
def test_images_that_do_not_belong_together_are_never_mixed(tmp_path, other):
    write_series(tmp_path, 4)
    write(tmp_path / "other", single(9, **other))
    with pytest.raises(RecordingError, match="2 series or planes"):
        open_recording(tmp_path)
    check(open_recording(tmp_path, Choices(scan="1")), 4)


def test_two_planes_of_one_enhanced_file_are_asked_for(tmp_path):
    item = enhanced(4)
    for frame in item.PerFrameFunctionalGroupsSequence[1::2]:
        frame.PlanePositionSequence[0].ImagePositionPatient = list(BESIDE.origin_mm)
    path = write(tmp_path / "cine.dcm", item)
    with pytest.raises(RecordingError, match=r"sagittal at x 10 mm.*sagittal at x 18 mm"):
        open_recording(path)
    case = open_recording(path, Choices(scan="2"))
    np.testing.assert_array_equal(np.asarray(case.frames), [picture(1), picture(3)])
    assert case.plane == BESIDE


def test_other_files_of_a_folder_are_left_alone(tmp_path):
    write_series(tmp_path / "cine" / "DICOM" if (tmp_path / "cine").mkdir() is None else tmp_path)
    (tmp_path / "cine" / "report.txt").write_text("nothing")
    (tmp_path / "cine" / ".hidden").write_bytes(b"\0" * 128 + b"DICM")
    shutil.copy(get_testdata_file("rtplan.dcm", download=False), tmp_path / "cine" / "plan.dcm")
    structures = tmp_path / "cine" / "structures.dcm"
    shutil.copy(get_testdata_file("rtstruct.dcm", download=False), structures)
    case = open_recording(tmp_path / "cine")
    check(case)
    assert case.notes == (
        f"{structures} is an RT Structure Set; --target names its regions",
        "1 of 7 DICOM files are left out; the first has no PixelData, or is cut short before it; give images",
    )


def test_an_axial_plane_is_opened(tmp_path):
    axial = Plane(row_step=(0.0, 1.0, 0.0), col_step=(1.0, 0.0, 0.0))
    write_series(tmp_path, 2, plane=axial)
    opened = open_recording(tmp_path)
    assert opened.plane == axial
    np.testing.assert_array_equal(opened.frames[1], picture(1))


def test_planes_in_turn_are_listed_with_their_rates_and_chosen(tmp_path):
    coronal = Plane(row_step=(0.0, 0.0, -1.0), col_step=(1.0, 0.0, 0.0))
    for k in range(6):
        write(tmp_path / f"{k}.dcm", single(k, **({"plane": coronal} if k % 2 else {})))
    with pytest.raises(RecordingError, match=r"2 series or planes.*sagittal at x [^;]*, 4 per second; 2: .*coronal"):
        open_recording(tmp_path)
    opened = open_recording(tmp_path, Choices(orientation="coronal"))
    assert opened.plane == coronal
    assert "of 2 series or planes the others are left out: 3 frames of 24 x 20 px, sagittal" in opened.notes[0]
    np.testing.assert_allclose(np.diff(opened.times_s), 0.25, atol=1e-6)
    with pytest.raises(RecordingError, match="none is axial"):
        open_recording(tmp_path, Choices(orientation="axial"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without("PixelData"), "no PixelData"),
        (without("Columns"), "no Columns"),
        (lambda item: _set(item, "Rows", 65535), "65535 x 20"),
        (lambda item: _set(item, "Rows", 4000), "cut short|announces"),
        (lambda item: _set(item, "NumberOfFrames", 3), "announces 2880 bytes"),
        (lambda item: _set(item, "Rows", 12), "announces 480 bytes of pixels in its size and 960"),
        (lambda item: _set(item, "NumberOfFrames", 0), "announces 0 frames"),
        (lambda item: _set(item, "NumberOfFrames", 2_000_000_000), "2000000000 frames"),
        (lambda item: _set(item, "PixelSpacing", [-1, 2]), "above 0"),
    ],
)
def test_headers_that_cannot_be_are_one_line(tmp_path, change, said):
    write(tmp_path / "x", change(single(0)))
    with pytest.raises(RecordingError, match=said) as refusal:
        open_recording(tmp_path / "x")
    assert "\n" not in str(refusal.value)


def _set(item, keyword, value):
    setattr(item, keyword, value)
    return item


@pytest.mark.parametrize("make", [single, lambda k: enhanced(3)])
@pytest.mark.parametrize("preamble", [True, False])
def test_a_file_cut_short_at_any_byte_is_one_line(tmp_path, make, preamble):
    whole = write(tmp_path / "whole", make(0), preamble).read_bytes()
    part = tmp_path / "part"
    for cut in [*range(1, 400, 13), *range(400, len(whole), 97), len(whole) - 1]:
        part.write_bytes(whole[:cut])
        with pytest.raises((RecordingError, GeometryError)) as refusal:
            np.asarray(open_recording(part).frames)
        assert "\n" not in str(refusal.value)


def test_a_file_that_shrinks_after_it_was_opened_is_one_line(tmp_path):
    path = write(tmp_path / "cine", enhanced(5))
    case = open_recording(path)
    path.write_bytes(path.read_bytes()[:-100])
    np.testing.assert_array_equal(case.frames[0], picture(0))
    with pytest.raises(RecordingError, match="cut short"):
        case.frames[4]
    path.unlink()
    with pytest.raises(RecordingError, match="cannot be read any more"):
        case.frames[0]


def test_files_of_others_are_told_by_what_they_hold():
    for name in ("MR_small.dcm", "ExplVR_BigEndNoMeta.dcm", "ExplVR_LitEndNoMeta.dcm", "CT_small.dcm"):
        path = get_testdata_file(name, download=False)
        assert is_dicom_head(Path(path).read_bytes()[:512]), name
    for head in (b"", b"\x93NUMPY", b"II*\0" + bytes(200), b"ObjectType = Image\n" * 9, bytes(512), b"\xff" * 512):
        assert not is_dicom_head(head)


def test_a_rescaled_series_is_float(tmp_path):
    def change(item):
        item.RescaleSlope, item.RescaleIntercept = "0.5", "-3"
        return item

    write_series(tmp_path, 3, change=change)
    case = open_recording(tmp_path)
    assert case.frames.dtype == np.float32
    np.testing.assert_array_equal(case.frames[1], picture(1) * 0.5 - 3.0)


def test_a_classic_multi_frame_object_comes_evenly(tmp_path):
    item = single(0)
    item.NumberOfFrames, item.FrameTime = 4, 125
    item.PixelData = np.stack([picture(k) for k in range(4)]).tobytes()
    check(open_recording(write(tmp_path / "x", item)), 4)


@pytest.mark.parametrize("make", [single, enhanced])
def test_deflated_files_are_read(tmp_path, make, monkeypatch):
    for k in range(1 if make is enhanced else 3):
        item = make(3) if make is enhanced else make(k)
        item.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
        path = write(tmp_path / f"{k}.dcm", item)
    check(open_recording(tmp_path), 3)
    content = path.read_bytes()
    path.write_bytes(content[:-20])
    with pytest.raises(RecordingError, match="cut short"):
        open_recording(path)
    path.write_bytes(content)
    monkeypatch.setattr(dicom_file, "LARGEST_INFLATED", 1000)
    with pytest.raises(RecordingError, match="larger than 1000 bytes"):
        open_recording(path)


def test_the_writer_of_these_tests_leaves_no_preamble(tmp_path):
    assert write(tmp_path / "x", single(0), preamble=False).read_bytes()[:2] == b"\x08\x00"
    assert dcmread(write(tmp_path / "y", single(0))).preamble is not None
