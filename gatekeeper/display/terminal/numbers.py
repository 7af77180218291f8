"""The figures on the terminal: on the left what decides about the beam, on the right what it is made of."""

import math

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from gatekeeper.core.decision import BeamState
from gatekeeper.display.terminal.snapshot import SessionInfo, Snapshot
from gatekeeper.style.colors import BEAM_COLOR

LEFT, VALUE, RIGHT = 12, 31, 11
"""Widths of the left labels, the left values and the right labels; with the right values a line fits 80 columns."""
STYLE_LOST = f"bold black on {BEAM_COLOR[BeamState.HOLD]}"


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


def lasted(seconds: float) -> str:
    """Format a time, short enough for a banner.

    Parameters
    ----------
    seconds : float
        The time in s; a negative one counts as 0.

    Examples
    --------
    >>> lasted(9.96), lasted(75.2), lasted(3723.4)
    ('10.0 s', '1 min 15 s', '62 min 3 s')
    """
    seconds = max(0.0, seconds)
    if not math.isfinite(seconds) or round(seconds, 1) < 60.0:
        return f"{figure(seconds, 1)} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60} s"


def numbers(now: Snapshot, info: SessionInfo) -> RenderableType:
    """Return the table of figures, four lines.

    Parameters
    ----------
    now : Snapshot
        The values.
    info : SessionInfo
        The limits.
    """
    table = Table.grid(padding=0)
    for width in (LEFT, VALUE, RIGHT, None):
        table.add_column(no_wrap=True, width=width, overflow="ellipsis")
    session = (
        ("frames", f"{figure(now.frame_rate, 1)} per s, {now.frames} judged"),
        ("frame age", f"{figure(now.age_ms)} ms"),
        ("latency ms", f"p50 {figure(now.p50_ms, 2)} p99 {figure(now.p99_ms, 2)} max {figure(now.max_ms, 1)}"),
        ("not judged", f"{now.lost} missing, {now.skipped} skipped"),
    )
    linac = Text("none, dry run")
    if info.has_linac:
        linac = Text("link alive" if now.link_alive else "LINK LOST", "" if now.link_alive else STYLE_LOST)
    if now.dropped:
        linac.append(f", {now.dropped} not recorded", "bold")
    delivered = ("beam on", f"{lasted(now.beam_on_s)}, duty cycle {100.0 * now.duty_cycle:.1f} %")
    risk = f"risk {figure(now.risk_percent, 2)} of {now.risk_limit:g} %" if math.isfinite(now.risk_limit) else ""
    gated: list[tuple[str, str | Text]]
    if info.structures:
        # Each has a line of its own.
        gated = [delivered, ("linac", linac), ("risk" if risk else "", risk.removeprefix("risk ")), ("", "")]
    else:
        outside = f"{figure(now.outside_percent, 1)} of {info.outside_limit:g} %"
        if math.isfinite(now.predicted_percent):
            outside += f", ahead {figure(now.predicted_percent, 1)} %"
        sure = f"{figure(now.confidence, 2)} of {info.confidence_limit:g}{', ' if risk else ''}{risk}"
        gated = [("outside", outside), ("confidence", sure), delivered, ("linac", linac)]
    for (left_label, left), (right_label, right) in zip(gated, session, strict=True):
        table.add_row(Text(left_label, "dim"), left, Text(right_label, "dim"), right)
    return table
