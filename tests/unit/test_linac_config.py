"""Settings of a linac: the lease unless another kind is named, and none whose stated time cannot be true."""

import pytest

from gatekeeper.config import (
    DryRunLinacConfig,
    LeaseLinacConfig,
    ModbusLinacConfig,
    OpenIGTLinkLinacConfig,
    SerialLinacConfig,
    SessionConfig,
    build,
    load_toml,
)
from gatekeeper.core.errors import ConfigError

COURIERS = [ModbusLinacConfig(), SerialLinacConfig(device="/dev/ttyS0"), OpenIGTLinkLinacConfig()]


def linac(**values):
    return build(SessionConfig, {"linac": values}, "SESSION.toml").linac


def test_linac_without_a_kind_is_a_lease():
    assert linac(port=7400, key_file="k") == LeaseLinacConfig(port=7400, key_file="k")
    assert linac(port=7400, key_file="k") == linac(kind="lease", port=7400, key_file="k")


def test_session_without_a_linac_has_none():
    assert SessionConfig().linac is None


@pytest.mark.parametrize(
    ("values", "made"),
    [
        ({"kind": "modbus", "port": 1502}, ModbusLinacConfig(port=1502)),
        ({"kind": "serial", "device": "/dev/ttyS0"}, SerialLinacConfig(device="/dev/ttyS0")),
        ({"kind": "openigtlink", "message": "string"}, OpenIGTLinkLinacConfig(message="string")),
        ({"kind": "dry_run"}, DryRunLinacConfig()),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_each_kind_has_its_settings(values, made, tmp_path):
    assert linac(**values) == made
    again = build(SessionConfig, SessionConfig(linac=made).model_dump(), "again")
    assert again.linac == made
    file = tmp_path / "session.toml"
    file.write_text("[linac]\n" + "".join(f"{name} = {value!r}\n" for name, value in values.items()))
    assert load_toml(file, SessionConfig).linac == made


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"kind": "wire", "port": 7400},
            r"'wire': is not there; choose one of lease, modbus, serial, openigtlink, dry",
        ),
        ({"kind": "dry_run", "port": 7400}, r"SESSION.toml: linac.port = 7400"),
        ({"port": 0, "key_file": "k"}, r"SESSION.toml: linac.port = 0"),
        ({"port": 7400, "key_file": "k", "lease": {"renew_ms": 1}}, r"SESSION.toml: linac.lease.renew_ms = 1:"),
        ({"kind": "serial"}, r"SESSION.toml: linac.device = "),
        ({"kind": "serial", "device": "/dev/ttyS0", "baud": 1234}, r"linac.baud = 1234"),
        ({"kind": "modbus", "unit": 0}, r"linac.unit = 0"),
        ({"kind": "modbus", "coil": 65536}, r"linac.coil = 65536"),
        ({"kind": "openigtlink", "device": "too long a name for it"}, r"linac.device = 'too long"),
        ({"kind": "openigtlink", "device": "Gerät"}, r"linac.device = 'Gerät'"),
        (3, r"linac = 3"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_their_name_in_the_file(values, said):
    with pytest.raises(ConfigError, match=said):
        build(SessionConfig, {"linac": values}, "SESSION.toml")


@pytest.mark.parametrize("config", COURIERS, ids=lambda config: config.kind)
def test_stated_time_holds_two_refreshes_and_a_deadline(config):
    least_ms = 2 * config.refresh_ms + config.deadline_ms
    assert config.failure_detect_s == 0.2
    values = {**config.model_dump(), "failure_detect_ms": least_ms - 1}
    with pytest.raises(ConfigError, match=rf"failure_detect_ms is {least_ms - 1} and must be .* together: {least_ms}"):
        build(type(config), values, "test")
    assert build(type(config), {**values, "failure_detect_ms": least_ms}, "test").failure_detect_s == 1e-3 * least_ms


def test_stated_time_of_a_lease_is_its_lifetime_or_the_silence_of_its_interlock_and_one_renewal():
    config = LeaseLinacConfig(port=7400, key_file="k")
    assert config.failure_detect_s == pytest.approx(0.12)
    slower = config.model_copy(update={"lease": config.lease.model_copy(update={"ack_timeout_ms": 300})})
    assert slower.failure_detect_s == pytest.approx(0.32)


def test_dry_run_has_nothing_that_can_fail():
    assert DryRunLinacConfig().failure_detect_s == 0.0
