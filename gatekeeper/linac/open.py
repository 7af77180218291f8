"""Open the port to the linac that the settings name, or test it beforehand.

The modules of a port are imported when it is chosen.
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
    """Return the linac port of the settings; it connects by itself, and the caller closes it.

    Parameters
    ----------
    config : LinacConfig
        Kind and settings of the port.
    silence_s : float
        Time since the last frame above which a frame counts as missing, in seconds of session time. A port repeats a
        beam-on for no longer than this when the engine hangs.
    speed : float
        Session seconds per real second, above 0.

    Returns
    -------
    LinacPort
        The port.

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
    """Return a line of text on what is found at the linac's address; the beam is never switched on.

    Parameters
    ----------
    config : LinacConfig
        Kind and settings of the port.

    Raises
    ------
    LinkError
        When nothing answers as expected.
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
    """Return a function that connects to the device of the settings."""
    if isinstance(config, ModbusLinacConfig):
        from gatekeeper.linac.modbus import ModbusWire

        return partial(ModbusWire, config)
    if isinstance(config, SerialLinacConfig):
        from gatekeeper.linac.serial_line import SerialWire

        return partial(SerialWire, config)
    from gatekeeper.linac.openigtlink import OpenIGTLinkWire

    return partial(OpenIGTLinkWire, config)
