"""Order, time and geometry of DICOM images are never wrong without a word, whatever their headers lack."""

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ImplicitVRLittleEndian, JPEG2000Lossless

from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import Plane
from replay.formats.format import Choices
from replay.formats.open import open_recording
from tests.support.dicom_folders import write, write_series
from tests.support.dicom_objects import PLANE, enhanced, picture, single


def series(folder, count=8, hz=4.0, change=lambda item, k: None, times=None):
    folder.mkdir(exist_ok=True)
    for k in range(count):
        item = single(k, acquired_s=k / hz if times is None else 0.0)
        if times is not None:
            item.AcquisitionTime = times[k]
        item.ContentTime = None
        change(item, k)
        write(folder / f"{(k * 5) % count}.dcm", item)
    return folder


def frames_of(case):
    return [int(image[0, 0] - 100) // 7 for image in case.frames]


def opened(path, **choices):
    case = open_recording(path, Choices(**choices))
    assert all("\n" not in note for note in case.notes)
    return case


def beside(path, text):
    path.with_name(path.name + ".toml").write_text(text)


@pytest.mark.parametrize("date", ["20000101", None, "00000000"])
def test_times_pass_midnight_under_one_date(tmp_path, date):
    times = [f"2359{59 + k / 4:09.6f}" if k < 4 else f"0000{k / 4 - 1:09.6f}" for k in range(8)]

    def change(item, k):
        item.AcquisitionDate = date

    case = opened(series(tmp_path / "cine", times=times, change=change))
    assert frames_of(case) == list(range(8))
    np.testing.assert_allclose(case.times_s, np.arange(8) / 4)
    assert any("pass midnight" in note for note in case.notes)


@pytest.mark.parametrize("date", ["00000000", "ANON", "11/4/2019", "19991399"])
@pytest.mark.parametrize("which", [range(8), range(3, 4)])
def test_a_date_that_is_none_is_not_told(tmp_path, date, which):
    def change(item, k):
        if k in which:
            item["AcquisitionDate"]._value = date

    case = opened(series(tmp_path / "cine", change=change))
    assert frames_of(case) == list(range(8))
    np.testing.assert_allclose(case.times_s, np.arange(8) / 4, atol=1e-6)
    assert any(f"{len(which)} of 8 images: AcquisitionDate" in note for note in case.notes)


@pytest.mark.parametrize(("index", "time"), [(5, "100001.000000"), (4, ""), (2, "noon"), (6, "000000"), (0, None)])
def test_a_time_that_is_wrong_is_taken_from_the_neighbours(tmp_path, index, time):
    times = [f"1000{k / 4:09.6f}" for k in range(8)]
    times[index] = time
    case = opened(series(tmp_path / "cine", times=times))
    assert frames_of(case) == list(range(8))
    np.testing.assert_allclose(case.times_s, np.arange(8) / 4, atol=1e-6)
    assert any(f"frames {index} have times between those of their neighbours" in note for note in case.notes)


def test_an_unreadable_content_time_beside_a_sound_acquisition_time_does_not_matter(tmp_path):
    def change(item, k):
        item.ContentTime = "noon"

    case = opened(series(tmp_path / "cine", change=change))
    assert frames_of(case) == list(range(8))
    assert "ContentTime is not valid and not used" in case.notes[0]


def test_even_times_go_before_numbers_that_contradict_them(tmp_path):
    def change(item, k):
        item.InstanceNumber = (k * 3) % 8

    case = opened(series(tmp_path / "cine", change=change))
    assert frames_of(case) == list(range(8))
    assert "InstanceNumber does not increase with the acquisition time" in case.notes[0]


def test_one_instance_uid_for_all_images_makes_no_doubles(tmp_path):
    def change(item, k):
        item.SOPInstanceUID = item.file_meta.MediaStorageSOPInstanceUID = "1.2.3"

    folder = series(tmp_path / "cine", change=change)
    case = opened(folder)
    assert frames_of(case) == list(range(8))
    assert "8 images have a SOP Instance UID of another" in case.notes[0]
    (folder / "copy").write_bytes((folder / "0.dcm").read_bytes())
    case = opened(folder)
    assert frames_of(case) == list(range(8))
    assert "1 image is there more than once and used once" in case.notes[0]


def test_an_image_of_the_same_number_and_time_with_other_pixels_is_no_double(tmp_path):
    folder = series(tmp_path / "cine")
    other = single(3, image=picture(9), acquired_s=0.75)
    other.ContentTime = None
    write(folder / "other.dcm", other)
    with pytest.raises(RecordingError, match="its 9 images have neither different times"):
        opened(folder)


@pytest.mark.parametrize("told", [ImplicitVRLittleEndian, JPEG2000Lossless])
def test_pixels_begin_where_the_elements_say(tmp_path, told):
    """A tool changed the transfer syntax in the meta information, and not the data."""
    for k, path in enumerate(write_series(tmp_path / "cine", 3)):
        content = path.read_bytes()
        was, now = (str(uid).encode() for uid in ("1.2.840.10008.1.2.1", told))
        length = len(was) + len(was) % 2
        now = now + b"\0" * (len(now) % 2)
        at = content.index(was)
        grown = len(now) - length
        group = int.from_bytes(content[140:144], "little") + grown
        head = content[:140] + group.to_bytes(4, "little") + content[144 : at - 2] + len(now).to_bytes(2, "little")
        path.write_bytes(head + now + content[at + length :])
        assert k < 3
    case = opened(tmp_path / "cine")
    assert frames_of(case) == [0, 1, 2]
    np.testing.assert_array_equal(case.frames[1], picture(1))
    assert "3 of 3 images: its file meta information tells the transfer syntax" in case.notes[0]


@pytest.mark.parametrize("meaning", ["PALETTE COLOR", "RGB", "Doe^Jane"])
def test_only_brightness_is_an_image(tmp_path, meaning):
    def change(item, k):
        item.PhotometricInterpretation = meaning

    with pytest.raises(RecordingError, match="not brightness") as refusal:
        opened(series(tmp_path / "cine", change=change))
    assert "Doe" not in str(refusal.value)


def test_positions_may_differ_by_less_than_a_live_session_allows(tmp_path):
    def change(item, k):
        item.ImagePositionPatient = [PLANE.origin_mm[0] + jitter_mm * (k % 2), *PLANE.origin_mm[1:]]

    jitter_mm = 0.06
    case = opened(series(tmp_path / "near", change=change))
    assert frames_of(case) == list(range(8))
    assert case.plane == PLANE
    assert "positions of images differ by up to 0.06 mm" in case.notes[0]
    jitter_mm = 1.2
    with pytest.raises(RecordingError, match="2 series or planes"):
        opened(series(tmp_path / "far", change=change))


def test_a_series_for_each_frame_is_one_recording(tmp_path):
    def change(item, k):
        item.SeriesInstanceUID, item.StudyInstanceUID = f"1.2.{k + 1}", "1.2.9"

    case = opened(series(tmp_path / "cine", change=change))
    assert frames_of(case) == list(range(8))
    assert "each of the 8 images is a series of its own" in case.notes[0]


def test_all_series_of_one_plane_are_taken_when_asked_for(tmp_path):
    def change(item, k):
        item.SeriesInstanceUID, item.SeriesNumber = f"1.2.{k // 4}", k // 4
        item.InstanceNumber, item.AcquisitionTime = k % 4 + 1, None

    folder = series(tmp_path / "cine", change=change)
    with pytest.raises(RecordingError, match="2 series or planes"):
        opened(folder)
    beside(folder, "rate_hz = 4.0\n")
    assert frames_of(opened(folder, scan="all")) == list(range(8))
    moved = single(20, plane=Plane((30.0, -60.0, 80.0)), acquired_s=9.0)
    write(folder / "other.dcm", moved)
    with pytest.raises(RecordingError, match="2 series or planes"):
        opened(folder, scan="all")


def test_a_file_beside_tells_the_geometry_that_images_lack(tmp_path):
    def change(item, k):
        for keyword in ("ImageOrientationPatient", "ImagePositionPatient", "PixelSpacing"):
            del item[keyword]

    folder = series(tmp_path / "cine", change=change)
    with pytest.raises(RecordingError, match="spacing_mm"):
        opened(folder)
    beside(folder, "as_stored = true\nspacing_mm = [2.5, 2.0]\n")
    case = opened(folder)
    assert frames_of(case) == list(range(8))
    assert case.spacing_mm == (2.5, 2.0)


def test_directions_without_a_position_are_those_of_the_images(tmp_path):
    turned = Plane((10.0, -60.0, 80.0), (0.0, 0.0, 1.0), (0.0, 1.0, 0.0))
    for k in range(3):
        item = single(k, plane=turned)
        del item.ImagePositionPatient
        write(tmp_path / f"{k}.dcm", item)
    case = opened(tmp_path)
    np.testing.assert_array_equal(case.frames[1], picture(1)[::-1])
    assert "3 of 3 images: has no ImagePositionPatient" in case.notes[0]


@pytest.mark.parametrize("keyword", ["ImagePositionPatient", "PixelSpacing", "ImageOrientationPatient"])
def test_an_image_without_the_geometry_of_the_others_is_left_out(tmp_path, keyword):
    def change(item, k):
        if k == 3:
            del item[keyword]

    case = opened(series(tmp_path / "cine", change=change))
    assert frames_of(case) == [0, 1, 2, 4, 5, 6, 7]
    assert (
        f"1 image is left out, without geometry or rescaling that the others have, the first 7.dcm: has no {keyword}"
        in (case.notes[0])
    )


def multi_frame(**values):
    item = single(0)
    item.NumberOfFrames = 4
    item.PixelData = np.stack([picture(k) for k in range(4)]).tobytes()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


@pytest.mark.parametrize(
    ("values", "times_s"),
    [
        ({"FrameTimeVector": [0, 250, 250, 300]}, [0.0, 0.25, 0.5, 0.8]),
        ({"FrameTimeVector": [0, 250, 250], "FrameTime": 125}, [0.0, 0.125, 0.25, 0.375]),
        ({"FrameTimeVector": [0, 250, -250, 250], "FrameTime": 125}, [0.0, 0.125, 0.25, 0.375]),
    ],
)
def test_the_times_of_frames_come_from_their_vector(tmp_path, values, times_s):
    case = opened(write(tmp_path / "x.dcm", multi_frame(**values)))
    assert frames_of(case) == [0, 1, 2, 3]
    np.testing.assert_allclose(case.times_s, times_s)
    assert bool(case.notes) is (len(values) > 1)


def test_a_rate_of_display_is_only_proposed(tmp_path):
    path = write(tmp_path / "x.dcm", multi_frame(CineRate=4))
    with pytest.raises(RecordingError, match=r"recommends to show 4 frames per second.*rate_hz = 4"):
        opened(path)
    beside(path, "rate_hz = 5.0\n")
    np.testing.assert_allclose(opened(path).times_s, np.arange(4) / 5)


@pytest.mark.parametrize(
    "told",
    [
        "TemporalPositionIndex",
        "DimensionIndexValues",
        "FrameAcquisitionNumber",
        "FrameReferenceDateTime",
        "offset",
    ],
)
def test_enhanced_frames_that_are_stored_in_another_order_are_sorted(tmp_path, told):
    item, stored = enhanced(5), [3, 0, 4, 1, 2]
    item.PixelData = np.stack([picture(k) for k in stored]).tobytes()
    for k, frame in zip(stored, item.PerFrameFunctionalGroupsSequence, strict=True):
        content = frame.FrameContentSequence[0]
        del content.FrameAcquisitionDateTime
        if told == "offset":
            offset = Dataset()
            offset.TemporalPositionTimeOffset = k / 4
            frame.TemporalPositionSequence = Sequence([offset])
        elif told == "FrameReferenceDateTime":
            content.FrameReferenceDateTime = f"2024010210000{k // 4}.{250000 * (k % 4):06d}"
        else:
            setattr(content, told, [1, 1, k + 1] if told == "DimensionIndexValues" else k + 1)
    path = write(tmp_path / "x.dcm", item)
    is_timed = told in ("FrameReferenceDateTime", "offset")
    if not is_timed:
        beside(path, "rate_hz = 4.0\n")
    case = opened(path)
    assert frames_of(case) == list(range(5))
    np.testing.assert_allclose(case.times_s, np.arange(5) / 4, atol=1e-6)
    assert case.notes


@pytest.mark.parametrize("beat_ms", [500, 510, 1020, 562.5])
def test_times_from_each_heartbeat_are_no_times_of_a_cine(tmp_path, beat_ms):
    def change(item, k):
        del item.AcquisitionTime
        item.TriggerTime = (k * 250) % beat_ms

    folder = series(tmp_path / "cine", count=16, change=change)
    with pytest.raises(RecordingError, match="the trigger time begins again while InstanceNumber increases"):
        opened(folder)
    case = opened(folder, rate_hz=4.0)
    assert frames_of(case) == list(range(16))
    np.testing.assert_allclose(case.times_s, np.arange(16) / 4)


def test_times_in_another_unit_are_not_used(tmp_path):
    path = write(tmp_path / "x.dcm", multi_frame(FrameTimeVector=[0, 0.25, 0.25, 0.25]))
    with pytest.raises(RecordingError, match=r"would be 4e\+03 frames per second"):
        opened(path)
    assert frames_of(opened(path, rate_hz=4.0)) == [0, 1, 2, 3]


@pytest.mark.parametrize("coarse", ["20000101100000", "20000101", "2000010110"])
def test_a_coarse_date_and_time_gives_way_to_the_time(tmp_path, coarse):
    def change(item, k):
        item.AcquisitionDateTime = coarse

    case = opened(series(tmp_path / "cine", change=change))
    assert frames_of(case) == list(range(8))
    np.testing.assert_allclose(case.times_s, np.arange(8) / 4)


def test_frames_that_are_stored_in_another_order_pass_midnight(tmp_path):
    item, stored = enhanced(5), [3, 0, 4, 1, 2]
    item.PixelData = np.stack([picture(k) for k in stored]).tobytes()
    for k, frame in zip(stored, item.PerFrameFunctionalGroupsSequence, strict=True):
        clock = f"2359{59.25 + k / 4:09.6f}" if k < 3 else f"0000{k / 4 - 0.75:09.6f}"
        frame.FrameContentSequence[0].FrameAcquisitionDateTime = f"20200101{clock}"
    case = opened(write(tmp_path / "x.dcm", item))
    assert frames_of(case) == list(range(5))
    np.testing.assert_allclose(case.times_s, np.arange(5) / 4, atol=1e-6)


def test_that_nothing_tells_the_order_of_frames_is_noted(tmp_path):
    item = enhanced(3)
    for frame in item.PerFrameFunctionalGroupsSequence:
        frame.FrameContentSequence[0].FrameAcquisitionDateTime = ""
        frame.FrameContentSequence[0].TemporalPositionIndex = 1
    case = opened(write(tmp_path / "x.dcm", item), rate_hz=4.0)
    assert frames_of(case) == [0, 1, 2]
    assert "no element tells the order of the frames" in case.notes[0]
