"""Sender and interlock over real sockets on the loopback: what the beam does at each decision."""

import time

from gatekeeper.core.clock import monotonic_ns
from gatekeeper.linac.lease.interlock import EventKind
from gatekeeper.linac.lease.messages import Kind, Message, decode, encode
from gatekeeper.linac.lease.receiver import Cause, Rules
from tests.support.lease_link import SLACK_S, beam_on, dialled, greeted, switched_on
from tests.support.leases import KEY, RULES, interlock, lease_linac
from tests.support.steps import HOLD, ON, decision
from tests.support.waiting import until


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


def test_rehearsals_neither_send_to_the_interlock_nor_renew(monkeypatch):
    with interlock() as server, lease_linac(server.address[1], fresh_ms=400) as linac:
        switched_on(linac, server, sequence=41)
        while beam_on(server):
            linac.rehearse(decision(ON, sequence=42))
            time.sleep(0.002)
        assert server.state.cause is Cause.EXPIRED or server.state.cause is Cause.REVOKED
        granted, number = server.counts[EventKind.GRANTED], server.state.number
        carried, carry = [], linac._scratch.carried
        monkeypatch.setattr(linac._scratch, "carried", lambda raw: carried.append(carry(raw)))
        for sequence in range(43, 143):
            linac.rehearse(decision(ON, sequence=sequence))
        assert {decode(raw).kind for raw in carried} == {Kind.HOLD}, "all were sent to itself"
        until(lambda: server.state.peer.number > number + 2)
        assert (server.state.frame, server.counts[EventKind.GRANTED]) == (41, granted)
        assert not beam_on(server)
        assert (linac.link.lost, linac.link.refused) == (0, 0), "no number of the session was used"


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
