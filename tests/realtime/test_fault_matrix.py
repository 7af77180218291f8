"""A few faults of the matrix against real processes; a busy machine may take longer than stated, not for ever."""

import pytest

from benchmarks.fault_matrix.__main__ import measure, table, write
from benchmarks.fault_matrix.faults import FAULTS
from benchmarks.fault_matrix.run import overlap_s

NAMED = {fault.name: fault for fault in FAULTS}
SLACK_S = 0.25


@pytest.mark.slow
@pytest.mark.parametrize("name", ["none", "silent source", "engine kill -9", "link loss", "writer death"])
def test_beam_is_held_at_the_interlock(name, tmp_path):
    [[found]] = measure([NAMED[name]], rates_hz=(8.0,))
    assert found.was_on, "or else nothing is shown"
    assert found.to_hold_s <= found.limit_s + SLACK_S
    assert found.beyond_s <= SLACK_S
    assert found.while_out_s <= SLACK_S
    assert found.fault.means is None or found.fault.means in found.reasons


def test_beam_that_stays_on_is_seen():
    assert overlap_s([(0.0, 2.0), (5.0, 9.0)], 1.0, 6.0) == 2.0
    assert overlap_s([(0.0, 2.0)], 3.0, 6.0) == 0.0


def test_every_fault_of_the_document_is_in_the_matrix_and_the_table_is_put_between_its_marks(tmp_path):
    assert len(NAMED) == len(FAULTS) == 30
    path = tmp_path / "doc.md"
    path.write_text("a\n<!-- fault matrix: make fault-matrix -->\nold\n<!-- end of fault matrix -->\nb\n")
    write(table([]), path)
    text = path.read_text()
    assert text.startswith("a\n")
    assert text.endswith("-->\nb\n")
    assert "old" not in text
    assert "| fault | noticed by |" in text
