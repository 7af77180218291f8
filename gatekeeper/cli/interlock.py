"""Implement `gatekeeper interlock`: the reference receiver of leases."""

import signal
from typing import Annotated

import typer

from gatekeeper.cli.options import JsonLinesOption, KeyOption, ListenOption, LongestOption
from gatekeeper.core.errors import ConfigError

BeamDelayOption = Annotated[
    float | None,
    typer.Option(
        "--beam-delay-ms",
        help="Simulate a machine whose beam comes on and ends this long after the interlock's state; a line `beam` "
        "reports each change of its beam.",
        metavar="MS",
        min=0.0,
        max=10_000.0,
        show_default="no machine",
    ),
]
BeamOffDelayOption = Annotated[
    float | None,
    typer.Option(
        "--beam-off-delay-ms",
        help="The same for the end of the beam alone.",
        metavar="MS",
        min=0.0,
        max=10_000.0,
        show_default="--beam-delay-ms",
    ),
]
BeamOnDelayOption = Annotated[
    float | None,
    typer.Option(
        "--beam-on-delay-ms",
        help="The same for its beginning alone.",
        metavar="MS",
        min=0.0,
        max=10_000.0,
        show_default="--beam-delay-ms",
    ),
]


def interlock(
    listen: ListenOption,
    key_file: KeyOption,
    max_lifetime_ms: LongestOption = 100,
    beam_delay_ms: BeamDelayOption = None,
    beam_off_delay_ms: BeamOffDelayOption = None,
    beam_on_delay_ms: BeamOnDelayOption = None,
    as_json: JsonLinesOption = False,
) -> None:
    """Receive leases as an interlock at the linac: HOLD without a valid lease. Ends with Ctrl-C or SIGTERM."""
    from gatekeeper.linac.lease.beam_delay import BeamDelays
    from gatekeeper.linac.lease.event_log import EventLog
    from gatekeeper.linac.lease.interlock import InterlockServer
    from gatekeeper.linac.lease.key import load_key
    from gatekeeper.linac.lease.receiver import Rules
    from gatekeeper.runtime.realtime import prompt_threads

    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ConfigError(f"command line: listen = {listen!r}: must be HOST:PORT, for example 127.0.0.1:7400")
    log = EventLog(as_json)
    off_ms, on_ms = (beam_delay_ms if one is None else one for one in (beam_off_delay_ms, beam_on_delay_ms))
    delays = None if off_ms is None and on_ms is None else BeamDelays(off_ms or 0.0, on_ms or 0.0)
    rules = Rules(load_key(key_file), max_lifetime_ms)
    server = InterlockServer(host.strip("[]"), int(port), rules, log, delays=delays)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: server.stop())
    with prompt_threads():
        server.run()
