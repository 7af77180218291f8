"""Draw a session on the terminal; the beam state is shown by word and pattern as well as by colour."""

import math
import textwrap

from rich.box import HEAVY
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from gatekeeper.core.axes import axes_named
from gatekeeper.core.decision import BeamState, Reason
from gatekeeper.core.reason_row import Tier
from gatekeeper.core.reasons import REASONS, TIERS, gravest, text_of
from gatekeeper.display.terminal.braille_trace import ON, trace
from gatekeeper.display.terminal.history import History
from gatekeeper.display.terminal.snapshot import SessionInfo, Snapshot
from gatekeeper.display.terminal.structure_lines import holders, structure_lines
from gatekeeper.session.phases import Phase
from gatekeeper.style.colors import ALARM_COLOR, BEAM_COLOR, ENVELOPE_COLOR, TIER_COLOR
from gatekeeper.style.reasons import TIER_TEXT

STYLE_ON = f"bold white on {BEAM_COLOR[BeamState.ON]}"
STYLE_HOLD = f"bold black on {BEAM_COLOR[BeamState.HOLD]}"
STYLE_SILENT = f"bold white on {ALARM_COLOR}"
# The blue of beam-on is too dark for thin lines on a black terminal.
BLUE, ORANGE = ENVELOPE_COLOR, BEAM_COLOR[BeamState.HOLD]
SILENT_S = 1.5
"""Time without a snapshot after which the beam state is shown as unknown, in seconds of real time."""
WINDOW_S = 30.0
"""Length of the plot in seconds of session time."""
MOST_REASONS, MOST_WARNINGS, LOG_LINES, TRACE_LINES = 4, 4, 5, 6
AXIS = 8
"""Width of the labels of the plot in characters."""
LEAST = 12
"""Number of lines without the plot, which uses the remaining height."""


def draw(history: History, silent_s: float, width: int, height: int) -> RenderableType:
    """Return the full screen.

    Parameters
    ----------
    history : History
        Messages of the session so far.
    silent_s : float
        Time since the last snapshot arrived, in seconds of real time.
    width, height : int
        Size of the terminal in characters.

    Returns
    -------
    RenderableType
        For printing with `rich`; it fits a terminal of at least 14 lines.
    """
    reasons = _reasons(history)
    warnings = _warnings(history)
    room = height - LEAST - len(reasons) - len(warnings)
    structures = structure_lines(history.now, history.info, max(room + 1, 0)) if history.info.structures else []
    log = _log(history, width)[-max(1, room - len(structures)) :]
    used = LEAST + max(1, len(reasons)) + len(log) + len(warnings) + len(structures)
    parts = [_head(history), *warnings, _banner(history, silent_s), *reasons, *structures, _numbers(history)]
    lines = min(TRACE_LINES, height - used)
    if lines >= 2:
        parts.append(_trace(history, width, lines))
    parts += [Text(line, no_wrap=True, overflow="ellipsis") for line in log]
    parts.append(Text.assemble(("> ", "bold"), history.typing, ("█", "blink"), no_wrap=True))
    return Group(*parts)


def _log(history: History, width: int) -> list[str]:
    """Return the last lines of the event log, wrapped to the width of the terminal."""
    lines: list[str] = []
    for one in list(history.log)[-LOG_LINES:]:
        lines += textwrap.wrap(f"{clock(one.time_s)}  {one.line}", max(20, width), subsequent_indent=" " * 9)
    return lines[-LOG_LINES:]


def clock(time_s: float) -> str:
    """Format a session time as hours, minutes and seconds.

    Parameters
    ----------
    time_s : float
        Session time in seconds; negative and non-finite values are shown as 0.

    Returns
    -------
    str
        As in "1:02:03".

    Examples
    --------
    >>> clock(3723.4)
    '1:02:03'
    """
    seconds = max(0, int(time_s)) if math.isfinite(time_s) else 0
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def figure(value: float, digits: int = 0) -> str:
    """Format a value.

    Parameters
    ----------
    value : float
        NaN when it was not measured.
    digits : int
        Number of decimals.

    Returns
    -------
    str
        The value, or a dash when it is not finite.
    """
    return f"{value:.{digits}f}" if math.isfinite(value) else "–"


