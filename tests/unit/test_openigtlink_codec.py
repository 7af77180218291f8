"""The bytes of OpenIGTLink messages, written out by hand from the description of the protocol."""

import dataclasses
import math
import struct

import numpy as np
import pytest

from gatekeeper.core.errors import WireError
from gatekeeper.core.frame import Plane
from gatekeeper.wire.openigtlink.contents import (
    Status,
    decode_status,
    decode_string,
    decode_transform,
    encode_status,
    encode_string,
    encode_transform,
)
from gatekeeper.wire.openigtlink.geometry import image_on
from gatekeeper.wire.openigtlink.header import Header, checksum, decode_header, encode_header
from gatekeeper.wire.openigtlink.image import Image, decode_image, encode_image
from gatekeeper.wire.openigtlink.message import Message, decode_whole, encode_message
from tests.oracles.crc import crc64_bit_by_bit

HEADER = (
    b"\x00\x02"
    b"IMAGE\0\0\0\0\0\0\0"
    b"scanner\0\0\0\0\0\0\0\0\0\0\0\0\0"
    b"\x00\x00\x00\x05\x80\x00\x00\x00"
    b"\x00\x00\x00\x00\x00\x00\x01\x02"
    b"\x01\x23\x45\x67\x89\xab\xcd\xef"
)


def test_a_header_is_58_bytes_in_the_order_of_the_protocol():
    expected = Header(2, "IMAGE", "scanner", 0x5_8000_0000, 258, 0x0123456789ABCDEF)
    assert decode_header(HEADER) == expected
    assert encode_header(expected) == HEADER


def test_names_may_fill_their_fields():
    full = Header(1, "T" * 12, "D" * 20, 0, 0, 0)
    assert decode_header(encode_header(full)) == full


def test_bytes_that_are_no_text_do_no_harm():
    assert decode_header(HEADER[:14] + b"\xffx\0y" + HEADER[18:]).device == "\\xffx"


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": 0},
        {"version": 4},
        {"type_name": "T" * 13},
        {"device": "µ" * 11},
        {"timestamp": -1},
        {"timestamp": 1 << 64},
        {"body_size": -1},
        {"crc": 1 << 64},
    ],
)
def test_what_does_not_fit_into_a_header_is_refused(wrong):
    with pytest.raises(WireError, match="OpenIGTLink"):
        encode_header(dataclasses.replace(decode_header(HEADER), **wrong))


def test_the_checksum_is_that_of_the_body_alone():
    whole = encode_message(Message("STRING", "a", b"some content"))
    assert int.from_bytes(whole[50:58], "big") == crc64_bit_by_bit(b"some content") == checksum(b"some content")
    assert checksum(b"") == 0


def test_a_body_of_version_2_is_extended_header_content_index_and_metadata():
    message = Message("STRING", "a", b"content", version=2, number=7, metadata={"key": "value", "k": "ü"})
    body = (
        b"\x00\x0c\x00\x12\x00\x00\x00\x0b\x00\x00\x00\x07"
        b"content"
        b"\x00\x02\x00\x03\x00\x03\x00\x00\x00\x05\x00\x01\x00\x6a\x00\x00\x00\x02"
        b"keyvaluek\xc3\xbc"
    )
    assert encode_message(message)[58:] == body


def extended(body):
    """A message of version 2 with a body of one's own and the right checksum."""
    return encode_header(Header(2, "STRING", "a", 0, len(body), checksum(body))) + body


