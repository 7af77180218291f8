"""Settings of the lease that cannot work are refused with the reason."""

import pytest

from gatekeeper.config import LeaseConfig, LeaseLinacConfig, build
from gatekeeper.core.errors import ConfigError


def test_lease_lives_100_ms_by_default():
    assert LeaseLinacConfig(port=7400, key_file="k").lease == LeaseConfig()
    assert LeaseConfig().lifetime_ms == 100


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"lifetime_ms": 100, "renew_ms": 26}, "quarter of lifetime_ms = 100"),
        ({"lifetime_ms": 60}, "quarter of lifetime_ms = 60"),
        ({"ack_timeout_ms": 39}, "at least twice renew_ms = 20"),
        ({"lifetime_ms": 5000}, "lifetime_ms = 5000"),
        ({"lifetime_ms": 100.0}, "lifetime_ms = 100.0"),
        ({"lifetime": 100}, "lifetime = 100"),
    ],
)
def test_lease_that_cannot_work_is_refused(values, said):
    with pytest.raises(ConfigError, match=said):
        build(LeaseConfig, values, "test")


@pytest.mark.parametrize("values", [{}, {"port": 0, "key_file": "k"}, {"port": 65536, "key_file": "k"}, {"port": 1}])
def test_linac_needs_a_port_and_a_key(values):
    with pytest.raises(ConfigError):
        build(LeaseLinacConfig, values, "test")