def _head(history: History) -> RenderableType:
    now, info = history.now, history.info
    head = Table.grid(expand=True)
    head.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    head.add_column(justify="right", no_wrap=True)
    phase = f"{now.phase} {now.gathered}".strip()
    head.add_row(
        Text.assemble((info.name, "bold"), f"  {info.source} → {info.linac}"),
        Text.assemble("phase ", (phase or "–", "bold"), "   session ", (clock(now.time_s), "bold")),
    )
    return head


def _warnings(history: History) -> list[Text]:
    """Return what is warned of in red, one line each and the rest counted."""
    lines = [f"WARNING: {one}" for one in history.info.warnings]
    if len(lines) > MOST_WARNINGS:
        lines = [*lines[: MOST_WARNINGS - 1], f"WARNING: and {len(lines) - MOST_WARNINGS + 1} more"]
    return [Text(one, STYLE_SILENT, overflow="ellipsis", no_wrap=True) for one in lines]


def _banner(history: History, silent_s: float) -> RenderableType:
    """Return the beam state across the full width of the terminal."""
    now = history.now
    duration = f"for {figure(max(0.0, now.time_s - history.since_s), 1)} s"
    if is_silent(now, silent_s):
        words, side, style = f"NO DATA FOR {silent_s:.0f} s: BEAM STATE UNKNOWN", "?", STYLE_SILENT
    elif now.state == BeamState.ON:
        words, side, style = f"BEAM ON   {duration}", "█", STYLE_ON
    elif (worst := gravest(now.reasons)) is not None and worst.tier is Tier.HIGH and now.phase != Phase.ENDED:
        # A part of the chain that fails never looks like a target that is outside.
        words, side, style = f"HOLD   {duration}   {TIER_TEXT[worst.tier][1].upper()}", "!", STYLE_SILENT
    else:
        words, side, style = f"HOLD   {duration}", "╱", STYLE_HOLD
    row = Table.grid(expand=True)
    for ratio in (1, None, 1):
        row.add_column(ratio=ratio, no_wrap=True, overflow="crop", justify="center")
    row.add_row(side * 200, f"   {words}   ", side * 200)
    return Panel(row, box=HEAVY, style=style, padding=0)


def is_silent(now: Snapshot, silent_s: float) -> bool:
    """Return whether the beam state is unknown because no snapshot has arrived for too long.

    Parameters
    ----------
    now : Snapshot
        The newest snapshot.
    silent_s : float
        Time since it arrived, in seconds of real time; NaN counts as too long.

    Returns
    -------
    bool
        False in phases in which the loop does not run and no snapshots are expected.
    """
    return not silent_s <= SILENT_S and now.phase not in ("", "connect", "drawing", "ended")


def _reasons(history: History) -> list[RenderableType]:
    """Return the text of each hold reason, one per line, the most urgent first."""
    if history.now.phase == Phase.ENDED:
        return [Text("  • The session has ended, and HOLD was sent last")]
    reasons = sorted(history.now.reasons, key=_urgency, reverse=True)
    shown = [
        Text.assemble(
            _mark(reason),
            in_words(reason, history.now, history.info),
            no_wrap=bool(history.info.structures),
            overflow="ellipsis",
        )
        for reason in reasons[:MOST_REASONS]
    ]
    if len(reasons) > MOST_REASONS:
        shown[-1] = Text(f"  • and {len(reasons) - MOST_REASONS + 1} more")
    return [*shown] if shown else [Text("  • No hold reason")]


def _urgency(reason: str) -> int:
    row = gravest([reason])
    return -1 if row is None else TIERS.index(row.tier)


def _mark(reason: str) -> tuple[str, str]:
    """Return the mark of a reason's tier with its style."""
    row = gravest([reason])
    if row is None or row.tier is Tier.INFORMATION:
        return "  • ", ""
    background, ink = TIER_COLOR[row.tier]
    return f"{TIER_TEXT[row.tier][0]:>3} ", f"bold {ink} on {background}"


