"""The DICOM source takes MR images as they are stored, and nothing else gets through."""

import struct
import threading

import numpy as np
import pytest
from pydantic import ValidationError
from pydicom.uid import EnhancedMRImageStorage, ExplicitVRBigEndian

from gatekeeper.config.source import DicomSourceConfig
from gatekeeper.core.errors import ConfigError
from gatekeeper.sources.dicom.transport import greets
from tests.support.dicom_objects import (
    PLANE,
    SPACING_MM,
    as_big_endian,
    as_implicit,
    enhanced,
    listening,
    next_sender,
    picture,
    sender,
    single,
    taken,
)


def stored(association, *objects):
    for item in objects:
        assert association.send_c_store(item).Status == 0x0000


def test_images_become_frames_with_geometry_times_and_numbers():
    with listening() as source:
        with sender(source) as association:
            stored(association, *(single(k) for k in range(3)))
            frames = taken(source, 3)
        for k, frame in enumerate(frames):
            np.testing.assert_array_equal(frame.image, picture(k))
            assert frame.image.dtype == np.float32
            assert frame.image.flags.c_contiguous
            assert frame.spacing_mm == SPACING_MM
            assert frame.plane == PLANE
            assert frame.acquired_s <= frame.received_s
        np.testing.assert_array_equal(np.diff([frame.sequence for frame in frames]), 1)
        assert source.counts.frames == 3


def test_an_enhanced_object_becomes_as_many_frames():
    with listening() as source, sender(source) as association:
        stored(association, enhanced(4))
        frames = taken(source, 4)
        for k, frame in enumerate(frames):
            np.testing.assert_array_equal(frame.image, picture(k))
            assert frame.plane == PLANE
        np.testing.assert_allclose(np.diff([frame.acquired_s for frame in frames]), 0.125, atol=1e-4)
        np.testing.assert_array_equal(np.diff([frame.sequence for frame in frames]), 1)


@pytest.mark.parametrize(("write", "syntax"), [(as_big_endian, ExplicitVRBigEndian), (as_implicit, None)])
def test_any_byte_order_and_encoding_gives_the_same_frame(write, syntax):
    with listening() as source, sender(source, syntax=syntax) as association:
        stored(association, write(single(2)))
        np.testing.assert_array_equal(taken(source, 1)[0].image, picture(2))


def test_a_missing_image_leaves_a_gap_in_the_numbers():
    with listening() as source, sender(source) as association:
        stored(association, single(0), single(3))
        first, second = taken(source, 2)
        assert second.sequence - first.sequence == 3


def test_a_sender_that_comes_back_has_left_a_gap_and_another_clock_is_no_matter():
    with listening() as source:
        for hours in (5.0, 0.0):
            with next_sender(source) as association:
                stored(association, single(0, acquired_s=hours * 3600.0))
        first, second = taken(source, 2)
        assert second.sequence - first.sequence > 100
        assert (first.connection, second.connection) == (1, 2)
        assert {one.device for one in source.connections} == {"SENDER"}
        assert second.acquired_s == pytest.approx(second.received_s, abs=1e-6)


def test_two_series_in_turn_make_one_row_of_numbers():
    with listening() as source, sender(source) as association:
        for k in range(4):
            stored(association, single(k, series="2.25.1"), single(k, series="2.25.2", number=k + 500))
        numbers = [frame.sequence for frame in taken(source, 8)]
        np.testing.assert_array_equal(np.diff(numbers[1:]), 1)
        assert numbers[1] - numbers[0] > 100


def test_verification_is_answered():
    with listening() as source, sender(source) as association:
        assert association.send_c_echo().Status == 0x0000


@pytest.mark.parametrize(
    ("keyword", "value", "said"),
    [
        ("PixelData", None, "PixelData"),
        ("PixelSpacing", None, "PixelSpacing"),
        ("PixelSpacing", [0, 1], "above 0"),
        ("PixelSpacing", [-1, 1], "above 0"),
        ("ImageOrientationPatient", None, "ImageOrientationPatient"),
        ("ImageOrientationPatient", [1, 0, 0, 0, 1, 0], "is axial, and sagittal images are wanted"),
        ("ImagePositionPatient", [1, 2], "ImagePositionPatient"),
        ("Rows", 0, "0 x 20"),
        ("Rows", 25, "image"),
        ("BitsAllocated", 12, "bits allocated"),
        ("RescaleSlope", 0, "RescaleSlope"),
        ("SamplesPerPixel", 3, "grey"),
    ],
)
def test_what_is_no_frame_is_counted_and_the_next_image_is_taken(keyword, value, said):
    broken = single(0)
    if value is None:
        del broken[keyword]
    else:
        setattr(broken, keyword, value)
    with listening(plane="sagittal") as source, sender(source) as association:
        stored(association, broken, single(1))
        np.testing.assert_array_equal(taken(source, 1)[0].image, picture(1))
        assert sum(source.counts.unfit.values()) == 1
        assert said in source.counts.notes["unfit"]
        assert "\n" not in source.counts.notes["unfit"]


