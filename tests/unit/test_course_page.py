"""Sessions of one course side by side: figures, trends, outliers, breath-holds, and marks from elsewhere."""

import csv
import json

import numpy as np
import pytest

from gatekeeper.config import CourseConfig
from gatekeeper.core.errors import InputError
from gatekeeper.display.web.access import Access
from gatekeeper.display.web.single_page import page_app
from gatekeeper.report.course import course_html, notes_on
from gatekeeper.report.course_data import FIGURES, CourseSession, in_order, outliers, trend
from gatekeeper.report.session_data import DutyMap
from replay.made_cohort import make_cohort
from replay.progress import no_progress
from replay.sessions.marks_file import read_marks
from tests.support.command_line import gatekeeper
from tests.support.live_sessions import journal
from tests.support.web_client import HOST, TestClient

HEAD = "label,course,fraction,step,minutes\n"


def session(fraction, label="P07", good=True, **facts):
    course = CourseConfig(label=label, fraction=fraction, fractions=5, **facts)
    return CourseSession(
        name=f"s{fraction}",
        course=course,
        started_utc=f"2026070{fraction}T080000.000Z",
        good=good,
        figures={figure.name: 10.0 + fraction for figure in FIGURES},
        held_s={},
        workflow_s={},
        breath_holds=[],
        duty_map=DutyMap((5.0,), (5.0,), ((0.5,),)),
        times_s=np.arange(10.0),
        moved_mm=np.zeros((10, 2)),
        axes=("SI", "AP"),
    )


def test_sessions_stand_in_the_order_of_their_fractions_and_what_is_missing_is_said():
    sessions = in_order([session(3), session(1), session(2, dose_gy=50.0)])
    assert [one.course.fraction for one in sessions] == [1, 2, 3]
    assert notes_on(sessions) == [
        "fraction 4, 5 of 5: no session is given",
        "the prescription is not the same in all sessions",
    ]
    assert "s1: NOT verified" in notes_on([session(1, good=False)])[0]


def test_sessions_of_two_courses_are_refused():
    with pytest.raises(InputError, match=r"belong to P07 course 1, P08 course 1"):
        in_order([session(1), session(2, label="P08")])


def test_an_outlier_needs_a_difference_that_matters_and_enough_sessions():
    assert outliers([60.0, 61.0, 59.0, 60.5, 20.0], 5.0) == [False] * 4 + [True]
    assert outliers([60.0, 60.1, 59.9, 60.0, 62.0], 5.0) == [False] * 5
    assert outliers([60.0, 61.0, 20.0], 5.0) == [False] * 3
    assert outliers([60.0, 60.0, 60.0, 60.0, float("nan"), 20.0], 5.0) == [False] * 5 + [True]
    assert outliers([1.0] * 6, 0.0) == [False] * 6


def test_a_trend_goes_one_way():
    assert trend([5.0, 4.0, 3.5, 3.0, 1.0]) == "falling"
    assert trend([5.0, 4.0, 3.5, 3.0]) == "", "four may be chance"
    assert trend([2.0] * 7) == ""


def test_a_label_cannot_become_part_of_the_page():
    one = session(1)
    page = course_html([CourseSession(**{**{name: getattr(one, name) for name in one.__slots__}, "name": "<b>x"})])
    assert "<b>x" not in page


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("label,fraction\n", "does not begin with the line label,course"),
        (HEAD + "P07,1,1,set-up\n", "line 2: has 4 values for 5 columns"),
        (HEAD + "Anna Berg,1,1,set-up,5\n", "line 2: label and course must be pseudonyms"),
        (HEAD + "P07,1,1,lunch,5\n", "line 2: its step is none of set-up"),
        (HEAD + "P07,1,1,set-up,nan\n", "line 2: minutes must be a number"),
    ],
)
def test_a_bad_file_of_marks_is_refused_without_quoting_it(tmp_path, text, says):
    (tmp_path / "marks.csv").write_text(text)
    with pytest.raises(InputError, match=says) as refused:
        read_marks(tmp_path / "marks.csv")
    assert "Berg" not in str(refused.value)


def test_steps_that_stand_twice_lasted_both_times(tmp_path):
    (tmp_path / "marks.csv").write_text(HEAD + "P07,1,2,Contouring,5\nP07,1,2,contouring,2.5\n\n")
    assert read_marks(tmp_path / "marks.csv") == {("P07", "1", 2): {"contouring": 450.0}}


