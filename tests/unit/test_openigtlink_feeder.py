"""A feeder stands where the scanner would: what it sends, the source takes, with number, time and place."""

import socket
import threading

import numpy as np
import pytest

from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.errors import LinkError
from gatekeeper.core.frame import Frame, Plane
from replay.feed.openigtlink_feeder import OpenIGTLinkFeeder
from replay.feed.play import play
from replay.recording import Recording
from tests.support.openigtlink_messages import frames, pixels, source
from tests.support.waiting import DEADLINE_S

PLANE = Plane((12.3, -45.6, 78.9), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0))


def frame(number):
    return Frame(pixels(number), (1.1, 1.7), number, number / 8.0, number / 8.0, PLANE)


def taken(opened, count):
    return [opened.next_frame(DEADLINE_S) for _ in range(count)]


def assert_same(got, expected):
    np.testing.assert_array_equal(got.image, expected.image)
    assert got.spacing_mm == expected.spacing_mm
    np.testing.assert_allclose(got.plane.origin_mm, expected.plane.origin_mm, atol=1e-4)
    assert (got.plane.row_step, got.plane.col_step) == (expected.plane.row_step, expected.plane.col_step)


@pytest.mark.parametrize("version", [1, 2])
def test_frames_arrive_with_their_place_and_the_time_between_them(version):
    with source(VirtualClock(100.0)) as opened:
        feeder = OpenIGTLinkFeeder(*opened.address, version=version)
        for number in range(3):
            feeder.send(frame(number))
        got = taken(opened, 3)
        feeder.close()
        feeder.close()
    for number, one in enumerate(got):
        assert_same(one, frame(number))
        assert one.sequence == number
    # All arrive at the same time: the first is the oldest, and only the newest is not late at all.
    assert [one.acquired_s for one in got] == pytest.approx([100.0, 100.0, 100.0])


def test_frames_that_the_player_left_out_are_missing_at_the_source():
    with source() as opened:
        feeder = OpenIGTLinkFeeder(*opened.address)
        for number in (0, 1, 4):
            feeder.send(frame(number))
        assert [one.sequence for one in taken(opened, 3)] == [0, 1, 4]
        feeder.close()


def test_as_a_server_it_feeds_a_source_that_calls():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    made = []
    maker = threading.Thread(target=lambda: made.append(OpenIGTLinkFeeder("127.0.0.1", port, "server")))
    maker.start()
    with source(role="client", port=port) as opened:
        maker.join()
        made[0].send(frame(0))
        assert_same(opened.next_frame(DEADLINE_S), frame(0))
        made[0].close()


def test_a_recording_is_played_to_its_end():
    stack = np.array([pixels(k) for k in range(4)])
    recording = Recording("case", stack, (1.1, 1.7), np.arange(4) / 8.0, plane=PLANE)
    with source() as opened:
        feeder = OpenIGTLinkFeeder(*opened.address)
        assert play(recording, feeder, VirtualClock(), lambda *_: None) == 4
        for number, one in enumerate(taken(opened, 4)):
            assert_same(one, frame(number))
        feeder.close()
        assert frames(opened) == []


def test_missing_receiver_is_reported():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(LinkError, match="start the source"):
        OpenIGTLinkFeeder("127.0.0.1", port)
    with pytest.raises(LinkError, match=r"no connection within 0\.01 s"):
        OpenIGTLinkFeeder("127.0.0.1", port, "server", patience_s=0.01)


def test_it_says_when_the_source_is_gone():
    with source() as opened:
        feeder = OpenIGTLinkFeeder(*opened.address)
        feeder.send(frame(0))
        assert opened.next_frame(DEADLINE_S) is not None
    with pytest.raises(LinkError, match="not accepted"):
        send_many(feeder)
    feeder.close()


def send_many(feeder):
    for number in range(1, 1000):
        feeder.send(frame(number))
