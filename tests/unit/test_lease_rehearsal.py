"""What the interlock rehearses is a lease of a session that nobody has, and changes nothing of its own."""

import math
import socket
from contextlib import closing

import pytest

from gatekeeper.core.errors import ConfigError
from gatekeeper.linac.lease.interlock import InterlockServer
from gatekeeper.linac.lease.messages import Kind, Refusal, decode
from gatekeeper.linac.lease.receiver import Cause, Interlock, received
from gatekeeper.linac.lease.rehearsal import LeaseRehearsal
from gatekeeper.runtime.pace import REMEMBERED
from tests.support.leases import MS, RULES, START_NS, Bench
from tests.support.steps import ON


def test_lease_is_judged_to_its_end():
    with closing(LeaseRehearsal()) as rehearsal:
        state = rehearsal.run(START_NS)
    assert (state.beam, state.cause) == (ON, Cause.LEASE)
    assert state.until_ns > START_NS


def test_message_of_a_rehearsal_is_worth_nothing_at_an_interlock():
    messages = []
    rehearsal = LeaseRehearsal()
    put = rehearsal._buffer.put
    rehearsal._buffer.put = lambda raw: (messages.append(raw), put(raw))
    with closing(rehearsal):
        rehearsal.run(START_NS)
    bench = Bench()
    bench.greet()
    bench.hear(messages[0])
    assert (bench.state.beam is ON, bench.answers[-1].refused) == (False, Refusal.WRONG_SESSION)
    bench = Bench()
    bench.greet()
    peer = bench.state.peer._replace(session=decode(messages[0]).session)
    state, answer = received(bench.state._replace(peer=peer), START_NS + MS, messages[0], RULES)
    assert (state.beam is ON, answer.refused) == (False, Refusal.FORGED)


def test_lease_and_answer_go_through_a_connection_with_oneself():
    with closing(LeaseRehearsal()) as rehearsal:
        carried, carry = [], rehearsal._link.carried
        rehearsal._link.carried = lambda raw: carried.append(carry(raw))
        for _ in range(3):
            rehearsal.run(START_NS)
        assert [decode(raw).kind for raw in carried] == 3 * [Kind.LEASE, Kind.ACK]
    assert carry(b"lease") == b"", "the connection is closed"
    assert rehearsal.run(START_NS).beam is ON, "and not needed"


@pytest.fixture
def server():
    now_ns = [START_NS]

    def clock():
        now_ns[0] += MS // 100
        return now_ns[0]

    one = InterlockServer("127.0.0.1", 0, RULES, lambda event: None, clock)
    one.clock = now_ns
    yield one
    one.stop()
    one.run()


def paced(server, period_ns=125 * MS):
    for _ in range(2 * REMEMBERED):
        server.clock[0] += period_ns
        server._pace.came(server.clock[0] * 1e-9)
    # With the beam on, something is always due; here the end of a lease that is far away.
    server.state = Interlock(ON, Cause.LEASE, server.clock[0] + 10**12)


def test_rehearsal_before_a_lease_is_due_changes_neither_state_nor_counts(server):
    paced(server)
    ran = []
    rehearsal = server._rehearsal.run
    server._rehearsal.run = lambda now_ns: ran.append(rehearsal(now_ns))
    before, counts = server.state, dict(server.counts)
    server.clock[0] = round(server._pace.next_s * 1e9)
    assert server._wait() == []
    assert len(ran) == 1
    assert (server.state, dict(server.counts)) == (before, counts)


def test_no_rehearsal_begins_when_a_lease_is_about_to_end(server):
    paced(server)
    server.clock[0] = round(server._pace.next_s * 1e9)
    server.state = server.state._replace(until_ns=server.clock[0] + MS)
    server._rehearsal.run = lambda now_ns: pytest.fail("rehearsed")
    assert server._wait() == []


def test_interlock_without_rehearsals_makes_none():
    one = InterlockServer("127.0.0.1", 0, RULES, lambda event: None, rehearse=False)
    assert one._rehearsal is None
    assert math.isinf(one._pace.next_s)
    one.stop()
    one.run()


def test_interlock_that_cannot_listen_opens_no_connection_with_itself(monkeypatch):
    monkeypatch.setattr("gatekeeper.linac.lease.interlock.LeaseRehearsal", lambda: pytest.fail("nobody closes it"))
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ConfigError, match="not possible"):
        InterlockServer(*taken.getsockname(), RULES, lambda event: None)
