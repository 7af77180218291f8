"""Beam-on time in the record ends where the leases ended that were sent."""

import pytest

from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.session_counts import SessionCounts, counts_of
from gatekeeper.linac.allowed_time import AllowedTime
from gatekeeper.linac.dry_run import DryRunLinac
from gatekeeper.recording.journal import decided, entry_of
from gatekeeper.session.loop import run_loop
from tests.support.loops import MAX_AGE_S, AlwaysOn, Recorder, Source, Telling
from tests.support.steps import ON, frame, step


def test_permissions_count_until_they_end_are_renewed_or_revoked():
    allowed = AllowedTime()
    assert allowed.total_ns(50) == 0
    allowed.allow(100, 200)
    assert [allowed.total_ns(now) for now in (100, 150, 200, 900)] == [0, 50, 100, 100]
    allowed.allow(1000, 1100)
    allowed.allow(1050, 1150)
    assert allowed.total_ns(2000) == 250
    allowed.allow(3000, 3100)
    allowed.revoke(3030)
    assert allowed.total_ns(4000) == 280
    allowed.allow(5000, 4000)
    assert allowed.total_ns(6000) == 280


@pytest.mark.parametrize(("allowed_s", "beam_on_s"), [(None, 3.0), (0.1, 0.1), (5.0, 3.0), (-1.0, 0.0)])
def test_beam_on_is_capped_by_what_was_allowed(allowed_s, beam_on_s):
    counts = SessionCounts().with_decision(1.0, "ON", ()).with_decision(4.0, "HOLD", ("outside",), allowed_s=allowed_s)
    assert counts.beam_on_s == beam_on_s


def test_journal_holds_it_and_counts_alike():
    steps = [step(ON, time_s=0.0), step(ON, time_s=3.0)]
    entries = [entry_of(one, 1.0) for one in steps]
    assert all("allowed_s" not in entry for entry in entries)
    entries[1]["allowed_s"] = 0.25
    assert counts_of(entries).beam_on_s == 0.25
    assert "allowed_s" not in decided(entries[1]), "a replay decides the same without it"


@pytest.mark.parametrize(
    ("port", "speed", "beam_on_s"), [(DryRunLinac, 1.0, 0.75), (Telling, 1.0, 0.3), (Telling, 2.0, 0.6)]
)
def test_loop_records_what_the_port_has_allowed(port, speed, beam_on_s):
    clock, linac = VirtualClock(), port()
    clock.speed = speed
    recorder = Recorder(linac)
    frames = [frame(number, acquired_s=0.25 * number, received_s=0.25 * number) for number in range(4)]
    run_loop(Source(clock, frames), AlwaysOn(), linac, recorder, clock, MAX_AGE_S)
    counts = SessionCounts()
    for one in recorder.steps:
        counts = counts.with_step(one)
    assert counts.beam_on_s == pytest.approx(beam_on_s)
