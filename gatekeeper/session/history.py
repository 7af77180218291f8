"""Decisions and tracks of a session for its picture, in constant memory however long it takes."""

from gatekeeper.core.decision import Decision
from gatekeeper.core.track import Track

MOST_KEPT = 8192
"""Number of decisions kept; at 8 frames/s all of 17 minutes, and from then on every second, fourth and so on."""


class History:
    """Keep decisions evenly over the whole session.

    Parameters
    ----------
    most : int
        Largest number that is kept; even.

    Attributes
    ----------
    decisions, tracks, others : list
        The decisions that are kept with the tracks of the target and of the other structures, oldest first.

    Examples
    --------
    >>> from gatekeeper.core.decision import BeamState, Decision
    >>> history = History(most=4)
    >>> for number in range(10):
    ...     history.add(Decision(number, 0.25 * number, BeamState.HOLD, (), 0.0), None)
    >>> [decision.sequence for decision in history.decisions]
    [0, 4, 6, 8]
    """

    def __init__(self, most: int = MOST_KEPT) -> None:
        self.decisions: list[Decision] = []
        self.tracks: list[Track | None] = []
        self.others: list[tuple[Track, ...]] = []
        self._most = most
        self._step = 1
        self._count = 0
        self._next_gap = most // 2 + 1

    def add(self, decision: Decision, track: Track | None, others: tuple[Track, ...] = ()) -> None:
        """Add one decision; when there are too many, each that is added replaces one between two older ones."""
        if len(self.decisions) == self._most and self._next_gap > self._most // 2:
            self._step, self._next_gap = 2 * self._step, 1
        number, self._count = self._count, self._count + 1
        if number % self._step:
            return
        if len(self.decisions) == self._most:
            del self.decisions[self._next_gap], self.tracks[self._next_gap], self.others[self._next_gap]
            self._next_gap += 1
        self.decisions.append(decision)
        self.tracks.append(track)
        self.others.append(others)
