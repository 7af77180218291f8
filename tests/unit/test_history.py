"""The history of a session is spread evenly over it, and takes no more memory however long it becomes."""

from itertools import pairwise

import pytest

from gatekeeper.session.history import MOST_KEPT, History
from tests.support.steps import decision, track


def kept(most, count):
    history = History(most)
    for number in range(count):
        history.add(decision(sequence=number), None)
    assert len(history.tracks) == len(history.decisions)
    return [one.sequence for one in history.decisions]


def test_a_short_session_is_kept_completely():
    assert kept(8, 8) == list(range(8))
    assert MOST_KEPT >= 15 * 60 * 8, "a quarter of an hour at 8 frames per second"


@pytest.mark.parametrize("count", [9, 10, 15, 16, 17, 31, 64, 100, 1000, 5000])
def test_a_long_session_is_kept_evenly_from_its_beginning_to_its_end(count):
    found = kept(8, count)
    assert len(found) == 8
    assert found[0] == 0
    gaps = [after - before for before, after in pairwise(found)]
    assert max(gaps) <= 2 * min(gaps), found
    assert count - found[-1] <= max(gaps)


def test_tracks_stay_with_their_decisions():
    history = History(4)
    for number in range(100):
        history.add(decision(sequence=number), track(row=float(number)), (track(row=float(number), col=9.0),))
    assert [one.center_mm[0] for (one,) in history.others] == [one.center_mm[0] for one in history.tracks]
    assert [one.center_mm[0] for one in history.tracks] == [
        track(row=float(one.sequence)).center_mm[0] for one in history.decisions
    ]
