"""docs/explanation/safety.md names tests that exist, and holds a measured row for every fault of the matrix."""

import re
from pathlib import Path

import pytest

from benchmarks.fault_matrix.__main__ import BEGIN, END
from benchmarks.fault_matrix.faults import FAULTS
from replay.faults.spec import KINDS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "explanation" / "safety.md").read_text(encoding="utf-8")
MEASURED = TEXT.split(BEGIN)[1].split(END)[0]


@pytest.mark.parametrize("named", sorted(set(re.findall(r"`(test_\w+\.py(?:::test_\w+)?)`", TEXT))))
def test_named_test_is_there(named):
    file, _, test = named.partition("::")
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").glob(f"*/{file}")]
    assert any(re.search(rf"^def {test + '[(]' if test else 'test_'}", text, flags=re.MULTILINE) for text in texts)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_was_measured_and_held_in_time(fault):
    [row] = re.findall(rf"^\| {re.escape(fault.name)} \|.*\|$", MEASURED, flags=re.MULTILINE)
    stated, measured, beyond, while_out = [cell.strip().split(" / ") for cell in row.strip("|").split("|")[2:]]
    assert beyond == while_out == ["0", "0"]
    for limit_ms, ms, period_s in zip(stated, measured, (0.25, 0.125), strict=True):
        assert limit_ms == "-" or float(limit_ms) == round(1e3 * fault.limit_s(period_s))
        assert limit_ms == "-" or float(ms) <= float(limit_ms)


def test_every_fault_of_a_source_is_in_the_matrix():
    used = {re.split("@", text)[0] for fault in FAULTS for text in fault.source}
    assert used == set(KINDS)
