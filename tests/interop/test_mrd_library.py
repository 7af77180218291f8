"""The MRD source understands what the ismrmrd library itself writes."""

import socket
import struct

import ismrmrd
import ismrmrd.image
import ismrmrd.xsd
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ismrmrd.serialization import ConfigFile, ConfigText, ProtocolDeserializer, ProtocolSerializer

from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.errors import LinkError
from gatekeeper.core.frame import Frame, Plane
from gatekeeper.wire import mrd_codec as mrd
from gatekeeper.wire.mrd_attributes import read_attributes
from gatekeeper.wire.stream import MessageStream
from replay.feed import mrd_feeder as feed
from replay.feed.mrd_feeder import MrdFeeder
from replay.feed.play import play
from tests.support.recordings import recording
from tests.support.sources import connected, mrd_source, received
from tests.support.waiting import until

ROWS, COLS = 6, 4
CANONICAL = np.arange(ROWS * COLS).reshape(ROWS, COLS)
TYPES = [np.uint16, np.int16, np.uint32, np.float32, np.float64, np.complex64, np.complex128]


def image(pixels, **fields):
    """Return an image whose rows run from head to feet and columns from front to back, 2 x 3 mm pixels."""
    made = ismrmrd.Image.from_array(pixels)
    made.image_type = ismrmrd.IMTYPE_MAGNITUDE
    made.field_of_view = (pixels.shape[-1] * 3.0, pixels.shape[-2] * 2.0, 5.0)
    made.position = (7.0, 20.0, -30.0)
    made.read_dir, made.phase_dir, made.slice_dir = (0.0, 1.0, 0.0), (0.0, 0.0, -1.0), (-1.0, 0.0, 0.0)
    made.acquisition_time_stamp = 14_400_000
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def sent(objects, count, session=None, **settings):
    """Return the frames that come of what the library serializes, what was counted, and what the server answers."""
    with mrd_source(session, **settings) as source, connected(source) as link:
        with ProtocolSerializer(link.makefile("wb")) as serializer:
            for one in objects:
                serializer.serialize(one)
        answer = link.makefile("rb").read()
        frames = received(source, count)
        assert source.next_frame(0.0) is None
        return frames, source.counts, answer


@pytest.mark.parametrize("pixel_type", TYPES)
def test_pixels_of_every_type_become_the_same_float32(pixel_type):
    (frame,), _, _ = sent([image(CANONICAL.astype(pixel_type))], 1)
    assert frame.image.dtype == np.float32
    assert frame.image.flags.c_contiguous
    np.testing.assert_array_equal(frame.image, CANONICAL)


def test_complex_pixels_become_their_magnitude():
    (frame,), _, _ = sent([image((CANONICAL * (0.6 + 0.8j)).astype(np.complex64))], 1)
    np.testing.assert_allclose(frame.image, CANONICAL, rtol=1e-6)


def test_geometry_comes_from_the_header():
    (frame,), _, _ = sent([image(CANONICAL.astype(np.float32))], 1)
    assert frame.spacing_mm == (2.0, 3.0)
    assert frame.plane == Plane((7.0, 20.0 - 1.5 * 3.0, -30.0 + 2.5 * 2.0))


def test_a_sender_that_reads_out_along_the_body_gives_the_same_frame():
    upright = image(np.ascontiguousarray(CANONICAL.T.astype(np.float32)[:, ::-1]))
    upright.field_of_view = (ROWS * 2.0, COLS * 3.0, 5.0)
    upright.read_dir, upright.phase_dir = (0.0, 0.0, 1.0), (0.0, 1.0, 0.0)
    (turned, plain), _, _ = sent([upright, image(CANONICAL.astype(np.float32))], 2)
    np.testing.assert_array_equal(turned.image, plain.image)
    assert (turned.plane, turned.spacing_mm) == (plain.plane, plain.spacing_mm)


def test_meta_attributes_know_better_than_the_header_where_the_sender_has_turned_the_image():
    turned = image(CANONICAL.astype(np.float32)[::-1].copy())
    turned.attribute_string = ismrmrd.Meta(
        {"ImageRowDir": ["0.0", "1.0", "0.0"], "ImageColumnDir": ["0.0", "0.0", "1.0"], "Keep": "1"}
    ).serialize()
    (frame, plain), _, _ = sent([turned, image(CANONICAL.astype(np.float32))], 2)
    np.testing.assert_array_equal(frame.image, plain.image)
    assert frame.plane == plain.plane


