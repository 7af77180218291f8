"""The report in a real browser: it opens, says what the summary says, answers to its buttons, and asks for nothing."""

import csv
import json
import re
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gatekeeper.report.html import report_html
from replay.formats.session import open_session
from replay.sessions.report import session_data_of, write_report
from tests.support.browser import Watched, serious_faults
from tests.support.cases import breathing_case
from tests.support.sessions import recorded

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    folder = recorded(tmp_path_factory.mktemp("told") / "session", breathing_case(frames=96))
    write_report(folder)
    return folder


@pytest.fixture(scope="module")
def story(session):
    with closing(open_session(session)) as opened:
        yield session_data_of(opened)


@pytest.fixture
def watched(browser, session):
    seen = Watched(browser)
    seen.page.goto((session / "report.html").as_uri())
    yield seen
    seen.page.close()


def test_it_opens_without_complaint_and_asks_for_nothing_else(watched):
    assert watched.complaints == []
    assert [url for url in watched.requests if not url.startswith("data:")] == [watched.page.url]


def test_its_figures_are_those_of_the_summary(watched, session):
    summary = json.loads((session / "summary.json").read_text())
    shown = [tile.split("\n") for tile in watched.page.locator(".tiles").first.locator("> div").all_inner_texts()]
    latency = summary["latency_ms"]
    lasted_s = summary["beam_on_s"] / summary["duty_cycle"]
    assert {label: text for text, label in shown} == {
        "duty cycle, of the whole time": f"{100 * summary['duty_cycle']:.1f} %",
        "beam on": f"{summary['beam_on_s']:.1f} s",
        "from first to last decision": f"{lasted_s:.1f} s",
        "holds": str(summary["holds"]),
        "frames judged": str(summary["frames"]),
        f"latency p99 (p50 {latency['p50']:.2f}, max {latency['max']:.2f})": f"{latency['p99']:.2f} ms",
    }
    rows = watched.page.locator("section", has_text="Holds by reason").last.locator("tbody tr").all_inner_texts()
    told = {re.search(r"[a-z]+(_[a-z]+)*(?=\t)", row).group(): int(row.split("\t")[1]) for row in rows}
    assert told == summary["hold_reasons"]


@pytest.mark.slow
def test_the_trace_is_drawn_and_says_what_lies_under_the_pointer(watched):
    canvas = watched.page.locator("#strip")
    canvas.hover(position={"x": 400, "y": 100})
    text = watched.page.locator("#told").inner_text()
    assert re.match(r"0:0\d\.\d (BEAM ON|HOLD: )", text)
    inked = watched.page.evaluate(
        """() => {const c = document.getElementById("strip");
        return new Set(c.getContext("2d").getImageData(0, 0, c.width, c.height).data).size}"""
    )
    assert inked > 20


@pytest.mark.slow
def test_no_number_is_minus_nought(watched):
    told = []
    for x in range(110, 1130, 40):
        watched.page.locator("#strip").hover(position={"x": x, "y": 100})
        told.append(watched.page.locator("#told").inner_text())
    assert len(set(told)) > 20
    assert not any(re.search(r"-0\.0+\b", text) for text in told)


@pytest.mark.slow
def test_next_hold_goes_from_one_to_the_next(watched):
    told = []
    for _ in range(2):
        watched.page.click("#hold")
        told.append(watched.page.locator("#told").inner_text())
    assert "HOLD" in told[0]
    assert "HOLD" in told[1]
    assert told[0] != told[1]


@pytest.mark.slow
def test_page_follows_the_accessibility_rules(watched):
    assert serious_faults(watched.page) == []


def drawn(page):
    return page.evaluate("() => document.getElementById('strip').toDataURL()")


def pages_of(pdf):
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


@pytest.mark.slow
def test_it_prints_the_whole_session_on_few_pages_and_shows_afterwards_what_it_showed(watched):
    page = watched.page
    page.click("#in")
    before = drawn(page)
    page.evaluate(
        """() => window.addEventListener("beforeprint", () => {
        window.printed = document.getElementById("strip").toDataURL()})"""
    )
    assert 2 <= pages_of(page.pdf(format="A4")) <= 7
    assert drawn(page) == before
    page.click("#all")
    whole = page.evaluate("() => window.printed")
    assert whole not in (before, None)
    page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("() => window.printed") == whole