def test_an_image_without_any_time_is_no_frame():
    broken = single(0)
    for keyword in ("AcquisitionDate", "AcquisitionTime", "ContentDate", "ContentTime"):
        del broken[keyword]
    with listening() as source, sender(source) as association:
        stored(association, broken, single(1))
        assert taken(source, 1)[0].sequence == 0
        assert "time of acquisition" in source.counts.notes["unfit"]


def test_only_one_sender_at_a_time():
    with listening(greeting_s=600.0) as source, sender(source) as first:
        stored(first, single(0))
        assert taken(source, 1)
        with sender(source) as second:
            assert not second.is_established
        assert source.counts.refused == {"busy": 1}
        assert source.counts.notes["refused"] == "127.0.0.1: another sender has the place"
        stored(first, single(1))
        assert taken(source, 1)


def test_only_allowed_addresses_are_heard():
    with listening(allow=("10.1.2.3",)) as source:
        with sender(source) as association:
            assert not association.is_established
        assert source.counts.refused == {"address": 1}


def test_wrong_called_title_is_refused():
    with listening() as source:
        with sender(source, title="ANOTHER") as association:
            assert association.is_rejected
        with next_sender(source) as association:
            assert association.is_established


def test_an_object_beyond_the_cap_ends_the_connection():
    with listening(largest_message_mb=0.1) as source:
        with sender(source) as association:
            association.send_c_store(single(0, image=picture(shape=(400, 400))))
            association.join(5.0)
            assert not association.is_established
        assert source.counts.broken == {"too_large": 1}
        with next_sender(source) as association:
            stored(association, single(0))
            assert taken(source, 1)


def test_closing_ends_everything_at_once_also_with_a_sender_connected():
    before = set(threading.enumerate())
    with listening() as source, sender(source) as association:
        stored(association, single(0))
        source.close()
        assert source.ended()
        source.close()
    assert set(threading.enumerate()) <= before


def test_a_port_that_is_taken_is_told():
    with listening() as source, pytest.raises(ConfigError, match="cannot listen"), listening(port=source.address[1]):
        pass


def test_frames_of_enhanced_objects_with_other_counts_of_groups_are_refused():
    broken = enhanced(3)
    del broken.PerFrameFunctionalGroupsSequence[0]
    with listening() as source, sender(source, classes=[EnhancedMRImageStorage]) as association:
        stored(association, broken)
        stored(association, enhanced(1))
        assert len(taken(source, 1)) == 1
        assert "groups" in source.counts.notes["unfit"]


def test_only_senders_with_a_title_on_the_list_are_heard():
    with listening(calling_ae_titles=("MRSCANNER",)) as source:
        with sender(source, calling="SOMEBODY") as association:
            assert association.is_rejected
        with sender(source, calling="MRSCANNER") as association:
            assert association.is_established


def test_title_that_is_none_is_refused():
    for title in ("", " A", "A\\B", "A\n", "x" * 17, "Ä"):
        with pytest.raises(ValidationError):
            DicomSourceConfig(kind="dicom", calling_ae_titles=(title,))


@pytest.mark.parametrize(
    ("kind", "to", "by", "greeted"),
    [
        (1, "GATEKEEPER", "SCANNER", True),
        (1, "GATEKEEPER", "OTHER", False),
        (1, "ARCHIVE", "SCANNER", False),
        (4, "GATEKEEPER", "SCANNER", False),
    ],
)
def test_only_a_request_with_both_titles_is_a_greeting(kind, to, by, greeted):
    start = struct.pack(">B9x16s16s", kind, to.ljust(16).encode(), by.ljust(16).encode())
    assert greets("GATEKEEPER", ["SCANNER"], start) is greeted
    assert greets("GATEKEEPER", [], start) is (kind == 1 and to == "GATEKEEPER")
    assert not greets("GATEKEEPER", ["SCANNER"], start[:-1])
