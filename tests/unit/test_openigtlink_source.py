"""What a program sends over OpenIGTLink comes out as canonical frames; what is no such frame is counted and held."""

import dataclasses
import math
import socket
import struct

import numpy as np
import pytest

from gatekeeper.core.axes import orientation_of
from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.frame import SEQUENCE_BREAK
from gatekeeper.sources.network import KNOWN_PLANES
from gatekeeper.wire.openigtlink.contents import Status, encode_status, encode_string, encode_transform
from gatekeeper.wire.openigtlink.geometry import image_on
from gatekeeper.wire.openigtlink.image import SCALAR_TYPES, Image
from gatekeeper.wire.openigtlink.message import Message, encode_message
from tests.support.openigtlink_messages import SAGITTAL, SPACING_MM, frames, message, pixels, sent, source
from tests.support.sources import connected
from tests.support.waiting import DEADLINE_S, until


def test_an_image_becomes_the_frame_that_it_shows():
    with source(VirtualClock(100.0)) as opened:
        sent(opened, message(7))
        (frame,) = frames(opened)
        assert opened.counts.frames == 1
    np.testing.assert_array_equal(frame.image, pixels(7))
    assert frame.image.dtype == np.float32
    assert frame.image.flags.c_contiguous
    assert (frame.spacing_mm, frame.plane) == (SPACING_MM, SAGITTAL)
    assert (frame.sequence, frame.received_s, frame.skipped) == (0, 100.0, 0)


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("scalar", SCALAR_TYPES.values())
def test_pixels_of_every_type_and_byte_order_are_read(version, order, scalar):
    stored = pixels(3, dtype=order + scalar)
    with source() as opened:
        sent(opened, message(image=image_on(SAGITTAL, SPACING_MM, stored, 5.0), version=version))
        (frame,) = frames(opened)
    np.testing.assert_array_equal(frame.image, pixels(3))


def test_right_anterior_superior_becomes_left_posterior_superior():
    """i runs from anterior to posterior, j from superior to inferior, written in RAS: -A and -S."""
    image = Image(pixels()[np.newaxis], (0, -3.0, 0), (0, 0, -2.0), (5.0, 0, 0), (-10.0, 15.5, 26.0), "RAS", (4, 5, 1))
    with source() as opened:
        sent(opened, message(image=image))
        (frame,) = frames(opened)
    np.testing.assert_array_equal(frame.image, pixels())
    assert (frame.spacing_mm, frame.plane) == (SPACING_MM, SAGITTAL)


def test_an_image_that_is_stored_another_way_round_is_turned():
    """i runs from inferior to superior, j from posterior to anterior, the middle the same."""
    canonical = pixels()
    turned = canonical[::-1, ::-1].T[np.newaxis]
    image = Image(turned, (0, 0, 2.0), (0, -3.0, 0), (5.0, 0, 0), (10.0, -15.5, 26.0), "LPS", (5, 4, 1))
    with source() as opened:
        sent(opened, message(image=image))
        (frame,) = frames(opened)
    np.testing.assert_array_equal(frame.image, canonical)
    assert (frame.spacing_mm, frame.plane) == (SPACING_MM, SAGITTAL)


def test_coalesced_and_fragmented_messages_are_the_same_to_it():
    whole = b"".join(message(number) for number in range(1, 6))
    with source() as opened:
        sent(opened, whole)
        together = frames(opened)
        sent(opened, *[whole[k : k + 1] for k in range(len(whole))])
        apart = frames(opened)
    assert [frame.sequence for frame in together] == [0, 1, 2, 3, 4]
    for one, other in zip(together, apart, strict=True):
        np.testing.assert_array_equal(one.image, other.image)


def test_numbers_of_the_sender_keep_their_gaps():
    with source() as opened:
        sent(opened, *map(message, [0xFFFF_FFFE, 0xFFFF_FFFF, 2, 3, 7]))
        assert [frame.sequence for frame in frames(opened)] == [0, 1, 4, 5, 9]


def test_without_numbers_frames_are_counted_as_they_come():
    with source() as opened:
        sent(opened, *[message(k, version=1) for k in (3, 5, 9)])
        assert [frame.sequence for frame in frames(opened)] == [0, 1, 2]


def test_a_sender_that_comes_back_leaves_a_gap_so_that_the_beam_is_held():
    with source() as opened:
        sent(opened, message(1), message(2))
        sent(opened, message(3))
        assert [frame.sequence for frame in frames(opened)] == [0, 1, 2 + SEQUENCE_BREAK]


def test_an_image_that_came_late_was_acquired_earlier():
    clock = VirtualClock(50.0)
    with source(clock) as opened, connected(opened) as link:
        ages = []
        for number, delay_s in ((0, 0.1), (8, 0.1), (16, 0.4)):
            clock.sleep_until(50.0 + number / 8.0 + delay_s)
            link.sendall(message(number + 1))
            frame = opened.next_frame(DEADLINE_S)
            ages.append(frame.received_s - frame.acquired_s)
    assert ages == pytest.approx([0.0, 0.0, 0.3], abs=1e-6)


