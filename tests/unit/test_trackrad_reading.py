"""A TrackRAD case is read whole and in the right orientation, or refused in one line."""

import json
import zlib

import numpy as np
import pytest

from gatekeeper.core.errors import RecordingError
from replay.formats.format import Choices
from replay.formats.metaimage_writer import write_metaimage
from replay.formats.trackrad import open_case, write_case
from tests.support.recordings import recording


@pytest.fixture
def case(tmp_path):
    return write_case(recording(), tmp_path / "P_001")


def refusal(case):
    with pytest.raises(RecordingError) as caught:
        open_case(case)
    message = str(caught.value)
    assert str(case) in message
    assert "\n" not in message
    return message


def write_label(path, mask):
    write_metaimage(path, np.moveaxis(mask, 0, -1).astype(np.uint8), (1.0, 1.0, 1.0))


def test_real_case_is_what_its_bytes_say(cine):
    case = open_case(cine / "A3_v")
    header, _, stream = (cine / "A3_v" / "images" / "A3_v_frames.mha").read_bytes().partition(b"LOCAL\n")
    assert b"DimSize = 498 176 176\n" in header
    pixels = np.frombuffer(zlib.decompress(stream), "<u2").reshape(176, 176, 498)
    np.testing.assert_array_equal(case.frames, pixels.transpose(2, 0, 1))
    assert case.frames.dtype == np.uint16
    assert case.frames.flags.c_contiguous
    assert case.frames.shape == case.labels.shape == (498, 176, 176)
    assert case.spacing_mm == (1.818, 1.818)
    assert case.times_s[-1] == 497 / 5.97
    assert (case.name, case.field_strength_t, case.region) == ("A3_v", 3.0, "abdomen")
    np.testing.assert_array_equal(case.first_mask, case.labels[0])


@pytest.mark.parametrize("name", ["A1_d", "A3_d", "B1_v", "reference_score/truth/R_002"])
def test_real_cases_open(cine, name):
    case = open_case(cine / name)
    assert case.first_mask.any()
    assert len(case.labels) == len(case.frames) == len(case.times_s)


def test_rows_columns_and_time_are_told_apart(tmp_path):
    header = (
        "NDims = 3\nBinaryData = True\nElementSpacing = 9 2 1\n"
        "DimSize = 5 4 3\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
    )
    (tmp_path / "images").mkdir()
    pixels = np.arange(3 * 4 * 5, dtype="<i2").tobytes()
    (tmp_path / "images" / "x_frames.mha").write_bytes(header.encode() + pixels)
    (tmp_path / "frame-rate.json").write_text("4")
    case = open_case(tmp_path)
    assert case.frames.shape == (5, 3, 4)
    assert case.frames[2, 1, 3] == 1 * 20 + 3 * 5 + 2
    assert case.spacing_mm == (1.0, 2.0)
    np.testing.assert_array_equal(case.times_s, [0.0, 0.25, 0.5, 0.75, 1.0])


def test_images_and_frame_rate_are_enough(case):
    for file in [*case.glob("targets/*"), case / "b-field-strength.json", case / "scanned-region.json"]:
        file.unlink()
    opened = open_case(case)
    assert (opened.first_mask, opened.labels, opened.field_strength_t, opened.region) == (None, None, None, None)


def test_field_strength_may_go_by_its_other_name(case):
    (case / "b-field-strength.json").rename(case / "field-strength.json")
    assert open_case(case).field_strength_t == 0.35


def test_first_mask_is_the_first_label_of_all_when_it_has_no_file(case):
    (case / "targets" / "P_001_first_label.mha").unlink()
    np.testing.assert_array_equal(open_case(case).first_mask, recording().labels[0])


def test_without_any_target_on_frame_0_there_is_no_first_mask(case):
    labels = recording().labels.copy()
    labels[0] = False
    write_label(case / "targets" / "P_001_labels.mha", labels)
    (case / "targets" / "P_001_first_label.mha").unlink()
    assert open_case(case).first_mask is None


def test_a_renamed_folder_still_opens_and_names_the_case(case):
    renamed = case.rename(case.with_name("Q_007"))
    assert open_case(renamed).name == "Q_007"
    assert open_case(renamed).labels is not None


def test_float64_pixels_become_float32_and_keep_nan_and_infinity(case):
    frames = recording().frames.astype(np.float64)
    frames[1, 2, 3], frames[2, 3, 4] = np.nan, 1e300
    write_metaimage(case / "images" / "P_001_frames.mha", np.moveaxis(frames, 0, -1), (1.0, 1.0, 1.0))
    opened = open_case(case)
    assert opened.frames.dtype == np.float32
    assert np.isnan(opened.frames[1, 2, 3])
    assert np.isinf(opened.frames[2, 3, 4])


def test_a_single_frame_opens(tmp_path):
    opened = open_case(write_case(recording(frames=1), tmp_path / "one"))
    assert opened.frames.shape[0] == 1
    np.testing.assert_array_equal(opened.times_s, [0.0])


def test_missing_folder_is_refused(tmp_path):
    assert "no such folder" in refusal(tmp_path / "none")


def test_a_folder_that_is_no_case_is_refused(tmp_path):
    assert "of 0 cases" in refusal(tmp_path)


