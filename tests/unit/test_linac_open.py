"""The way to the linac that the settings name, and for how long a decision is good on it."""

from contextlib import closing

import pytest

from gatekeeper.config import DryRunLinacConfig, LeaseLinacConfig, ModbusLinacConfig
from gatekeeper.core.errors import ConfigError
from gatekeeper.linac.dry_run import DryRunLinac
from gatekeeper.linac.lease.port import LeaseLinac
from gatekeeper.linac.open import open_linac, probe_linac
from gatekeeper.linac.repeater import Repeater
from tests.support.command_line import gatekeeper
from tests.support.leases import KEY

MS = 1_000_000
UNUSED_PORT = 1
"""A port without a listener."""


@pytest.fixture
def lease(tmp_path):
    key = tmp_path / "key"
    key.write_bytes(KEY)
    key.chmod(0o600)
    return LeaseLinacConfig(port=UNUSED_PORT, key_file=str(key))


@pytest.mark.parametrize(
    ("silence_s", "speed", "fresh_ms"), [(0.1, 1.0, 100), (0.1, 4.0, 25), (9.0, 1.0, 375), (0.001, 1.0, 20)]
)
def test_decision_is_good_for_as_long_as_the_source_may_be_silent_and_never_longer(silence_s, speed, fresh_ms, lease):
    for config, kind in ((ModbusLinacConfig(port=UNUSED_PORT), Repeater), (lease, LeaseLinac)):
        with closing(open_linac(config, silence_s, speed)) as linac:
            assert isinstance(linac, kind)
            assert linac._fresh_ns == fresh_ms * MS


def test_dry_run_is_a_linac_too():
    with closing(open_linac(DryRunLinacConfig(), 0.1)) as linac:
        assert isinstance(linac, DryRunLinac)
    assert probe_linac(DryRunLinacConfig()) == "dry run: there is no linac, decisions are only recorded"


def test_lease_without_a_key_is_refused(lease, tmp_path):
    without = lease.model_copy(update={"key_file": str(tmp_path / "none")})
    for attempt in (lambda: open_linac(without, 0.1), lambda: probe_linac(without)):
        with pytest.raises(ConfigError, match="the key cannot be read"):
            attempt()


def test_replay_as_fast_as_it_goes_drives_no_linac_but_a_dry_run(tmp_path, capsys):
    case, settings = tmp_path / "case", tmp_path / "linac.toml"
    phantom = tmp_path / "phantom.toml"
    phantom.write_text("[acquisition]\nduration_s = 4.0\n")
    assert gatekeeper("phantom", case, "--config", phantom) == 0
    settings.write_text("[linac]\nkind = 'modbus'\nport = 1502\n")
    assert gatekeeper("replay", case, "--config", settings, "--out", tmp_path / "a") == 2
    assert "speed = 'max': a linac (modbus) follows real time; give --speed 1" in capsys.readouterr().err
    settings.write_text("[linac]\nkind = 'dry_run'\n")
    assert gatekeeper("replay", case, "--config", settings, "--out", tmp_path / "b") == 0
