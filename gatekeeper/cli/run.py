"""Implement `gatekeeper run`: a live session from the scanner to the linac."""

import json
import math
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.console_option import Page, page_of, shown
from gatekeeper.cli.options import (
    BreathHoldOption,
    ConsoleHostOption,
    ConsoleOption,
    ConsolePortOption,
    ControlOption,
    JsonOption,
    OutOption,
    PrescribedOption,
    SessionFileArg,
)
from gatekeeper.cli.output import say
from gatekeeper.cli.settings import course_of
from gatekeeper.config import DrawnConfig, DryRunLinacConfig, LiveConfig, OarConfig, PluginLinacConfig, load_live
from gatekeeper.core.clock import PacedClock, utc_stamp
from gatekeeper.core.errors import ConfigError

if TYPE_CHECKING:
    from gatekeeper.core.decision import Reason
    from gatekeeper.core.protocols import LinacPort
    from gatekeeper.display.web.process import Console
    from gatekeeper.session.definition import SessionDefinition
    from gatekeeper.session.live_session import LiveSession
    from gatekeeper.session.outcome import Outcome

ArmOption = Annotated[
    str | None,
    typer.Option(help="Arm in this name as soon as everything is ready.", metavar="NAME"),
]
SecondsOption = Annotated[
    float | None, typer.Option(help="End the session after this time, in seconds.", metavar="S", min=0.1, max=86400.0)
]
WATCHDOG_SPARE_S = 0.25
SIGNALLED = 128
"""Exit codes from here on say that a signal has ended the session."""
"""Lateness of a pass of the loop at which the watchdog holds the beam, in s."""


def run(
    session_file: SessionFileArg,
    out: OutOption = None,
    arm: ArmOption = None,
    seconds: SecondsOption = None,
    as_json: JsonOption = False,
    console: ConsoleOption = False,
    console_host: ConsoleHostOption = None,
    console_port: ConsolePortOption = None,
    control: ControlOption = False,
    prescribed_s: PrescribedOption = None,
    breath_hold_s: BreathHoldOption = None,
) -> None:
    """Gate a beam live: receive frames over a network, and send decisions to the linac.

    Ends with `end`, after --seconds, or with Ctrl-C, SIGTERM or a terminal that is gone, beam held first; the exit code
    is 128 and the number of the signal where that was one, and 1 where --arm was given and nothing was armed.
    """
    from gatekeeper.report.live_overview import draw
    from gatekeeper.report.reference_picture import draw_reference
    from gatekeeper.session.live_session import LiveSession

    page = page_of(console, console_host, console_port, control, prescribed_s, breath_hold_s)
    config = load_live(session_file)
    if config.by_hand and (page is None or not page.control):
        one = next(one for one in (*config.target, *config.organs) if one.by_hand)
        asks = "kind = drawn" if one.kind == "drawn" else "adjust = true"
        raise ConfigError(
            f"{session_file}: {'oar' if isinstance(one, OarConfig) else 'target'}.{asks}: an operator draws on the "
            "console's page; give --console --control, too"
        )
    clock = PacedClock(1.0)
    definition = plan_of(session_file.stem, config, arm, math.inf if seconds is None else seconds)
    planned_s = None if definition.config.course is None else definition.config.course.beam_on_s
    if prescribed_s is not None and planned_s is not None and prescribed_s != planned_s:
        raise ConfigError(
            f"command line: prescribed-s = {prescribed_s:g}: {session_file} has {planned_s:g} s (course.beam_on_s); "
            "give one of them"
        )
    folder = Path(config.recording.folder) / f"{definition.name}-{utc_stamp()}" if out is None else out
    try:
        outcome, shown_page = _gate(
            LiveSession(definition, clock, draw=draw, draw_reference=draw_reference), definition, clock, folder, page
        )
    except KeyboardInterrupt:
        say(f"gatekeeper: interrupted; the beam is held, {folder} keeps what was decided so far", err=True)
        raise typer.Exit(128 + signal.SIGINT) from None
    say(outcome.as_table(), err=as_json)
    if as_json:
        typer.echo(json.dumps(outcome.as_json(), allow_nan=False))
    code = _exit_code(outcome, arm)
    if shown_page is not None and shown_page.watched and not as_json and code < SIGNALLED:
        _review(folder, shown_page)
    if code:
        raise typer.Exit(code)


def plan_of(name: str, config: LiveConfig, arm_by: str | None = None, seconds: float = math.inf) -> "SessionDefinition":
    """Return what a session is to be, with its outlines and its reference read.

    Raises
    ------
    InputError
        When a file cannot be read or holds no target.
    """
    from gatekeeper.cli.target import planned_of, reference_of, target_of, zone_of
    from gatekeeper.core.login import login_name
    from gatekeeper.operator.request import identity
    from gatekeeper.session.definition import SessionDefinition

    config = config.model_copy(update={"course": course_of(config.course)})
    primary = config.target[0]
    structures, left_out = planned_of(config)
    return SessionDefinition(
        name=name,
        config=config,
        target=None if isinstance(primary, DrawnConfig) else target_of(primary, config.primary_name),
        structures=structures,
        reference=reference_of(config),
        arm_by=None if arm_by is None else identity(arm_by, login_name()),
        seconds=seconds,
        envelope=zone_of(primary.envelope, f"envelope of {config.primary_name}", whole=True),
        left_out=left_out,
    )


