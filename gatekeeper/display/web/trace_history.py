"""Keep the decisions of a running session in the console's process, for a page that is opened late."""

from collections import deque
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from gatekeeper.display.web.message import packed
from gatekeeper.display.web.trace_row import STRUCTURES

MOST_KEPT = 20_000
"""Number of decisions kept: over 40 minutes at 8 frames per second."""
RECENT = "recent"
NUMBER = 0
"""Column of the count of decisions in a row."""


class TraceHistory:
    """Decisions collected from the messages of a session, each once."""

    def __init__(self) -> None:
        self._rows: deque[NDArray[np.generic]] = deque(maxlen=MOST_KEPT)
        self._parts: deque[NDArray[np.generic]] = deque(maxlen=MOST_KEPT)
        self._last = -1.0

    def add(self, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Add the decisions of a message that are not known yet.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            Arrays of the message, with `recent` where there are decisions and, of several structures, `structures`.
        """
        if RECENT not in arrays:
            return
        rows = np.asarray(arrays[RECENT], dtype=np.float64)
        new = rows[:, NUMBER] > self._last
        if not new.any():
            return
        self._rows.extend(rows[new].copy())
        if (parts := arrays.get(STRUCTURES)) is not None:
            self._parts.extend(parts[-len(rows) :][new[-len(parts) :]].copy())
        self._last = float(rows[-1, NUMBER])

    def message(self) -> bytes:
        """Return all decisions as one message, like that of a recorded session."""
        arrays = {RECENT: np.array(self._rows, dtype=np.float64)}
        if self._parts:
            # Before the structures were known, decisions had none.
            arrays[RECENT] = arrays[RECENT][-len(self._parts) :]
            arrays[STRUCTURES] = np.array(self._parts, dtype=np.float64)
        return packed({"length": len(arrays[RECENT])}, arrays)
