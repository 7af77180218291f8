"""The matrix of sessions judges by the journal and by what the far end has heard."""

import math
import threading

import pytest

from benchmarks.session_matrix.judge import besides, changes, heard_changes, hold_after, lost, offset_s
from benchmarks.session_matrix.parts import wait_until_on
from tests.support.far_ends import Heard


def entry(state, decided_s, kind="frame", skipped=0, acquired_s=None):
    is_frame = kind == "frame"
    return {
        "kind": kind,
        "sequence": round(100.0 * decided_s) if is_frame else None,
        "state": state,
        "reasons": [],
        "decided_s": decided_s,
        "acquired_s": (decided_s if acquired_s is None else acquired_s) if is_frame else None,
        "received_s": decided_s - 0.001 if is_frame else None,
        "skipped": skipped if is_frame else None,
    }


SESSION = [
    {"kind": "header"},
    entry("HOLD", 1.0),
    entry("ON", 1.125),
    {"kind": "event"},
    entry("ON", 1.25),
    entry("HOLD", 1.44, "silence"),
    entry("ON", 2.0, skipped=1),
    entry("HOLD", 2.125),
    {"kind": "end"},
]


def test_changes_are_what_the_linac_was_told():
    told = changes(SESSION, 0.5)
    assert [(change.time_s, change.beam_on) for change in told[1:]] == [
        (1.125, True),
        (1.44, False),
        (2.0, True),
        (2.125, False),
    ]
    assert told[2].since_s == 1.249, "the hold of a silence counts from the last frame"


def test_beam_on_that_came_too_late_was_not_told():
    late = [entry("HOLD", 1.0), entry("ON", 1.5, acquired_s=1.1), entry("HOLD", 1.62, "silence")]
    assert [change.beam_on for change in changes(late, 0.5)] == [False]


def test_far_end_has_heard_the_same_by_a_clock_of_its_own():
    heard = [Heard(100.0, False, 0), Heard(101.126, True, 1), Heard(101.3, True, 2), Heard(101.441, False, 3)]
    heard += [Heard(102.0015, True, 4), Heard(102.126, False, 5)]
    told, found = changes(SESSION, 0.5), heard_changes(heard)
    assert [state for _, state in found] == [change.beam_on for change in told]
    assert math.isclose(offset_s(told, found), 100.001)
    assert besides(told, found, 100.001) == (0, 0)


def test_what_the_far_end_has_heard_besides_is_counted():
    told = changes(SESSION, 0.5)
    blink = [(-math.inf, False), (1.125, True), (1.3, False), (1.31, True), (1.44, False), (2.0, True), (2.125, False)]
    assert besides(told, blink, 0.0) == (1, 1 - 0)
    alone = [(-math.inf, False), (1.125, True), (1.44, False), (1.7, True), (1.8, False), (2.0, True), (2.125, False)]
    assert besides(told, alone, 0.0) == (1, 1)


def test_far_end_that_begins_with_the_beam_on_was_held_before():
    assert heard_changes([Heard(1.0, True, 0)]) == [(-math.inf, False), (1.0, True)]


def test_hold_after_a_stop_is_the_first_one_from_then_on():
    assert hold_after(changes(SESSION, 0.5), 1.5).time_s == 2.125
    assert hold_after(changes(SESSION, 0.5), 3.0) is None


def test_frames_that_are_neither_judged_nor_left_out_are_lost():
    assert lost(SESSION, 7) == 1
    assert lost(SESSION, 6) == 0


def test_the_far_end_is_stopped_only_once_it_has_received_beam_on():
    heard = [Heard(0.0, False, 1)]
    with pytest.raises(TimeoutError, match="received no beam-on"):
        wait_until_on(heard, 0.0)
    later = threading.Timer(0.05, lambda: heard.append(Heard(0.1, True, 2)))
    later.start()
    wait_until_on(heard, 20.0)
    later.join()
    assert heard[-1].beam_on
