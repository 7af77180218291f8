"""Make our ports to the linac; the modules of a port are imported when it is made."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper.config import (
    DryRunLinacConfig,
    LeaseLinacConfig,
    ModbusLinacConfig,
    OpenIGTLinkLinacConfig,
    SerialLinacConfig,
)
from gatekeeper.linac.dry_run import DryRunLinac
from gatekeeper.linac.freshness import AgeOf, no_age
from gatekeeper.linac.repeater import Repeater

if TYPE_CHECKING:
    from gatekeeper.linac.lease.port import LeaseLinac


def lease(config: LeaseLinacConfig, fresh_s: float, age_s: AgeOf = no_age) -> "LeaseLinac":
    """Return the port of an interlock."""
    from gatekeeper.linac.lease.key import load_key
    from gatekeeper.linac.lease.port import LeaseLinac

    times = config.lease.model_copy(update={"fresh_ms": _fresh_ms(config.lease.fresh_ms, fresh_s)})
    return LeaseLinac(config.model_copy(update={"lease": times}), load_key(Path(config.key_file)), age_s=age_s)


def modbus(config: ModbusLinacConfig, fresh_s: float, age_s: AgeOf = no_age) -> Repeater:
    """Return the port of a Modbus device."""
    from gatekeeper.linac.modbus import ModbusWire

    fresh = config.model_copy(update={"fresh_ms": _fresh_ms(config.fresh_ms, fresh_s)})
    return Repeater(fresh, partial(ModbusWire, config), age_s=age_s)


def serial(config: SerialLinacConfig, fresh_s: float, age_s: AgeOf = no_age) -> Repeater:
    """Return the port of a device on a serial line."""
    from gatekeeper.linac.serial_line import SerialWire

    fresh = config.model_copy(update={"fresh_ms": _fresh_ms(config.fresh_ms, fresh_s)})
    return Repeater(fresh, partial(SerialWire, config), age_s=age_s)


def openigtlink(config: OpenIGTLinkLinacConfig, fresh_s: float, age_s: AgeOf = no_age) -> Repeater:
    """Return the port of an OpenIGTLink receiver."""
    from gatekeeper.linac.openigtlink import OpenIGTLinkWire

    fresh = config.model_copy(update={"fresh_ms": _fresh_ms(config.fresh_ms, fresh_s)})
    return Repeater(fresh, partial(OpenIGTLinkWire, config), age_s=age_s)


def dry_run(_config: DryRunLinacConfig, fresh_s: float, age_s: AgeOf = no_age) -> DryRunLinac:
    """Return a port without a linac."""
    return DryRunLinac(fresh_s, age_s)


def _fresh_ms(set_ms: int, fresh_s: float) -> int:
    """Return the time for which a decision is good, in ms: as set, but no longer than `fresh_s`."""
    return min(set_ms, round(1e3 * fresh_s))
