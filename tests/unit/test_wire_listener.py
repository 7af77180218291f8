"""One sender at a time, from where it is allowed, and nothing is left of a listener that was closed."""

import socket
import threading
from contextlib import ExitStack, contextmanager, suppress

import pytest

from gatekeeper.core.clock import monotonic_ns
from gatekeeper.core.errors import ConfigError
from gatekeeper.wire import listener as wire_listener
from gatekeeper.wire import mrd_codec, security
from gatekeeper.wire.listener import Listener
from gatekeeper.wire.openigtlink import header
from gatekeeper.wire.openigtlink.message import Message, encode_message
from gatekeeper.wire.waiting import MOST_EACH


class Heard:
    """Counts what a listener tells, and can be waited for."""

    def __init__(self):
        self.told, self.changed = [], threading.Condition()

    def __call__(self, what, more, peer):
        with self.changed:
            self.told.append((what, more))
            self.changed.notify_all()

    def wait_for(self, count, what):
        with self.changed:
            assert self.changed.wait_for(lambda: sum(one == what for one, _ in self.told) >= count, 5.0)


def echo(link, peer):
    while data := link.recv(1000):
        link.sendall(data)


@contextmanager
def listening(serve=echo, allow=("127.0.0.1",), **settings):
    heard = Heard()
    listener = Listener("127.0.0.1", 0, allow, serve, heard, "test source", **settings)
    try:
        yield listener, heard
    finally:
        listener.close()


@contextmanager
def sender(listener):
    with socket.create_connection(listener.address, 5.0) as link:
        yield link


def is_closed(link):
    try:
        return link.recv(1) == b""
    except ConnectionResetError:
        return True


def is_served(link):
    link.sendall(b"x")
    return link.recv(1) == b"x"


def test_a_second_sender_is_closed_at_once_and_the_first_one_goes_on():
    with listening(used_ns=monotonic_ns) as (listener, heard), sender(listener) as first:
        assert is_served(first)
        with sender(listener) as second:
            second.sendall(b"x")
            assert is_closed(second)
        assert is_served(first)
        heard.wait_for(1, "refused")
        assert heard.told == [("connection", "127.0.0.1"), ("refused", "busy")]


def test_a_sender_that_has_hung_up_and_comes_back_is_let_in():
    with listening() as (listener, _):
        for _ in range(100):
            with sender(listener) as link:
                assert is_served(link)


def test_a_sender_that_comes_back_while_its_last_bytes_are_being_read_is_let_in():
    reading = threading.Event()

    def slow(link, peer):
        while data := link.recv(1):
            if data == b"s":
                reading.wait(5.0)
            link.sendall(data)

    with listening(slow) as (listener, heard):
        with sender(listener) as link:
            link.sendall(b"s")
            heard.wait_for(1, "connection")
        with sender(listener) as link:
            reading.set()
            assert is_served(link)


@pytest.mark.parametrize("allow", [(), ("10.0.0.0/8",), ("127.0.0.2", "::1")])
def test_who_is_not_on_the_list_is_turned_away(allow):
    with listening(allow=allow) as (listener, heard), sender(listener) as link:
        assert is_closed(link)
        heard.wait_for(1, "refused")
        assert heard.told == [("refused", "address")]


def test_networks_and_mapped_addresses_are_understood():
    with listening(allow=("127.0.0.0/8",)) as (listener, _), sender(listener) as link:
        assert is_served(link)
        assert listener._is_allowed("::ffff:127.0.0.5")
        assert not listener._is_allowed("::ffff:10.0.0.5")
        assert not listener._is_allowed("fe80::1%eth0")


def test_a_failure_while_serving_ends_that_connection_and_no_other():
    def fail(link, peer):
        if link.recv(1) == b"!":
            raise ValueError("bad luck")
        link.sendall(b"x")

    with listening(fail) as (listener, heard):
        with sender(listener) as link:
            link.sendall(b"!")
            assert is_closed(link)
        with sender(listener) as link:
            assert is_served(link)
        assert ("failed", "ValueError: bad luck") in heard.told


def test_closing_ends_the_connection_and_every_thread():
    before = threading.active_count()
    with listening() as (listener, _), sender(listener) as link:
        assert is_served(link)
        listener.close()
        assert threading.active_count() == before
        assert is_closed(link)
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", link.getpeername()[1]), 5.0)


