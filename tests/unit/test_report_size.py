"""The report of a session of 20 minutes can be mailed: it grows by little with every decision, whatever that says."""

from contextlib import closing
from dataclasses import replace

import pytest

from gatekeeper.report.html import report_html
from replay import run
from replay.formats.session import open_session
from replay.sessions.report import session_data_of
from tests.support.cases import breathing_case
from tests.support.sessions import recorded

pytestmark = pytest.mark.slow

DECISIONS = 20 * 60 * 8
"""5 MB are 520 bytes for each of these; what makes a report grow shall show long before that."""


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "overview_png", lambda seen: b"undrawn")
        folder = recorded(tmp_path_factory.mktemp("told") / "session", breathing_case(frames=48, rate_hz=8.0))
    with closing(open_session(folder)) as opened:
        told = session_data_of(opened)
        images = [told.image(index) for index in range(len(told.decisions))]
    return replace(told, image=lambda index: images[index % len(images)])


def lengthened(story, times, **values):
    """The story told so many times in a row, with other values in every decision."""
    lasts_s = len(story.decisions) / 8.0
    decisions = [
        {**entry, "decided_s": entry["decided_s"] + turn * lasts_s, **values}
        for turn in range(times)
        for entry in story.decisions
    ]
    return replace(story, decisions=decisions, tracks=list(story.tracks) * times)


MUCH_TO_SAY = {
    "predicted_percent": 12.345678,
    "outside_percent": 12.345678,
    "confidence": 0.123456,
    "reasons": ["operator_hold", "link_lost", "low_confidence", "outside", "resuming"],
    "state": "HOLD",
}


@pytest.mark.parametrize(("values", "most_each"), [({}, 104), (MUCH_TO_SAY, 84)], ids=["as it was", "much to say"])
def test_twenty_minutes_stay_far_below_5_mb(story, values, most_each):
    whole = lengthened(story, 200, **values)
    assert len(whole.decisions) == DECISIONS
    assert len(report_html(whole).encode()) / DECISIONS < most_each
