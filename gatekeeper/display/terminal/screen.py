"""Screen: how a session is drawn on the terminal. The beam's state is told by words and pattern besides its colour."""

import math
import textwrap

from rich.box import HEAVY
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from gatekeeper.core.decision import BeamState, Reason
from gatekeeper.core.reasons import REASONS, text_of
from gatekeeper.display.terminal.braille_trace import ON, trace
from gatekeeper.display.terminal.history import History
from gatekeeper.display.terminal.snapshot import LogLine, Message, SessionInfo, Snapshot
from gatekeeper.style.colors import ALARM_COLOR, BEAM_COLOR, ENVELOPE_COLOR

STYLE_ON = f"bold white on {BEAM_COLOR[BeamState.ON]}"
STYLE_HOLD = f"bold black on {BEAM_COLOR[BeamState.HOLD]}"
STYLE_SILENT = f"bold white on {ALARM_COLOR}"
# The blue of beam-on is too dark for thin lines on a black terminal.
BLUE, ORANGE = ENVELOPE_COLOR, BEAM_COLOR[BeamState.HOLD]
NO_NEWS_S = 1.5
"""The state is no longer believed when nothing has been heard for so long, in seconds of real time."""
WINDOW_S = 30.0
MOST_REASONS, SAID_LINES, TRACE_LINES = 4, 5, 6
AXIS = 8
LEAST = 12
"""Lines that are shown however low the terminal is; the trace takes what is left."""


def draw(seen: History, silent_s: float, width: int, height: int) -> RenderableType:
    """Return the whole picture.

    Parameters
    ----------
    seen : History
        What is known of the session.
    silent_s : float
        For how long nothing has been heard of it, in seconds of real time.
    width, height : int
        Size of the terminal in characters.
    """
    reasons = _reasons(seen)
    said = _said(seen, width)[-max(1, height - LEAST - len(reasons)) :]
    used = LEAST + max(1, len(reasons)) + len(said)
    parts = [_head(seen), _banner(seen, silent_s), *reasons, _numbers(seen)]
    lines = min(TRACE_LINES, height - used)
    if lines >= 2:
        parts.append(_trace(seen, width, lines))
    parts += [Text(line, no_wrap=True, overflow="ellipsis") for line in said]
    parts.append(Text.assemble(("> ", "bold"), seen.typing, ("█", "blink"), no_wrap=True))
    return Group(*parts)


def _said(seen: History, width: int) -> list[str]:
    """Return the last lines that were said, folded to the terminal."""
    lines: list[str] = []
    for one in list(seen.said)[-SAID_LINES:]:
        lines += textwrap.wrap(f"{clock(one.time_s)}  {one.line}", max(20, width), subsequent_indent=" " * 9)
    return lines[-SAID_LINES:]


def clock(time_s: float) -> str:
    """Return a session time as hours, minutes and seconds."""
    whole = max(0, int(time_s)) if math.isfinite(time_s) else 0
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def figure(value: float, digits: int = 0) -> str:
    """Return a number, or a dash for what was not measured."""
    return f"{value:.{digits}f}" if math.isfinite(value) else "–"


def _head(seen: History) -> RenderableType:
    now, facts = seen.now, seen.facts
    head = Table.grid(expand=True)
    head.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    head.add_column(justify="right", no_wrap=True)
    phase = f"{now.phase} {now.gathered}".strip()
    head.add_row(
        Text.assemble((facts.name, "bold"), f"  {facts.source} → {facts.linac}"),
        Text.assemble("phase ", (phase or "–", "bold"), "   session ", (clock(now.time_s), "bold")),
    )
    return head


def _banner(seen: History, silent_s: float) -> RenderableType:
    """Return the state, as wide as the terminal."""
    now = seen.now
    lasted = f"for {figure(max(0.0, now.time_s - seen.since_s), 1)} s"
    if is_silent(now, silent_s):
        words, side, style = f"NO NEWS FOR {silent_s:.0f} s: THE STATE IS NOT KNOWN", "?", STYLE_SILENT
    elif now.state == BeamState.ON:
        words, side, style = f"BEAM ON   {lasted}", "█", STYLE_ON
    else:
        words, side, style = f"HOLD   {lasted}", "╱", STYLE_HOLD
    row = Table.grid(expand=True)
    for ratio in (1, None, 1):
        row.add_column(ratio=ratio, no_wrap=True, overflow="crop", justify="center")
    row.add_row(side * 200, f"   {words}   ", side * 200)
    return Panel(row, box=HEAVY, style=style, padding=0)


def is_silent(now: Snapshot, silent_s: float) -> bool:
    """Return True when what is known is too old to be believed; what stands still by its nature is not."""
    return not silent_s <= NO_NEWS_S and now.phase not in ("", "connect", "drawing", "ended")