def test_a_storm_of_connections_leaves_room_for_a_good_sender():
    with listening() as (listener, heard):
        links = [socket.create_connection(listener.address, 5.0) for _ in range(300)]
        for link in links:
            link.close()
        heard.wait_for(300, "refused")
        for _ in range(50):
            with sender(listener) as link:
                try:
                    if is_served(link):
                        break
                except OSError:
                    continue
        else:
            pytest.fail("nobody was served after the storm")


def test_silent_connections_keep_no_sender_out_and_are_dropped():
    with listening(greeting_s=0.2) as (listener, heard), ExitStack() as strangers:
        silent = [strangers.enter_context(sender(listener)) for _ in range(6)]
        with sender(listener) as link:
            assert is_served(link)
            assert all(is_closed(one) for one in silent)
            assert is_served(link)
        assert [one for one in heard.told if one[0] == "refused"] == [("refused", "silent")] * 6


def test_one_address_has_only_so_many_silent_connections():
    with listening(greeting_s=600.0) as (listener, heard), ExitStack() as strangers:
        silent = [strangers.enter_context(sender(listener)) for _ in range(MOST_EACH + 1)]
        assert is_closed(silent[0])
        heard.wait_for(1, "refused")
        assert ("refused", "crowded") in heard.told
        assert is_served(silent[1])


def test_a_sender_without_frames_loses_its_place_to_another_that_greets():
    with listening(greeting_s=0.2) as (listener, heard), sender(listener) as idle:
        assert is_served(idle)
        with sender(listener) as link:
            assert is_served(link)
            assert is_closed(idle)
        assert heard.told == [("connection", "127.0.0.1")] * 2


def test_a_sender_with_frames_keeps_its_place():
    with listening(greeting_s=0.2, used_ns=monotonic_ns) as (listener, _), sender(listener) as first:
        assert is_served(first)
        for _ in range(3):
            with sender(listener) as other, suppress(OSError):
                other.sendall(b"x")
                assert is_closed(other)
        assert is_served(first)


def test_wrong_greeting_is_heard_only_while_no_other_connection_is_there():
    def greets(start):
        return start[:1] == b"x"

    with listening(greeting=greets, greeting_s=600.0) as (listener, _), sender(listener) as stranger:
        stranger.sendall(b"?")
        assert stranger.recv(1) == b"?"
        with sender(listener) as link:
            assert is_served(link), "at once, although the stranger was first"
            assert is_closed(stranger)


def test_a_connection_with_another_greeting_does_not_wait_for_ever(monkeypatch):
    monkeypatch.setattr(wire_listener, "CLOSING_S", 0.1)
    with (
        listening(greeting=lambda start: start == b"x", greeting_s=0.1) as (listener, heard),
        sender(listener) as first,
    ):
        assert is_served(first)
        with sender(listener) as stranger:
            stranger.sendall(b"y")
            assert is_closed(stranger)
        heard.wait_for(1, "refused")
        assert heard.told == [("connection", "127.0.0.1"), ("refused", "busy")]
        assert is_served(first), "a stranger does not cost a proven sender its place"


@pytest.mark.parametrize(
    ("greets", "good"),
    [
        (mrd_codec.greets, mrd_codec.write_text(mrd_codec.Kind.TEXT, "text")),
        (header.greets, encode_message(Message("STATUS", "scanner", b""))),
        (security.greets, b"\x16\x03\x01\x02\x00"),
    ],
    ids=["mrd", "openigtlink", "tls"],
)
def test_only_the_beginning_of_its_own_protocol_is_a_greeting(greets, good):
    assert greets(good)
    for other in (b"", good[:1], b"GET / HTTP/1.1\r\nHost: scanner\r\nAccept: text/html, */*\r\n\r\n", bytes(128)):
        assert not greets(other)


def test_an_address_that_cannot_be_listened_on_is_said_in_one_line():
    with listening() as (listener, _), pytest.raises(ConfigError, match=r"cannot listen on 127\.0\.0\.1:\d+"):
        Listener("127.0.0.1", listener.address[1], (), echo, Heard(), "test source")
    with pytest.raises(ConfigError, match="cannot listen on no such host"):
        Listener("no such host", 0, (), echo, Heard(), "test source")


def test_a_word_that_is_no_address_is_not_allowed_as_one():
    with pytest.raises(ConfigError, match="'scanner', which is neither an address"):
        Listener("127.0.0.1", 0, ("scanner",), echo, Heard(), "test source")
