"""Sender and interlock over real sockets on the loopback, both in this process."""

import ctypes
import socket
import time
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

from gatekeeper.core.clock import monotonic_ns
from gatekeeper.core.decision import BeamState
from gatekeeper.core.errors import ConfigError
from gatekeeper.linac.lease.interlock import EventKind, InterlockServer
from gatekeeper.linac.lease.messages import SIZE, Kind, Message, Refusal, decode, encode, is_signed, session_key
from gatekeeper.linac.lease.receiver import Cause, Rules
from gatekeeper.wire.waiting import MOST_EACH, MOST_WAITING, crowded
from tests.support.leases import KEY, OTHER_KEY, RULES, SENDER_NONCE, interlock, lease_linac, measured
from tests.support.steps import HOLD, ON, decision
from tests.support.waiting import until

SLACK_S = 0.25
"""What a busy machine may add."""


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def beam_on(server):
    return server.state.beam is BeamState.ON


def switched_on(linac, server, sequence=1):
    """Have the beam on; decisions follow each other as they do in the loop."""
    until(lambda: linac.alive)

    def asked():
        linac.send(decision(ON, sequence=sequence))
        time.sleep(0.005)
        return beam_on(server)

    until(asked)


def dialled(server, timeout_s=5.0):
    return socket.create_connection(server.address, timeout_s)


def read(link):
    """Return the next message, b"" at the end."""
    raw = b""
    while len(raw) < SIZE:
        chunk = link.recv(SIZE - len(raw))
        if not chunk:
            return b""
        raw += chunk
    return raw


def greeted(link):
    """Return the key, the session and the first stamp of a session that a test has begun by hand."""
    challenge = decode(read(link))
    key = session_key(KEY, challenge.nonce, SENDER_NONCE)
    link.sendall(encode(Message(Kind.HELLO, session=challenge.session, nonce=SENDER_NONCE), key))
    raw = read(link)
    assert is_signed(raw, key)
    return key, challenge.session, decode(raw).stamp_ns


def test_beam_follows_the_decisions():
    with interlock() as server, lease_linac(server.address[1]) as linac:
        switched_on(linac, server, sequence=41)
        assert (server.state.cause, server.state.frame) == (Cause.LEASE, 41)
        linac.send(decision(HOLD, sequence=42))
        until(lambda: not beam_on(server))
        assert server.state.cause is Cause.REVOKED
        assert linac.link.rtt_ms > 0.0
        assert linac.link.last_ack_age_s < 5.0


def test_lease_is_renewed_between_two_decisions_and_not_beyond_their_freshness():
    with interlock() as server, lease_linac(server.address[1], fresh_ms=400) as linac:
        switched_on(linac, server)
        began_s = time.monotonic()
        until(lambda: not beam_on(server))
        held_s = time.monotonic() - began_s
        assert 0.15 < held_s < 0.4 + SLACK_S
        assert server.counts[EventKind.GRANTED] > 5


def test_link_stays_alive_while_the_beam_is_held():
    with interlock() as server, lease_linac(server.address[1], ack_timeout_ms=1000) as linac:
        until(lambda: linac.alive)
        time.sleep(0.7)  # longer than the interlock's patience with a silent sender
        assert linac.alive
        assert linac.link.sessions == 1
        assert not beam_on(server)


def test_lease_does_not_survive_a_suspend_of_the_interlock():
    """The clock jumps by an hour as on waking up, and the wait that had begun before goes on."""
    asleep_ns = [0]
    rules = Rules(KEY, max_lifetime_ms=60_000, silence_ms=7_200_000)
    with (
        interlock(rules=rules, now_ns=lambda: monotonic_ns() + asleep_ns[0]) as server,
        dialled(server) as link,
    ):
        key, session, stamp_ns = greeted(link)
        lease = Message(Kind.LEASE, session=session, number=1, frame=1, stamp_ns=stamp_ns, lifetime_ms=60_000)
        link.sendall(encode(lease, key))
        until(lambda: beam_on(server))
        asleep_ns[0] = 3_600_000_000_000
        until(lambda: not beam_on(server))
        assert server.state.cause is Cause.EXPIRED


def test_closing_revokes_and_nothing_is_sent_afterwards():
    with interlock() as server, lease_linac(server.address[1]) as linac:
        switched_on(linac, server)
        linac.close()
        until(lambda: not beam_on(server))
        linac.send(decision(ON))
        time.sleep(0.05)
        assert not beam_on(server)
        assert not linac.alive
        assert linac.link.withheld == 0, "it is not even looked at"


