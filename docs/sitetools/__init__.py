"""Sphinx extension: parts of pages that are made from the program, and equations as MathML.

A line ``<!-- from the program: NAME -->`` in a page is replaced by what the generator of that name returns.
"""

import re
from pathlib import Path
from typing import Any

import gatekeeper
import gatekeeper.analysis
import replay
from docs.sitetools import cohort_tables, command_line, fault_table, hold_reasons, mathml, settings_tables

GENERATORS = {
    "command line": command_line.page,
    "session settings": settings_tables.session_settings,
    "safe ranges": settings_tables.safe_ranges,
    "phantom settings": settings_tables.phantom_settings,
    "hold reasons": hold_reasons.table,
    "faults": fault_table.table,
    "cohort tables": cohort_tables.cohort_tables,
    "sweep figures": cohort_tables.sweep_figures,
}
MARK = re.compile(r"^<!-- from the program: ([a-z ]+) -->$", flags=re.MULTILINE)


def _fill_in(_app: Any, _docname: str, source: list[str]) -> None:
    source[0] = MARK.sub(lambda mark: GENERATORS[mark[1]](), source[0])


def _remove_old_stubs(app: Any) -> None:
    """Remove pages of names that are no longer public, which autosummary leaves behind."""
    public = {
        f"{module.__name__}.{name}" for module in (gatekeeper, gatekeeper.analysis, replay) for name in module.__all__
    }
    for page in (Path(app.srcdir) / "reference" / "api").glob("*.rst"):
        if page.stem not in public:
            page.unlink()


def setup(app: Any) -> dict[str, Any]:
    """Connect the generators and the MathML writer with Sphinx."""
    app.connect("builder-inited", _remove_old_stubs, priority=100)
    app.connect("source-read", _fill_in)
    mathml.setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