def in_words(reason: str, now: Snapshot, info: SessionInfo) -> str:
    """Return the text of a hold reason with its value and limit, or with the action to take.

    With several structures, those that hold for it are named, each with its own limit.

    Parameters
    ----------
    reason : str
        The word of a reason; an unknown word is returned unchanged.
    now : Snapshot
        Source of the value.
    info : SessionInfo
        Source of the limit.

    Returns
    -------
    str
        One line.
    """
    text = text_of(reason)
    if by := holders(reason, now, info):
        return f"{text}: {by}"
    match reason:
        case Reason.OUTSIDE:
            percent = max(now.outside_percent, now.predicted_percent, key=lambda value: (value == value, value))
            return f"{text}: {percent:.1f} %, limit {info.outside_limit:g} %"
        case Reason.LOW_CONFIDENCE:
            return f"{text}: {now.confidence:.2f}, limit {info.confidence_limit:g}"
        case Reason.STALE_FRAME:
            return f"{text}: {now.age_ms:.0f} ms"
    action = REASONS[Reason(reason)].action if reason in REASONS else ""
    return f"{text}. {action}" if action else text


def _numbers(history: History) -> RenderableType:
    now, info = history.now, history.info
    table = Table.grid(padding=(0, 2, 0, 0))
    for least in (10, 38, 10, 0):
        table.add_column(no_wrap=True, min_width=least)
    outside = f"{figure(now.outside_percent, 1)} %  limit {info.outside_limit:g} %"
    if math.isfinite(now.predicted_percent):
        outside = f"{figure(now.predicted_percent, 1)} % ahead, {outside}"
    link = Text("link alive") if now.link_alive else Text("LINK LOST", STYLE_HOLD)
    session = (
        ("frames", f"{figure(now.frame_rate, 1)} /s   {now.frames} judged"),
        ("frame age", f"{figure(now.age_ms)} ms"),
        ("latency", f"p50 {figure(now.p50_ms, 2)}  p99 {figure(now.p99_ms, 2)}  max {figure(now.max_ms, 2)} ms"),
        ("not judged", f"{now.lost} missing  {now.skipped} skipped  {now.dropped} not recorded"),
    )
    duty, on = f"{100.0 * now.duty_cycle:.1f} %", f"{now.beam_on_s:.1f} s"
    if math.isfinite(now.risk_limit):
        on += f"   risk {figure(now.risk_percent, 2)} of {now.risk_limit:g} %"
    gated: tuple[tuple[str, str | Text], ...] = (
        ("outside", outside),
        ("confidence", f"{figure(now.confidence, 2)}  limit {info.confidence_limit:g}"),
        ("duty cycle", f"{duty}   beam on {on}"),
        ("linac", link),
    )
    if info.structures:
        # Each has a line of its own.
        gated = (("duty cycle", duty), ("beam on", on), ("linac", link), ("", ""))
    for (left_label, left), (right_label, right) in zip(session, gated, strict=True):
        table.add_row(Text(left_label, "dim"), left, Text(right_label, "dim"), right)
    return table


def _trace(history: History, width: int, lines: int) -> RenderableType:
    plot = trace(
        list(history.points), history.now.time_s, WINDOW_S, max(10, width - AXIS), lines, history.info.margin_mm
    )
    axis = [""] * lines
    along, _ = axes_named((history.now.axis, history.now.axis))
    axis[lines // 2] = along.name if lines > 2 else ""
    axis[0], axis[-1] = f"{along.sign * plot.top_mm:+.0f} mm", f"{along.sign * plot.bottom_mm:+.0f} mm"
    rows = [
        Text.assemble((f"{label:>{AXIS - 1}} ", "dim"), (row, BLUE), no_wrap=True)
        for label, row in zip(axis, plot.lines, strict=True)
    ]
    beam = Text(no_wrap=True)
    beam.append(f"{'beam':>{AXIS - 1}} ", "dim")
    for character in plot.beam:
        beam.append(character, BLUE if character == ON else ORANGE)
    return Group(*rows, beam)
