"""Implement `gatekeeper interlock`: the reference receiver of leases."""

import signal

from gatekeeper.cli.options import JsonLinesOption, KeyOption, ListenOption, LongestOption
from gatekeeper.core.errors import ConfigError


def interlock(
    listen: ListenOption, key_file: KeyOption, max_lifetime_ms: LongestOption = 100, as_json: JsonLinesOption = False
) -> None:
    """Receive leases as an interlock at the linac: HOLD without a valid lease. Ends with Ctrl-C or SIGTERM."""
    from gatekeeper.linac.lease.event_log import EventLog
    from gatekeeper.linac.lease.interlock import InterlockServer
    from gatekeeper.linac.lease.key import load_key
    from gatekeeper.linac.lease.receiver import Rules

    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ConfigError(f"command line: listen = {listen!r}: must be HOST:PORT, for example 127.0.0.1:7400")
    log = EventLog(as_json)
    server = InterlockServer(host.strip("[]"), int(port), Rules(load_key(key_file), max_lifetime_ms), log)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: server.stop())
    server.run()
