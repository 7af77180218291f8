"""The overview shows frames that tell something, and can be drawn of every session that can happen."""

import io
import math
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text

from gatekeeper.core.decision import Reason
from gatekeeper.core.session_counts import SessionCounts
from gatekeeper.core.step import Step
from gatekeeper.report.frames import AROUND_MM, box_around_mm, choose_frames
from gatekeeper.report.overview import overview_png
from gatekeeper.report.session_data import OverviewData
from gatekeeper.report.traces import spans_s
from gatekeeper.session.primary_limits import PrimaryLimits
from tests.support.steps import HOLD, ON, decision, track


def seen(decisions, tracks, images=None):
    rng = np.random.default_rng(1)
    counts = SessionCounts()
    for one in decisions:
        counts = counts.with_step(Step(one))
    return OverviewData(
        name="P_001",
        images=rng.random((40, 64, 48)) if images is None else images,
        spacing_mm=(2.0, 2.0),
        decisions=decisions,
        tracks=tracks,
        counts=counts,
        envelope_px=track(radius=9.0).contour_px,
        reference_mm=(60.0, 48.0),
        limits=PrimaryLimits(5.0, 5.0, 0.5),
    )


def breathing(count=40):
    decisions = [decision(ON if k % 3 else HOLD, sequence=k, time_s=0.2 * k) for k in range(count)]
    return decisions, [track(row=30.0 + 4.0 * math.sin(k)) for k in range(count)]


def picture(session):
    pixels = imread(io.BytesIO(overview_png(session)))
    assert pixels.shape[1] == 1400
    return pixels


def test_eight_frames_are_spread_and_hold_both_extremes():
    decisions = [decision(sequence=k) for k in range(96)]
    position_mm = np.sin(np.arange(96) / 3.0)
    position_mm[[37, 81]] = -9.0, 9.0
    chosen = choose_frames(decisions, position_mm, 8)
    assert len(chosen) == 8
    assert {37, 81} <= set(chosen)
    assert [index // 12 for index in chosen] == list(range(8))


def test_of_two_extremes_in_one_part_the_farther_is_shown():
    position_mm = np.zeros(80)
    position_mm[[33, 36]] = 2.0, -15.0
    assert 36 in choose_frames([decision(sequence=k) for k in range(80)], position_mm, 8)


def test_short_session_shows_each_frame_once():
    decisions = [decision(sequence=k) for k in range(3)]
    assert choose_frames(decisions, np.array([np.nan, 1.0, 2.0]), 8) == [0, 1, 2]


def test_silence_and_lost_targets_are_no_hindrance_to_choosing():
    decisions = [decision(sequence=-1), *(decision(sequence=k) for k in range(20))]
    chosen = choose_frames(decisions, np.full(21, np.nan), 8)
    assert len(chosen) == 8
    assert 0 not in chosen
    assert choose_frames(decisions[:1], np.full(1, np.nan), 8) == []


def test_box_shows_all_of_the_motion_and_ends_with_the_image():
    decisions, tracks = breathing()
    far = [*tracks, track(row=50.0, col=40.0), track(row=90.0, col=40.0, confidence=0.0)]
    box_mm = box_around_mm(seen([*decisions, *decisions[:2]], far))
    assert box_mm == pytest.approx(
        (2.0 * (26.0 - 6.0) - AROUND_MM, 2.0 * (50.0 + 6.0) + AROUND_MM, -1.0, 95.0), abs=0.2
    )


def test_decision_stands_until_the_next_one():
    times_s = np.array([0.0, 1.0, 2.0, 3.5, 4.5])
    when = np.array([True, True, False, False, True])
    assert list(spans_s(when, times_s)) == [(0.0, 2.0), (4.5, 1.0)]
    assert list(spans_s(~when, times_s)) == [(2.0, 2.5)]


def test_picture_is_the_same_each_time_and_shows_when_the_beam_is_held():
    decisions, tracks = breathing()
    held = [decision(HOLD, sequence=one.sequence, time_s=one.time_s) for one in decisions]
    first, second, other = (picture(seen(given, tracks)) for given in (decisions, decisions, held))
    assert (first == second).all()
    assert (first != other).any()


@pytest.mark.parametrize(
    ("decisions", "tracks"),
    [
        ([decision(HOLD, Reason.RESUMING, sequence=0)], [track()]),
        ([decision(HOLD, Reason.INVALID_FRAME, sequence=0, outside_percent=math.nan)], [None]),
        ([decision(HOLD, Reason.NO_FRAME, sequence=-1, outside_percent=math.nan)], [None]),
        (
            [decision(HOLD, *list(Reason), sequence=k, time_s=k, outside_percent=math.nan) for k in range(3)],
            [track(row=math.nan, confidence=0.0)] * 3,
        ),
    ],
    ids=["one frame", "one invalid frame", "only silence", "all reasons at once"],
)
def test_poor_session_is_drawn_too(decisions, tracks):
    picture(seen(decisions, tracks))


def test_image_of_nothing_but_nan_is_drawn_too():
    decisions, tracks = breathing()
    picture(seen(decisions, tracks, images=np.full((40, 64, 48), np.nan)))


@pytest.mark.slow
def test_no_text_is_cut_or_overlaps_when_a_long_session_was_held_for_every_reason(monkeypatch):
    reasons, drawn = list(Reason), []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: drawn.append(figure))
    decisions = [decision(HOLD, reasons[k % len(reasons)], sequence=k % 40, time_s=10.0 * k) for k in range(121)]
    name = "a-session-with-a-long-name-of-a-case-20261201T123456Z"
    overview_png(replace(seen(decisions, [track()] * 121), name=name))
    (figure,) = drawn
    figure.canvas.draw()
    paper = figure.bbox
    # Matplotlib keeps labels beyond the end of an axis, which it does not draw.
    visible = [one for one in figure.findobj(Text) if one.get_visible()]
    texts = [one for one in visible if one.get_text().strip() not in ("", "22:00")]
    boxes = {one.get_text(): one.get_window_extent() for one in texts}
    lost = [words for words, box in boxes.items() if box.x0 < 0.0 or box.x1 > paper.x1 or box.y0 < 0.0]
    assert lost == []
    title, facts = boxes[name], next(box for words, box in boxes.items() if "duty cycle" in words)
    assert title.x1 < facts.x0
    assert {"10:00", "20:00"} <= boxes.keys()
