"""Any bytes at all are an MRD message or a breach, and what was written is what is read."""

import socket
import struct
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from gatekeeper.wire import mrd_codec as mrd
from gatekeeper.wire.mrd_attributes import read_attributes
from gatekeeper.wire.mrd_codec import ImageHeader, ImageMessage, Kind, TextMessage
from gatekeeper.wire.stream import Breach, MessageStream, StreamError

KINDS = st.sampled_from([1, 2, 3, 4, 5, 1008, 1022, 1026, 1030]).map(lambda kind: struct.pack("<H", kind))
COORDINATES = st.tuples(*[st.floats(width=32)] * 3)
DIRECTIONS = st.tuples(*[st.floats(-1.0, 1.0, width=32)] * 3)
HEADERS = st.builds(
    ImageHeader,
    pixel_type=st.just(5),
    matrix=st.just((3, 2, 1)),
    field_of_view_mm=COORDINATES,
    channels=st.just(1),
    position_mm=COORDINATES,
    read_dir=DIRECTIONS,
    phase_dir=DIRECTIONS,
    stamp=st.integers(0, 2**32 - 1),
    image_type=st.integers(0, 2**16 - 1),
    image_index=st.integers(0, 2**16 - 1),
    series_index=st.integers(0, 2**16 - 1),
)


def messages_of(raw, largest_bytes=10_000):
    """Return all messages of a connection that carries these bytes; a breach comes through."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(raw)
        theirs.close()
        stream, messages = MessageStream(ours, largest_bytes, 5.0, "test"), []
        while stream.begin():
            messages.append(mrd.read_message(stream, "test"))
        return messages


@given(st.one_of(st.binary(max_size=600), st.builds(bytes.__add__, KINDS, st.binary(max_size=900))))
def test_any_bytes_are_messages_or_a_breach(raw):
    with suppress(StreamError):
        assert all(isinstance(message, (ImageMessage, TextMessage, Kind)) for message in messages_of(raw))


@given(
    HEADERS,
    npst.arrays(st.sampled_from(["<u2", "<i2", "<u4", "<i4", "<f4", "<f8", "<c8", "<c16"]), (2, 3)),
    st.binary(max_size=40).filter(lambda raw: not raw.endswith(b"\0")),
)
def test_an_image_that_was_written_is_read(header, pixels, attributes):
    (message,) = messages_of(mrd.write_image(header, pixels, attributes))
    written = header._replace(pixel_type=message.header.pixel_type)
    np.testing.assert_equal(tuple(message.header), tuple(written))
    assert message.attributes == attributes
    assert message.pixels.dtype == pixels.dtype
    np.testing.assert_array_equal(message.pixels[0, 0], pixels)


@given(st.sampled_from([Kind.CONFIG_FILE, Kind.CONFIG_TEXT, Kind.HEADER, Kind.TEXT]), st.text(max_size=80))
def test_words_that_were_written_are_read_without_zeros_at_their_end(kind, text):
    assert messages_of(mrd.write_text(kind, text)) == [TextMessage(kind, text.rstrip("\0"))]


@given(st.data())
def test_a_message_that_is_cut_anywhere_is_a_breach(data):
    header = ImageHeader(5, (3, 2, 1), (6.0, 6.0, 5.0), 1, (0.0,) * 3, (0.0, 1.0, 0.0), (0.0, 0.0, -1.0))
    raw = mrd.write_image(header, np.zeros((2, 3), np.float32), b"<ismrmrdMeta/>")
    with pytest.raises(StreamError) as raised:
        messages_of(raw[: data.draw(st.integers(1, len(raw) - 1))])
    assert raised.value.breach is Breach.CUT


@given(st.binary(max_size=200))
def test_attributes_are_names_and_values_or_an_error(raw):
    try:
        attributes = read_attributes(raw)
    except ValueError:
        return
    assert all(isinstance(value, str) for values in attributes.values() for value in values)
