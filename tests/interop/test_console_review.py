"""A finished session in the console: every decision can be reached, and the right frame is shown with it."""

import asyncio
import json
import threading
from contextlib import closing, contextmanager

import pytest

from gatekeeper.display.web.access import Access
from gatekeeper.display.web.loading import Loading
from gatekeeper.display.web.patient_routes import patient_routes
from gatekeeper.display.web.recorded_feed import RecordedFeed
from gatekeeper.display.web.serve import listening, make_server, url_of
from gatekeeper.display.web.server import make_app
from gatekeeper.display.web.what_if_routes import what_if_route
from replay.formats.session import open_session
from replay.sessions.rejudge import Rejudged
from replay.sessions.review import Review
from tests.support.browser import Watched, serious_faults
from tests.support.cases import breathing_case
from tests.support.command_line import gatekeeper
from tests.support.consoles import kept_screenshot
from tests.support.live_sessions import journal
from tests.support.sessions import recorded

pytestmark = pytest.mark.slow

PICTURE = "document.getElementById('cine').toDataURL()"
BRIGHTNESS = """() => {
  const canvas = document.getElementById("cine");
  const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.reduce((sum, value, place) => place % 4 ? sum : sum + value, 0) / data.length;
}"""


@contextmanager
def served(past):
    """Serve a session that is over, and yield the page's address."""
    access, ready = Access("127.0.0.1"), threading.Event()
    with listening("127.0.0.1", 0) as server_socket:
        server = make_server(
            make_app(past, access, [what_if_route(past, access), *patient_routes(past, access)]), ready.set
        )
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([server_socket])), name="server")
        thread.start()
        try:
            assert ready.wait(20.0)
            yield url_of(access, server_socket.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return recorded(tmp_path_factory.mktemp("past") / "session", breathing_case(frames=80, rate_hz=8.0))


@pytest.fixture(scope="module")
def url(browser, folder):
    with closing(open_session(folder)) as session, served(RecordedFeed(Review(session, Rejudged(session)))) as place:
        yield place


@pytest.fixture
def watched(browser, url):
    seen = Watched(browser)
    seen.page.goto(url)
    seen.page.wait_for_selector("body[data-index='0']")
    yield seen
    seen.page.close()


@pytest.fixture(scope="module")
def decisions(folder):
    return [one for one in journal(folder) if one["kind"] in ("frame", "silence")]


def test_page_opens_without_errors_and_follows_the_accessibility_rules(watched, url):
    assert watched.complaints == []
    assert all(asked.startswith(url) for asked in watched.requests)
    assert serious_faults(watched.page) == []


def test_scrubbing_lands_on_the_right_frame(watched, decisions):
    for index in (57, 3, len(decisions) - 1):
        watched.page.locator("#scrub").fill(str(index))
        watched.page.wait_for_selector(f"body[data-index='{index}'][data-sequence='{decisions[index]['sequence']}']")
        beam = "on" if decisions[index]["state"] == "ON" else "hold"
        assert watched.page.locator(f"body[data-beam={beam}]").count() == 1
        assert f"frame {decisions[index]['sequence']} " in watched.page.locator("#frame").inner_text()
    kept_screenshot(watched.page, "review")


@pytest.mark.slow
def test_a_click_on_the_strip_shows_what_lies_there(watched, decisions):
    strip = watched.page.locator("#strip")
    lanes = strip.get_attribute("aria-description")
    assert lanes.startswith("SI, AP, mm: SI, AP, ±5 mm; outside, %: limit 5 %, resume 4 %; confidence: limit 0.5; beam")
    # A click on the name of a lane, its number or its button gives it all the room, and takes it back.
    toggles = (
        lambda: strip.click(position={"x": 54, "y": 12}),
        lambda: strip.press("1"),
        lambda: watched.page.get_by_role("button", name="position").click(),
    )
    for toggle in toggles:
        toggle()
        assert strip.get_attribute("aria-description").startswith("SI, AP, mm: SI, AP, ±5 mm; beam")
        toggle()
        assert strip.get_attribute("aria-description") == lanes
    assert watched.page.evaluate(STEPS) == [2.5, 5, 0.25, 5, 10]
    assert watched.page.get_attribute("body", "data-index") == "0"
    watched.page.click("#strip", position={"x": 400, "y": 50})
    told = watched.page.locator("#told").inner_text()
    watched.page.wait_for_selector("body:not([data-index='0'])")
    index = int(watched.page.locator("body").get_attribute("data-index"))
    seconds = decisions[index]["decided_s"] - decisions[0]["decided_s"]
    # Pages round halves up.
    assert told.startswith(f"0:{int(10.0 * seconds + 0.5) / 10.0:04.1f}")


@pytest.mark.slow
def test_a_drag_moves_or_changes_the_window_the_wheel_zooms_and_0_is_as_it_was(watched):
    page = watched.page
    box = page.locator("#cine").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    before, bright = page.evaluate(PICTURE), page.evaluate(BRIGHTNESS)

    def drag():
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x, y + 120, steps=4)
        page.mouse.up()

    drag()
    moved = page.evaluate(PICTURE)
    assert moved != before
    page.locator("#cine").press("0")
    assert page.evaluate(PICTURE) == before
    page.click("#window-level")
    drag()
    darker, dark = page.evaluate(PICTURE), page.evaluate(BRIGHTNESS)
    assert dark < 0.9 * bright
    page.click("#forward")
    page.wait_for_selector("body[data-index='1']")
    assert page.evaluate(BRIGHTNESS) < 0.95 * bright
    page.click("#back")
    page.wait_for_selector("body[data-index='0']")
    assert page.evaluate(PICTURE) == darker
    page.mouse.move(x, y)
    page.mouse.wheel(0, -600)
    page.wait_for_function(f"(darker) => {PICTURE} !== darker", arg=darker)
    page.locator("#cine").press("0")
    assert page.evaluate(PICTURE) == before


