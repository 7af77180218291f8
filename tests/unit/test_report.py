"""The report tells what the journal holds: right figures, whatever happened, in one file that is safe to open."""

import json
import math
import re
import shutil
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from gatekeeper.config import CourseConfig
from gatekeeper.core.decision import Reason
from gatekeeper.core.errors import OutputError, RecordingError
from gatekeeper.core.reason_row import Category
from gatekeeper.core.reasons import reason_rows
from gatekeeper.report import html as pages
from gatekeeper.report import phases
from gatekeeper.report.exposure import exposure_of
from gatekeeper.report.heading import limits_of
from gatekeeper.report.html import report_html
from gatekeeper.report.spans import spans_of, steadiness
from gatekeeper.style.colors import CATEGORY_COLOR
from gatekeeper.style.reasons import CATEGORY_TEXT, categories_for_page, reasons_for_page
from replay.formats.session import open_session
from replay.sessions.rejudge import Rejudged
from replay.sessions.report import session_data_of, write_report
from tests.support.command_line import gatekeeper
from tests.support.sessions import recorded


@pytest.fixture
def uncharted(monkeypatch):
    """Leave out the charts, which take most of the time that a report takes."""
    for name in ("outside", "latency", "duty", "exposed", "dwell", "movement", "exposure"):
        monkeypatch.setattr(pages, f"{name}_chart", lambda *_: "")


@pytest.fixture(scope="module")
def story(breathing_session):
    with closing(open_session(breathing_session)) as opened:
        yield session_data_of(opened)


def with_reasons(story, *given):
    """The story of decisions half a second apart that gave these reasons, and no others."""
    entries = [
        {**story.decisions[0], "decided_s": 10.0 + 0.5 * k, "reasons": reasons, "state": "HOLD" if reasons else "ON"}
        for k, reasons in enumerate(given)
    ]
    return replace(story, decisions=entries, tracks=[None] * len(entries))


def test_every_category_of_reasons_has_a_text_and_a_colour():
    assert set(CATEGORY_COLOR) == set(CATEGORY_TEXT) == set(Category)
    assert [reason["word"] for reason in reasons_for_page()] == list(Reason)
    assert {reason["kind"] for reason in reasons_for_page()} == set(range(len(categories_for_page())))


def test_beams_and_holds_follow_each_other_and_fill_the_session(story):
    spans = spans_of(story)
    assert [span.on for span in spans] == [k % 2 == (0 if spans[0].on else 1) for k in range(len(spans))]
    assert spans[0].first == 0
    assert spans[-1].after == len(story.decisions)
    assert sum(span.lasted_s for span in spans) == pytest.approx(story.times_s()[-1])
    assert sum(span.lasted_s for span in spans if span.on) == pytest.approx(story.summary["beam_on_s"])
    assert sum(not span.on for span in spans) == story.summary["holds"]


def test_the_time_of_the_delivery_is_told_apart_by_what_held_the_beam(story):
    told = phases.parts_of(
        with_reasons(
            story, ["not_armed"], ["not_armed"], ["resuming"], [], [], [], ["outside", "no_frame"], ["link_lost"], []
        )
    )
    lasted = {part.name: (part.lasted_s, part.share) for part in told}
    assert lasted == {
        "before the gate was armed": (1.0, None),
        "delivery with gating": (3.0, 1.0),
        phases.BEAM_ON: (1.5, 0.5),
        phases.HELD: (0.5, pytest.approx(1 / 6)),
        phases.WAITING: (0.5, pytest.approx(1 / 6)),
        phases.INTERRUPTED: (0.5, pytest.approx(1 / 6)),
    }


def test_a_session_that_was_never_armed_has_no_delivery(story):
    told = {part.name: part for part in phases.parts_of(with_reasons(story, ["not_armed"], ["not_armed"]))}
    assert told["before the gate was armed"].lasted_s == 0.5
    assert told["delivery with gating"].lasted_s == 0.0
    assert {part.share for part in told.values()} == {None}


def test_phases_of_a_live_session_before_the_delivery_are_told(story):
    told = with_reasons(story, ["not_armed"], ["not_armed"], ["not_armed"], [], [])
    marks = [("preview", 9.5), ("learning", 10.25), ("ready", 10.5), ("delivery", 11.5), ("ready", 11.75)]
    events = [{"event": "phase", "time_s": time_s, "values": {"phase": name}} for name, time_s in marks]
    parts = phases.parts_of(replace(told, events=[{"event": "arm", "time_s": 11.4, "values": {}}, *events]))
    assert [(part.name, part.lasted_s) for part in parts[:5]] == [
        ("before the gate was armed", 1.5),
        ("of that: preview", 0.25),
        ("of that: learning", 0.25),
        ("of that: ready, until armed", 1.25),
        ("delivery with gating", 0.5),
    ]