def _gate(
    session: "LiveSession", definition: "SessionDefinition", clock: PacedClock, folder: Path, page: Page | None
) -> "tuple[Outcome, Console | None]":
    """Open everything around a session, run it, and close everything."""
    from gatekeeper.core.login import login_name
    from gatekeeper.display.qr import qr_lines
    from gatekeeper.display.terminal.process import Display
    from gatekeeper.display.terminal.publisher import TerminalPublisher
    from gatekeeper.display.terminal.snapshot import LogLine, SessionInfo
    from gatekeeper.linac.watchdog import Watchdog
    from gatekeeper.operator.signals import ends_on_signals
    from gatekeeper.operator.terminal import Terminal
    from gatekeeper.runtime.realtime import prompt_threads, real_time
    from gatekeeper.sources.open import LiveSource, open_source

    config, status, requests = definition.config, session.status, session.requests
    with ExitStack() as stack:
        # Before the threads of port and source are started.
        stack.enter_context(prompt_threads())
        connect = partial(_open_linac, config, definition.silence_s, clock)
        beat: Callable[[], None] | None = None
        fault: Callable[[], Reason | None] | None = None
        stand_down: Callable[[], AbstractContextManager[object]] = nullcontext
        if not config.is_dry_run:
            watchdog = Watchdog(connect, min(definition.silence_s, config.gate.max_age_s) + WATCHDOG_SPARE_S)
            stack.callback(watchdog.close)
            beat, fault, stand_down = watchdog.beat, watchdog.fault, partial(closing, watchdog)
        linac = connect()
        stack.callback(linac.close)
        source = open_source(config.source, clock)
        stack.callback(source.close)
        display = Display()
        stack.callback(display.close)
        limits = config.gate.outside_percent, config.gate.min_confidence, config.envelope.margin_mm
        where = config.source.kind
        if isinstance(source, LiveSource):
            where = f"{where} {source.address[0]}:{source.address[1]}"
        info = SessionInfo(definition.name, where, _linac_words(config), *limits, config.warnings())
        pump = stack.enter_context(TerminalPublisher(status, clock, display.send, info))
        shown_page = stack.enter_context(
            shown(
                page,
                definition.name,
                config,
                (where, _linac_words(config)),
                status,
                clock,
                lambda line: status.add_line(clock.now_s(), line),
                requests,
                session.contour_requests,
            )
        )
        status.add_line(clock.now_s(), f"source {where}, linac {_linac_words(config)}, kept in {folder}")
        for note in definition.notes:
            status.add_line(clock.now_s(), note)
        for warning in config.warnings():
            status.add_line(clock.now_s(), f"WARNING: {warning}")
        if config.source.frames_per_s is None:
            note = f"source.frames_per_s is not given: a missing frame holds after {definition.silence_s:g} s only"
            status.add_line(clock.now_s(), note)
        terminal = Terminal(
            requests,
            login_name(),
            lambda line: display.send(LogLine(clock.now_s(), line)),
            display.typing if display.full_screen else None,
            refusals_only=True,
            show=display.show if display.full_screen else None,
            patient=None if shown_page is None else (shown_page.patient_url, qr_lines(shown_page.patient_url)),
        )

        @contextmanager
        def interfaces(there: Path) -> Iterator[None]:
            from gatekeeper.operator.control_socket import Control
            from gatekeeper.operator.socket_path import NAME

            # Once the loop has sent its last HOLD nothing beats any more, which is no failure.
            with stand_down(), Control(there / NAME, requests, lambda: pump.snapshot.as_json()):
                yield

        with ends_on_signals(requests), terminal, real_time(config.loop) as grants:
            for grant in grants:
                status.add_line(clock.now_s(), grant.as_line())
            return session.run(source, linac, folder, beat, interfaces, fault), shown_page


def _review(folder: Path, page: "Console") -> None:
    """Show the session that has ended on the pages that are still open, at their address."""
    from gatekeeper.cli.review_page import IDLE_S, serve_review
    from gatekeeper.core.errors import GatekeeperError
    from gatekeeper.display.web.serve import listening_for_page

    told = f"review until its pages are closed for {IDLE_S:.0f} s, or Ctrl-C"
    try:
        with listening_for_page(page.access.host, page.port) as server_socket:
            serve_review(folder, server_socket, replace(page.access, control=False), told, idle_s=IDLE_S)
    except GatekeeperError as error:
        say(f"gatekeeper: {error}; review with gatekeeper console {folder}", err=True)


def _open_linac(config: LiveConfig, silence_s: float, clock: PacedClock) -> "LinacPort":
    """Return a way to the linac; the watchdog's process calls it too."""
    from gatekeeper.linac.open import open_linac

    return open_linac(DryRunLinacConfig() if config.linac is None else config.linac, silence_s, clock=clock)


def _linac_words(config: LiveConfig) -> str:
    """Describe the linac port in words."""
    from gatekeeper.display.terminal.snapshot import DRY_RUN

    linac = config.linac
    if linac is None or isinstance(linac, DryRunLinacConfig):
        return DRY_RUN
    if isinstance(linac, PluginLinacConfig):
        return linac.kind
    return f"{linac.kind} {linac.device}" if linac.kind == "serial" else f"{linac.kind} {linac.host}:{linac.port}"


def _exit_code(outcome: "Outcome", arm: str | None) -> int:
    """Return 128 and the signal's number where one ended the session, 1 for what should have been armed and was not."""
    from gatekeeper.operator.signals import ORIGIN
    from gatekeeper.operator.terminal import GONE

    ended_by = outcome.ended_by
    if ended_by is not None and ended_by.origin == ORIGIN:
        return 128 + signal.Signals[ended_by.operator]
    if ended_by is not None and ended_by.operator == GONE:
        return 128 + signal.SIGHUP
    return int(arm is not None and not outcome.was_armed)