class Ticking:
    """A clock that goes on by one second whenever it is read."""

    time_s = 0.0

    def now_s(self):
        self.time_s += 1.0
        return self.time_s


def test_times_and_numbers_are_the_senders():
    images = [
        image(CANONICAL.astype(np.int16) + index, image_index=index, acquisition_time_stamp=14_400_000 + ticks)
        for index, ticks in ((4, 0), (5, 360), (8, 600))
    ]
    frames, _, _ = sent(images, 3, session=Ticking())
    assert [frame.sequence for frame in frames] == [0, 1, 4]
    assert [frame.received_s for frame in frames] == [1.0, 2.0, 3.0]
    assert [frame.acquired_s for frame in frames] == pytest.approx([1.0, 1.9, 2.5])


def test_a_sender_without_clock_and_numbers_is_counted_on_arrival_and_stamped_if_that_is_said():
    images = [image(CANONICAL.astype(np.int16) + k, acquisition_time_stamp=0) for k in range(3)]
    for named, acquired_s in (({"clock": "none"}, [1.0, 2.0, 3.0]), ({}, [np.nan] * 3)):
        frames, _, _ = sent(images, 3, session=Ticking(), **named)
        assert [frame.sequence for frame in frames] == [0, 1, 2]
        np.testing.assert_array_equal([frame.acquired_s for frame in frames], acquired_s)


def test_stamps_are_in_the_unit_of_the_settings():
    images = [image(CANONICAL + 0.5 * k, image_index=k, acquisition_time_stamp=36_000_000 + 1000 * k) for k in range(9)]
    frames, _, _ = sent(images, 9, session=Ticking(), tick_ms=1.0)
    assert [frame.acquired_s for frame in frames] == pytest.approx([frame.received_s for frame in frames])
    assert np.diff([frame.stamp_s for frame in frames]) == pytest.approx(1.0)


def test_planes_and_kinds_of_images_that_are_made_in_turn_leave_no_gap():
    coronal = {"read_dir": (1.0, 0.0, 0.0)}
    kinds = [{}, coronal, {"image_type": ismrmrd.IMTYPE_PHASE}] * 3
    images = [image(CANONICAL + 0.5 * k, image_index=k, **fields) for k, fields in enumerate(kinds)]
    frames, counts, _ = sent(images, 3, plane="sagittal")
    assert [(frame.sequence, frame.skipped) for frame in frames] == [(0, 0), (3, 2), (6, 2)]
    assert counts.unfit == {"plane": 3, "type": 3}


def test_everything_else_that_a_client_may_say_is_counted_and_answered_with_a_farewell():
    conditions = ismrmrd.xsd.experimentalConditionsType(H1resonanceFrequency_Hz=14_902_000)
    xml = ismrmrd.xsd.ismrmrdHeader(experimentalConditions=conditions)
    acquisition = ismrmrd.Acquisition.from_array(np.ones((3, 16), np.complex64), np.zeros((16, 2), np.float32))
    waveform = ismrmrd.Waveform.from_array(np.zeros((2, 9), np.uint32))
    words = [ConfigFile("cine.xml"), ConfigText("<a/>"), xml, "the patient breathes"]
    others = [acquisition, waveform, np.zeros((2, 3), np.float64)]
    frames, counts, answer = sent([*words, *others, image(CANONICAL.astype(np.uint16))], 1)
    np.testing.assert_array_equal(frames[0].image, CANONICAL)
    kinds = ("config_file", "config_text", "header", "text", "acquisition", "waveform", "ndarray", "close")
    assert counts.ignored == dict.fromkeys(kinds, 1)
    assert counts.notes["ignored"] == "the patient breathes"
    assert not counts.broken
    assert answer == struct.pack("<H", 4)


