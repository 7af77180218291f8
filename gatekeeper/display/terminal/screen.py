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
from gatekeeper.display.terminal.numbers import lasted, numbers
from gatekeeper.display.terminal.snapshot import SessionInfo, Sheet, Snapshot
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
LOOK = "  • The session shows nothing new; look at the machine itself"
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
        For printing with `rich`; on 80 columns and 24 lines nothing that decides about the beam is cut.
    """
    reasons = [Text(LOOK)] if is_silent(history.now, silent_s) else _reasons(history, width)
    if history.sheet is not None:
        return _with_sheet(history, history.sheet, reasons, silent_s, height)
    warnings = _warnings(history)
    room = height - LEAST - len(reasons) - len(warnings) - bool(history.now.breath_hold)
    structures = structure_lines(history.now, history.info, max(room + 1, 0)) if history.info.structures else []
    log = _log(history, width, min(LOG_LINES, max(1, room - len(structures))))
    used = LEAST + max(1, len(reasons)) + len(log) + len(warnings) + len(structures) + bool(history.now.breath_hold)
    parts = [
        _head(history),
        *warnings,
        _banner(history, silent_s),
        *reasons,
        *structures,
        numbers(history.now, history.info),
    ]
    if history.now.breath_hold:
        parts.append(Text.assemble(("breath-hold ", "dim"), history.now.breath_hold, no_wrap=True, overflow="ellipsis"))
    lines = min(TRACE_LINES, height - used)
    if lines >= 2:
        parts.append(_trace(history, width, lines))
    parts += [Text(line, no_wrap=True, overflow="ellipsis") for line in log]
    return Group(*parts, _prompt(history))


def _with_sheet(history: History, sheet: Sheet, reasons: list[Text], silent_s: float, height: int) -> RenderableType:
    """Return a sheet in place of figures, plot and log; the beam state, and its reasons where there is room, stay."""
    head, words = _head(history), _state(history, silent_s)
    lines = [Text(line, "black on white" if sheet.is_code else "", no_wrap=True) for line in sheet.lines]
    room = height - 3 - len(lines)
    if sheet.is_code and room < 0:
        lines, room = [Text("The terminal is too small for the QR code.")], height - 4
    title = [Text(sheet.title, "bold", no_wrap=True, overflow="fold")] if room > 0 else []
    banner = Text(f" {words[1] * 3} {words[0]} {words[1] * 3} ", words[2], no_wrap=True)
    parts = [head, banner, *reasons[: max(0, room - len(title))], *title, *lines[: height - 3]]
    return Group(*parts, _prompt(history))


def _prompt(history: History) -> Text:
    return Text.assemble(("> ", "bold"), history.typing, ("█", "blink"), no_wrap=True)


def _log(history: History, width: int, most: int) -> list[str]:
    """Return the newest entries of the event log that fit, wrapped to the width of the terminal."""
    lines: list[str] = []
    for one in reversed(history.log):
        entry = textwrap.wrap(f"{clock(one.time_s)}  {one.line}", max(20, width), subsequent_indent=" " * 9)
        if lines and len(lines) + len(entry) > most:
            break
        lines = entry[:most] + lines
    return lines


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


def _head(history: History) -> RenderableType:
    now, info = history.now, history.info
    head = Table.grid(expand=True)
    head.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    head.add_column(justify="right", no_wrap=True)
    phase = f"{now.phase} {now.gathered}".strip()
    mode = "ENDED" if now.phase == Phase.ENDED else "LIVE" if info.has_linac else "DRY RUN"
    head.add_row(
        Text.assemble((info.name, "bold"), f"  {info.source} → {info.linac}"),
        Text.assemble(f"  {mode}  phase ", (phase or "–", "bold"), "  ", (clock(now.time_s), "bold")),
    )
    return head


def _warnings(history: History) -> list[Text]:
    """Return what is warned of in red, one line each and the rest counted."""
    lines = [f"WARNING: {one}" for one in history.info.warnings]
    if len(lines) > MOST_WARNINGS:
        lines = [*lines[: MOST_WARNINGS - 1], f"WARNING: and {len(lines) - MOST_WARNINGS + 1} more"]
    return [Text(one, STYLE_SILENT, overflow="ellipsis", no_wrap=True) for one in lines]


def _state(history: History, silent_s: float) -> tuple[str, str, str]:
    """Return the beam state in words, its pattern and its style."""
    now = history.now
    duration = f"for {lasted(now.time_s - history.since_s)}"
    if is_silent(now, silent_s):
        return f"NO DATA FOR {silent_s:.0f} s: BEAM STATE UNKNOWN", "?", STYLE_SILENT
    if now.state == BeamState.ON:
        return f"BEAM ENABLED   {duration}", "█", STYLE_ON
    if (worst := gravest(now.reasons)) is not None and worst.tier is Tier.HIGH and now.phase != Phase.ENDED:
        # A part of the chain that fails never looks like a target that is outside.
        return f"HOLD   {duration}   {TIER_TEXT[worst.tier][1].upper()}", "!", STYLE_SILENT
    return f"HOLD   {duration}", "╱", STYLE_HOLD


def _banner(history: History, silent_s: float) -> RenderableType:
    """Return the beam state across the full width of the terminal."""
    words, side, style = _state(history, silent_s)
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


def _reasons(history: History, width: int) -> list[Text]:
    """Return the lines of the hold reasons, the most urgent first."""
    now, info = history.now, history.info
    if now.phase == Phase.ENDED:
        return [Text("  • The session has ended, and HOLD was sent last")]
    reasons = sorted(now.reasons, key=_urgency, reverse=True)
    kept = reasons if len(reasons) <= MOST_REASONS else reasons[: MOST_REASONS - 1]
    lines: list[Text] = []
    for reason in kept:
        first, *others = textwrap.wrap(in_words(reason, now, info), max(20, width - 4))
        lines += [Text.assemble(_mark(reason), first), *(Text(f"    {line}") for line in others)]
    if len(kept) < len(reasons):
        lines.append(Text(f"  • and {len(reasons) - len(kept)} more"))
    if not lines and now.state == BeamState.ON:
        inside = "Each structure within its limits" if info.structures else "Target inside its envelope"
        lines.append(Text(f"  • {inside}"))
    return lines or [Text("  • No hold reason")]


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
