"""Make the table of hold reasons from the program's own table."""

from docs.sitetools.markdown import table as markdown_table
from docs.sitetools.markdown import text
from gatekeeper.config import SessionConfig
from gatekeeper.core.reasons import ReasonRow, reason_rows

HEAD = ("reason", "text", "measures", "default limit", "unit", "also set by", "clears by itself", "what to do")


def table() -> str:
    """Return one row for each reason, in the order in which a decision lists them."""
    return markdown_table(HEAD, map(_cells, reason_rows()))


def _cells(row: ReasonRow) -> tuple[str, ...]:
    return (
        f"`{row.reason}`",
        text(row.text),
        text(row.measures),
        "" if row.limit is None else _setting(row.limit),
        row.unit or "",
        ", ".join(map(_setting, row.also)),
        "no: fault" if row.latched else "yes",
        text(row.action or "Wait."),
    )


def _setting(setting: str) -> str:
    """Return a setting such as ``gate.max_age_s`` with its default."""
    section, name = setting.split(".")
    return f"`{setting}` = {getattr(getattr(SessionConfig(), section), name):g}"
