"""Implement `gatekeeper demo`: run a synthetic case through the live loop."""

from typing import Annotated

import typer

from gatekeeper.cli.console_option import page_of
from gatekeeper.cli.limit_options import DEFAULTS
from gatekeeper.cli.options import (
    BreathHoldOption,
    ConsoleHostOption,
    ConsoleOption,
    ConsolePortOption,
    JsonOption,
    OutOption,
    PrescribedOption,
)
from gatekeeper.cli.replay_run import play
from gatekeeper.cli.settings import pace_of

DEMO_SPEED, WATCHED_SPEED = "8", "1"

DemoSpeedOption = Annotated[
    str | None,
    typer.Option(
        help="A multiple of real time, or max for as fast as possible.",
        metavar="max|1.0",
        show_default=f"{DEMO_SPEED}, or {WATCHED_SPEED} with --console",
    ),
]


def demo(
    speed: DemoSpeedOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
    console: ConsoleOption = False,
    console_host: ConsoleHostOption = None,
    console_port: ConsolePortOption = None,
    prescribed_s: PrescribedOption = None,
    breath_hold_s: BreathHoldOption = None,
) -> None:
    """Track and gate a synthetic case through the live loop."""
    from replay.phantom import PhantomConfig, make_phantom
    from replay.progress import waiting
    from replay.run import replay_input

    page = page_of(console, console_host, console_port, False, prescribed_s, breath_hold_s)
    pace = pace_of(speed or (DEMO_SPEED if page is None else WATCHED_SPEED))
    with waiting("making the phantom"):
        recording = make_phantom(PhantomConfig(name="demo")).recording
    play(replay_input(recording), DEFAULTS, pace, out, as_json, report=True, page=page)