@pytest.mark.slow
def test_steps_and_next_hold(watched, decisions):
    page = watched.page
    page.click("#forward")
    page.wait_for_selector("body[data-index='1']")
    page.click("#back")
    page.wait_for_selector("body[data-index='0']")
    on = [one["state"] == "ON" for one in decisions]
    holds = [index for index in range(1, len(on)) if on[index - 1] and not on[index]]
    assert len(holds) > 1
    for index in (*holds, 0):
        page.click("#next-hold")
        page.wait_for_selector(f"body[data-index='{index}']")


@pytest.mark.slow
def test_it_plays_at_the_speed_that_is_chosen_and_stops_at_the_end(watched, decisions):
    page = watched.page
    page.select_option("#speed", "4")
    page.click("#play")
    assert page.locator("#play").inner_text() == "Pause"
    page.wait_for_selector(f"body[data-index='{len(decisions) - 1}']", timeout=20_000)
    page.locator("#play", has_text="Play").wait_for()


@pytest.mark.slow
def test_the_panel_ends_with_the_figures_of_the_summary(watched, decisions, folder):
    summary = json.loads((folder / "summary.json").read_text())
    watched.page.locator("#scrub").fill(str(len(decisions) - 1))
    watched.page.wait_for_selector(f"body[data-index='{len(decisions) - 1}']")
    assert watched.page.locator("#tile-duty b").inner_text() == f"{100 * summary['duty_cycle']:.1f} %"
    assert watched.page.locator("#tile-holds b").inner_text() == str(summary["holds"])
    counts = watched.page.locator("#reasons .n").all_inner_texts()
    assert sorted(map(int, counts)) == sorted(summary["hold_reasons"].values())


@pytest.mark.slow
@pytest.mark.parametrize(("margin_mm", "outside_percent"), [("2", "12.5"), ("8.3", "40")])
def test_what_if_gives_the_figures_of_a_replay(watched, folder, tmp_path, capsys, margin_mm, outside_percent):
    page = watched.page
    page.wait_for_selector("body[data-margin='5'][data-outside='5']")
    own = figures(page)
    assert own[0] == own[1]
    drawn = page.evaluate(DRAWN)
    page.locator("#margin").fill(margin_mm)
    page.locator("#outside").fill(outside_percent)
    page.wait_for_selector(f"body[data-margin='{margin_mm}'][data-outside='{outside_percent}']")
    options = ("--margin-mm", margin_mm, "--outside-percent", outside_percent, "--out", tmp_path / "again", "--json")
    assert gatekeeper("replay", folder, *options) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    wanted = [f"{100 * result['duty_cycle']:.1f} %", f"{result['beam_on_s']:.1f} s", str(result["holds"])]
    was, now = figures(page)
    assert was == own[0]
    assert now[:3] == wanted
    assert now != was
    assert page.evaluate(DRAWN) != drawn
    # The question is drawn beside the original: its band, its limit, its beam, and its envelope on the frame.
    said = page.locator("#strip").get_attribute("aria-description")
    assert f"if ±{margin_mm} mm" in said
    assert f"if {outside_percent} %" in said
    assert "; if" in said
    assert page.locator("#asked-zone").is_visible()
    on = page.evaluate(RIBBON, [float(margin_mm), float(outside_percent)])
    assert on == [int(one["state"] == "ON") for one in journal(tmp_path / "again") if "state" in one]
    kept_screenshot(page, f"what-if-{margin_mm}")
    assert serious_faults(page) == []
    assert watched.complaints == []
    page.click("#own")
    page.wait_for_selector("body[data-margin='5'][data-outside='5']")
    assert figures(page) == own
    assert page.evaluate(DRAWN) == drawn


