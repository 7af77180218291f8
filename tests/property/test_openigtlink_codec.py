"""Whatever is written as OpenIGTLink is read back as it was; whatever is damaged is refused and nothing worse."""

import dataclasses
import math

import hypothesis.extra.numpy as np_st
import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from gatekeeper.core.errors import WireError
from gatekeeper.wire.openigtlink.contents import (
    Status,
    decode_status,
    decode_string,
    decode_transform,
    encode_status,
    encode_string,
    encode_transform,
)
from gatekeeper.wire.openigtlink.header import HEADER_BYTES, decode_header, to_seconds, to_timestamp
from gatekeeper.wire.openigtlink.image import SCALAR_TYPES, Image, decode_image, encode_image
from gatekeeper.wire.openigtlink.message import Message, decode_whole, encode_message

DECODERS = {"IMAGE": decode_image, "TRANSFORM": decode_transform, "STATUS": decode_status, "STRING": decode_string}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
LINE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
NAME = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20)
SINGLE = st.floats(width=32, allow_nan=False)
VECTOR = st.tuples(SINGLE, SINGLE, SINGLE)


@st.composite
def images(draw):
    dtype = np.dtype(draw(st.sampled_from("<>")) + draw(st.sampled_from(list(SCALAR_TYPES.values()))))
    components = draw(st.sampled_from([(), (), (2,), (3,)]))
    shape = draw(st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 5)))
    pixels = draw(np_st.arrays(dtype, shape + components))
    offset = draw(st.tuples(*[st.integers(0, 4)] * 3))
    beyond = draw(st.tuples(*[st.integers(0, 4)] * 3))
    whole = tuple(map(sum, zip(shape[::-1], offset, beyond, strict=True)))
    vectors = draw(st.tuples(VECTOR, VECTOR, VECTOR, VECTOR))
    return Image(pixels, *vectors, draw(st.sampled_from(["RAS", "LPS"])), whole, offset)


@st.composite
def messages(draw):
    type_name, content = draw(
        st.one_of(
            st.tuples(st.just("IMAGE"), images().map(encode_image)),
            st.tuples(st.just("TRANSFORM"), st.binary(min_size=48, max_size=48)),
            st.tuples(st.just("STATUS"), st.builds(Status, st.integers(0, 19), text=LINE).map(encode_status)),
            st.tuples(st.just("STRING"), TEXT.map(encode_string)),
            st.tuples(st.sampled_from(["POLYDATA", "X", ""]), st.binary(max_size=60)),
        )
    )
    stamp = draw(st.integers(0, 2**64 - 1))
    version = draw(st.sampled_from([1, 2, 3]))
    if version == 1:
        return Message(type_name, draw(NAME), content, stamp)
    extras = draw(st.integers(0, 2**32 - 1)), draw(st.dictionaries(TEXT, TEXT, max_size=3))
    return Message(type_name, draw(NAME), content, stamp, version, *extras)


def read(data):
    """What a receiver does with bytes from outside."""
    message = decode_whole(data)
    decoder = DECODERS.get(message.type_name)
    return message, decoder(message.content) if decoder else None


def outcome(data):
    """The words of the refusal, or none; anything else that is raised fails the test."""
    try:
        read(data)
    except WireError as error:
        return str(error)
    return ""


@given(messages())
def test_a_message_is_read_back_as_it_was_written(message):
    back, _ = read(encode_message(message))
    assert dataclasses.replace(back, content=bytes(back.content)) == message


@given(images())
def test_an_image_is_read_back_with_every_pixel_and_its_place(image):
    back = decode_image(encode_image(image))
    np.testing.assert_array_equal(back.pixels, image.pixels)
    assert back.pixels.dtype == image.pixels.dtype
    places = [field.name for field in dataclasses.fields(Image) if field.name != "pixels"]
    assert [getattr(back, name) for name in places] == [getattr(image, name) for name in places]
    assert back.is_whole == (image.whole == image.pixels.shape[2::-1])