@pytest.mark.usefixtures("uncharted")
def test_the_time_in_which_the_target_was_drawn_is_told_and_its_points_are_counted(story):
    told = with_reasons(story, ["not_armed"], ["not_armed"], [], [])
    marks = [("drawing", 2.0), ("connect", 8.25), ("ready", 10.0), ("delivery", 10.75)]
    events = [{"event": "phase", "time_s": time_s, "values": {"phase": name}} for name, time_s in marks]
    target = {"operator": "Anna", "margin_mm": 4.25, "points_px": [[1.5, 2.5]] * 48}
    told = replace(told, events=[events[0], {"event": "target", "time_s": 8.0, "values": target}, *events[1:]])
    lasted_s = {part.name: part.lasted_s for part in phases.parts_of(told)}
    assert lasted_s["before that: drawing the target"] == 6.25
    assert lasted_s["of that: connecting"] == 0.0
    page = report_html(told)
    assert "operator: Anna; margin_mm: 4.25; points_px: 48 points" in page
    assert "1.5, 2.5" not in page


def test_steadiness_is_that_of_one_beam(story):
    span = spans_of(with_reasons(story, [], [], [], [], []))[0]
    times_s = 0.5 * np.arange(5.0)
    moved_mm = np.stack([1.0 + 2.0 * times_s, np.full(5, -0.5)], axis=1)
    moved_mm[3] = math.nan
    found = steadiness(span, times_s, moved_mm)
    assert found.drift_mm_per_s == pytest.approx(2.0)
    assert found.col_mm == pytest.approx(-0.5)
    assert found.col_range_mm == pytest.approx(0.0)
    assert found.row_range_mm == pytest.approx(3.6, abs=0.2)
    assert steadiness(span, times_s, np.full((5, 2), math.nan)) is None


def test_the_map_holds_the_duty_cycle_of_the_session_itself(story):
    duty = story.duty_map
    row, column = duty.margins_mm.index(5.0), duty.outside_percents.index(5.0)
    assert duty.duty_cycles[row][column] == story.summary["duty_cycle"]
    assert duty.duty_cycles[0][0] < duty.duty_cycles[-1][-1]


@pytest.mark.slow
def test_settings_that_are_not_on_the_map_are_added_to_it(tmp_path, breathing_session):
    from gatekeeper.config import EnvelopeConfig, SessionConfig

    folder = recorded(tmp_path / "odd", config=SessionConfig(envelope=EnvelopeConfig(margin_mm=4.5)))
    with closing(open_session(folder)) as opened:
        duty = session_data_of(opened).duty_map
    assert duty.margins_mm == (3.0, 4.0, 4.5, 5.0, 6.0, 8.0)


def tiles(page):
    """The figures at the top, by what they are called."""
    return {
        label: text
        for text, label in re.findall(r"<div><b>(.*?)</b><span>(.*?)</span></div>", page.partition("<h2>")[0])
    }


def cells(page, title):
    """The rows of the first table under a heading, as texts."""
    body = re.search(rf"<h2>{title}</h2>.*?<tbody>(.*?)</tbody>", page, re.DOTALL).group(1)
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    return [[re.sub(r"<.*?>", "", cell).strip() for cell in re.findall(r"<td.*?>(.*?)</td>", row)] for row in rows]


@pytest.mark.usefixtures("uncharted")
def test_each_figure_is_that_of_the_summary(story):
    summary, latency = story.summary, story.summary["latency_ms"]
    assert tiles(report_html(story)) == {
        "duty cycle, of the whole time": f"{100 * summary['duty_cycle']:.1f} %",
        "beam on": f"{summary['beam_on_s']:.1f} s",
        "from first to last decision": f"{summary['beam_on_s'] / summary['duty_cycle']:.1f} s",
        "holds": str(summary["holds"]),
        "frames judged": str(summary["frames"]),
        f"latency p99 (p50 {latency['p50']:.2f}, max {latency['max']:.2f})": f"{latency['p99']:.2f} ms",
    }


@pytest.mark.usefixtures("uncharted")
def test_the_same_figures_come_out_of_the_decisions(story):
    """Those of a session that was broken off are counted anew; of a whole one this must give the same."""
    counted = tiles(report_html(replace(story, summary={})))
    latency = (
        f"latency p99 (p50 {story.summary['latency_ms']['p50']:.2f}, max {story.summary['latency_ms']['max']:.2f})"
    )
    assert counted == {label: text for label, text in tiles(report_html(story)).items() if label != latency}


