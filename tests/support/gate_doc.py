"""The tables of docs/gate.md, written from the table of reasons and the config: python -m tests.support.gate_doc."""

from pathlib import Path

from gatekeeper.config import GateConfig
from gatekeeper.gating.hold_reasons import TABLE, Row

DOC = Path(__file__).parents[2] / "docs" / "gate.md"
BEGIN, END = "<!-- reasons: python -m tests.support.gate_doc -->\n", "<!-- end of reasons -->\n"


def reasons() -> str:
    """The table of reasons in Markdown."""
    head = "| reason | measures | default limit | unit | also set by | clears itself | shown by |\n"
    return head + "| --- " * 7 + "|\n" + "".join(_line(row) for row in TABLE)


def with_reasons(text: str) -> str:
    """A document with the table of reasons put between its marks."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + reasons() + END + rest.split(END)[1]


def _line(row: Row) -> str:
    default = GateConfig()
    limit = "" if row.limit is None else f"`{row.limit}` = {getattr(default, row.limit):g}"
    also = ", ".join(f"`{name}` = {getattr(default, name):g}" for name in row.also)
    stays = "no: fault" if row.latched else "yes"
    cells = (f"`{row.reason}`", row.measures, limit, row.unit or "", also, stays, f"`{row.shown_by}`")
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    DOC.write_text(with_reasons(DOC.read_text(encoding="utf-8")), encoding="utf-8")