@pytest.mark.parametrize(
    ("pixels", "fields", "kind"),
    [
        (np.zeros((2, 1, ROWS, COLS), np.float32), {}, "channels"),
        (np.zeros((3, ROWS, COLS), np.float32), {}, "volume"),
        (np.zeros((3, 1, ROWS, COLS), np.uint16), {"image_type": ismrmrd.IMTYPE_RGB}, "type"),
        (np.zeros((ROWS, COLS), np.float32), {"image_type": ismrmrd.IMTYPE_PHASE}, "type"),
        (np.zeros((ROWS, 0), np.float32), {}, "empty"),
        (np.zeros((ROWS, COLS), np.float32), {"read_dir": (1.0, 0.0, 0.0)}, "plane"),
        (np.zeros((ROWS, COLS), np.float32), {"read_dir": (0.0, 0.0, 0.0)}, "geometry"),
        (np.zeros((ROWS, COLS), np.float32), {"position": (np.nan, 0.0, 0.0)}, "geometry"),
        (np.zeros((ROWS, COLS), np.float32), {"field_of_view": (0.0, 12.0, 5.0)}, "geometry"),
        (np.zeros((ROWS, COLS), np.float32), {"attribute_string": "<ismrmrdMeta/>"}, None),
    ],
)
def test_an_image_that_is_no_frame_is_counted_in_words_and_the_next_one_is_taken(pixels, fields, kind):
    good = image(CANONICAL.astype(np.float32), image_index=2)
    frames, counts, _ = sent([image(pixels, image_index=1, **fields), good], 1 if kind else 2, plane="sagittal")
    np.testing.assert_array_equal(frames[-1].image, CANONICAL)
    assert frames[-1].sequence == 1, "every image has its number, frame or not"
    assert counts.unfit == ({kind: 1} if kind else {})
    assert not kind or "image 1" in counts.notes["unfit"]


def test_pixels_beyond_float32_become_infinite_for_the_gate_to_find():
    (frame,), _, _ = sent([image(np.full((ROWS, COLS), 1e300))], 1)
    assert np.isinf(frame.image).all()


def test_what_our_feeder_sends_the_library_can_read_and_our_source_gives_back():
    plane = Plane((3.0, -50.0, 90.0), (0.0, 0.6, -0.8), (0.0, 0.8, 0.6))
    frame = Frame(CANONICAL.astype(np.float32), (1.1, 2.3), 70_000, 12.5, 12.6, plane)
    raw = feed.header_of(frame)
    assert raw.stamp == round((feed.START_S + 12.5) * 400)
    with mrd_source() as source:
        feeder = MrdFeeder(*source.address)
        feeder.send(frame)
        feeder.close()
        feeder.close()
        (back,) = received(source, 1)
    np.testing.assert_array_equal(back.image, frame.image)
    assert back.spacing_mm == pytest.approx(frame.spacing_mm, rel=1e-15), "not only to single precision"
    assert back.plane.origin_mm == pytest.approx(plane.origin_mm, abs=1e-12)
    assert (back.plane.row_step, back.plane.col_step) == (plane.row_step, plane.col_step)


def test_the_library_reads_every_message_of_our_feeder(tmp_path):
    frame = Frame(CANONICAL.astype(np.float32), (2.0, 3.0), 5, 1.0, 1.0, Plane((7.0, 15.5, -25.0)))
    with socket.create_server(("127.0.0.1", 0)) as server:
        feeder = MrdFeeder(*server.getsockname())
        link, _ = server.accept()
        with link:
            feeder.send(frame)
            objects = ProtocolDeserializer(link.makefile("rb")).deserialize()
            config, header, back = (next(objects) for _ in range(3))
            link.sendall(struct.pack("<H", 4))
            link.shutdown(socket.SHUT_WR)
            feeder.close()
            assert list(objects) == []
    assert config == "gatekeeper"
    assert (header.encoding[0].reconSpace.matrixSize.x, header.encoding[0].reconSpace.matrixSize.y) == (COLS, ROWS)
    np.testing.assert_array_equal(back.data[0, 0], CANONICAL)
    assert tuple(back.position) == (7.0, 20.0, -30.0)
    assert tuple(back.field_of_view) == (12.0, 12.0, 5.0)
    assert back.image_index == 5


