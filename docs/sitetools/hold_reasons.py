"""Make the table of hold reasons from the program's own table."""

from docs.sitetools.markdown import table as markdown_table
from docs.sitetools.markdown import text
from docs.sitetools.settings_tables import unit
from gatekeeper.config import SessionConfig
from gatekeeper.core.reason_row import ReasonRow
from gatekeeper.core.reasons import reason_rows

HEAD = ("reason", "text", "tier", "measures", "settings with their defaults", "clears by itself", "what to do")


def table() -> str:
    """Return one row for each reason, in the order in which a decision lists them."""
    return markdown_table(HEAD, map(_cells, reason_rows()))


def _cells(row: ReasonRow) -> tuple[str, ...]:
    return (
        f"`{row.reason}`",
        text(row.text),
        row.tier,
        text(row.measures),
        _settings(row),
        "no: fault" if row.latched else "yes",
        text(row.action or "Wait."),
    )


def _settings(row: ReasonRow) -> str:
    """Return the setting of the limit, then the other settings that matter, each as ``table.name`` with its default."""
    return ", ".join(map(_setting, [*filter(None, [row.limit]), *row.also]))


def _setting(setting: str) -> str:
    section, name = setting.split(".")
    # A session without facts of a course has no such table.
    value = getattr(getattr(SessionConfig(), section), name, None)
    said = "not set" if value is None else f"{value:g}" if isinstance(value, float | int) else value
    return f"`{setting}` = {said} {unit(name)}".rstrip()