def test_two_image_files_of_other_names_are_refused(case):
    images = case / "images" / "P_001_frames.mha"
    (case / "images" / "a_frames.mha").write_bytes(images.read_bytes())
    images.rename(case / "images" / "b_frames.mha")
    assert "of 2 cases" in refusal(case)


def test_a_truncated_image_is_refused(case):
    images = case / "images" / "P_001_frames.mha"
    images.write_bytes(images.read_bytes()[:-10])
    assert "cut short" in refusal(case)


def test_a_still_image_is_refused(case):
    write_metaimage(case / "images" / "P_001_frames.mha", np.zeros((4, 5), np.uint8), (1.0, 1.0))
    assert "2 axes" in refusal(case)


@pytest.mark.parametrize("file", ["first_label", "labels"])
def test_a_label_of_another_size_is_refused(case, file):
    write_label(case / "targets" / f"P_001_{file}.mha", np.ones((4, 12, 11)))
    assert "(12, 11, 4) rows, columns and frames, not (12, 10, " in refusal(case)


def test_labels_for_another_number_of_frames_are_refused(case):
    write_label(case / "targets" / "P_001_labels.mha", recording().labels[:-1])
    assert "(12, 10, 3) rows, columns and frames, not (12, 10, 4)" in refusal(case)


def test_an_empty_first_label_is_refused(case):
    write_label(case / "targets" / "P_001_first_label.mha", np.zeros((1, 12, 10)))
    assert "first_label.mha: is empty" in refusal(case)


@pytest.mark.parametrize(
    "text", ["0", "0.0", "-4", "NaN", "Infinity", "1e9", '"4.0"', "true", "null", "[4]", "1" + "0" * 400]
)
@pytest.mark.parametrize("file", ["frame-rate.json", "b-field-strength.json"])
def test_a_rate_or_field_strength_that_is_no_sensible_number_is_refused(case, file, text):
    (case / file).write_text(text)
    message = refusal(case)
    assert f"{file}: holds" in message
    assert "one number from" in message


@pytest.mark.parametrize("content", [b"", b"{", b"4.0 Hz", b"\xff\xfe", b"[" * 100_000, b"1" * 5000])
@pytest.mark.parametrize("file", ["frame-rate.json", "b-field-strength.json", "scanned-region.json"])
def test_broken_json_is_refused(case, file, content):
    (case / file).write_bytes(content)
    assert f"{file}: is not JSON" in refusal(case)


def test_a_missing_frame_rate_is_refused(case):
    (case / "frame-rate.json").unlink()
    assert "frame-rate.json: is missing" in refusal(case)


def test_a_region_that_is_no_word_is_refused(case):
    (case / "scanned-region.json").write_text(json.dumps(["abdomen"]))
    assert "one word" in refusal(case)


def test_a_folder_in_place_of_a_file_is_refused(case):
    (case / "frame-rate.json").unlink()
    (case / "frame-rate.json").mkdir()
    assert "cannot be read (Is a directory)" in refusal(case)


def with_scans(case):
    """Two more scans of the patient, whose frames are one and two fewer and half as fast."""
    for scan in (2, 10):
        more = recording(frames=5 - scan % 9, name="P_001", rate_hz=2.0)
        other = write_case(more, case.parent / f"scan{scan}")
        (other / "images" / "P_001_frames.mha").rename(case / "images" / f"P_001_frames{scan}.mha")
        (other / "frame-rate.json").rename(case / f"frame-rate{scan}.json")
    (case / "scanned-region2.json").write_text(json.dumps("thorax"))


def test_the_first_of_several_scans_is_read_and_the_others_are_told(case):
    with_scans(case)
    opened = open_case(case)
    assert (opened.name, len(opened.frames), opened.labels is None) == ("P_001", 4, False)
    assert opened.notes == ("P_001: holds scans 1, 2, 10; scan 1 is read, --scan names another",)


def test_another_scan_is_read_with_its_own_rate_and_region_and_without_labels(case):
    with_scans(case)
    opened = open_case(case, Choices(scan="2"))
    assert (opened.name, len(opened.frames), opened.times_s[1], opened.region) == ("P_001-scan2", 3, 0.5, "thorax")
    assert (opened.first_mask, opened.labels, opened.notes) == (None, None, ())


def test_labels_of_several_observers_are_told_apart(case):
    other = recording().labels[:, ::-1]
    write_label(case / "targets" / "P_001_labels2.mha", other)
    first, second = open_case(case), open_case(case, Choices(observer="2"))
    np.testing.assert_array_equal(first.labels, recording().labels)
    assert first.notes == ("targets: holds observers 1, 2; observer 1 is read, --observer names another",)
    np.testing.assert_array_equal(second.labels, other)
    np.testing.assert_array_equal(second.first_mask, other[0])
    assert second.notes == ()


@pytest.mark.parametrize("choices", [Choices(scan="7"), Choices(observer="7")])
def test_a_scan_or_observer_that_is_not_there_is_refused_with_those_that_are(case, choices):
    with pytest.raises(RecordingError, match=r"has no (scan|observer) '7'; it holds (scan|observer)s 1$"):
        open_case(case, choices)