def _reasons(seen: History) -> list[RenderableType]:
    """Return each reason of a hold in words, one on a line."""
    reasons = seen.now.reasons
    shown = [Text(f"  • {in_words(reason, seen.now, seen.facts)}") for reason in reasons[:MOST_REASONS]]
    if len(reasons) > MOST_REASONS:
        shown[-1] = Text(f"  • and {len(reasons) - MOST_REASONS + 1} more")
    return [*shown] if shown else [Text("  • No hold reason")]


def in_words(reason: str, now: Snapshot, facts: SessionInfo) -> str:
    """Return the text of a reason with its value and limit, or with what to do; an unknown word stands for itself."""
    text = text_of(reason)
    match reason:
        case Reason.OUTSIDE:
            percent = max(now.outside_percent, now.predicted_percent, key=lambda value: (value == value, value))
            return f"{text}: {percent:.1f} %, limit {facts.outside_limit:g} %"
        case Reason.LOW_CONFIDENCE:
            return f"{text}: {now.confidence:.2f}, limit {facts.confidence_limit:g}"
        case Reason.STALE_FRAME:
            return f"{text}: {now.age_ms:.0f} ms"
    action = REASONS[Reason(reason)].action if reason in REASONS else ""
    return f"{text}. {action}" if action else text


def _numbers(seen: History) -> RenderableType:
    now, facts = seen.now, seen.facts
    table = Table.grid(padding=(0, 2, 0, 0))
    for least in (10, 38, 10, 0):
        table.add_column(no_wrap=True, min_width=least)
    outside = f"{figure(now.outside_percent, 1)} %  limit {facts.outside_limit:g} %"
    if math.isfinite(now.predicted_percent):
        outside = f"{figure(now.predicted_percent, 1)} % ahead, {outside}"
    link = Text("link alive") if now.link_alive else Text("LINK LOST", STYLE_HOLD)
    rows = (
        ("frames", f"{figure(now.frame_rate, 1)} /s   {now.frames} judged", "outside", outside),
        (
            "age",
            f"{figure(now.age_ms)} ms",
            "confidence",
            f"{figure(now.confidence, 2)}  limit {facts.confidence_limit:g}",
        ),
        (
            "latency",
            f"p50 {figure(now.p50_ms, 2)}  p99 {figure(now.p99_ms, 2)}  max {figure(now.max_ms, 2)} ms",
            "duty cycle",
            f"{100.0 * now.duty_cycle:.1f} %   beam on {now.beam_on_s:.1f} s",
        ),
        ("lacking", f"{now.lost} missing  {now.skipped} skipped  {now.dropped} not recorded", "linac", link),
    )
    for what, value, other, beside in rows:
        table.add_row(Text(what, "dim"), value, Text(other, "dim"), beside)
    return table


def _trace(seen: History, width: int, lines: int) -> RenderableType:
    picture = trace(list(seen.points), seen.now.time_s, WINDOW_S, max(10, width - AXIS), lines, seen.facts.margin_mm)
    axis = [""] * lines
    axis[lines // 2] = "SI" if lines > 2 else ""
    axis[0], axis[-1] = f"{-picture.top_mm:+.0f} mm", f"{-picture.bottom_mm:+.0f} mm"
    rows = [
        Text.assemble((f"{label:>{AXIS - 1}} ", "dim"), (row, BLUE), no_wrap=True)
        for label, row in zip(axis, picture.lines, strict=True)
    ]
    beam = Text(no_wrap=True)
    beam.append(f"{'beam':>{AXIS - 1}} ", "dim")
    for character in picture.beam:
        beam.append(character, BLUE if character == ON else ORANGE)
    return Group(*rows, beam)


EVERY_S = 10.0
"""A line is written at least this often, in seconds of session time."""


class Plain:
    """Turns messages into lines."""

    def __init__(self) -> None:
        self._seen = History()
        self._written: Snapshot | None = None

    def lines(self, message: Message) -> list[str]:
        """Take one message in, and return the lines that it is worth."""
        self._seen.take(message)
        if isinstance(message, LogLine):
            return [f"{clock(message.time_s)}  {message.line}"]
        last = self._written
        if not isinstance(message, Snapshot):
            return []
        changed = last is None or (message.phase, message.state, message.reasons) != (
            last.phase,
            last.state,
            last.reasons,
        )
        if last is not None and not changed and message.time_s - last.time_s < EVERY_S:
            return []
        self._written = message
        return [line_of(message)]


def line_of(now: Snapshot) -> str:
    """Return a session in one line."""
    return (
        f"{clock(now.time_s)}  {now.phase:9} {now.state:4}  {','.join(now.reasons) or '-'}  "
        f"{figure(now.frame_rate, 1)}/s  age {figure(now.age_ms)} ms  outside {figure(now.outside_percent, 1)} %  "
        f"confidence {figure(now.confidence, 2)}  p99 {figure(now.p99_ms, 2)} ms  duty {100.0 * now.duty_cycle:.1f} %  "
        f"missing {now.lost}  skipped {now.skipped}  not recorded {now.dropped}  "
        f"link {'alive' if now.link_alive else 'LOST'}"
    )