SMALL = {
    "TRANSFORM": encode_transform(np.eye(4)),
    "STATUS": encode_status(Status(1, text="fine")),
    "STRING": encode_string("hello"),
    "POLYDATA": b"whatever it is",
    "GET_STATUS": b"",
}


def test_other_messages_are_skipped_and_counted():
    others = [
        encode_message(Message(kind, "scanner", content, version=version))
        for kind, content in SMALL.items()
        for version in (1, 2)
    ]
    with source() as opened:
        sent(opened, *others, message(), *others)
        assert len(frames(opened)) == 1
        assert opened.counts.ignored == {"transform": 4, "status": 4, "string": 4, "other": 8}


def test_only_the_named_device_is_taken():
    with source(device="scanner") as opened:
        sent(opened, message(1), message(2, device="ultrasound"), message(3))
        assert [frame.sequence for frame in frames(opened)] == [0, 2]
        assert opened.counts.ignored == {"device": 1}


def image(shape=(1, 5, 4), **changed):
    """A sound sagittal image, but for what was changed."""
    whole = image_on(SAGITTAL, SPACING_MM, pixels(), 5.0)
    stored = np.zeros(shape, np.uint8)
    return dataclasses.replace(whole, pixels=stored, whole=stored.shape[2::-1], **changed)


UNFIT = {
    "vector": image((1, 5, 4, 3)),
    "volume": image((2, 5, 4)),
    "part": dataclasses.replace(image(), whole=(8, 5, 1)),
    "skewed": image(i_step_mm=(0.0, 2.0, 2.0)),
    "no step": image(j_step_mm=(0.0, 0.0, 0.0)),
    "nan": image(centre_mm=(math.nan, 0.0, 0.0)),
    "infinite": image(j_step_mm=(0.0, 0.0, math.inf)),
}


@pytest.mark.parametrize("name", UNFIT)
def test_a_sound_image_that_is_no_frame_is_counted_said_and_leaves_a_gap(name):
    with source() as opened:
        sent(opened, message(1), message(2, image=UNFIT[name]), message(3))
        assert [frame.sequence for frame in frames(opened)] == [0, 2]
        counts = opened.counts
    assert counts.unfit == {name if name in ("vector", "volume", "part") else "geometry": 1}
    assert counts.notes["unfit"]
    assert (counts.connections, counts.broken) == (1, {})


def test_planes_that_a_sender_images_in_turn_leave_no_gap():
    coronal = image(i_step_mm=(3.0, 0.0, 0.0))
    with source(plane="sagittal") as opened:
        sent(opened, message(1), message(2, image=coronal), message(3, image=coronal), message(4), message(6))
        got = frames(opened)
        assert opened.counts.unfit == {"plane": 2}
    assert [(frame.sequence, frame.skipped) for frame in got] == [(0, 0), (3, 2), (5, 0)]


def test_images_of_every_plane_are_frames_unless_one_is_set():
    coronal = image(i_step_mm=(3.0, 0.0, 0.0))
    with source() as opened:
        sent(opened, message(1), message(2, image=coronal))
        first, second = frames(opened)
    assert (orientation_of(first.plane).name, orientation_of(second.plane).name) == ("sagittal", "coronal")


@pytest.mark.parametrize("time_s", [0.0, 1000.0])
def test_images_of_a_sender_that_is_said_to_have_no_clock_are_acquired_when_they_come(time_s):
    clock = VirtualClock(50.0)
    with source(clock, clock="none") as opened, connected(opened) as link:
        for number in range(1, 4):
            clock.sleep_until(50.0 + number)
            link.sendall(message(number, time_s=time_s))
            frame = opened.next_frame(DEADLINE_S)
            assert frame.acquired_s == 50.0 + number
            assert math.isnan(frame.stamp_s)


def test_images_without_a_time_have_none_unless_that_is_said():
    with source() as opened:
        sent(opened, message(1, time_s=0.0), message(2, time_s=0.0))
        assert all(math.isnan(frame.acquired_s) and math.isnan(frame.stamp_s) for frame in frames(opened))
        assert opened.counts.unfit == {"clock": 2}
        assert 'set clock = "none"' in opened.counts.notes["unfit"]


def test_what_the_clock_of_the_sender_shows_goes_with_each_frame():
    with source() as opened:
        sent(opened, message(1, time_s=1000.0), message(2, time_s=1000.125))
        assert [frame.stamp_s for frame in frames(opened)] == pytest.approx([1000.0, 1000.125], abs=1e-6)


def test_each_connection_and_each_other_device_has_a_number_of_its_own():
    with source() as opened:
        sent(opened, message(1), message(2))
        sent(opened, message(3), message(4, device="other"), message(5, version=1, device="other"))
        assert [frame.connection for frame in frames(opened)] == [1, 1, 2, 3, 4]
        about = [(one.number, one.protocol, one.device) for one in opened.connections]
    assert about == [
        (1, "OpenIGTLink header 2", "scanner"),
        (2, "OpenIGTLink header 2", "scanner"),
        (3, "OpenIGTLink header 2", "other"),
        (4, "OpenIGTLink header 1", "other"),
    ]
    assert all(one.peer.startswith("127.0.0.1:") for one in opened.connections)
    assert len({one.peer for one in opened.connections}) == 2


