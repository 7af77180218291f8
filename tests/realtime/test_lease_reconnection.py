"""Sender and interlock that restart, are taken, or do not share a key, over real sockets on the loopback."""

import time

import pytest

from gatekeeper.core.errors import ConfigError
from gatekeeper.linac.lease.interlock import EventKind, InterlockServer
from gatekeeper.linac.lease.receiver import Rules
from tests.support.lease_link import beam_on, dialled, greeted, switched_on
from tests.support.leases import KEY, OTHER_KEY, RULES, interlock, lease_linac
from tests.support.steps import ON, decision
from tests.support.waiting import until


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


def test_sender_that_falls_silent_makes_room_for_another():
    with interlock(rules=Rules(KEY, silence_ms=150)) as server, dialled(server) as half_open:
        greeted(half_open)
        with lease_linac(server.address[1]) as linac:
            switched_on(linac, server)


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


def test_place_that_is_taken_is_refused_in_one_line():
    with interlock() as server, pytest.raises(ConfigError, match=r"listen 127.0.0.1:.*name another address"):
        InterlockServer(*server.address, RULES, lambda event: None)