@pytest.mark.usefixtures("uncharted")
def test_the_tables_say_what_the_summary_says(story):
    page, summary = report_html(story), story.summary
    assert {row[0].split()[-1]: int(row[1]) for row in cells(page, "Holds by reason")} == summary["hold_reasons"]
    times = {row[0]: row[1] for row in cells(page, "Time")}
    assert times[phases.BEAM_ON] == f"{summary['beam_on_s']:.1f} s"
    total = next(row for row in cells(page, "Latency") if row[0] == "total")
    assert total[1:4] == [f"{summary['latency_ms'][name]:.2f}" for name in ("p50", "p99", "max")]
    assert dict(story.checked)["head"] in page
    assert "Verified: intact" in page


@pytest.mark.usefixtures("uncharted")
@pytest.mark.parametrize("field", ["duty_cycle", "beam_on_s", "holds", "frames"])
def test_figures_are_counted_from_the_decisions_whatever_the_summary_says(story, field):
    right = tiles(report_html(story))
    forged = tiles(report_html(replace(story, summary={**story.summary, field: story.summary[field] + 7})))
    assert forged == right


def test_times_are_rounded_before_they_are_cut_into_minutes():
    assert [pages._minutes(seconds) for seconds in (59.94, 59.96, 119.97, 61.0)] == [
        "59.9 s",
        "1 min 00.0 s",
        "2 min 00.0 s",
        "1 min 01.0 s",
    ]
    assert [pages._clock(seconds) for seconds in (0.0, 59.97, 75.25, -3.0, -0.01, math.nan)] == [
        "0:00.0",
        "1:00.0",
        "1:15.3",
        "−0:03.0",
        "0:00.0",
        "–",
    ]


def test_the_page_asks_for_nothing(story):
    page = report_html(story)
    assert "default-src 'none'" in page
    outside = [part for part in page.split('"') if part.startswith(("http:", "https:", "//"))]
    assert {part for part in outside if "www.w3.org" not in part} == set()


@pytest.mark.usefixtures("uncharted")
def test_a_name_cannot_become_part_of_the_page(story):
    page = report_html(replace(story, name="</script><script>alert(1)</script>"))
    assert "<script>alert" not in page


@pytest.mark.usefixtures("uncharted")
def test_a_session_with_nan_frames_and_silences_is_told(eventful_session):
    with closing(open_session(eventful_session)) as opened:
        page = report_html(session_data_of(opened))
    assert "Frame timeout" in page
    assert "NaN or infinite pixels" in page


