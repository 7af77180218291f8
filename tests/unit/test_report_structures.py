"""The report of several structures: figures, holds, curves and pictures of each, and which are not there."""

import json
import re
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from gatekeeper.core.decision import Reason
from gatekeeper.report import html as pages
from gatekeeper.report.facts import facts_of
from gatekeeper.report.html import report_html
from gatekeeper.report.spans import spans_of
from gatekeeper.report.structures import figures_of, holders_of, holds_of
from gatekeeper.session.arming import zones_of
from replay.formats.session import open_session
from replay.sessions.report import session_data_of

NAMES = ("GTV", "node", "bowel")
MEASURES = ("outside_percent", "outside_percent", "overlap_mm2")


@pytest.fixture(scope="module")
def story(several_session):
    with closing(open_session(several_session)) as opened:
        yield session_data_of(opened)


@pytest.fixture(scope="module")
def page(story):
    with pytest.MonkeyPatch.context() as patch:
        for name in ("outside_chart", "latency_chart", "duty_chart", "movement_chart"):
            patch.setattr(pages, name, lambda *_: "")
        yield report_html(story)


def parts(story, name):
    return [entry["structures"][name] for entry in story.decisions]


def test_figures_are_those_of_the_journal(story):
    for row, name, measure in zip(figures_of(story), NAMES, MEASURES, strict=True):
        told = parts(story, name)
        values = [part[measure] for part in told]
        assert (row["name"], row["frames"]) == (name, len(told))
        assert row["value"] == pytest.approx([*np.percentile(values, (50.0, 95.0)), max(values)])
        centers_mm = np.array([part["center_mm"] for part in told])
        assert row["sure"] == 1.0
        low, high = np.percentile(centers_mm[:, 0], (5.0, 95.0))
        assert row["moved"][0][1] - row["moved"][0][0] == pytest.approx(high - low)
    gtv, node, bowel = figures_of(story)
    assert (gtv["zone"], node["zone"], bowel["zone"]) == (
        "a region of its own",
        "3 mm around it",
        "the targets' envelopes",
    )
    assert bowel["limit"] == "overlap, at most 30 mm²"
    # It reaches into the zone.
    assert np.isnan(node["nearest_mm"])
    assert bowel["nearest_mm"] < 0.0


def test_the_nearest_distance_is_that_of_an_organ_from_its_zone(story, several_session):
    with closing(open_session(several_session)) as opened:
        zone = zones_of(opened.setup, opened.config())[2]
    bowel = story.structures[2]
    wanted_mm = [min(one.clearance_mm(track.contour_px) for one in zone.zones) for track in bowel.tracks]
    assert bowel.nearest_mm == pytest.approx(wanted_mm)


def test_holds_of_a_structure_are_counted_in_decisions_time_and_holds(story, several_session):
    summary = json.loads((several_session / "summary.json").read_text())["structures"]
    spans, times_s = spans_of(story), story.times_s()
    for row, one in zip(holds_of(story, spans), story.structures, strict=True):
        held = [bool(part["reasons"]) for part in parts(story, row["name"])]
        assert row["decisions"] == sum(held) == summary[row["name"]]["held"]
        assert row["lasted_s"] == pytest.approx(np.diff(times_s)[held[:-1]].sum())
        assert row["holds"] == sum(any(held[span.first : span.after]) for span in spans if not span.on)
        assert one.held().tolist() == held
    gtv, node, bowel = holds_of(story, spans)
    assert gtv["decisions"] > 0
    assert gtv["alone_s"] == 0.0, "whenever it is outside, the node is"
    assert 0.0 < bowel["alone_s"] < bowel["lasted_s"]
    assert bowel["longest_s"] <= bowel["lasted_s"]
    assert node["why"].startswith("Target outside envelope ")


def test_time_alone_needs_that_nothing_else_holds(story):
    entries = [{**entry, "reasons": [*entry["reasons"], Reason.OPERATOR_HOLD]} for entry in story.decisions]
    assert [row["alone_s"] for row in holds_of(replace(story, decisions=entries), spans_of(story))] == [0.0] * 3


def test_the_page_names_structures_and_who_held(page, story):
    for title in ("A GTV", "B node", "C bowel"):
        assert title in page
    rows = re.findall(r"<tr>(.*?)</tr>", re.search(r"<h2>Structures</h2>.*?</table>", page, re.DOTALL)[0], re.DOTALL)
    assert len(rows) == 2 + 3
    hold = next(span for span in spans_of(story) if not span.on and len(holders_of(story, span).split(",")) == 3)
    assert f"by {holders_of(story, hold)}" in page
    trace = json.loads(re.search(r'<script id="trace".*?>(.*?)</script>', page, re.DOTALL)[1])
    assert [one["name"] for one in trace["structures"]] == list(NAMES)
    assert trace["structures"][2]["limit"] == 30.0
    assert trace["data"]["parts"][2]["value"] == [round(part["overlap_mm2"], 2) for part in parts(story, "bowel")]
    assert trace["data"]["who"][3] == [name for name in NAMES if parts(story, name)[3]["reasons"]]
    # Of several targets, the journal tells the largest; the lane of the first shows its own.
    assert trace["data"]["outside"] == [round(part["outside_percent"], 2) for part in parts(story, "GTV")]


def test_facts_count_structures_and_leave_their_limits_to_the_table(story):
    told = dict(facts_of(story))
    assert told["structures"] == "2 targets, 1 organ at risk"
    assert "envelope" not in told


@pytest.mark.usefixtures("page")
def test_an_optional_structure_that_is_not_there_is_told(story, monkeypatch):
    for name in ("outside_chart", "latency_chart", "duty_chart", "movement_chart"):
        monkeypatch.setattr(pages, name, lambda *_: "")
    line = "without spleen, which is not required: is not on <the> image"
    for structures in (story.structures, ()):
        assert line.replace("<", "&lt;").replace(">", "&gt;") in report_html(
            replace(story, left_out=[line], structures=structures)
        )


@pytest.mark.slow
def test_sessions_of_former_schemas_have_the_same_tables(story, several_session):
    with closing(open_session(several_session)) as opened:
        entries = opened.chain.entries
        former = [{name: value for name, value in entry.items() if name != "structures"} for entry in entries]
        again = session_data_of(replace(opened, chain=replace(opened.chain, entries=former)))
    assert [row["value"] for row in figures_of(again)] == [row["value"] for row in figures_of(story)]
    assert holds_of(again, spans_of(again)) == holds_of(story, spans_of(story))