STEPS = """async () => {
  const {axisStep} = await import("/page/format.js");
  return [[-13, 6, 8], [0, 23, 5], [0, 1, 6], [-13, 6, 5], [0, 23, 3]].map((given) => axisStep(...given));
}"""
"""Steps of axes with five values where there is room for them, and otherwise with as many as there is room for."""

DRAWN = "document.getElementById('strip').toDataURL()"

RIBBON = """async ([margin_mm, outside_percent]) => {
  const {beamOf} = await import("/page/what-if.js"), {post} = await import("/page/link.js");
  return beamOf((await post("/what-if", {margin_mm, outside_percent})).ribbon, 80).on;
}"""


def figures(page):
    """What was and what would be: duty cycle, beam-on, holds, on while measured out, and the same with latency."""
    cells = page.locator("#compared td.n").all_inner_texts()
    return cells[0::2], cells[1::2]


@pytest.mark.slow
def test_what_if_is_asked_with_keys_alone(watched):
    page = watched.page
    page.wait_for_selector("body[data-margin='5']")
    page.focus("#margin-slide")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.wait_for_selector("body[data-margin='5.3']")
    assert page.locator("#margin").input_value() == "5.3"
    page.keyboard.press("Home")
    page.wait_for_selector("body[data-margin='0']")


@pytest.mark.slow
def test_a_value_that_is_not_allowed_is_not_asked_for(watched):
    page, asked = watched.page, []
    page.wait_for_selector("body[data-margin='5']")
    page.locator("#judged", has_text="as recorded").wait_for()
    page.on("request", lambda request: asked.append(request.post_data))
    page.locator("#margin").fill("-1")
    assert page.locator("#judged").inner_text() == "as recorded"
    page.locator("#margin").fill("7")
    page.wait_for_selector("body[data-margin='7']")
    assert [json.loads(one)["structures"] for one in asked] == [{"target": {"margin_mm": 7}}]


@pytest.mark.slow
def test_each_of_several_structures_has_limits_of_its_own(browser, several_session, tmp_path, capsys):
    with closing(open_session(several_session)) as session:
        review = Review(session, Rejudged(session))
        with served(RecordedFeed(review)) as url:
            seen = Watched(browser)
            page = seen.page
            page.goto(url)
            # The envelope of the first target is a region, so that it has no margin.
            page.wait_for_selector("body[data-margin=''][data-outside='5']")
            assert page.locator("#which option").all_inner_texts() == ["GTV", "node", "bowel (organ at risk)"]
            page.select_option("#which", "node")
            page.locator("#margin").fill("0.5")
            page.locator("#confidence").fill("0.9")
            page.wait_for_selector("body[data-margin='0.5'][data-confidence='0.9']")
            page.select_option("#which", "bowel (organ at risk)")
            page.locator("#outside").fill("500")
            page.wait_for_selector("body[data-outside='500']")
            assert page.locator("#judged").inner_text() == "node: margin 0.5 mm, confidence 0.9; bowel: overlap 500 mm²"
            now = figures(page)[1]
            assert serious_faults(page) == []
            assert seen.complaints == []
            kept_screenshot(page, "what-if-structures")
            page.select_option("#which", "node")
            assert page.locator("#margin").input_value() == "0.5"
            page.close()
    options = ("--margin-mm", "node=0.5", "--min-confidence", "node=0.9", "--overlap", "bowel=500mm2")
    assert gatekeeper("replay", several_session, *options, "--out", tmp_path / "again", "--json") == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    held = [str(result["structures"][name]["held"]) for name in ("GTV", "node", "bowel")]
    assert now[0] == f"{100 * result['duty_cycle']:.1f} %"
    assert now[5:] == held


@pytest.mark.slow
def test_a_session_that_is_being_tracked_shows_how_far_that_is(browser, folder):
    go_on = threading.Event()
    with closing(open_session(folder)) as session:

        def make(on_frame):
            on_frame(20, 80)
            assert go_on.wait(30.0)
            return Review(session, Rejudged(session, on_frame))

        with Loading(make) as preparing, served(preparing) as url:
            seen = Watched(browser)
            seen.page.goto(url)
            seen.page.locator("#why", has_text="being tracked: 20 of 80 frames").wait_for()
            assert seen.page.locator("#preparing").get_attribute("value") == "20"
            assert serious_faults(seen.page) == []
            kept_screenshot(seen.page, "preparing")
            go_on.set()
            seen.page.wait_for_selector("body[data-index='0']")
            assert not seen.page.locator("#preparing").is_visible()
            assert seen.complaints == []
            seen.page.close()
