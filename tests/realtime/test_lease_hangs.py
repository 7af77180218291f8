"""Sender and interlock that hang or do not read: no decision waits for them, and the link is seen to be lost."""

import ctypes
import socket
import time

from gatekeeper.linac.lease.messages import Kind, Message, encode
from gatekeeper.linac.lease.receiver import Rules
from tests.support.lease_link import SLACK_S, greeted
from tests.support.leases import KEY, interlock, lease_linac, measured
from tests.support.steps import HOLD, ON, decision
from tests.support.waiting import until


def test_hung_interlock_never_blocks_a_decision_and_the_link_is_seen_to_be_lost():
    with socket.create_server(("127.0.0.1", 0)) as hung:  # accepts, and never says a word
        port = hung.getsockname()[1]
        with lease_linac(port, connect_timeout_ms=50) as linac:
            longest_s = _longest_send_s(linac, 300)
            until(lambda: linac.link.lost > 0)
            assert not linac.alive
    measured(f"longest send() before a mute interlock: {longest_s * 1e6:.0f} us")
    assert longest_s < SLACK_S


def test_interlock_that_stops_reading_never_blocks_a_decision_and_the_link_is_seen_to_be_lost():
    """It greets, and then hangs with the connection open, as a stopped process does."""
    times = {"ack_timeout_ms": 50, "retry_ms": 60_000}
    with interlock(rules=Rules(KEY, silence_ms=60_000)) as server, lease_linac(server.address[1], **times) as linac:
        until(lambda: linac.alive)
        server._read = lambda: time.sleep(0.3)
        began_s = time.monotonic()
        longest_s = _longest_send_s(linac, 3000)
        until(lambda: not linac.alive)
        lost_s = time.monotonic() - began_s
        until(lambda: linac.link.lost == 1)
        assert linac.link.fault
    measured(f"longest send() before a hung interlock: {longest_s * 1e6:.0f} us, link lost after {lost_s * 1e3:.0f} ms")
    assert longest_s < SLACK_S
    assert lost_s < 0.3 + 2 * SLACK_S


def test_sender_that_was_not_running_does_not_blame_the_interlock():
    with interlock() as server, lease_linac(server.address[1], ack_timeout_ms=50) as linac:
        until(lambda: linac.alive)
        ctypes.PyDLL(None).usleep(200_000)  # holds the interpreter's lock, so that neither end runs
        until(lambda: linac.alive)
        assert linac.link.lost == 0


def test_link_is_not_alive_when_the_thread_that_hears_the_answers_does_not_run():
    with interlock() as server, lease_linac(server.address[1], ack_timeout_ms=50) as linac:
        until(lambda: linac.alive)
        with linac._lock:
            time.sleep(0.15)
            assert not linac.alive
            assert linac.link.last_ack_age_s > 0.05


def test_sender_that_reads_no_answers_is_sent_away():
    with interlock() as server, socket.socket() as link:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        link.settimeout(5.0)
        link.connect(server.address)
        key, session, _ = greeted(link)
        number = 0
        while server.state.peer is not None:
            number += 1
            try:
                link.sendall(encode(Message(Kind.HOLD, 0, session, number, 1), key))
            except OSError:
                break
        until(lambda: server.state.peer is None)
        assert server.counts["refused"] == 0


def _longest_send_s(linac, count):
    longest_s = 0.0
    for sequence in range(count):
        began_s = time.monotonic()
        linac.send(decision(ON if sequence % 3 else HOLD, sequence=sequence))
        longest_s = max(longest_s, time.monotonic() - began_s)
    return longest_s
