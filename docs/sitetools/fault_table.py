"""Make the table of faults that can be injected, from the program's own table."""

import math

from docs.sitetools.markdown import table as markdown_table
from docs.sitetools.markdown import text
from replay.faults.spec import KINDS, Kind


def table() -> str:
    """Return one row for each fault of ``--fault``."""
    rows = [(f"`{name}`", text(kind.does), *_amount(kind)) for name, kind in KINDS.items()]
    return markdown_table(("name", "effect", "default amount", "limits", "unit"), rows)


def _amount(kind: Kind) -> tuple[str, str, str]:
    if math.isnan(kind.amount):
        return "", "", ""
    return f"{kind.amount:g}", f"{kind.least:g} to {kind.most:,g}", kind.unit
