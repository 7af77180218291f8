"""The table of hold reasons in docs/gate.md, written from the program: python -m tests.support.gate_doc."""

from pathlib import Path

from gatekeeper.config import SessionConfig
from gatekeeper.core.reasons import ReasonRow, reason_rows

DOC = Path(__file__).parents[2] / "docs" / "gate.md"
BEGIN, END = "<!-- reasons: python -m tests.support.gate_doc -->\n", "<!-- end of reasons -->\n"


def reasons() -> str:
    """The table of reasons in Markdown."""
    head = "| reason | text | measures | default limit | unit | also set by | clears itself | what to do |\n"
    return head + "| --- " * 8 + "|\n" + "".join(map(_line, reason_rows()))


def with_reasons(text: str) -> str:
    """A document with the table of reasons put between its marks."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + reasons() + END + rest.split(END)[1]


def default_of(setting: str) -> float:
    """The default of a setting such as ``gate.max_age_s``."""
    section, name = setting.split(".")
    return getattr(getattr(SessionConfig(), section), name)


def _line(row: ReasonRow) -> str:
    limit = "" if row.limit is None else f"`{row.limit}` = {default_of(row.limit):g}"
    also = ", ".join(f"`{name}` = {default_of(name):g}" for name in row.also)
    stays = "no: fault" if row.latched else "yes"
    cells = (f"`{row.reason}`", row.text, row.measures, limit, row.unit or "", also, stays, row.action or "wait")
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    DOC.write_text(with_reasons(DOC.read_text(encoding="utf-8")), encoding="utf-8")
