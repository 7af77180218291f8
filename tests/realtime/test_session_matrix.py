"""One cell of the matrix of sessions, short: frames over a network in, leases out, all of it as processes."""

import pytest

from benchmarks.session_matrix.__main__ import table, write_case
from benchmarks.session_matrix.cell import run_cell

SPARE_S = 0.25
"""What a busy machine may add; the times that were measured are printed."""


@pytest.mark.slow
def test_session_loses_nothing_and_is_held_when_either_peer_stops(tmp_path):
    found = run_cell("mrd", "lease", write_case(tmp_path), seconds=2.0, preview_s=0.0, spare_s=SPARE_S)
    assert (found.lost, found.on_besides) == (0, 0), found
    # On a machine that stands still for a moment the lease holds before the journal does, which is what it is for.
    assert found.findings == [] or found.held_besides > 0, found
    assert found.changes >= 4
    assert table([found]).row_count == 1
