"""Run a replay for a command, print its result, and compare it with the original session."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gatekeeper.cli.console_option import Page, shown
from gatekeeper.cli.output import say
from gatekeeper.config import SessionConfig
from gatekeeper.config.safe_ranges import in_short, unsafe_settings
from gatekeeper.core.clock import Clock, PacedClock, VirtualClock, utc_stamp
from gatekeeper.core.decision import Reason
from gatekeeper.core.errors import ConfigError

if TYPE_CHECKING:
    from gatekeeper.core.protocols import LinacPort
    from replay.faults import FaultSpec
    from replay.formats.session import RecordedSession
    from replay.reference import AskedReference
    from replay.run import ReplayInput


def play(
    material: "ReplayInput",
    settings: SessionConfig,
    pace: float | None,
    out: Path | None,
    as_json: bool,
    original: "RecordedSession | None" = None,
    faults: "Sequence[FaultSpec]" = (),
    report: bool = False,
    page: Page | None = None,
    reference: "AskedReference | None" = None,
    picture: bool = True,
) -> None:
    """Replay and print what came out, beside the session that it was recorded in, where it was one."""
    from gatekeeper.runtime.realtime import real_time
    from gatekeeper.session.status import SessionStatus
    from replay.progress import ProgressBars
    from replay.run import replay
    from replay.scores.gating import frame_period_s

    recording = material.recording
    folder = Path("sessions") / f"{recording.name}-{utc_stamp()}" if out is None else out
    period_s, max_age_s = frame_period_s(recording.times_s), settings.gate.max_age_s
    if period_s > max_age_s:
        say(
            f"gatekeeper: frames come every {period_s:.3g} s and are good for gate.max_age_s = {max_age_s:.3g} s; "
            "the beam is held in between; raise gate.max_age_s with --config",
            err=True,
        )
    if unsafe := unsafe_settings(settings):
        say(f"gatekeeper: UNSAFE SETTINGS: {in_short(unsafe)}", err=True)
    begin_s = 0.0 if original is None else original.begin_s
    clock = VirtualClock(begin_s) if pace is None else PacedClock(pace)
    linac = _linac(settings, pace, period_s, clock)
    status = None if page is None else SessionStatus()
    words = f"{recording.name}, played again", "nowhere" if settings.linac is None else settings.linac.kind
    try:
        with (
            shown(
                page,
                recording.name,
                settings,
                words,
                status or SessionStatus(),
                clock,
                lambda line: say(line, err=True),
            ),
            real_time(settings.loop) as grants,
            ProgressBars() as bars,
        ):
            for grant in grants:
                say(f"gatekeeper: {grant.as_line()}", err=True)
            result = replay(
                material, settings, folder, clock, bars, linac, faults, status, reference=reference, picture=picture
            )
    except KeyboardInterrupt:
        say(f"gatekeeper: interrupted; the beam is held, {folder} keeps what was decided so far", err=True)
        raise typer.Exit(130) from None
    finally:
        if linac is not None:
            linac.close()
    kind = settings.tracker.kind
    written = _report(folder, kind if ":" in kind else None) if report else None
    say(result.as_table(written), err=as_json)
    if original is None and not faults:
        _advise(result.summary.hold_reasons, settings)
    values = result.as_json()
    if original is not None:
        values |= _print_comparison(original, folder, as_json)
        then = original.config().tracker.kind
        if then != kind:
            say(f"the original was tracked by {then!r}, what if by {kind!r}", err=as_json)
            values["trackers"] = {"original": then, "what_if": kind}
    if written is not None:
        values["report"] = str(written)
    if as_json:
        typer.echo(json.dumps(values, allow_nan=False))
    if result.reference is not None and not result.reference.used:
        raise typer.Exit(1)


def _advise(hold_reasons: Mapping[str, int], settings: SessionConfig) -> None:
    """Say what to set for a recording that was sorted in retrospect, which repeats pictures."""
    repeats = max(hold_reasons.get(reason, 0) for reason in (Reason.FROZEN, Reason.NOT_LIVE))
    if repeats and not settings.gate.retrospective:
        say(
            f"gatekeeper: frames that show an earlier picture again: {repeats}; if the recording was sorted in "
            "retrospect, give --config with [gate], retrospective = true and identical_frames = 1",
            err=True,
        )


def _linac(settings: SessionConfig, pace: float | None, period_s: float, clock: Clock) -> "LinacPort | None":
    """Return the linac port of the settings, if any."""
    from gatekeeper.linac.open import open_linac

    if settings.linac is None:
        return None
    if pace is None and settings.linac.kind != "dry_run":
        raise ConfigError(
            f"command line: speed = 'max': a linac ({settings.linac.kind}) follows real time; give --speed 1"
        )
    return open_linac(settings.linac, settings.silence_s(period_s), 1.0 if pace is None else pace, clock)


def _report(folder: Path, tracker: str | None) -> Path:
    """Write the report, and return its path."""
    from replay.progress import ProgressBars
    from replay.sessions.report import write_report

    with ProgressBars() as bars:
        return write_report(folder, on_progress=bars, tracker=tracker)


def _print_comparison(original: "RecordedSession", folder: Path, as_json: bool) -> dict[str, object]:
    """Print a session beside its replay, and return both as plain values for JSON."""
    from gatekeeper.recording.journal import read_decisions
    from replay.sessions.compare import compare

    comparison = compare(original.entries, read_decisions(folder / "decisions.jsonl"))
    say(f"\n{comparison.as_table()}", err=as_json)
    return comparison.as_json()