def test_the_page_is_served_as_it_is_and_to_this_machine_only():
    html = course_html([session(1)])
    client = TestClient(page_app(html, Access.of("127.0.0.1", control=False)), base_url=HOST)
    found = client.get("/")
    assert found.text == html
    assert "script-src" not in found.headers["content-security-policy"]
    assert found.headers["content-security-policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert client.get("/", headers={"host": "elsewhere.example"}).status_code == 403


def test_a_port_without_a_console_is_refused(tmp_path, capsys):
    assert gatekeeper("course", tmp_path, "--console-port", 9, "--out", tmp_path / "c.html") == 2
    assert "give --console, too" in capsys.readouterr().err


@pytest.mark.slow
def test_a_made_course_is_told_as_its_journals_say(tmp_path, capsys):
    make_cohort(tmp_path / "made", 3, no_progress, courses=1, fractions=2)
    folders = [tmp_path / "made" / "M01" / f"fraction-{k}" for k in (1, 2)]
    marks = tmp_path / "made" / "marks.csv"
    assert gatekeeper("course", *folders[::-1], "--marks", marks, "--out", tmp_path / "c.html", "--json") == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [one["fraction"] for one in told["sessions"]] == [1, 2]
    for folder, one in zip(folders, told["sessions"], strict=True):
        frames = [entry for entry in journal(folder) if entry["kind"] in ("frame", "silence")]
        stands_s = np.append(np.diff([entry["decided_s"] for entry in frames]), 0.0)
        armed = np.array(["not_armed" not in entry["reasons"] for entry in frames])
        on = np.array([entry["state"] == "ON" for entry in frames])
        assert one["figures"]["beam_on_min"] == pytest.approx(stands_s[on].sum() / 60.0, abs=1e-3)
        assert one["figures"]["duty_cycle"] == pytest.approx(
            100.0 * stands_s[on].sum() / stands_s[armed].sum(), abs=0.1
        )
        outside = np.array([entry["outside_percent"] or 0.0 for entry in frames])
        assert one["figures"]["outside_on"] == pytest.approx(np.percentile(outside[on], 95.0), abs=0.1)
        events = [entry for entry in journal(folder) if entry["kind"] == "event"]
        times_s = {entry["values"]["step"]: entry["time_s"] for entry in events if entry["event"] == "mark"}
        steps = list(times_s)
        assert one["workflow_s"]["marked: set-up"] == pytest.approx(times_s[steps[1]] - times_s[steps[0]])
        with marks.open() as file:
            (other,) = [row for row in csv.DictReader(file) if int(row["fraction"]) == one["fraction"]]
        assert one["workflow_s"]["marked: other"] == pytest.approx(60.0 * float(other["minutes"]))
    page = (tmp_path / "c.html").read_text()
    assert "M01, course 1" in page
    assert page.count("<svg") == 3
    assert gatekeeper("course", folders[0], folders[0], "--out", tmp_path / "d.html") == 2
    assert "is given twice" in capsys.readouterr().err


def test_each_session_opens_from_the_page_of_its_course_and_from_no_other_page(tmp_path):
    sessions = [session(1), session(2)]
    assert "/session/" not in course_html(sessions)
    html, opened = course_html(sessions, linked=True), []

    def opens(folder):
        opened.append(folder)
        if folder.name == "s2":
            raise InputError("s2: cannot be opened")
        return "http://127.0.0.1:9/"

    folders = [tmp_path / "s1", tmp_path / "s2"]
    client = TestClient(page_app(html, Access.of("127.0.0.1", control=False), folders, opens), base_url=HOST)
    assert '<a href="/session/1">' in client.get("/").text
    for site in ({}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "none"}):
        assert client.get("/session/0", headers=site, follow_redirects=False).status_code == 403
    assert opened == []
    own = {"sec-fetch-site": "same-origin"}
    found = client.get("/session/0", headers=own, follow_redirects=False)
    assert (found.status_code, found.headers["location"], opened) == (303, "http://127.0.0.1:9/", folders[:1])
    assert client.get("/session/1", headers=own).status_code == 502
    assert client.get("/session/2", headers=own).status_code == 404
