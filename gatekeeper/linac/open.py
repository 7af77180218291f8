"""Which way to the linac a session takes: the one place where that is chosen, and where it is tried beforehand.

What a port needs is imported when it is chosen.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from gatekeeper.config import (
    DryRunLinacConfig,
    LeaseLinacConfig,
    LinacConfig,
    ModbusLinacConfig,
    OpenIGTLinkLinacConfig,
    SerialLinacConfig,
)
from gatekeeper.core.protocols import LinacPort
from gatekeeper.linac.dry_run import DryRunLinac
from gatekeeper.linac.repeater import Repeater, Wire

LEAST_FRESH_MS = 20
RepeaterConfigs = ModbusLinacConfig | SerialLinacConfig | OpenIGTLinkLinacConfig


def open_linac(config: LinacConfig, silence_s: float, speed: float = 1.0) -> LinacPort:
    """Return the way to the linac that the settings name; it connects by itself, and the caller closes it.

    Parameters
    ----------
    config : LinacConfig
        Which way, and how.
    silence_s : float
        How long after a frame the source counts as silent, in seconds of session time. An engine that hangs while its
        process lives is not kept alive for longer than that.
    speed : float
        Session seconds per real second, above 0.

    Raises
    ------
    ConfigError
        When the key of a lease cannot be read.
    """
    if isinstance(config, DryRunLinacConfig):
        return DryRunLinac()
    longest_ms = max(LEAST_FRESH_MS, round(1e3 * silence_s / speed))
    if isinstance(config, LeaseLinacConfig):
        from gatekeeper.linac.lease.key import load_key
        from gatekeeper.linac.lease.port import LeaseLinac

        lease = config.lease.model_copy(update={"fresh_ms": min(config.lease.fresh_ms, longest_ms)})
        return LeaseLinac(config.model_copy(update={"lease": lease}), load_key(Path(config.key_file)))
    fresh = config.model_copy(update={"fresh_ms": min(config.fresh_ms, longest_ms)})
    return Repeater(fresh, _wire(config))


def probe_linac(config: LinacConfig) -> str:
    """Return in one line what is found where the settings say that the linac is; the beam is never switched on.

    Raises
    ------
    LinkError
        When nothing is there that answers as it must.
    ConfigError
        When the key of a lease cannot be read.
    """
    if isinstance(config, DryRunLinacConfig):
        return "dry run: there is no linac, decisions are only recorded"
    if isinstance(config, ModbusLinacConfig):
        from gatekeeper.linac import modbus

        return modbus.probe(config)
    if isinstance(config, SerialLinacConfig):
        from gatekeeper.linac import serial_line

        return serial_line.probe(config)
    if isinstance(config, LeaseLinacConfig):
        from gatekeeper.linac.lease import port as lease
        from gatekeeper.linac.lease.key import load_key

        return lease.probe(config, load_key(Path(config.key_file)))
    from gatekeeper.linac import openigtlink

    return openigtlink.probe(config)


def _wire(config: RepeaterConfigs) -> Callable[[], Wire]:
    """Return what connects to the device of the settings."""
    if isinstance(config, ModbusLinacConfig):
        from gatekeeper.linac.modbus import ModbusWire

        return partial(ModbusWire, config)
    if isinstance(config, SerialLinacConfig):
        from gatekeeper.linac.serial_line import SerialWire

        return partial(SerialWire, config)
    from gatekeeper.linac.openigtlink import OpenIGTLinkWire

    return partial(OpenIGTLinkWire, config)
