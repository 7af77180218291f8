"""Open the port to the linac that the settings name, or test it beforehand.

The modules of a port are imported when it is chosen.
"""

from contextlib import closing
from pathlib import Path

from gatekeeper.config import (
    DryRunLinacConfig,
    LeaseLinacConfig,
    LinacConfig,
    ModbusLinacConfig,
    PluginLinacConfig,
    SerialLinacConfig,
)
from gatekeeper.core.clock import Clock, PacedClock
from gatekeeper.core.errors import LinkError
from gatekeeper.core.protocols import LinacPort
from gatekeeper.linac.freshness import age_by, no_age
from gatekeeper.linac.port_guard import GuardedPort
from gatekeeper.plugins import LINACS

LEAST_FRESH_S = 0.02
"""A decision is good for no less than this, in real seconds."""
PROBE_S = 2.0
"""Longest time for a plug-in's link to be up, in s."""
POLL_S = 0.02
"""Time between two looks at it, in s."""


def open_linac(config: LinacConfig, silence_s: float, speed: float = 1.0, clock: Clock | None = None) -> LinacPort:
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
    clock : Clock, optional
        Session time, by which decisions are stamped: the port refuses a beam-on that is older than it may be. Without
        it, for tests, a decision counts from when it is sent.

    Returns
    -------
    LinacPort
        The port.

    Raises
    ------
    ConfigError
        When the key of a lease cannot be read, or there is no such port.
    """
    plugin = LINACS.find(config.kind)
    fresh_s, having = max(LEAST_FRESH_S, silence_s / speed), ("alive", "send", "close")
    age_s = no_age if clock is None else age_by(clock, speed)
    if plugin.builtin:
        own: LinacPort = plugin.make(config, fresh_s, age_s, having=having)
        return own
    return GuardedPort(plugin.make(config, fresh_s, having=having), plugin.origin, fresh_s, age_s)


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
    if isinstance(config, PluginLinacConfig):
        return _probe_plugin(config)
    from gatekeeper.linac import openigtlink

    return openigtlink.probe(config)


def _probe_plugin(config: PluginLinacConfig) -> str:
    """Return that the link of a plug-in is up, after opening it and closing it again."""
    clock = PacedClock(1.0)
    until_s = clock.now_s() + PROBE_S
    with closing(open_linac(config, LEAST_FRESH_S, clock=clock)) as port:
        while not port.alive:
            if clock.now_s() >= until_s:
                raise LinkError(f"linac {config.kind!r}: its link is not up after {PROBE_S:g} s; start what it needs")
            clock.sleep_until(clock.now_s() + POLL_S)
    return "its link is up"
