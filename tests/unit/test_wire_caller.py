"""A caller connects, serves, and calls again, until it is closed."""

import socket
import threading
from collections import Counter
from contextlib import closing, contextmanager

import pytest

from gatekeeper.wire.caller import Caller
from tests.support.waiting import DEADLINE_S


@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(DEADLINE_S)
        yield listening


@contextmanager
def calling(port, serve, counted):
    with closing(Caller("127.0.0.1", port, serve, lambda *what: counted.update([what[:2]]), "test", 0.01)) as caller:
        yield caller


def echo(link, _):
    """Send back what comes, until the other side closes."""
    while data := link.recv(100):
        link.sendall(data)


def test_it_serves_one_connection_after_the_other(server):
    counted = Counter()
    with calling(server.getsockname()[1], echo, counted):
        for _ in range(3):
            link, _ = server.accept()
            with link:
                link.sendall(b"hello")
                assert link.recv(100) == b"hello"
    assert counted["connection", "127.0.0.1"] == 3


def test_what_goes_wrong_while_serving_is_counted_and_it_calls_again(server):
    def fail(link, peer):
        raise RuntimeError("no good")

    counted = Counter()
    with calling(server.getsockname()[1], fail, counted):
        for _ in range(2):
            link, _ = server.accept()
            with link:
                assert link.recv(1) == b""
    assert counted["failed", "RuntimeError: no good"] == 2


def test_it_waits_for_a_server_that_is_not_there():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    tried = threading.Semaphore(0)
    with closing(Caller("127.0.0.1", port, echo, lambda *what: tried.release(), "test", 0.01)):
        for _ in range(3):
            assert tried.acquire(timeout=DEADLINE_S)


def test_closing_it_ends_a_connection_that_is_being_served(server):
    counted = Counter()
    with calling(server.getsockname()[1], echo, counted) as caller:
        link, _ = server.accept()
        with link:
            link.settimeout(DEADLINE_S)
            link.sendall(b"x")
            assert link.recv(1) == b"x"
            closer = threading.Thread(target=caller.close)
            closer.start()
            closer.join(DEADLINE_S)
            assert not closer.is_alive()
            caller.close()
            assert link.recv(1) == b""
    assert not any("caller" in thread.name for thread in threading.enumerate())


def test_a_caller_that_gets_itself_on_the_line_hangs_up(monkeypatch):
    """TCP allows it: both ends of the connection are the same socket, and nobody else could ever listen there."""
    connect, heard = socket.create_connection, []
    refused = threading.Event()
    monkeypatch.setattr(socket, "create_connection", lambda address, wait_s: connect(address, wait_s, address))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    def count(*what):
        heard.append(what)
        refused.set()

    with closing(Caller("127.0.0.1", port, echo, count, "test", 0.01)):
        assert refused.wait(DEADLINE_S)
    assert set(heard) == {("refused", "unreachable", f"127.0.0.1:{port}")}
