"""What is fed over DICOM arrives as it was sent: pixels, geometry, numbers and times."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from gatekeeper.core.errors import LinkError, OutputError
from gatekeeper.core.frame import Plane
from replay.feed.dicom_feeder import DicomFeeder
from replay.mr_object import mr_object
from tests.support.dicom_objects import PLANE, REFERENCE, SERIES, SPACING_MM, listening, picture, taken
from tests.support.matrices import mostly_slow
from tests.support.steps import frame

TILTED = Plane((1.25, -2.5, 3.0), (0.0, 0.28, -0.96), (0.0, 0.96, 0.28))


def fed(source, *frames):
    feeder = DicomFeeder(*source.address)
    try:
        for one in frames:
            feeder.send(one)
        return taken(source, len(frames))
    finally:
        feeder.close()


def test_frames_arrive_with_pixels_plane_numbers_and_times():
    before = set(threading.enumerate())
    sent = [
        replace(
            frame(image=picture(k, dtype=np.float32), sequence=k, acquired_s=0.0005 * k, spacing_mm=(1.3, 2.7)),
            plane=TILTED,
        )
        for k in range(5)
    ]
    with listening() as source:
        arrived = fed(source, *sent)
    for one, other in zip(sent, arrived, strict=True):
        np.testing.assert_array_equal(other.image, one.image)
        np.testing.assert_allclose(other.plane.row_step, one.plane.row_step, atol=1e-12)
        np.testing.assert_allclose(other.plane.origin_mm, one.plane.origin_mm, atol=1e-12)
        assert other.spacing_mm == one.spacing_mm
    assert [other.sequence - arrived[0].sequence for other in arrived] == [0, 1, 2, 3, 4]
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("dtype", mostly_slow([np.uint16, np.float32, np.uint8, np.int16, np.int32, np.float64], 2))
def test_whole_values_are_kept_exactly_in_any_type(dtype):
    image = np.arange(-30, 30).clip(0 if np.dtype(dtype).kind == "u" else None).reshape(6, 10).astype(dtype)
    with listening() as source:
        (arrived,) = fed(source, frame(image=image))
    np.testing.assert_array_equal(arrived.image, image)


def test_fractions_are_kept_to_a_65536th_of_their_range():
    image = np.linspace(-0.7, 3.9, 60).reshape(6, 10)
    with listening() as source:
        (arrived,) = fed(source, frame(image=image))
    np.testing.assert_allclose(arrived.image, image, atol=4.6 / 65536)


# pynetdicom forgets to close a socket that never got a connection.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_missing_receiver_is_reported():
    with listening() as source:
        address = source.address
    with pytest.raises(LinkError, match="does not answer"):
        DicomFeeder(*address)


def test_another_title_is_told():
    with listening(ae_title="ROOM1") as source, pytest.raises(LinkError, match="ae_title"):
        DicomFeeder(*source.address)


def test_a_provider_that_goes_away_is_told():
    with listening() as source:
        feeder = DicomFeeder(*source.address)
        source.close()
        with pytest.raises(LinkError, match="connection lost"):
            feeder.send(frame(image=picture()))
        feeder.close()
        feeder.close()


def test_nan_is_never_sent_as_a_number():
    image = np.full((4, 4), np.nan)
    with pytest.raises(OutputError, match="NaN"):
        mr_object(image, SPACING_MM, PLANE, 0.0, 1, SERIES, REFERENCE)