def test_a_sender_that_stops_saying_when_has_old_images():
    with source(VirtualClock(50.0)) as opened:
        sent(opened, message(1, time_s=1000.0), message(2, time_s=0.0))
        first, second = frames(opened)
    assert first.acquired_s == 50.0
    assert second.acquired_s == 50.0 - 1000.0


def test_a_sender_that_has_sent_little_may_come_back_with_another_clock():
    with source(VirtualClock(50.0)) as opened:
        sent(opened, message(1, time_s=1000.0))
        sent(opened, message(2, time_s=3.0))
        assert [frame.acquired_s for frame in frames(opened)] == [50.0, 50.0]


def test_only_a_few_geometries_are_remembered():
    planes = [dataclasses.replace(SAGITTAL, origin_mm=(float(k), 0.0, 0.0)) for k in range(40)]
    moved = [image_on(plane, SPACING_MM, pixels(), 5.0) for plane in planes]
    with source() as opened:
        sent(opened, *[message(k, image=one) for k, one in enumerate(moved, 1)])
        assert [frame.plane.origin_mm[0] for frame in frames(opened)] == list(range(40))
        assert 0 < len(opened._planes) <= KNOWN_PLANES


def test_a_sender_that_stops_counting_leaves_a_gap():
    with source() as opened:
        sent(opened, message(11), message(12), message(0, time_s=5.0), message(0, time_s=6.0))
        assert [frame.sequence for frame in frames(opened)] == [0, 1, 2 + SEQUENCE_BREAK, 2 + SEQUENCE_BREAK]


def test_pixels_that_are_no_numbers_come_through_for_the_gate_to_find():
    stored = np.array([[1e300, np.nan], [-np.inf, 0.0]])
    with source() as opened:
        sent(opened, message(image=image_on(SAGITTAL, SPACING_MM, stored, 5.0)))
        (frame,) = frames(opened)
    np.testing.assert_array_equal(frame.image, [[np.inf, np.nan], [-np.inf, 0.0]])


def damaged(at, value=1):
    whole = bytearray(message())
    whole[at] ^= value
    return bytes(whole)


BROKEN = {
    "a pixel": (damaged(-1), "malformed"),
    "the checksum": (damaged(57), "malformed"),
    "the version": (damaged(0, 7), "malformed"),
    "half a message": (message()[:-9], "cut"),
    "half a header": (message()[:30], "cut"),
    "another protocol": (b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: a browser of today\r\n\r\n", "malformed"),
    "1 GB announced": (message()[:42] + struct.pack(">Q", 1_000_000_000) + bytes(8), "too_large"),
    "2^64 - 1 bytes announced": (message()[:42] + bytes([255] * 8) + bytes(8), "too_large"),
    "1 GB of another type": (struct.pack(">H12s20sQQQ", 1, b"POLYDATA", b"", 1, 1_000_000_000, 0), "too_large"),
    "less than an image": (message(content=b"\0\1"), "malformed"),
    "more pixels than said": (message(content=message(version=1)[58:] + b"\0"), "malformed"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_damaged_message_ends_its_connection_and_the_next_sender_is_welcome(name):
    damage, breach = BROKEN[name]
    with source() as opened:
        sent(opened, message(1) + damage)
        sent(opened, message(2))
        assert [frame.sequence for frame in frames(opened)] == [0, 1 + SEQUENCE_BREAK]
        counts = opened.counts
    assert counts.broken == {breach: 1}
    assert "\n" not in counts.notes["broken"]


def test_a_message_that_is_not_whole_in_time_ends_its_connection():
    with source(read_deadline_s=0.05) as opened, connected(opened) as link:
        link.sendall(message()[:100])
        link.settimeout(DEADLINE_S)
        assert link.recv(1) == b""
        assert opened.counts.broken == {"late": 1}


def test_a_second_sender_is_turned_away():
    with source() as opened, connected(opened) as first:
        first.sendall(message(1))
        assert opened.next_frame(DEADLINE_S) is not None
        sent(opened, message(2))
        first.sendall(message(3))
        assert opened.next_frame(DEADLINE_S).sequence == 2
        assert opened.counts.refused == {"busy": 1}


def test_as_a_client_it_takes_what_a_server_sends_and_calls_again_when_that_is_gone():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(DEADLINE_S)
        with source(role="client", port=server.getsockname()[1]) as opened:
            for number in (1, 2):
                link, _ = server.accept()
                with link:
                    link.sendall(message(number))
                    assert opened.next_frame(DEADLINE_S) is not None
            assert opened.counts.connections == 2


def test_as_a_client_it_waits_for_a_server_that_is_not_there_yet_and_can_be_closed():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with source(role="client", port=port) as opened:
        assert opened.next_frame(0.05) is None
        until(lambda: opened.counts.refused.get("unreachable", 0) >= 1)
        opened.close()
        assert opened.ended()
