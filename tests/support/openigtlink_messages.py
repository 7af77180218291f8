"""Provide a local OpenIGTLink source for tests, messages for it, and the resulting frames."""

import socket
from contextlib import closing, contextmanager, suppress

import numpy as np

from gatekeeper.config.source import OpenIGTLinkSourceConfig
from gatekeeper.core.clock import PacedClock
from gatekeeper.core.frame import Plane
from gatekeeper.sources.openigtlink import OpenIGTLinkSource
from gatekeeper.wire.openigtlink.geometry import image_on
from gatekeeper.wire.openigtlink.header import to_timestamp
from gatekeeper.wire.openigtlink.image import encode_image
from gatekeeper.wire.openigtlink.message import Message, encode_message
from tests.support.sources import answered, connected

SAGITTAL = Plane((10.0, -20.0, 30.0))
SPACING_MM = (2.0, 3.0)


def pixels(seed=0, shape=(5, 4), dtype=np.float32):
    return np.random.default_rng(seed).integers(0, 100, shape).astype(dtype)


def message(number=1, image=None, device="scanner", time_s=None, version=2, **changed):
    """An IMAGE message of a canonical sagittal plane."""
    image = image if image is not None else image_on(SAGITTAL, SPACING_MM, pixels(number), 5.0)
    stamp = to_timestamp(1.0 + number / 8.0 if time_s is None else time_s)
    numbered = number if version > 1 else 0
    fields = {"type_name": "IMAGE", "content": encode_image(image)} | changed
    return encode_message(Message(device=device, timestamp=stamp, version=version, number=numbered, **fields))


@contextmanager
def source(session=None, /, **settings):
    """A source that listens on a free port, or calls one."""
    config = OpenIGTLinkSourceConfig(kind="openigtlink", **({"port": 0} | settings))
    with closing(OpenIGTLinkSource(config, session or PacedClock())) as opened:
        yield opened


def sent(opened, *parts):
    """Send bytes over a connection of their own, end it, and wait until the source has read or refused them."""
    # Whom it turns away finds the connection gone at one point or another.
    with connected(opened) as link, suppress(OSError):
        for part in parts:
            link.sendall(part)
        link.shutdown(socket.SHUT_WR)
        answered(link)


def frames(opened):
    """All frames that wait."""
    taken = []
    while (frame := opened.next_frame(0.0)) is not None:
        taken.append(frame)
    return taken
