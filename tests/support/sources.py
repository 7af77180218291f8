"""Provide a session clock, deadlines and clients for tests of live sources."""

import socket
from contextlib import closing, contextmanager

from gatekeeper.config.source import MrdSourceConfig
from gatekeeper.core.clock import PacedClock
from gatekeeper.sources.mrd import MrdSource
from tests.support.waiting import DEADLINE_S


@contextmanager
def mrd_source(session=None, /, **settings):
    config = MrdSourceConfig(kind="mrd", port=0, **settings)
    with closing(MrdSource(config, PacedClock() if session is None else session)) as source:
        yield source


@contextmanager
def connected(source):
    with socket.create_connection(source.address, DEADLINE_S) as link:
        yield link


def received(source, count):
    """Return the next `count` frames of a source."""
    frames = []
    while len(frames) < count:
        frame = source.next_frame(DEADLINE_S)
        assert frame is not None, f"{len(frames)} of {count} frames came: {source.counts}"
        frames.append(frame)
    return frames


def answered(link):
    """Return all that comes back until the other side closes; nothing when it does so in anger."""
    raw = b""
    try:
        while data := link.recv(4096):
            raw += data
    except ConnectionResetError:
        pass
    return raw
