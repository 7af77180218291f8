"""The latency of the chain is measured, journalled, used within limits, and decides the same again."""

import re

import numpy as np
import pytest

from gatekeeper.config import PredictionConfig
from gatekeeper.core.decision import BeamState
from gatekeeper.core.frame import Frame
from gatekeeper.gating.lookahead import Lookahead, instants_s
from gatekeeper.linac.dry_run import DryRunLinac
from gatekeeper.linac.lease.beam_delay import BeamDelays, DelayedBeam
from gatekeeper.linac.lease.beam_echo import BeamEcho
from gatekeeper.linac.link_status import LinkStatus
from gatekeeper.session import latency_control
from gatekeeper.session.chain_latency import LatencyMonitor, followed
from tests.support.cases import breathing_case
from tests.support.live_sessions import events, live_config, plan_of, run_live
from tests.support.sessions import checked


def frame(stamp_s):
    return Frame(np.zeros((2, 2), np.float32), (2.0, 2.0), 0, 0.0, 0.0, stamp_s=stamp_s)


@pytest.mark.parametrize(("off_ms", "on_ms"), [(40.0, 65.0), (0.0, 200.0), (333.0, 21.0)])
def test_the_echo_finds_the_delays_of_a_machine_to_half_an_interval(off_ms, on_ms):
    machine, echo, random = DelayedBeam(BeamDelays(off_ms, on_ms)), BeamEcho(), np.random.default_rng(1)
    on, found = False, []
    for renewal in range(6000):
        now_ns = 20_000_000 * renewal + int(random.integers(5_000_000))
        if renewal % 40 == 0:
            on = not on
            machine.order(BeamState.ON if on else BeamState.HOLD, now_ns)
        echo.asked(on, now_ns)
        machine.changes(now_ns)
        echo.answered(machine.beam is BeamState.ON, now_ns)
        found += echo.take()
    for which, delay_ms in ((True, on_ms), (False, off_ms)):
        delays_ms = [1e3 * delay_s for was_on, delay_s in found if was_on is which]
        assert len(delays_ms) > 60
        assert max(abs(one - delay_ms) for one in delays_ms) < 13.0
        assert np.mean(delays_ms) == pytest.approx(delay_ms, abs=8.0)


def test_a_request_that_is_taken_back_is_no_measurement():
    echo = BeamEcho()
    echo.asked(True, 0)
    echo.asked(False, 30_000_000)
    echo.answered(False, 35_000_000)
    assert [on for on, _ in echo.take()] == [False]


@pytest.mark.parametrize("zone_s", [0.0, 7200.0, -19800.0, 43200.0])
def test_imaging_latency_is_found_whatever_the_time_zone_of_the_header(zone_s):
    monitor = LatencyMonitor()
    for number in range(30):
        arrived_s = 1.8e9 + 0.125 * number
        monitor.add_frame(frame((arrived_s - 0.137 + zone_s) % 43200.0), 0.4, arrived_s)
    measured = monitor.measured()
    assert measured.imaging.p50_ms == pytest.approx(137.0, abs=0.1)
    assert measured.total_s(PredictionConfig(linac_s=0.2)) == pytest.approx(0.137 + 0.0004 + 0.2)


@pytest.mark.parametrize("off_s", [-0.02, 3.0, -40.0])
def test_a_clock_that_is_not_synchronised_measures_nothing(off_s):
    monitor = LatencyMonitor()
    for number in range(30):
        monitor.add_frame(frame(1.8e9 - off_s), 0.4, 1.8e9)
        assert number < 30
    assert monitor.measured().imaging is None
    assert monitor.measured().total_s(PredictionConfig(imaging_s=0.3)) == pytest.approx(0.3 + 0.0004 + 0.2)


def test_the_latency_is_bounded_and_followed_by_no_more_than_the_change_that_is_a_finding():
    monitor = LatencyMonitor()
    for _ in range(5):
        monitor.add_beam(True, 4.0)
    assert monitor.measured().total_s(PredictionConfig()) == 1.0
    assert followed(0.9, 0.3) == (pytest.approx(0.35), True)
    assert followed(0.1, 0.3) == (pytest.approx(0.25), True)


def test_only_settings_that_say_so_use_a_measured_latency():
    for latency, used_s in (("set", 0.302), ("measured", 0.45)):
        lookahead = Lookahead(PredictionConfig(mode="full", latency=latency))
        lookahead.use_latency(0.45)
        assert lookahead.latency_s == pytest.approx(used_s)
    with pytest.raises(ValueError, match="must be from 0"):
        lookahead.use_latency(float("nan"))
    assert instants_s(PredictionConfig(mode="full"), 0.25, 0.45) == (pytest.approx(0.575),)


class Machine(DryRunLinac):
    """A dry run that reports a machine whose beam follows late."""

    delay_s = 0.24

    @property
    def link(self):
        return LinkStatus(True, 0.3, 0.0, 1, 0, 0, 0, "")

    def beam_delays(self):
        return [(True, self.delay_s), (False, self.delay_s)]


class Slower(Machine):
    """The same, slower by 200 ms after the first looks."""

    looks = 0

    def beam_delays(self):
        self.looks += 1
        self.delay_s = 0.24 if self.looks < 5 else 0.44
        return super().beam_delays() * (1 if self.looks < 5 else 20)


def run(folder, linac, monkeypatch, **prediction):
    monkeypatch.setattr(latency_control, "EVERY_S", 1.0)
    case = breathing_case(frames=100)
    values = {"mode": "full", "burn_in_s": 10.0, "compute_s": 0.0, **prediction}
    run_live(folder, case, plan_of(case, live_config(prediction=values)), linac=linac)
    return [one["values"] for one in events(folder, "latency")]


def test_a_session_uses_what_it_measures_and_its_record_decides_the_same_again(tmp_path, monkeypatch):
    told = run(tmp_path / "s", Machine(), monkeypatch, latency="measured")
    assert told[0]["used_s"] == pytest.approx(0.1 + 0.24, abs=0.02)
    assert told[0]["beam_on"]["p50_ms"] == pytest.approx(240.0)
    assert checked(tmp_path / "s").findings == []
    assert events(tmp_path / "s", "warning") == []


def test_a_change_beyond_50_ms_is_a_finding_and_is_followed_no_further(tmp_path, monkeypatch):
    told = run(tmp_path / "s", Slower(), monkeypatch, latency="measured")
    assert told[-1]["used_s"] == pytest.approx(0.3 + 0.05, abs=0.002), "armed with the 0.3 s of the settings"
    (warning,) = events(tmp_path / "s", "warning")
    assert re.search(r"latency measured \d+ ms, 350 ms in use", warning["values"]["note"])
    assert checked(tmp_path / "s").findings == []


def test_settings_that_are_not_what_is_measured_are_a_finding(tmp_path, monkeypatch):
    run(tmp_path / "s", Machine(), monkeypatch, linac_s=0.1)
    (warning,) = events(tmp_path / "s", "warning")
    assert re.search(r"latency measured \d+ ms, 200 ms in use", warning["values"]["note"])
