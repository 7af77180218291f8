"""Make tables of the columns of cohorts and sweeps."""

from docs.sitetools.markdown import table, text
from gatekeeper.analysis.columns import TABLES
from replay.sweep.results import FIGURES


def cohort_tables() -> str:
    """Return a table of columns for each table of a cohort."""
    parts = []
    for name, columns in TABLES.items():
        rows = [(f"`{one.name}`", one.type, text(one.unit), text(one.meaning)) for one in columns]
        parts += [f"## {name}.parquet", table(("column", "type", "unit", "meaning"), rows)]
    return "\n\n".join(parts)


def sweep_figures() -> str:
    """Return a table of the figures of a sweep."""
    rows = [(f"`{name}`", kind, text(unit), text(meaning)) for name, (kind, unit, meaning) in FIGURES.items()]
    return table(("column", "type", "unit", "meaning"), rows)
