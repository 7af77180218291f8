"""Every port refuses a beam-on that is older than its freshness, whatever has held it up on its way."""

import json
import math
from contextlib import closing

import pytest

from gatekeeper.config import DryRunLinacConfig, SessionConfig, build
from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.decision import BeamState, Decision, Reason
from gatekeeper.linac.freshness import age_by, left_ns
from gatekeeper.linac.lease.port import LeaseLinac
from gatekeeper.linac.open import open_linac
from tests.support import own_parts
from tests.support.leases import KEY

FRESH_S, MS = 0.1, 1_000_000
UNUSED_PORT = 1
STALE_S = [2.0, FRESH_S + 1e-6, math.nan, -0.5, math.inf]


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "key"
    path.write_bytes(KEY)
    path.chmod(0o600)
    return str(path)


def on(time_s):
    return Decision(7, time_s, BeamState.ON, (), 0.0)


def port_of(table, clock, speed=1.0):
    config = build(SessionConfig, {"linac": table}, "test").linac
    return open_linac(config, FRESH_S * speed, speed, clock)


@pytest.mark.parametrize("age_s", STALE_S)
def test_a_stale_beam_on_is_a_hold_on_a_dry_run_and_on_a_plug_in(age_s):
    clock = VirtualClock(100.0)
    with closing(open_linac(DryRunLinacConfig(), FRESH_S, clock=clock)) as linac:
        linac.send(on(100.0 - age_s))
        assert not linac.beam_on
        linac.send(on(100.0))
        assert linac.beam_on
    with closing(port_of({"kind": "tests.support.own_parts:Port"}, clock)) as linac:
        linac.send(on(100.0 - age_s))
        linac.send(on(100.0))
        assert own_parts.PORTS[-1].sent[-2:] == [BeamState.HOLD, BeamState.ON]


@pytest.mark.parametrize("age_s", STALE_S)
@pytest.mark.parametrize("kind", ["lease", "modbus", "serial", "openigtlink"])
def test_a_stale_beam_on_is_not_even_desired_by_a_port_that_repeats_it(kind, age_s, key_file, monkeypatch):
    clock = VirtualClock(100.0)
    more = {"lease": {"port": UNUSED_PORT, "key_file": key_file}, "serial": {"device": "/dev/null"}}
    with closing(port_of({"kind": kind, **more.get(kind, {"port": UNUSED_PORT})}, clock)) as linac:
        monkeypatch.setattr(type(linac), "alive", True)
        linac.send(on(100.0 - age_s))
        assert not linac._desired.beam_on
        assert linac.link.withheld >= 1


def test_a_beam_on_is_good_from_when_it_was_decided_and_not_from_when_it_was_sent(key_file):
    clock = VirtualClock(100.0)
    config = build(SessionConfig, {"linac": {"kind": "lease", "port": UNUSED_PORT, "key_file": key_file}}, "test").linac
    with closing(LeaseLinac(config, KEY, now_ns=lambda: 0, age_s=age_by(clock))) as linac:
        linac.send(on(100.0 - 0.3))
        assert linac._desired.until_ns == pytest.approx(75 * MS, abs=1000)


def test_a_hold_is_never_too_old():
    clock = VirtualClock(100.0)
    hold = Decision(-1, -1e9, BeamState.HOLD, (Reason.OUTSIDE,), 0.0)
    with closing(port_of({"kind": "tests.support.own_parts:Port"}, clock)) as linac:
        linac.send(on(100.0))
        linac.send(hold)
        assert own_parts.PORTS[-1].sent[-1] is BeamState.HOLD


def test_age_is_told_in_real_seconds_of_a_slow_session():
    clock = VirtualClock(10.0)
    assert age_by(clock, speed=0.5)(on(9.0)) == 2.0
    assert left_ns(375 * MS, age_by(clock, speed=0.5)(on(9.9))) == pytest.approx(175 * MS)
    assert json.dumps(left_ns(375 * MS, 1e300)) == "0"