def test_interlock_that_starts_later_is_found_and_the_beam_stays_held_until_a_new_decision():
    with interlock() as gone:
        port = gone.address[1]
    with lease_linac(port) as linac:
        linac.send(decision(ON))
        until(lambda: linac.link.lost > 0)
        assert not linac.alive
        assert linac.link.withheld == 1
        assert "refused" in linac.link.fault
        with interlock(port) as server:
            until(lambda: linac.alive)
            time.sleep(0.1)
            assert not beam_on(server)
            switched_on(linac, server)


def test_interlock_that_restarts_comes_back_in_hold():
    with interlock() as first, lease_linac(first.address[1], fresh_ms=10_000) as linac:
        port = first.address[1]
        switched_on(linac, first)
        first.stop()
        until(lambda: not linac.alive)
        with interlock(port) as second:
            until(lambda: linac.alive)
            time.sleep(0.1)
            assert second.counts[EventKind.GRANTED] == 0, "a decision of before is worth nothing"
            switched_on(linac, second)
            assert linac.link.sessions == 2


def test_second_sender_is_refused_and_the_first_keeps_the_beam():
    with interlock() as server, lease_linac(server.address[1], fresh_ms=10_000) as first:
        switched_on(first, server)
        with lease_linac(server.address[1]) as second:
            until(lambda: "busy" in second.link.fault)
            second.send(decision(ON))
            assert not second.alive
        assert server.counts["busy"] >= 1
        until(lambda: beam_on(server))
        assert first.link.sessions == 1


def test_sender_with_another_key_never_gets_a_session():
    with interlock() as server, lease_linac(server.address[1], key=OTHER_KEY) as linac:
        until(lambda: linac.link.lost > 1)
        assert "same key file" in linac.link.fault
        assert not linac.alive
        assert linac.link.sessions == 0


def test_interlock_with_another_key_is_not_believed():
    with interlock(rules=Rules(OTHER_KEY)) as server, lease_linac(server.address[1]) as linac:
        until(lambda: linac.link.lost > 1)
        assert "same key file" in linac.link.fault
        assert server.counts[EventKind.GRANTED] == 0


def test_refused_message_holds_the_beam_and_is_counted():
    with interlock() as server, dialled(server) as link:
        key, session, stamp_ns = greeted(link)
        lease = encode(Message(Kind.LEASE, 0, session, 1, 5, stamp_ns, lifetime_ms=100), key)
        link.sendall(lease)
        assert decode(read(link)).kind == Kind.ACK
        link.sendall(lease)
        refused = decode(read(link))
        assert (refused.kind, refused.code) == (Kind.REFUSED, Refusal.REPLAYED)
        assert read(link) == b""
        until(lambda: server.counts["replayed"] == 1)
        until(lambda: server.counts[EventKind.DISCONNECTED] == 1)
        assert not beam_on(server)


@pytest.mark.parametrize("noise", [b"GET / HTTP/1.1\r\n\r\n", bytes(200), b"GKL1\xff\xff", b"x"])
def test_noise_is_refused_at_once(noise):
    with interlock() as server, dialled(server) as link:
        read(link)
        link.sendall(noise)
        until(lambda: server.counts["refused"] == 1)
        assert server.state.peer is None


@pytest.mark.parametrize("step_s", [None, 0.02])
def test_sender_that_is_too_slow_for_its_greeting_is_sent_away(step_s):
    with interlock(rules=Rules(KEY, silence_ms=150)) as server, dialled(server) as link:
        challenge = decode(read(link))
        hello = encode(Message(Kind.HELLO, session=challenge.session, nonce=SENDER_NONCE), bytes(32))
        began_s = time.monotonic()
        for at in range(SIZE if step_s else 0):
            if server.counts[EventKind.DISCONNECTED]:
                break
            link.sendall(hello[at : at + 1])
            time.sleep(step_s)
        until(lambda: server.counts[EventKind.DISCONNECTED] == 1)
        assert 0.1 < time.monotonic() - began_s < 0.15 + SLACK_S


def test_sender_that_falls_silent_makes_room_for_another():
    with interlock(rules=Rules(KEY, silence_ms=150)) as server, dialled(server) as half_open:
        greeted(half_open)
        with lease_linac(server.address[1]) as linac:
            switched_on(linac, server)


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


def test_sender_that_comes_and_goes_leaves_nothing_behind():
    with interlock() as server:
        before = open_files()
        for _ in range(200):
            with dialled(server) as link:
                read(link)
        until(lambda: server.counts[EventKind.CONNECTED] + server.counts["busy"] == 200)
        until(lambda: server.state.peer is None)
        until(lambda: open_files() <= before)


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