@given(np_st.arrays(np.float32, (3, 4), elements=SINGLE))
def test_a_transform_is_read_back(rows):
    matrix = np.vstack([rows, [0, 0, 0, 1]])
    np.testing.assert_array_equal(decode_transform(encode_transform(matrix)), matrix)


@given(st.builds(Status, st.integers(0, 65535), st.integers(-(2**63), 2**63 - 1), NAME, LINE))
def test_a_status_is_read_back(status):
    assert decode_status(encode_status(status)) == status


@given(TEXT)
def test_a_string_is_read_back(text):
    assert decode_string(encode_string(text)) == text


@given(st.floats(0, 4e9))
def test_a_time_is_read_back_to_a_quarter_of_a_nanosecond_and_never_later(seconds):
    back = to_seconds(to_timestamp(seconds))
    assert seconds - 2**-32 <= back <= seconds


@pytest.mark.parametrize("seconds", [-1e-9, 2.0**32, math.nan, math.inf])
def test_a_time_that_does_not_fit_is_refused(seconds):
    with pytest.raises(WireError, match="timestamp"):
        to_timestamp(seconds)


@given(messages(), st.data())
def test_a_message_that_is_cut_off_anywhere_is_refused(message, data):
    whole = encode_message(message)
    with pytest.raises(WireError):
        read(whole[: data.draw(st.integers(0, len(whole) - 1))])


@given(messages(), st.binary(min_size=1, max_size=20))
def test_a_message_with_bytes_after_its_end_is_refused(message, more):
    with pytest.raises(WireError):
        read(encode_message(message) + more)


@given(messages(), st.data())
def test_one_damaged_run_of_bytes_in_a_body_is_always_found(message, data):
    """CRC-64 finds every burst of up to 64 bits."""
    whole = bytearray(encode_message(message))
    assume(len(whole) > HEADER_BYTES)
    at = data.draw(st.integers(HEADER_BYTES, len(whole) - 1))
    noise = data.draw(st.binary(min_size=1, max_size=min(8, len(whole) - at)))
    assume(any(noise))
    for k, value in enumerate(noise):
        whole[at + k] ^= value
    with pytest.raises(WireError):
        read(whole)


@given(messages(), st.lists(st.tuples(st.integers(0), st.integers(1, 255)), min_size=1, max_size=8))
def test_a_message_that_is_damaged_anywhere_is_refused_or_read_and_nothing_worse(message, damage):
    whole = bytearray(encode_message(message))
    for at, value in damage:
        whole[at % len(whole)] ^= value
    assert "\n" not in outcome(whole)


@given(st.sampled_from(["IMAGE", "TRANSFORM", "STATUS", "STRING"]), st.binary(max_size=120), st.sampled_from([1, 2, 3]))
@example("IMAGE", b"\0" * 72, 1)
@example("IMAGE", b"\0\1\1\3\2\1" + b"\xff" * 6 + b"\0" * 54 + b"\xff" * 6, 1)
def test_any_content_under_a_right_checksum_is_refused_or_read_and_nothing_worse(type_name, content, version):
    data = encode_message(Message(type_name, "", content, 0, version))
    assert "\n" not in outcome(data)


@given(st.binary(max_size=80))
def test_any_body_of_version_2_under_a_right_checksum_is_refused_or_read_and_nothing_worse(body):
    data = bytearray(encode_message(Message("STRING", "", body)))
    data[1] = 2
    assert "\n" not in outcome(data)


@given(st.binary(min_size=HEADER_BYTES, max_size=HEADER_BYTES))
def test_58_bytes_are_a_header_when_their_version_is_known_and_are_refused_otherwise(data):
    if int.from_bytes(data[:2], "big") in (1, 2, 3):
        assert decode_header(data).crc == int.from_bytes(data[50:], "big")
    else:
        with pytest.raises(WireError, match="version"):
            decode_header(data)