def test_an_extended_header_that_is_longer_than_ours_is_stepped_over():
    assert bytes(decode_whole(extended(struct.pack(">HHII", 14, 0, 0, 9) + b"??" + b"content")).content) == b"content"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0" * 11,
        struct.pack(">HHII", 11, 0, 0, 0),
        struct.pack(">HHII", 13, 0, 0, 0),
        struct.pack(">HHII", 12, 1, 0, 0),
        struct.pack(">HHII", 12, 0, 1, 0),
        struct.pack(">HHII", 12, 0xFFFF, 0xFFFF_FFFF, 0),
        struct.pack(">HHII", 12, 1, 0, 0) + b"\0",
        struct.pack(">HHII", 12, 2, 0, 0) + b"\0\1",
        struct.pack(">HHII", 12, 10, 0, 0) + b"\0\0" + bytes(8),
        struct.pack(">HHII", 12, 10, 1, 0) + b"\0\1" + struct.pack(">HHI", 1, 3, 1) + b"k",
        struct.pack(">HHII", 12, 10, 3, 0) + b"\0\1" + struct.pack(">HHI", 1, 3, 1) + b"kvx",
        struct.pack(">HHII", 12, 0, 1, 0) + b"x",
    ],
)
def test_parts_that_do_not_fit_into_the_body_are_refused(body):
    with pytest.raises(WireError):
        decode_whole(extended(body))


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": 1, "number": 1},
        {"version": 1, "metadata": {"a": "b"}},
        {"number": 1 << 32},
        {"number": -1},
        {"metadata": {"k" * 65536: ""}},
        {"metadata": {str(k): "" for k in range(8192)}},
        {"metadata": {"\ud800": ""}},
    ],
)
def test_what_does_not_fit_into_a_message_is_refused(wrong):
    with pytest.raises(WireError):
        encode_message(dataclasses.replace(Message("STRING", "a", b"", version=2), **wrong))


IMAGE = (
    b"\x00\x01\x01\x05\x01\x02"  # format 1, 1 component, uint16, big-endian, LPS
    b"\x00\x03\x00\x02\x00\x01"  # 3 columns, 2 rows, 1 slice
    + struct.pack(">12f", 0, 1.5, 0, 0, 0, -2, -5, 0, 0, 10, -20, 30)
    + b"\x00\x00\x00\x00\x00\x00\x00\x03\x00\x02\x00\x01"
    + b"\x00\x01\x00\x02\x00\x03\x01\x00\x02\x00\x03\x00"
)


def test_an_image_is_72_bytes_and_then_pixels_in_the_order_of_the_protocol():
    image = decode_image(IMAGE)
    np.testing.assert_array_equal(image.pixels, [[[1, 2, 3], [256, 512, 768]]])
    assert (image.i_step_mm, image.j_step_mm, image.k_step_mm) == ((0, 1.5, 0), (0, 0, -2), (-5, 0, 0))
    assert (image.centre_mm, image.coordinates, image.whole) == ((10, -20, 30), "LPS", (3, 2, 1))
    assert encode_image(image) == IMAGE


def test_an_image_that_is_put_on_a_plane_has_its_middle_in_the_middle():
    made = image_on(Plane((10.0, -21.5, 31.0)), (2.0, 1.5), np.array([[1, 2, 3], [256, 512, 768]], ">u2"), 5.0)
    assert encode_image(made) == IMAGE


def overwritten(at, value):
    return IMAGE[:at] + value + IMAGE[at + len(value) :]


@pytest.mark.parametrize(
    "content",
    [
        IMAGE[:71],
        IMAGE[:-1],
        IMAGE + b"\0",
        overwritten(0, b"\0\2"),
        overwritten(2, b"\0"),
        overwritten(2, b"\0")[:72],
        overwritten(2, b"\2"),
        overwritten(3, b"\x09"),
        overwritten(4, b"\0"),
        overwritten(4, b"\3"),
        overwritten(5, b"\0"),
        overwritten(5, b"\3"),
        overwritten(6, b"\0\2"),
        overwritten(60, b"\0\1"),
        overwritten(66, b"\0\0")[:72],
        overwritten(66, b"\0\7"),
        overwritten(66, b"\xff\xff\xff\xff\xff\xff"),
    ],
)
def test_an_image_that_contradicts_itself_is_refused(content):
    with pytest.raises(WireError, match="IMAGE"):
        decode_image(content)


def image(**changed):
    return dataclasses.replace(decode_image(IMAGE), **changed)


