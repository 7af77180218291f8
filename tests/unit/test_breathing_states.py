"""Breathing states that lie apart on a preview, and what the report says of them."""

import re

import numpy as np
import pytest

from gatekeeper.report.words import preview_rows
from gatekeeper.tracking.preview.breathing_states import breathing_states
from gatekeeper.tracking.preview.report import report_of_moves
from tests.support.previews import breath_mm


def course_mm(*parts):
    """Return displacements of the parts one after the other, AP against SI."""
    si_mm = np.concatenate(parts)
    return np.stack([si_mm, -0.25 * si_mm], axis=1)


def breaths(amplitude_mm=6.0, frames=120, sharpness=2):
    return amplitude_mm * np.cos(np.pi * np.arange(frames) / 16.3) ** (2 * sharpness)


def hold(level_mm=38.0, frames=60):
    return level_mm + np.random.default_rng(0).normal(0.0, 0.4, frames)


WAY = np.linspace(0.0, 38.0, 8)


def test_shallow_breathing_and_a_hold_are_two_states():
    moves_mm = course_mm(breaths(), WAY, hold(), WAY[::-1], breaths())
    shallow, held = breathing_states(moves_mm)
    assert shallow.share == pytest.approx(0.78, abs=0.03)
    assert shallow.row_mm == pytest.approx((0.0, 6.0), abs=1.0)
    assert held.row_mm == pytest.approx((37.0, 39.0), abs=1.0)
    assert held.col_mm == pytest.approx((-9.75, -9.25), abs=0.5)
    assert shallow.share + held.share == 1.0


def test_holds_at_both_ends_and_shallow_breathing_are_three():
    assert len(breathing_states(course_mm(hold(-20.0), breaths(), WAY, hold()))) == 3


@pytest.mark.parametrize("sharpness", [1, 2, 6])
@pytest.mark.parametrize("amplitude_mm", [6.0, 40.0])
def test_breathing_alone_is_one_state_however_deep(sharpness, amplitude_mm):
    assert len(breathing_states(course_mm(breaths(amplitude_mm, 600, sharpness)))) == 1


@pytest.mark.parametrize(
    "moves_mm",
    [breath_mm(60), course_mm(hold()), course_mm(hold(0.0), hold(6.0)), course_mm(breaths(), hold(38.0, 4))],
    ids=["breaths", "one hold", "two near each other", "too short"],
)
def test_what_is_not_apart_for_long_is_one_state(moves_mm):
    assert len(breathing_states(moves_mm)) == 1


def test_without_a_position_there_is_none():
    assert breathing_states(np.empty((0, 2))) == ()
    assert breathing_states(np.zeros((50, 2)))[0].share == 1.0


def test_the_report_has_a_line_for_each_state():
    moves_mm = course_mm(breaths(), WAY, hold())
    report = report_of_moves(moves_mm, np.ones(len(moves_mm), bool))
    text = report.as_text().splitlines()
    assert re.match(r"states      SI -[56]\.\d to [+]0\.0 mm, AP -1\.\d to ", text[3])
    assert text[3].endswith(f"on {100.0 * report.apart[0].share:.0f} % of these")
    assert re.match(r"            SI -38\.\d to -37\.\d mm, AP -9\.\d to -9\.\d mm on ", text[4])
    plain = report_of_moves(breath_mm(60), np.ones(60, bool)).as_text()
    assert "states" not in plain


def test_the_page_of_the_report_tells_of_them_with_superior_positive():
    from gatekeeper.core.json_values import numbers

    moves_mm = course_mm(breaths(), WAY, hold())
    values = numbers(report_of_moves(moves_mm, np.ones(len(moves_mm), bool)).as_json())
    rows = dict(preview_rows(values))
    assert rows["state 2"].startswith("SI -38.")
    assert rows["state 2"].endswith("of the frames with confidence")
    del values["apart"]
    assert "state 1" not in dict(preview_rows(values))
