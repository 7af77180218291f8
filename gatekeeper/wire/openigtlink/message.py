"""Messages of OpenIGTLink: their body is checked and split, or assembled with its checksum."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from gatekeeper.core.errors import WireError
from gatekeeper.wire.openigtlink.header import (
    HEADER_BYTES,
    Buffer,
    Header,
    checksum,
    decode_header,
    encode_header,
)
from gatekeeper.wire.openigtlink.text import ASCII, UTF8, decode_text

EXTENDED = struct.Struct(">HHII")
"""Extended header: its own size, size of the metadata's index, size of the metadata, number of the message."""
COUNT = struct.Struct(">H")
ENTRY = struct.Struct(">HHI")
"""An entry of the index: bytes of the key, encoding of the value, bytes of the value."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message.

    Attributes
    ----------
    type_name, device : str
        See `Header`.
    content : buffer
        Content of the type, for `gatekeeper.wire.openigtlink.image` and `contents`.
    timestamp : int
        See `Header`.
    version : int
        Header version; number and metadata need version 2 or above.
    number : int
        The sender's number of the message; 0 when it does not count.
    metadata : mapping of str to str
        Keys and values that the sender added.
    """

    type_name: str
    device: str
    content: Buffer
    timestamp: int = 0
    version: int = 1
    number: int = 0
    metadata: Mapping[str, str] = field(default_factory=dict)


def decode_message(header: Header, body: Buffer) -> Message:
    """Return the message of a header and the bytes after it; its content is a view of them.

    Raises
    ------
    WireError
        When size or checksum of the body differ from the header, or its parts do not fit into it.
    """
    what = f"OpenIGTLink {header.type_name!r} of {header.device!r}"
    if len(body) != header.body_size:
        raise WireError(f"{what}: {len(body)} bytes after the header, which announces {header.body_size}")
    crc = checksum(body)
    if crc != header.crc:
        raise WireError(f"{what}: checksum {crc:016x}; the header says {header.crc:016x}; the bytes are damaged")
    view = memoryview(body)
    if header.version == 1:
        return Message(header.type_name, header.device, view, header.timestamp)
    if len(view) < EXTENDED.size:
        raise WireError(f"{what}: {len(view)} bytes; the extended header alone has {EXTENDED.size}")
    size, index_size, values_size, number = EXTENDED.unpack_from(view)
    end = len(view) - index_size - values_size
    if not EXTENDED.size <= size <= end:
        raise WireError(
            f"{what}: extended header {size} bytes, metadata {index_size} and {values_size}; body {len(view)}"
        )
    metadata = _metadata(view[end : end + index_size], view[end + index_size :], what)
    return Message(header.type_name, header.device, view[size:end], header.timestamp, header.version, number, metadata)


def encode_message(message: Message) -> bytes:
    """Return all bytes of a message, with header and checksum.

    Raises
    ------
    WireError
        When a value does not fit its field, or a message of version 1 has a number or metadata.
    """
    if message.version == 1:
        if message.number or message.metadata:
            raise WireError("OpenIGTLink message: version 1 has no number and no metadata; write version 2")
        body = bytes(message.content)
    else:
        body = _with_extras(message)
    header = Header(message.version, message.type_name, message.device, message.timestamp, len(body), checksum(body))
    return encode_header(header) + body


def decode_whole(data: Buffer) -> Message:
    """Return the message in bytes that are exactly its header and body.

    Raises
    ------
    WireError
        When they are not.
    """
    view = memoryview(data)
    return decode_message(decode_header(view[:HEADER_BYTES]), view[HEADER_BYTES:])


def _metadata(index: memoryview, values: memoryview, what: str) -> dict[str, str]:
    if not len(index) and not len(values):
        return {}
    count = COUNT.unpack_from(index)[0] if len(index) >= COUNT.size else -1
    if len(index) != COUNT.size + count * ENTRY.size:
        raise WireError(f"{what}: index of metadata has {len(index)} bytes for {count} entries of {ENTRY.size}")
    metadata: dict[str, str] = {}
    at = 0
    for key_size, encoding, value_size in ENTRY.iter_unpack(index[COUNT.size :]):
        between, end = at + key_size, at + key_size + value_size
        metadata[decode_text(values[at:between], UTF8)] = decode_text(values[between:end], encoding)
        at = end
    if at != len(values):
        raise WireError(f"{what}: metadata of {at} bytes; the extended header says {len(values)}")
    return metadata


def _with_extras(message: Message) -> bytes:
    index, values = [COUNT.pack(len(message.metadata))], []
    try:
        for key, value in message.metadata.items():
            raw_key, raw_value = key.encode(), value.encode()
            index.append(ENTRY.pack(len(raw_key), ASCII if value.isascii() else UTF8, len(raw_value)))
            values += [raw_key, raw_value]
        index_size, values_size = sum(map(len, index)), sum(map(len, values))
        extended = EXTENDED.pack(EXTENDED.size, index_size, values_size, message.number)
    except (struct.error, UnicodeEncodeError) as error:
        raise WireError(f"OpenIGTLink message: number or metadata do not fit ({error})") from None
    return b"".join([extended, message.content, *index, *values])
