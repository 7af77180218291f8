"""Show the outcomes of attacks as a table for people, for the document, and as JSON."""

import math
from collections.abc import Sequence

from rich.table import Table

from benchmarks.attacks.attack import Row

HEADS = ("attack", "on while out s", "to HOLD s", "limit s", "held by", "ok")
BEGIN, END = "<!-- attacks: make attack -->", "<!-- end of attacks -->"


def table(rows: Sequence[Row]) -> Table:
    """Return an aligned table."""
    shown = Table(box=None, pad_edge=False)
    for head in HEADS:
        shown.add_column(head, justify="right" if head.endswith(" s") else "left")
    for row in rows:
        shown.add_row(*_cells(row))
    return shown


def markdown(rows: Sequence[Row]) -> str:
    """Return the table for the document, with what sets each limit in place of the verdict."""
    lines = ["| attack | on while out s | to HOLD s | limit s | what sets the limit | held by |"]
    lines.append("| --- | ---: | ---: | ---: | --- | --- |")
    for row in rows:
        name, out, hold, limit, reason, _ = _cells(row)
        lines.append(f"| {name} | {out} | {hold} | {limit} | {row.attack.why} | `{reason.strip()}` |")
    return "\n".join(lines)


def values(rows: Sequence[Row]) -> list[dict[str, object]]:
    """Return the rows as values for JSON, without NaN and infinity."""
    return [
        {
            "attack": row.attack.name,
            "on_while_out_s": _finite(row.outcome.on_while_out_s),
            "time_to_hold_s": _finite(row.outcome.time_to_hold_s),
            "limit_s": row.attack.limit_s,
            "reason": row.outcome.reason,
            "why": row.attack.why,
            "took_s": round(row.took_s, 2),
            "ok": row.ok,
        }
        for row in rows
    ]


def _cells(row: Row) -> tuple[str, ...]:
    outcome = row.outcome
    return (
        row.attack.name,
        _seconds(outcome.on_while_out_s),
        _seconds(outcome.time_to_hold_s),
        f"{row.attack.limit_s:.3f}",
        outcome.reason,
        "ok" if row.ok else "FAIL",
    )


def _seconds(value: float) -> str:
    return "not on" if math.isnan(value) else "never" if math.isinf(value) else f"{value:.3f}"


def _finite(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None