@pytest.mark.parametrize(
    "wrong",
    [
        {"pixels": np.zeros((1, 2, 3), np.int64)},
        {"pixels": np.zeros((1, 2, 3), bool)},
        {"pixels": np.zeros((1, 2, 3), complex)},
        {"pixels": np.zeros((2, 3), np.uint8), "whole": (3, 2, 1)},
        {"pixels": np.zeros((1, 0, 3), np.uint8), "whole": (3, 0, 1)},
        {"pixels": np.zeros((1, 2, 3, 256), np.uint8)},
        {"pixels": np.zeros((1, 2, 3, 0), np.uint8)},
        {"whole": (3, 1, 1)},
        {"offset": (1, 0, 0)},
        {"offset": (-1, 0, 0)},
        {"whole": (3, 70000, 1)},
        {"centre_mm": (1e39, 0.0, 0.0)},
    ],
)
def test_an_image_that_does_not_fit_into_a_message_is_refused(wrong):
    with pytest.raises(WireError, match="IMAGE"):
        encode_image(image(**wrong))


def test_numbers_that_are_none_travel_as_they_are():
    there = Image(
        np.array([[[math.nan, math.inf]]]), (math.nan,) * 3, (math.inf,) * 3, (0,) * 3, (0,) * 3, "RAS", (2, 1, 1)
    )
    back = decode_image(encode_image(there))
    np.testing.assert_array_equal(back.pixels, there.pixels)
    assert all(map(math.isnan, back.i_step_mm))
    assert back.j_step_mm == there.j_step_mm


def test_a_pixel_type_that_the_protocol_does_not_have_is_named():
    with pytest.raises(WireError, match=r"pixels of int64; it takes int8, uint8, .* float64"):
        encode_image(image(pixels=np.zeros((1, 2, 3), np.int64)))


def test_the_small_messages_are_as_the_protocol_has_them():
    matrix = np.array([[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12], [0, 0, 0, 1.0]])
    assert encode_transform(matrix) == struct.pack(">12f", 1, 5, 9, 2, 6, 10, 3, 7, 11, 4, 8, 12)
    status = b"\x00\x0d" + b"\xff" * 7 + b"\xf9" + b"warming up" + bytes(10) + b"soon\0"
    assert encode_status(Status(13, -7, "warming up", "soon")) == status
    assert encode_string("hold") == b"\x00\x03\x00\x04hold"
    assert encode_string("µm") == b"\x00\x6a\x00\x03\xc2\xb5m"


def test_text_is_read_in_its_encoding_and_never_fails():
    assert decode_string(b"\x00\x04\x00\x02\xb5m") == "µm"
    assert decode_string(b"\x00\x03\x00\x03\xc2\xb5m") == "µm"
    assert decode_string(b"\x00\x03\x00\x02\xb5m") == "\\xb5m"
    assert decode_string(b"\xff\xff\x00\x02hi") == "hi"


def test_a_status_may_have_no_text_and_no_end_of_it():
    assert decode_status(b"\0\1" + bytes(28)) == Status(1)
    assert decode_status(b"\0\1" + bytes(28) + b"fine") == Status(1, text="fine")


@pytest.mark.parametrize(
    ("decode", "content"),
    [
        (decode_transform, bytes(47)),
        (decode_transform, bytes(49)),
        (decode_status, bytes(29)),
        (decode_string, bytes(3)),
        (decode_string, b"\0\3\0\2a"),
        (decode_string, b"\0\3\0\2abc"),
    ],
)
def test_small_messages_of_another_size_are_refused(decode, content):
    with pytest.raises(WireError):
        decode(content)


@pytest.mark.parametrize(
    "refused",
    [
        lambda: encode_transform(np.eye(3)),
        lambda: encode_transform(np.ones((4, 4))),
        lambda: encode_transform(np.diag([1e39, 1, 1, 1])),
        lambda: encode_status(Status(1 << 16)),
        lambda: encode_status(Status(-1)),
        lambda: encode_status(Status(1, 1 << 63)),
        lambda: encode_status(Status(1, 0, "n" * 21)),
        lambda: encode_string("s" * 65536),
    ],
)
def test_what_does_not_fit_into_a_small_message_is_refused(refused):
    with pytest.raises(WireError):
        refused()
