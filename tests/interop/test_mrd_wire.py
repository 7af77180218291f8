"""The MRD source understands a client that was written from the description of the wire alone, however it sends."""

import random
import socket
import struct
from contextlib import suppress

import numpy as np
import pytest

from tests.support import mrd_wire as wire
from tests.support.sources import answered, connected, mrd_source, received

PIXELS = np.arange(24).reshape(6, 4)
ROW_DIR = b"<ismrmrdMeta><meta><name>ImageRowDir</name>%s</meta></ismrmrdMeta>"
GOOD = wire.session(wire.image(index=1), wire.image(PIXELS.astype("<u2") + 1, index=2, stamp=14_400_050))


def pieces(raw, sizes):
    at = 0
    while at < len(raw):
        size = next(sizes)
        yield raw[at : at + size]
        at += size


def frames_of(raw, sizes):
    with mrd_source() as source, connected(source) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces(raw, sizes):
            link.sendall(piece)
        assert answered(link) == wire.CLOSE
        frames = received(source, 2)
        assert source.counts.broken == {}
        return frames


def forever(size):
    while True:
        yield size


def at_random():
    chance = random.Random(5)  # noqa: S311 - repeatable, not secret
    while True:
        yield chance.choice((1, 2, 3, 7, 40, 198, 300, 2000))


@pytest.mark.parametrize("sizes", [forever(10**6), forever(1), forever(211), at_random()])
def test_messages_may_come_in_pieces_of_any_size(sizes):
    first, second = frames_of(GOOD, sizes)
    np.testing.assert_array_equal(first.image, PIXELS)
    np.testing.assert_array_equal(second.image, PIXELS + 1)
    assert (first.sequence, second.sequence) == (0, 1)


@pytest.mark.parametrize(
    ("data_type", "dtype"), list(enumerate(("<u2", "<i2", "<u4", "<i4", "<f4", "<f8", "<c8", "<c16"), start=1))
)
def test_every_type_of_pixels_of_the_description(data_type, dtype):
    with mrd_source() as source, connected(source) as link:
        link.sendall(wire.session(wire.image(PIXELS.astype(dtype), data_type=data_type)))
        (frame,) = received(source, 1)
    np.testing.assert_array_equal(frame.image, PIXELS)


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        (
            b"<ismrmrdMeta><meta><name>ImageRowDir</name><value>0</value><value>1</value></meta></ismrmrdMeta>",
            "geometry",
        ),
        (b"<ismrmrdMeta><meta><name>ImageRowDir</name><value>a b c</value></meta></ismrmrdMeta>", "geometry"),
        (b"<ismrmrdMeta><meta>", "geometry"),
        (b"\xff\xfe<\0", "geometry"),
        (b'<!DOCTYPE a [<!ENTITY b "ccc">]><ismrmrdMeta>&b;</ismrmrdMeta>', "geometry"),
        (b"<ismrmrdMeta><meta><name>Note</name></meta><meta/></ismrmrdMeta>\0\0", None),
    ],
)
def test_attributes_that_cannot_be_read_leave_the_image_without_a_place(attributes, kind):
    with mrd_source() as source, connected(source) as link:
        link.sendall(wire.session(wire.image(attributes=attributes)))
        assert answered(link) == wire.CLOSE
        assert source.counts.unfit == ({kind: 1} if kind else {})
        assert source.counts.frames == (0 if kind else 1)


@pytest.mark.parametrize(
    ("raw", "breach"),
    [
        (struct.pack("<H", 0), "malformed"),
        (struct.pack(">H", 1022), "malformed"),
        (b"GET / HTTP/1.1\r\n\r\n", "malformed"),
        (wire.image(data_type=9), "malformed"),
        (struct.pack("<HHHH", 1030, 1, 0, 60_000), "malformed"),
        (struct.pack("<HHHH2Q", 1030, 1, 0, 2, 2**63, 2**63), "too_large"),
        (struct.pack("<HI", 3, 2**32 - 1), "too_large"),
        (struct.pack("<HI", 5, 10**9), "too_large"),
        (wire.image(matrix=(65_535, 65_535, 65_535), channels=65_535), "too_large"),
        (struct.pack("<H", 1022) + wire.image_header() + struct.pack("<Q", 2**64 - 1), "too_large"),
        (wire.waveform()[:-1], "cut"),
        (wire.image()[:-1], "cut"),
        (wire.image()[:150], "cut"),
        (wire.config_file()[:1], "cut"),
    ],
)
def test_a_message_that_is_none_ends_its_connection_and_a_good_client_can_connect(raw, breach):
    with mrd_source() as source:
        with connected(source) as link:
            link.sendall(raw)
            with suppress(OSError):
                link.shutdown(socket.SHUT_WR)
            assert answered(link) == b""
            assert source.counts.broken == {breach: 1}
            assert "127.0.0.1" in source.counts.notes["broken"]
        with connected(source) as link:
            link.sendall(GOOD)
            assert answered(link) == wire.CLOSE
        assert len(received(source, 2)) == 2


def test_a_client_that_comes_back_leaves_a_gap_in_the_numbers():
    with mrd_source() as source:
        for _ in range(2):
            with connected(source) as link:
                link.sendall(GOOD)
                assert answered(link) == wire.CLOSE
        numbers = [frame.sequence for frame in received(source, 4)]
    assert numbers[:2] == [0, 1]
    assert numbers[2] - numbers[1] > 101, "more than missing_frames can allow"
    assert numbers[3] - numbers[2] == 1
