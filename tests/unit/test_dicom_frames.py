"""Times and numbers of the frames that one sender's DICOM objects become."""

import numpy as np
import pytest

from gatekeeper.core.errors import InputError
from gatekeeper.core.frame import Plane
from gatekeeper.sources.dicom.frames import DicomFrames
from tests.support.dicom_objects import enhanced, picture, refuse, sent, single


def frames_of(objects, received_s, maker=None):
    maker = DicomFrames() if maker is None else maker
    return [
        frame
        for item, now_s in zip(objects, received_s, strict=True)
        for frame in maker.frames(*sent(item), now_s, "an image", refuse)
    ]


def test_frames_keep_the_distances_of_the_scanner_clock_whatever_their_way():
    received_s = [5.0, 5.2, 5.26, 5.6]
    frames = frames_of([single(k, acquired_s=40_000.0 + 0.125 * k) for k in range(4)], received_s)
    np.testing.assert_allclose([frame.acquired_s for frame in frames], [5.0, 5.125, 5.25, 5.375], atol=1e-6)
    assert [frame.received_s for frame in frames] == received_s


def test_the_newest_frame_of_an_enhanced_object_is_as_old_as_its_arrival():
    frames = frames_of([enhanced(3)], [9.0])
    np.testing.assert_allclose([frame.acquired_s for frame in frames], [8.75, 8.875, 9.0], atol=1e-6)


def test_midnight_passes_unnoticed():
    def at(clock):
        item = single(0)
        del item.AcquisitionDate
        item.AcquisitionTime = clock
        return item

    frames = frames_of([at("235959.900000"), at("000000.025000")], [1.0, 1.125])
    assert frames[1].acquired_s - frames[0].acquired_s == pytest.approx(0.125)


def test_another_connection_may_have_another_clock():
    maker = DicomFrames()
    frames_of([single(0, acquired_s=100.0)], [1.0], maker)
    maker.connected()
    (frame,) = frames_of([single(1, acquired_s=5.0)], [2.0], maker)
    assert frame.acquired_s == 2.0
    assert frame.sequence > 100


def test_times_of_two_kinds_are_not_compared():
    maker = DicomFrames()
    frames_of([single(0)], [1.0], maker)
    other = single(1)
    del other.AcquisitionTime
    with pytest.raises(InputError, match="no acquisition time"):
        frames_of([other], [1.1], maker)


@pytest.mark.parametrize(
    ("creator", "group", "element", "vr"),
    [("SIEMENS MR HEADER", 0x0019, 0x16, "DS"), ("Philips MR Imaging DD 001", 0x2005, 0xA0, "FL")],
)
@pytest.mark.parametrize("block", [0x10, 0x12])
def test_vendor_times_count_where_the_standard_ones_are_absent(creator, group, element, vr, block):
    items = []
    for k in range(2):
        item = single(k)
        for keyword in ("AcquisitionDate", "AcquisitionTime", "ContentDate", "ContentTime"):
            del item[keyword]
        item.add_new(group << 16 | block, "LO", creator)
        item.add_new(group << 16 | block << 8 | element, vr, 3.0 + 0.25 * k)
        items.append(item)
    frames = frames_of(items, [1.0, 1.3])
    assert frames[1].acquired_s - frames[0].acquired_s == pytest.approx(0.25)


def test_trigger_time_counts_in_milliseconds():
    items = []
    for k in range(2):
        item = single(k)
        del item.AcquisitionTime
        item.TriggerTime = 250 * k
        items.append(item)
    frames = frames_of(items, [1.0, 1.3])
    assert frames[1].acquired_s - frames[0].acquired_s == pytest.approx(0.25)


@pytest.mark.parametrize("clock", ["quarter past", "999999", "12:00:00.1x", "1200009999999", "-10000"])
def test_a_time_that_is_none_is_told(clock):
    item = single(0)
    item["AcquisitionTime"]._value = clock
    item.ContentTime = None
    with pytest.raises(InputError, match="AcquisitionTime is not a time"):
        frames_of([item], [1.0])


