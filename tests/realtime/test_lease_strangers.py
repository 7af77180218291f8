"""Strangers at the interlock: what is no greeting is sent away, and keeps no sender out."""

import time
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

from gatekeeper.linac.lease.interlock import EventKind
from gatekeeper.linac.lease.messages import SIZE, Kind, Message, Refusal, decode, encode
from gatekeeper.linac.lease.receiver import Rules
from gatekeeper.wire.waiting import MOST_EACH, MOST_WAITING, crowded
from tests.support.lease_link import SLACK_S, beam_on, dialled, greeted, read, switched_on
from tests.support.leases import KEY, SENDER_NONCE, interlock, lease_linac
from tests.support.waiting import until


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


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


def test_sender_that_comes_and_goes_leaves_nothing_behind():
    with interlock() as server:
        before = open_files()
        for _ in range(200):
            with dialled(server) as link:
                read(link)
        until(lambda: server.counts[EventKind.CONNECTED] + server.counts["busy"] == 200)
        until(lambda: server.state.peer is None)
        until(lambda: open_files() <= before)


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