def test_a_recording_that_is_played_arrives_whole_and_in_order():
    case = recording(frames=12, rate_hz=8.0, dtype=np.float32)
    seen = []
    with mrd_source() as source:
        feeder = MrdFeeder(*source.address)
        assert play(case, feeder, VirtualClock(), lambda sent, total: seen.append((sent, total))) == 12
        feeder.close()
        frames = received(source, 12)
        until(lambda: source.counts.ignored.get("close") == 1)
    assert [frame.sequence for frame in frames] == list(range(12))
    for frame, original in zip(frames, case.frames, strict=True):
        np.testing.assert_array_equal(frame.image, original)
    assert seen[-1] == (12, 12)


def test_feeder_reports_a_server_that_does_not_answer():
    with mrd_source() as source:
        host, port = source.address
    with pytest.raises(LinkError, match=rf"mrd://127.0.0.1:{port}: no answer .* start the session"):
        MrdFeeder(host, port)


def send_for_ever(feeder, frame):
    for _ in range(1000):
        feeder.send(frame)


def test_feeder_reports_a_server_that_accepts_no_more_data():
    frame = Frame(np.zeros((256, 256), np.float32), (1.0, 1.0), 0, 0.0, 0.0)
    with mrd_source(largest_message_mb=0.01) as source:
        feeder = MrdFeeder(*source.address)
        with pytest.raises(LinkError, match="the server accepts no more data"):
            send_for_ever(feeder, frame)
        feeder.close()
        until(lambda: source.counts.broken == {"too_large": 1})


def messages_of(raw):
    """Return all messages of a connection that carries these bytes."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(raw)
        theirs.close()
        stream, messages = MessageStream(ours, 100_000, 5.0, "test"), []
        while stream.begin():
            messages.append(mrd.read_message(stream, "test"))
        return messages


@given(st.binary(min_size=198, max_size=198))
def test_the_header_of_an_image_is_what_the_library_makes_of_the_same_bytes(raw):
    theirs = ismrmrd.ImageHeader.from_buffer_copy(raw)
    theirs.data_type, theirs.channels, theirs.matrix_size = 2, 1, (3, 2, 1)
    (message,) = messages_of(struct.pack("<H", 1022) + bytes(theirs) + bytes(8 + 12))
    expected = mrd.ImageHeader(
        pixel_type=2,
        matrix=(3, 2, 1),
        field_of_view_mm=tuple(theirs.field_of_view),
        channels=1,
        position_mm=tuple(theirs.position),
        read_dir=tuple(theirs.read_dir),
        phase_dir=tuple(theirs.phase_dir),
        stamp=theirs.acquisition_time_stamp,
        image_type=theirs.image_type,
        image_index=theirs.image_index,
        series_index=theirs.image_series_index,
    )
    np.testing.assert_equal(tuple(message.header), tuple(expected))


@given(samples=st.integers(0, 40), channels=st.integers(0, 5), dimensions=st.integers(0, 3))
def test_what_is_skipped_is_as_long_as_the_library_writes_it(samples, channels, dimensions):
    acquisition = ismrmrd.AcquisitionHeader()
    acquisition.number_of_samples, acquisition.active_channels = samples, channels
    acquisition.trajectory_dimensions = dimensions
    waveform = ismrmrd.WaveformHeader()
    waveform.number_of_samples, waveform.channels = samples, channels
    raw = struct.pack("<H", 1008) + bytes(acquisition) + bytes(samples * (4 * dimensions + 8 * channels))
    raw += struct.pack("<H", 1026) + bytes(waveform) + bytes(4 * samples * channels)
    assert messages_of(raw) == [mrd.Kind.ACQUISITION, mrd.Kind.WAVEFORM]


@pytest.mark.parametrize("number", mrd.PIXELS)
def test_types_of_pixels_have_the_numbers_of_the_library_which_has_int32_wrong(number):
    theirs = ismrmrd.image.get_dtype_from_data_type(number)
    assert theirs == ("i8" if number == ismrmrd.DATATYPE_INT else mrd.PIXELS[number])


def test_meta_attributes_of_the_library_are_lost_when_one_has_no_name():
    xml = b"<ismrmrdMeta><meta><name>Keep</name><value>1</value></meta><meta/></ismrmrdMeta>"
    assert read_attributes(xml)["Keep"] == ("1",)
    with pytest.raises(AssertionError):
        ismrmrd.Meta.deserialize(xml.decode())
