"""docs/explanation/safety.md holds a measured row for every fault of the matrix."""

import re
from pathlib import Path

import pytest

from benchmarks.fault_matrix.__main__ import BEGIN, END
from benchmarks.fault_matrix.faults import FAULTS
from replay.faults.spec import KINDS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "explanation" / "safety.md").read_text(encoding="utf-8")
MEASURED = TEXT.split(BEGIN)[1].split(END)[0]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_was_measured_and_held_in_time(fault):
    [row] = re.findall(rf"^\| {re.escape(fault.name)} \|.*\|$", MEASURED, flags=re.MULTILINE)
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[5] == (fault.why or "-")
    stated, worst, mean = [cell.split(" / ") for cell in cells[2:5]]
    for limit_ms, worst_ms, mean_ms, period_s in zip(stated, worst, mean, (0.25, 0.125), strict=True):
        assert float(limit_ms) == round(1e3 * fault.limit_s(period_s))
        assert float(mean_ms) <= float(worst_ms) <= float(limit_ms)


def test_every_fault_of_a_source_is_in_the_matrix():
    used = {re.split("@", text)[0] for fault in FAULTS for text in fault.source}
    assert used == set(KINDS)