@pytest.mark.usefixtures("uncharted")
def test_a_session_that_was_broken_off_says_so(breathing_session, tmp_path):
    folder = shutil.copytree(breathing_session, tmp_path / "session")
    lines = (folder / "decisions.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "decisions.jsonl").write_bytes(b"".join(lines[:-1]))
    with closing(open_session(folder)) as opened:
        page = report_html(session_data_of(opened))
    assert "its last line; the session was interrupted, or its end was removed" in page


@pytest.mark.usefixtures("uncharted")
@pytest.mark.parametrize(
    ("field", "forged"),
    [("duty_cycle", 0.999), ("beam_on_s", 1.0), ("holds", 1), ("frames", 23), ("hold_reasons", {"outside": 1})],
)
def test_a_session_of_which_one_figure_was_changed_is_not_called_verified(tmp_path, breathing_session, field, forged):
    folder = shutil.copytree(breathing_session, tmp_path / "session")
    summary = json.loads((folder / "summary.json").read_text())
    assert summary[field] != forged
    (folder / "summary.json").write_text(json.dumps({**summary, field: forged}))
    with closing(open_session(folder)) as opened:
        page = report_html(session_data_of(opened))
    assert "NOT verified" in page
    assert f"{field} do not agree" in page


@pytest.mark.slow
def test_progress_is_told_from_verifying_to_drawing(breathing_session, tmp_path):
    told = []
    write_report(
        breathing_session, tmp_path / "r.html", on_progress=lambda doing, done, total: told.append((doing, done, total))
    )
    assert list(dict.fromkeys(doing for doing, *_ in told)) == ["verifying", "tracking", "judging again", "drawing"]
    assert told[-1] == ("drawing", 1, 1)


def test_the_command_writes_the_file_and_says_where(breathing_session, tmp_path, capsys):
    assert gatekeeper("report", breathing_session, "--out", tmp_path / "r.html", "--json") == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["report"] == str(tmp_path / "r.html")
    assert said["bytes"] == (tmp_path / "r.html").stat().st_size > 50_000


def test_what_is_no_session_is_refused_in_one_line(tmp_path, capsys):
    assert gatekeeper("report", tmp_path) == 2
    assert "decisions.jsonl: cannot be read" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_refused(breathing_session, tmp_path):
    with pytest.raises(OutputError):
        write_report(breathing_session, tmp_path / "absent" / "r.html")


def test_a_session_without_decisions_has_no_story(breathing_session, tmp_path):
    folder = shutil.copytree(breathing_session, tmp_path / "session")
    lines = (folder / "decisions.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "decisions.jsonl").write_bytes(lines[0])
    with closing(open_session(folder)) as opened, pytest.raises(RecordingError, match="holds no decision"):
        session_data_of(opened)


def test_the_story_ends_where_frames_were_not_kept_any_more(breathing_session, monkeypatch):
    with closing(open_session(breathing_session)) as opened:
        entries = [dict(entry) for entry in opened.chain.entries]
        frames = [entry for entry in entries if entry["kind"] == "frame"]
        frames[10]["frame_row"] = None
        chain = replace(opened.chain, entries=entries)
        story = session_data_of(replace(opened, chain=chain))
        assert len(story.decisions) == len(story.tracks) == 10
        assert len(Rejudged(replace(opened, chain=chain)).tracked) == 10


@pytest.mark.slow
def test_a_replay_writes_it_where_that_is_asked_for(breathing_session, tmp_path, capsys):
    assert gatekeeper("replay", breathing_session, "--out", tmp_path / "with", "--report", "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["report"] == str(tmp_path / "with" / "report.html")
    assert gatekeeper("replay", breathing_session, "--out", tmp_path / "without", "--json") == 0
    assert not (tmp_path / "without" / "report.html").exists()


@pytest.mark.usefixtures("uncharted")
def test_breath_holds_are_numbered_with_their_mean_and_sd(story):
    """Two holds of 10 s, the second 1 mm further inferior, with breaths between."""
    entry = next(one for one in story.decisions if one["center_mm"])
    down_mm = np.concatenate([np.zeros(40), 5.0 - 5.0 * np.cos(0.25 * np.pi * np.arange(32)), np.ones(40)])
    told = [
        {
            **entry,
            "decided_s": 0.25 * k,
            "acquired_s": 0.25 * k,
            "confidence": 1.0,
            "center_mm": [20.0 + mm, entry["center_mm"][1]],
        }
        for k, mm in enumerate(down_mm)
    ]
    changed = replace(story, decisions=told, tracks=[None] * len(told), image=lambda index: None)
    first, second, together = cells(report_html(changed), "Breath-holds")
    assert (first[0], second[0]) == ("1", "2")
    assert second[5] == "-1.0 / 0.0", "superior is positive"
    assert 9.5 < float(together[1].split()[0]) < 10.6


def test_the_head_and_each_printed_page_say_which_session_it_is_and_nothing_else(story, uncharted):
    course = CourseConfig(label="P07", fraction=2, fractions=5, dose_gy=50.0, beam_on_s=60.0)
    armed = {"event": "arm", "time_s": 0.0, "values": {"operator": "kim", "accepted": True}}
    told = replace(
        story, config=story.config.model_copy(update={"course": course}), events=[armed], started_utc="20261201T074841Z"
    )
    page = report_html(replace(told, name='x"; } body { display: none'))
    for words in ("P07, course 1", "2026-12-01 07:48 UTC", "2 of 5", "50 Gy in all, beam on for 60 s", "kim"):
        assert f"<dd>{words}</dd>" in page
    [foot] = re.findall(r'@bottom-left \{ content: "([^"]*)"; \}', page)
    assert foot == "Gating report: x     body   display: none, P07, course 1, fraction 2, 2026-12-01 07:48 UTC"
    assert "counter(pages)" in page


def test_every_limit_that_was_in_force_is_listed(story):
    rows = {text: limit for text, limit, _ in limits_of(story)}
    assert rows["Target outside envelope"] == f"{story.limits.outside_percent:g} %"
    assert rows["Frame too old"] == f"{story.config.gate.max_age_s:g} s"
    assert rows["Prescribed beam-on time delivered"] == "not set"
    assert len(rows) == sum(row.limit is not None for row in reason_rows())


def test_the_map_says_what_looser_settings_give_away(story):
    duty = story.duty_map
    own = duty.margins_mm.index(5.0), duty.outside_percents.index(5.0)
    assert duty.exposed_s[own[0]][own[1]] == pytest.approx(exposure_of(story).total_s)
    assert duty.exposed_s[-1][-1] > duty.exposed_s[own[0]][own[1]]