@pytest.mark.slow
@pytest.mark.parametrize("width", [703, 725], ids=["A4", "Letter"])
def test_nothing_is_cut_off_on_paper(watched, width):
    """Paper with its margins of 12 mm is so many pixels wide."""
    page = watched.page
    page.set_viewport_size({"width": width, "height": 1000})
    page.emulate_media(media="print")
    assert cut_off(page, width) == []


@pytest.mark.slow
def test_in_a_dark_theme_on_a_phone_nothing_overflows_and_everything_can_be_read(watched):
    page = watched.page
    page.emulate_media(color_scheme="dark")
    assert serious_faults(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    wide = """[...document.querySelectorAll("body *")].filter((one) => !one.closest(".scroll *, svg *"))
        .filter((one) => one.getBoundingClientRect().right > 390.5).map((one) => one.outerHTML.slice(0, 60))"""
    assert page.evaluate(wide) == []
    assert serious_faults(page) == []


@pytest.mark.slow
def test_the_trace_is_saved_as_csv_with_a_line_for_each_decision(watched, story, tmp_path):
    with watched.page.expect_download() as saved:
        watched.page.click("#csv")
    saved.value.save_as(tmp_path / "trace.csv")
    with (tmp_path / "trace.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = ["time_s", "si_mm", "ap_mm", "outside_percent", "predicted_percent", "confidence", "beam_on", "reasons"]
    assert list(rows[0]) == names
    assert [row["beam_on"] == "1" for row in rows] == story.beam_on().tolist()
    assert [float(row["time_s"]) for row in rows] == pytest.approx(story.times_s().tolist(), abs=1e-3)
    guide = (ROOT / "docs" / "how-to" / "read-a-report.md").read_text()
    assert all(f"`{name}`" in guide for name in names)


def cut_off(page, width):
    """What reaches beyond the paper or its section."""
    return page.evaluate(
        """(width) => [...document.querySelectorAll("main *")].filter((one) => {
            const box = one.closest("section")?.getBoundingClientRect();
            return one.getBoundingClientRect().right > Math.min(width, box?.right ?? width) + 0.5;
        }).map((one) => one.outerHTML.slice(0, 60))""",
        width,
    )


@pytest.mark.slow
def test_each_of_several_structures_has_a_lane_that_can_be_left_out_and_all_fit_on_paper(
    browser, several_session, tmp_path
):
    seen = Watched(browser)
    page = seen.page
    page.goto(write_report(several_session, tmp_path / "report.html").as_uri())
    strip = page.locator("#strip")
    high = strip.bounding_box()["height"]
    page.get_by_label("B node").uncheck()
    assert strip.bounding_box()["height"] < high
    strip.hover(position={"x": 400, "y": 100})
    told = page.locator("#told").inner_text()
    assert "bowel: SI" in told
    assert "node: " not in told
    page.get_by_label("B node").check()
    assert strip.bounding_box()["height"] == high
    assert serious_faults(page) == []
    assert seen.complaints == []
    for width in (420, 820):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("() => document.documentElement.scrollWidth") == width
    assert pages_of(page.pdf(format="A4")) <= 8
    page.set_viewport_size({"width": 703, "height": 1000})
    page.emulate_media(media="print")
    assert cut_off(page, 703) == []
    page.close()


@pytest.mark.slow
@pytest.mark.parametrize(("confidence", "same"), [(0.2, True), (0.9, False)], ids=["unsure", "sure"])
def test_only_a_target_that_was_surely_found_sets_the_scale_of_the_trace(browser, story, tmp_path, confidence, same):
    """One that was not may be anywhere: it is drawn at the edge."""
    drawings = []
    for place_mm in (500.0, 5000.0):
        entries = [dict(entry) for entry in story.decisions]
        entries[4] |= {"confidence": confidence, "center_mm": [place_mm, 60.0]}
        (tmp_path / "report.html").write_text(report_html(replace(story, decisions=entries)))
        seen = Watched(browser)
        seen.page.goto((tmp_path / "report.html").as_uri())
        drawings.append(drawn(seen.page))
        seen.page.close()
    assert (drawings[0] == drawings[1]) is same
