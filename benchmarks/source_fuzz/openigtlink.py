"""Make OpenIGTLink messages for the fuzz test."""

import dataclasses
import random
from collections.abc import Callable, Mapping

import numpy as np

from benchmarks.source_fuzz.wires import LiveSource, corrupted
from gatekeeper.config.source import OpenIGTLinkSourceConfig
from gatekeeper.core.clock import Clock
from gatekeeper.core.frame import Frame
from gatekeeper.sources.openigtlink import OpenIGTLinkSource
from gatekeeper.wire.openigtlink.contents import Status, encode_status, encode_string, encode_transform
from gatekeeper.wire.openigtlink.geometry import image_on
from gatekeeper.wire.openigtlink.header import HEADER_BYTES, Header, checksum, encode_header, to_timestamp
from gatekeeper.wire.openigtlink.image import encode_image
from gatekeeper.wire.openigtlink.message import Message, encode_message
from replay.feed.openigtlink_feeder import START_S, THICKNESS_MM, OpenIGTLinkFeeder
from replay.feed.port import Feeder

SIGNED = 0.5
"""Share of messages that get a valid checksum after corruption; otherwise only the checksum would be tested."""


class OpenIGTLinkWire:
    """The OpenIGTLink source, as a server, and its messages."""

    def source(self, clock: Clock, read_deadline_s: float) -> LiveSource:
        return OpenIGTLinkSource(
            OpenIGTLinkSourceConfig(kind="openigtlink", port=0, read_deadline_s=read_deadline_s), clock
        )

    def feeder(self, host: str, port: int) -> Feeder:
        return OpenIGTLinkFeeder(host, port)

    def bad(self, chance: random.Random, frame: Callable[[], Frame]) -> tuple[bytes, int]:
        """Return one corrupted message, an image in half of the cases, sometimes after valid messages without image."""
        others = {
            "TRANSFORM": encode_transform(np.eye(4)),
            "STATUS": encode_status(Status(chance.randint(0, 19), text="x" * chance.randint(0, 60))),
            "STRING": encode_string("text " * chance.randint(0, 60)),
            "POLYDATA": chance.randbytes(chance.randint(0, 200)),
            "GET_STATUS": b"",
        }
        kind = chance.choice(list(others))
        before = encode_message(Message(kind, "fuzz", others[kind])) if chance.random() < 0.3 else b""
        message = _image(frame())
        if chance.random() < 0.3:
            message = dataclasses.replace(message, type_name=kind, content=others[kind])
        version = chance.choice((1, 2, 3))
        extras = {} if version == 1 else {"number": chance.getrandbits(32), "metadata": {"key": "value"}}
        message = dataclasses.replace(message, version=version, **extras)
        whole = encode_message(message)
        if chance.random() > SIGNED:
            return before + corrupted(chance, whole), 1
        body = corrupted(chance, whole[HEADER_BYTES:].ljust(2, b"\0"))
        header = Header(version, message.type_name, message.device, message.timestamp, len(body), checksum(body))
        return before + encode_header(header) + body, 1

    def huge(self, size: int) -> Mapping[str, bytes]:
        return {
            kind: encode_header(Header(version, kind, "fuzz", 1, size, 0))
            for kind, version in (("IMAGE", 1), ("STRING", 2), ("POLYDATA", 1))
        }

    def begun(self, frame: Frame) -> bytes:
        return encode_message(_image(frame))


def _image(frame: Frame) -> Message:
    content = encode_image(image_on(frame.plane, frame.spacing_mm, frame.image, THICKNESS_MM))
    return Message("IMAGE", "fuzz", content, to_timestamp(START_S + frame.acquired_s))