def test_hold_is_passed_on_by_the_thread_when_the_thread_was_just_writing():
    times = {"lifetime_ms": 1000, "renew_ms": 250, "ack_timeout_ms": 2000, "fresh_ms": 10_000}
    with interlock(rules=Rules(KEY, 1000, 5000)) as server, lease_linac(server.address[1], **times) as linac:
        switched_on(linac, server)
        time.sleep(0.01)
        with linac._lock:
            began_s = time.monotonic()
            linac.send(decision(HOLD))
            waited_s = time.monotonic() - began_s
            assert beam_on(server)
        until(lambda: not beam_on(server))
        held_s = time.monotonic() - began_s
        assert server.state.cause is Cause.REVOKED
    assert waited_s < 0.1
    assert held_s < 0.2, "at once, and not with the next renewal"


def test_decisions_from_full_speed_end_in_the_last_one():
    with interlock() as server, lease_linac(server.address[1], fresh_ms=10_000, ack_timeout_ms=1000) as linac:
        until(lambda: linac.alive)
        for sequence in range(400):
            linac.send(decision(ON if sequence % 2 else HOLD, sequence=sequence))
            if sequence % 20 == 0:
                time.sleep(0.005)
        until(lambda: server.state.frame == 399)
        assert beam_on(server)
        linac.send(decision(HOLD))
        until(lambda: not beam_on(server))
        time.sleep(0.1)
        assert not beam_on(server)
        assert (linac.link.lost, linac.link.withheld) == (0, 0)


def test_link_is_not_alive_when_the_thread_that_hears_the_answers_does_not_run():
    with interlock() as server, lease_linac(server.address[1], ack_timeout_ms=50) as linac:
        until(lambda: linac.alive)
        with linac._lock:
            time.sleep(0.15)
            assert not linac.alive
            assert linac.link.last_ack_age_s > 0.05


def test_refused_lease_is_not_renewed():
    times = {"fresh_ms": 10_000, "ack_timeout_ms": 1000}
    with interlock() as server, lease_linac(server.address[1], **times) as linac:
        switched_on(linac, server)
        server._rules = Rules(KEY, max_lifetime_ms=10)
        until(lambda: linac.link.refused > 0)
        server._rules = RULES
        time.sleep(0.15)
        assert not beam_on(server)
        assert linac.alive


def test_place_that_is_taken_is_refused_in_one_line():
    with interlock() as server, pytest.raises(ConfigError, match=r"listen 127.0.0.1:.*name another address"):
        InterlockServer(*server.address, RULES, lambda event: None)


def _longest_send_s(linac, count):
    longest_s = 0.0
    for sequence in range(count):
        began_s = time.monotonic()
        linac.send(decision(ON if sequence % 3 else HOLD, sequence=sequence))
        longest_s = max(longest_s, time.monotonic() - began_s)
    return longest_s


def test_connections_that_do_not_greet_keep_no_sender_out():
    with interlock(rules=Rules(KEY, silence_ms=60_000)) as server, ExitStack() as strangers:
        for number in range(6):
            link = strangers.enter_context(dialled(server))
            assert decode(read(link)).kind == Kind.CHALLENGE
            if number % 2:
                link.sendall(b"GKL1")
        with lease_linac(server.address[1]) as linac:
            switched_on(linac, server)
            assert server.counts["busy"] == 0


def test_more_strangers_than_may_wait_are_dropped_oldest_first():
    with interlock(rules=Rules(KEY, silence_ms=60_000)) as server, ExitStack() as strangers:
        links = [strangers.enter_context(dialled(server)) for _ in range(MOST_EACH + 1)]
        assert all(decode(read(link)).kind == Kind.CHALLENGE for link in links)
        assert read(links[0]) == b""
        greeted_link = strangers.enter_context(dialled(server))
        greeted(greeted_link)
        assert all(read(link) == b"" for link in links[1:]), "there is a sender"
        assert server.state.peer is not None


def test_stranger_from_another_address_drops_none_of_the_others():
    waiting = [SimpleNamespace(address=address) for address in ("a", *["b"] * MOST_EACH)]
    assert crowded(waiting, "b") is waiting[1]
    assert crowded(waiting, "a") is None
    full = [SimpleNamespace(address=str(number)) for number in range(MOST_WAITING)]
    assert crowded(full, "new") is full[0]


def test_forged_greeting_of_a_stranger_leaves_another_greeting_alone():
    with interlock(rules=Rules(KEY, silence_ms=60_000)) as server, dialled(server) as stranger, dialled(server) as good:
        challenge = decode(read(stranger))
        stranger.sendall(encode(Message(Kind.HELLO, session=challenge.session, nonce=SENDER_NONCE), bytes(32)))
        until(lambda: server.counts["forged"] == 1)
        greeted(good)
        assert server.state.peer is not None
