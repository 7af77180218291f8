"""The console keeps each decision of a running session once, for a page that is opened late."""

import numpy as np

from gatekeeper.display.web.message import unpacked
from gatekeeper.display.web.trace_history import TraceHistory


def arrays(first, after, parts=0):
    """A message with decisions first to after - 1, the last `parts` of them with two structures."""
    rows = np.stack([np.arange(first, after), 0.125 * np.arange(first, after)], axis=-1).astype(np.float64)
    structures = np.repeat(np.arange(after - parts, after), 10).reshape(-1, 2, 5).astype(np.float64)
    return {"recent": rows, **({"structures": structures} if parts else {})}


def test_each_decision_is_kept_once_though_messages_overlap():
    history = TraceHistory()
    for first, after in ((0, 5), (2, 7), (2, 7), (9, 12)):
        history.add(arrays(first, after))
    head, kept = unpacked(history.message())
    assert kept["recent"][:, 0].tolist() == [0, 1, 2, 3, 4, 5, 6, 9, 10, 11]
    assert head["length"] == 10
    assert "structures" not in kept


def test_structures_stay_beside_their_decisions():
    history = TraceHistory()
    history.add(arrays(0, 3))  # before they were known
    history.add(arrays(1, 6, parts=2))
    history.add(arrays(4, 9, parts=5))
    _, kept = unpacked(history.message())
    assert kept["recent"][:, 0].tolist() == kept["structures"][:, 1, 4].tolist() == [4, 5, 6, 7, 8]
