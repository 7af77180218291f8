"""How entries of organs at risk into their zone are counted, and what they measure on a phantom."""

import numpy as np
import pytest

from benchmarks.scenes.organs import IN_TIME, OrganRun, follow_organs, frames_until_held, organ_figures, organ_phantom


def run(inside, held):
    values = {name: np.zeros(len(inside)) for name in ("duodenum", "stomach")}
    flags = [np.array([mark == "x" for mark in text]) for text in (inside, held)]
    return OrganRun(*flags, values, values)


@pytest.mark.parametrize(
    ("inside", "held", "waits"),
    [
        ("..xx..xx.", "..xx..xx.", [0, 0]),
        ("..xx..xxx", "...x....x", [1, 2]),
        ("..xx....", "....xxxx", [None]),
        ("xx....x", "......x", [0]),
        ("......", "xx....", []),
    ],
)
def test_each_entry_is_held_or_missed(inside, held, waits):
    assert frames_until_held(run(inside, held)) == waits


def test_false_holds_are_shares_of_all_frames():
    found = organ_figures([run("..xx......", ".xxxx....."), run("..........", "..........")])
    assert (found.entries, found.in_time, found.missed, found.late) == (1, 1, 0, 0)
    assert found.false_share == pytest.approx(0.1)


@pytest.mark.slow
def test_a_duodenum_that_enters_the_zone_holds_the_beam_within_one_frame():
    phantom = organ_phantom("free breathing", 2, 28.0)
    found = organ_figures([follow_organs(phantom)])
    assert found.entries >= 4
    assert (found.in_time, found.missed) == (found.entries, 0)
    assert found.late <= IN_TIME
    assert found.false_share <= 0.05
    assert found.center_mm["duodenum"] < 0.7
    assert found.sure_share["duodenum"] > 0.98
    as_targets = organ_figures([follow_organs(phantom, sliding=False)])
    assert as_targets.in_time < 0.5 * as_targets.entries