def test_instance_numbers_that_begin_anew_leave_a_gap():
    frames = frames_of([single(k, number=n) for k, n in enumerate([50, 51, 1, 2])], [1.0, 1.1, 1.2, 1.3])
    steps = np.diff([frame.sequence for frame in frames])
    assert steps[0] == 1
    assert steps[1] > 100
    assert steps[2] == 1


def test_images_of_another_plane_in_the_same_series_leave_no_gap():
    maker, refused = DicomFrames(plane="sagittal"), []
    coronal = Plane(row_step=(0.0, 0.0, -1.0), col_step=(1.0, 0.0, 0.0))
    frames = []
    for k in range(6):
        item = single(k, plane=coronal) if k % 2 else single(k)
        frames += maker.frames(*sent(item), 0.125 * k, "an image", refused.append)
    assert len(refused) == 3
    assert [frame.sequence for frame in frames] == [0, 2, 4]
    assert [frame.skipped for frame in frames] == [0, 1, 1]


def test_an_unfit_image_of_an_object_costs_the_others_nothing():
    item, refused = enhanced(3), []
    item.PerFrameFunctionalGroupsSequence[1].FrameContentSequence[0].FrameAcquisitionDateTime = ""
    frames = list(DicomFrames().frames(*sent(item), 1.0, "an image", refused.append))
    assert len(frames) == 2
    assert "no frame time" in str(refused[0])


@pytest.mark.parametrize("date", ["00000000", "ANON", ""])
@pytest.mark.parametrize("which", [range(4), (2,)])
def test_a_date_that_is_none_changes_no_time_of_day(date, which):
    items = [single(k) for k in range(4)]
    for k in which:
        items[k]["AcquisitionDate"]._value = date
    frames = frames_of(items, [1.0, 1.125, 1.25, 1.375])
    np.testing.assert_allclose([frame.acquired_s for frame in frames], [1.0, 1.125, 1.25, 1.375], atol=1e-6)
    assert [frame.sequence for frame in frames] == [0, 1, 2, 3]


@pytest.mark.parametrize("is_midnight", [False, True])
def test_frames_of_an_object_come_in_the_order_of_time(is_midnight):
    item, stored = enhanced(4), [2, 0, 3, 1]
    item.PixelData = np.stack([picture(k) for k in stored]).tobytes()
    for k, frame in zip(stored, item.PerFrameFunctionalGroupsSequence, strict=True):
        second = f"{(59.75 + 0.125 * k) % 60:09.6f}" if is_midnight else f"{0.125 * k:09.6f}"
        clock = f"{'2359' if is_midnight and k < 2 else '0000'}{second}"
        frame.FrameContentSequence[0].FrameAcquisitionDateTime = f"20200101{clock}"
    frames = frames_of([item], [5.0])
    assert [int(frame.image[0, 0] - 100) // 7 for frame in frames] == [0, 1, 2, 3]
    np.testing.assert_allclose([frame.acquired_s for frame in frames], [4.625, 4.75, 4.875, 5.0], atol=1e-6)


def test_images_with_one_instance_uid_are_all_frames():
    items = [single(k) for k in range(3)]
    for item in items:
        item.SOPInstanceUID = "1.2.3"
    assert len(frames_of(items, [1.0, 1.125, 1.25])) == 3


def test_indices_into_a_table_of_colours_are_no_image():
    item = single(0)
    item.PhotometricInterpretation = "PALETTE COLOR"
    with pytest.raises(InputError, match="not brightness"):
        frames_of([item], [1.0])


def test_what_is_remarkable_about_an_object_is_noted():
    item, notes = single(0), []
    item["ContentTime"]._value = "noon"
    stored, syntax = sent(item)
    stored = stored.replace(b"\x28\0\x30\0DS", stored[stored.index(b"\x28\0\x30\0DS") :][:16] + b"\x28\0\x30\0DS")
    assert len(list(DicomFrames().frames(stored, syntax, 1.0, "an image", refuse, notes.append))) == 1
    assert notes == ["an image: PixelSpacing is there twice", "an image: ContentTime is not valid and not used"]
