"""The command line, and the composition root: here it is chosen which pieces a run is made of.

What a command needs is imported when it runs, so that `--help` does not wait for it.
"""

import json
import math
import os
import re
import signal
import sys
from contextlib import closing
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.clock import PacedClock, VirtualClock, utc_stamp
from gatekeeper.config import LinacConfig, SessionConfig, build, load_toml
from gatekeeper.errors import ConfigError, GatekeeperError, InputError
from gatekeeper.options import (
    DEFAULTS,
    CaseArg,
    ConfigOption,
    FaultOption,
    HeadOption,
    JsonLinesOption,
    JsonOption,
    KeyOption,
    ListenOption,
    LongestOption,
    MarginOption,
    NewCaseArg,
    OutOption,
    OutsideOption,
    SessionArg,
    SpeedOption,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.linac.port import LinacPort
    from replay.faults import FaultSpec
    from replay.formats.session import RecordedSession
    from replay.run import Material

# Linear algebra is needed while arming only; its threads would go on spinning beside the loop.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

SLOWEST, FASTEST = 0.01, 1000.0
DEMO_SPEED = "8"

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit: 0 good, 1 a finding or a fault, 2 bad usage or bad input, 130 interrupted.

    Parameters
    ----------
    args : list of str, optional
        What follows the program's name; by default what the shell gave.
    """
    try:
        app(args, prog_name="gatekeeper")
    except GatekeeperError as error:
        typer.echo(f"gatekeeper: {' '.join(str(error).split())}", err=True)
        sys.exit(2 if isinstance(error, InputError) else 1)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gatekeeper {metadata.version('gatekeeper-mrgrt')}")
        raise typer.Exit


VersionOption = Annotated[
    bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
]


@app.callback()
def _gatekeeper(version: VersionOption = False) -> None:
    """Track a target on cine-MR and gate the beam. Research software; not a medical device."""


@app.command("replay")
def _replay(
    case: CaseArg,
    margin_mm: MarginOption = None,
    outside_percent: OutsideOption = None,
    config: ConfigOption = None,
    speed: SpeedOption = "max",
    out: OutOption = None,
    as_json: JsonOption = False,
    fault: FaultOption = None,
) -> None:
    """Track and gate a recorded case, and score it where it has labels.

    A session is replayed from itself, with its own settings where no others are given, and both are shown side by side.
    """
    from replay.compare import material_of_session
    from replay.faults import parse
    from replay.formats.session import is_session, open_session
    from replay.formats.trackrad import open_case
    from replay.run import material_of

    settings, pace = _settings(DEFAULTS, config, margin_mm, outside_percent), _pace(speed)
    faults = [parse(text) for text in fault or ()]
    if not is_session(case):
        _run(material_of(open_case(case)), settings, pace, out, as_json, faults=faults)
        return
    with closing(open_session(case)) as session:
        if session.chain.finding is not None:
            typer.echo(f"gatekeeper: {case}: {session.chain.finding}; only the lines before it are replayed", err=True)
        settings = _settings(session.config(), config, margin_mm, outside_percent)
        # Whatever it was recorded with: what is asked for afterwards never switches a beam.
        settings = settings.model_copy(update={"linac": None})
        _run(material_of_session(session), settings, pace, out, as_json, session, faults)


@app.command("demo")
def _demo(speed: SpeedOption = DEMO_SPEED, out: OutOption = None, as_json: JsonOption = False) -> None:
    """Track and gate a synthetic case through the live loop."""
    from replay.phantom import PhantomConfig, make_phantom
    from replay.progress import waiting
    from replay.run import material_of

    pace = _pace(speed)
    with waiting("making the phantom"):
        recording = make_phantom(PhantomConfig(name="demo")).recording
    _run(material_of(recording), DEFAULTS, pace, out, as_json)


@app.command("phantom")
def _phantom(out_dir: NewCaseArg, config: ConfigOption = None) -> None:
    """Write a synthetic case with exact truth, named by its folder unless the settings name it."""
    from replay.phantom import PhantomConfig, write_phantom
    from replay.progress import waiting

    settings = PhantomConfig() if config is None else load_toml(config, PhantomConfig)
    if "name" not in settings.model_fields_set:
        name = re.sub(r"[^A-Za-z0-9_-]", "_", out_dir.resolve().name)[:64]
        settings = build(PhantomConfig, {**settings.model_dump(), "name": name or settings.name}, "OUT_DIR")
    with waiting("making the phantom"):
        folder = write_phantom(settings, out_dir)
    typer.echo(f"{folder}")


@app.command("verify")
def _verify(session_dir: SessionArg, head: HeadOption = None, as_json: JsonOption = False) -> None:
    """Check that a session is as it was written, and that its frames give the same decisions again."""
    from replay.progress import waiting
    from replay.verify import verify_folder

    if head is not None and not re.fullmatch(r"[0-9a-f]{64}", head):
        raise ConfigError(f"command line: head = {head!r:.80}: must be 64 hexadecimal digits, as verify prints them")
    with waiting("verifying"):
        found = verify_folder(session_dir, head)
    typer.echo(found.as_table(), err=as_json)
    if as_json:
        typer.echo(json.dumps(found.as_json(), allow_nan=False))
    if not found.good:
        raise typer.Exit(1)


@app.command("interlock")
def _interlock(
    listen: ListenOption, key_file: KeyOption, max_lifetime_ms: LongestOption = 100, as_json: JsonLinesOption = False
) -> None:
    """Receive leases as what sits at the linac does: HOLD unless one lives. Ends with Ctrl-C or SIGTERM."""
    from gatekeeper.linac.event_log import EventLog
    from gatekeeper.linac.interlock import InterlockServer
    from gatekeeper.linac.key import load_key
    from gatekeeper.linac.receiver import Rules

    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ConfigError(f"command line: listen = {listen!r}: must be HOST:PORT, for example 127.0.0.1:7400")
    log = EventLog(as_json)
    server = InterlockServer(host.strip("[]"), int(port), Rules(load_key(key_file), max_lifetime_ms), log)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: server.stop())
    server.run()


def _settings(
    base: SessionConfig, config: Path | None, margin_mm: float | None, outside_percent: float | None
) -> SessionConfig:
    """Return the settings of the file, else the base, with those of the command line put over them."""
    settings = base if config is None else load_toml(config, SessionConfig)
    values = settings.model_dump()
    if margin_mm is not None:
        values["envelope"]["margin_mm"] = margin_mm
    if outside_percent is not None:
        values["gate"]["outside_percent"] = outside_percent
    return build(SessionConfig, values, "command line")


def _pace(speed: str) -> float | None:
    """Return the multiple of real time that `speed` says; None for as fast as it goes."""
    if speed == "max":
        return None
    try:
        pace = float(speed)
    except ValueError:
        pace = math.nan
    if not SLOWEST <= pace <= FASTEST:
        raise ConfigError(
            f"command line: speed = {speed!r}: must be max or a multiple of real time, {SLOWEST:g} to {FASTEST:g}"
        )
    return pace


def _run(
    material: "Material",
    settings: SessionConfig,
    pace: float | None,
    out: Path | None,
    as_json: bool,
    original: "RecordedSession | None" = None,
    faults: "Sequence[FaultSpec]" = (),
) -> None:
    """Replay and print what came out, beside the session that it was recorded in, where it was one."""
    from gatekeeper.realtime import real_time
    from replay.gating_scores import frame_period_s
    from replay.progress import ProgressBars
    from replay.run import replay

    recording = material.recording
    folder = Path("sessions") / f"{recording.name}-{utc_stamp()}" if out is None else out
    period_s, max_age_s = frame_period_s(recording.times_s), settings.gate.max_age_s
    if period_s > max_age_s:
        typer.echo(
            f"gatekeeper: frames come every {period_s:.3g} s and are good for gate.max_age_s = {max_age_s:.3g} s; "
            "the beam is held in between; raise gate.max_age_s with --config",
            err=True,
        )
    begin_s = 0.0 if original is None else original.begin_s
    linac = None if settings.linac is None else _lease(settings, settings.linac, pace, period_s)
    try:
        with real_time(settings.loop) as grants, ProgressBars() as bars:
            for grant in grants:
                typer.echo(f"gatekeeper: {grant.as_line()}", err=True)
            clock = VirtualClock(begin_s) if pace is None else PacedClock(pace)
            result = replay(material, settings, folder, clock, bars, linac, faults)
    except KeyboardInterrupt:
        typer.echo(f"gatekeeper: interrupted; the beam is held, {folder} keeps what was decided so far", err=True)
        raise typer.Exit(130) from None
    finally:
        if linac is not None:
            linac.close()
    typer.echo(result.as_table(), err=as_json)
    values = result.as_json()
    if original is not None:
        values |= _print_comparison(original, folder, as_json)
    if as_json:
        typer.echo(json.dumps(values, allow_nan=False))


def _lease(settings: SessionConfig, linac: LinacConfig, pace: float | None, period_s: float) -> "LinacPort":
    """Return the way to the interlock that the settings name."""
    from gatekeeper.linac.key import load_key
    from gatekeeper.linac.lease import LeaseLinac

    if pace is None:
        raise ConfigError(
            f"command line: speed = 'max': an interlock ({linac.host}:{linac.port}) follows real time; give --speed 1"
        )
    # An engine that hangs while its process lives is not renewed for longer than a silent source would be.
    fresh_ms = max(20, min(linac.lease.fresh_ms, round(1e3 * settings.silence_s(period_s) / pace)))
    lease = linac.lease.model_copy(update={"fresh_ms": fresh_ms})
    return LeaseLinac(linac.model_copy(update={"lease": lease}), load_key(Path(linac.key_file)))


def _print_comparison(original: "RecordedSession", folder: Path, as_json: bool) -> dict[str, object]:
    """Print a session beside the replay of it, and return both as plain values for JSON."""
    from gatekeeper.recording.journal import read_decisions
    from replay.compare import compare

    comparison = compare(original.entries, read_decisions(folder / "decisions.jsonl"))
    typer.echo(f"\n{comparison.as_table()}", err=as_json)
    return comparison.as_json()
