"""Each source tells who sends, and each connection has a number that goes with its frames into the journal."""

import math

import pytest

from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.errors import SourceError
from gatekeeper.core.frame import Frame
from gatekeeper.sources.connections import REMEMBERED, Connection, Connections, new_connections
from gatekeeper.sources.source_guard import GuardedSource
from tests.support.mrd_wire import image, session, text
from tests.support.sources import answered, connected, mrd_source, received
from tests.support.steps import frame


def test_a_connection_begins_with_its_first_image_and_whenever_something_about_the_sender_changes():
    known = Connections()
    known.begin()
    assert known.last == ()
    who = ("10.1.2.3:4", "MRD 1", "", "ab")
    assert [known.number(*who), known.number(*who), known.number(*who[:3], "cd")] == [1, 1, 2]
    known.begin()
    assert known.number(*who[:3], "cd") == 3
    assert [one.header for one in known.last] == ["ab", "cd", "cd"]


def test_only_the_last_connections_are_remembered_and_none_is_told_twice():
    class Source:
        connections = ()

    known = Connections()
    for _ in range(3 * REMEMBERED):
        known.begin()
        known.number("10.1.2.3:4", "MRD 1")
    Source.connections = known.last
    assert [one.number for one in new_connections(Source(), 3 * REMEMBERED - 2)] == [
        3 * REMEMBERED - 1,
        3 * REMEMBERED,
    ]
    assert len(new_connections(Source(), 0)) == REMEMBERED
    assert new_connections(object(), 0) == ()


def test_what_a_sender_has_written_is_shown_without_control_codes():
    known = Connections()
    known.number("10.1.2.3:4", "MRD 1", "scan\x1b[2Jner" + "x" * 200)
    assert known.last[0].device == ("scan [2Jner" + "x" * 200)[:80]
    line = Connection(2, "10.1.2.3:4", "MRD 1", "scanner", "0123456789abcdef").as_line()
    assert line == "source: connection 2 from 10.1.2.3:4, MRD 1, device 'scanner', header 0123456789ab"


def test_an_mrd_sender_is_known_by_what_it_says_before_its_images():
    with mrd_source(VirtualClock(50.0)) as source:
        for said in (b"<one/>", b"<one/>", b"<two/>"):
            with connected(source) as link:
                link.sendall(text(3, said) + session(image(index=1, stamp=400), image(index=2, stamp=450)))
                answered(link)
        numbers = [one.connection for one in received(source, 6)]
        headers = [one.header for one in source.connections]
    assert numbers == [1, 1, 2, 2, 3, 3]
    assert headers[0] == headers[1] != headers[2]
    assert all(len(one) == 64 for one in headers)


class Given:
    """A plug-in that delivers what it is given."""

    def __init__(self, *frames):
        self.frames = list(frames)

    def next_frame(self, timeout_s):
        return self.frames.pop(0)

    def ended(self):
        return not self.frames

    def close(self):
        pass


def given(count, **values):
    base = frame(count, acquired_s=1.0 + count, received_s=1.1 + count)
    return Frame(**({name: getattr(base, name) for name in Frame.__slots__} | values))


def test_frames_of_a_plug_in_come_over_the_connections_that_it_tells():
    source = GuardedSource(Given(given(0), given(1), given(2, connection=7), given(3, connection=8)), "own")
    assert [source.next_frame(0.0).connection for _ in range(4)] == [1, 1, 2, 3]
    assert [one.protocol for one in source.connections] == [f"own, connection {number}" for number in (0, 7, 8)]


def test_times_of_a_plug_in_are_a_clock_unless_they_are_those_of_arrival():
    arrived = [given(k, acquired_s=1.1 + k) for k in range(2)]
    for clock, acquired_s in (("sender", math.nan), ("none", 1.1)):
        one = GuardedSource(Given(*arrived), "own", clock).next_frame(0.0)
        assert one.acquired_s == pytest.approx(acquired_s, nan_ok=True)
        assert math.isnan(one.stamp_s)
    assert GuardedSource(Given(given(0)), "own").next_frame(0.0).stamp_s == 1.0
    assert GuardedSource(Given(given(0, stamp_s=500.0)), "own").next_frame(0.0).stamp_s == 500.0
    assert GuardedSource(Given(given(0)), "own", "none").next_frame(0.0).acquired_s == 1.1


@pytest.mark.parametrize("wrong", [{"connection": 1.5}, {"stamp_s": "now"}])
def test_a_connection_that_is_no_number_ends_the_session(wrong):
    with pytest.raises(SourceError, match="give numbers"):
        GuardedSource(Given(given(0, **wrong)), "own").next_frame(0.0)
