"""A simulated machine's beam follows the interlock's state with its delays, and a hold overtakes a beam-on."""

import json

import pytest

from gatekeeper.core.decision import BeamState
from gatekeeper.linac.lease.beam_delay import BeamDelays, DelayedBeam
from gatekeeper.linac.lease.event_log import EventLog
from gatekeeper.linac.lease.interlock import EventKind, InterlockServer
from gatekeeper.linac.lease.receiver import Cause, Interlock
from tests.support.leases import MS, RULES
from tests.support.waiting import until

ON, HOLD = BeamState.ON, BeamState.HOLD


def after(delays, *orders):
    """Return the changes of the beam in ms, after orders given as (ms, state)."""
    machine = DelayedBeam(BeamDelays(*delays))
    found = []
    for at_ms, beam in orders:
        found += machine.changes(at_ms * MS)
        machine.order(beam, at_ms * MS)
    return [(at_ns / MS, beam) for at_ns, beam in found + machine.changes(10_000 * MS)]


def test_each_change_has_its_delay():
    assert after((40, 65), (100, ON), (500, HOLD), (900, ON)) == [(165, ON), (540, HOLD), (965, ON)]


def test_a_hold_shorter_than_the_delay_ends_the_beam_all_the_same():
    assert after((40, 65), (0, ON), (500, HOLD), (510, ON)) == [(65, ON), (540, HOLD), (575, ON)]


def test_a_hold_overtakes_a_beam_on_that_has_not_come():
    assert after((40, 65), (0, ON), (10, HOLD)) == []
    assert after((40, 65), (0, ON), (10, HOLD), (20, ON)) == [(85, ON)]


def test_a_beam_on_never_overtakes_a_hold():
    assert after((200, 10), (0, ON), (500, HOLD), (510, ON)) == [(10, ON), (700, HOLD), (700, ON)]


def test_an_order_that_is_repeated_changes_nothing():
    assert after((40, 65), (0, HOLD), (0, ON), (50, ON), (500, HOLD), (520, HOLD)) == [(65, ON), (540, HOLD)]


@pytest.fixture
def simulated():
    """Return an interlock with a machine that has delays, on a clock that the test moves; it is not run."""
    now_ns, events = [0], []
    server = InterlockServer(
        "127.0.0.1", 0, RULES, events.append, lambda: now_ns[0], delays=BeamDelays(off_ms=40, on_ms=65)
    )
    yield server, now_ns, events
    server.stop()
    server.run()


def set_state(server, now_ns, beam):
    server._change(Interlock(beam, Cause.LEASE, until_ns=10**12, number=1), now_ns[0])


def test_the_interlock_reports_when_the_beam_changes(simulated):
    server, now_ns, events = simulated
    set_state(server, now_ns, ON)
    assert server._timeout_s() <= 0.065
    now_ns[0] = 66 * MS
    server._run_machine(now_ns[0])
    set_state(server, now_ns, HOLD)
    until(lambda: server._serve_once() or now_ns.__setitem__(0, now_ns[0] + 10 * MS) or server.machine.beam is HOLD)
    changes = [(event.time_ns // MS, event.state.beam) for event in events if event.kind is EventKind.BEAM]
    assert changes == [(65, ON), (106, HOLD)]


def test_the_beam_ends_with_the_interlock(simulated):
    server, now_ns, events = simulated
    set_state(server, now_ns, ON)
    now_ns[0] = 66 * MS
    server._run_machine(now_ns[0])
    server.stop()
    server.run()
    assert [event.kind for event in events[-3:]] == [EventKind.STATE, EventKind.BEAM, EventKind.STOPPED]
    assert events[-2].state.beam is HOLD


def test_a_change_of_the_beam_is_a_line(simulated, tmp_path):
    server, now_ns, events = simulated
    set_state(server, now_ns, ON)
    now_ns[0] = 66 * MS
    server._run_machine(now_ns[0])
    path = tmp_path / "log"
    with path.open("wb") as file:
        EventLog(True, file.fileno())(events[-1])
        EventLog(False, file.fileno())(events[-1])
    as_json, as_words = path.read_text().splitlines()
    line = json.loads(as_json)
    assert (line["event"], line["state"], line["time_s"]) == ("beam", "ON", pytest.approx(0.065))
    assert "of the simulated machine" in as_words


def test_without_delays_there_is_no_machine():
    server = InterlockServer("127.0.0.1", 0, RULES, lambda event: None)
    server.stop()
    server.run()
    assert server.machine is None
