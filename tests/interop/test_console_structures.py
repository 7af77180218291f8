"""Several structures in the console: values beside names, a lane for each on demand, and who holds."""

from contextlib import closing

import pytest

from gatekeeper.display.web.recorded_feed import RecordedFeed
from replay.formats.session import open_session
from replay.sessions.rejudge import Rejudged
from replay.sessions.review import Review
from tests.interop.test_console_review import served
from tests.support.browser import Watched, serious_faults
from tests.support.consoles import kept_screenshot, running
from tests.support.live_sessions import journal
from tests.support.several_structures import several_plan_of, several_session

pytestmark = pytest.mark.slow

SIZES = [(1280, 800), (1024, 600), (360, 740)]
BESIDE = """() => {
  // Parts of the page that lie on each other, and texts that are cut off.
  const parts = [...document.querySelectorAll("main section, main aside")].filter((one) => one.offsetParent);
  const boxes = parts.map((one) => [one.id, one.getBoundingClientRect()]);
  const isOn = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
  const covered = boxes.flatMap(([id, a], i) =>
    boxes.slice(i + 1).filter(([, b]) => isOn(a, b)).map(([other]) => `${id} ${other}`));
  const texts = [...document.querySelectorAll("#structure-list .values, #beam p, #told")];
  const cut = texts.filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.textContent);
  return [...covered, ...cut, ...(document.documentElement.scrollWidth > innerWidth ? ["page"] : [])];
}"""
COLORS = "() => [...document.querySelectorAll('#structure-list i')].map((one) => getComputedStyle(one).backgroundColor)"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return several_session(tmp_path_factory.mktemp("several") / "session")


@pytest.fixture(scope="module")
def url(browser, folder):
    with closing(open_session(folder)) as session, served(RecordedFeed(Review(session, Rejudged(session)))) as place:
        yield place


def some_holding(folder):
    """Return the place of a decision in which only some structures hold, and its parts in the journal."""
    entries = [one for one in journal(folder) if one["kind"] in ("frame", "silence")]
    for place, entry in enumerate(entries):
        parts = entry["structures"]
        if len({bool(part["reasons"]) for part in parts.values()}) == 2:
            return place, parts
    return pytest.fail("all structures hold together")


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_nothing_of_a_recorded_page_covers_anything_else(browser, url, width, height):
    seen = Watched(browser)
    seen.page.set_viewport_size({"width": width, "height": height})
    seen.page.goto(url)
    seen.page.wait_for_selector("body[data-index='0'] #structures:not([hidden])")
    for lanes in range(3):
        if lanes:
            seen.page.locator("#structure-list input").nth(lanes).check()
        seen.page.wait_for_function(f"() => ({BESIDE})().length === 0")
        kept_screenshot(seen.page, f"structures-{width}-{lanes}")
    assert seen.complaints == []
    assert serious_faults(seen.page) == []
    seen.page.close()


def test_values_stand_beside_the_name_and_who_holds_is_named(browser, url, folder):
    place, parts = some_holding(folder)
    seen = Watched(browser)
    page = seen.page
    page.goto(url)
    page.wait_for_selector("body[data-index='0']")
    page.locator("#scrub").fill(str(place))
    page.wait_for_selector(f"body[data-index='{place}']")
    lines = {name: page.locator("#structure-list li", has_text=name).inner_text() for name in parts}
    assert f"outside {parts['GTV']['outside_percent']:.1f} of 5 %" in lines["GTV"]
    assert f"outside {parts['node']['outside_percent']:.1f} of 2 %" in lines["node"]
    assert f"overlap {parts['bowel']['overlap_mm2']:.1f} of 30 mm²" in lines["bowel"]
    for name, part in parts.items():
        assert f"confidence {part['confidence']:.2f}" in lines[name]
        assert ("HOLDS" in lines[name]) == bool(part["reasons"])
        assert (f"{name}" in page.locator("#why").inner_text()) == bool(part["reasons"])
    assert page.locator("#why").inner_text() in page.locator("#told").inner_text().replace(", ", " · ")
    assert len(set(page.evaluate(COLORS))) == 3
    page.close()


def test_a_structure_has_a_lane_on_demand_and_the_first_target_at_the_beginning(browser, url):
    seen = Watched(browser)
    page = seen.page
    page.goto(url)
    page.wait_for_selector("body[data-index='0'] #structures:not([hidden])")
    boxes = page.locator("#structure-list input")
    assert [boxes.nth(number).is_checked() for number in range(3)] == [True, False, False]
    high = page.locator("#strip").bounding_box()["height"]
    boxes.nth(2).check()
    assert page.locator("#strip").bounding_box()["height"] > high + 40
    boxes.nth(0).uncheck()
    boxes.nth(2).uncheck()
    assert page.locator("#strip").bounding_box()["height"] < high
    page.close()


def test_a_live_page_shows_several_and_that_for_the_patient_the_first_target_alone(browser, tmp_path):
    with running(tmp_path / "s", control=True, plan_for=several_plan_of) as run:
        seen = Watched(browser)
        page = seen.page
        page.goto(run.url)
        page.wait_for_selector("body[data-beam=on] #structures:not([hidden])")
        page.wait_for_selector("#structure-list li.holds")
        holds = page.locator("#structure-list li.holds b").first.inner_text()
        assert holds in ("GTV", "node", "bowel")
        assert "without spleen, which is not required" in page.locator("#warnings").inner_text()
        assert page.evaluate(BESIDE) == []
        assert seen.complaints == []
        page.close()
        patient = Watched(browser)
        patient.page.goto(run.console.patient_url)
        patient.page.wait_for_selector("body[data-place=in]")
        assert patient.page.locator("body").get_attribute("data-margin") == "6"
        assert "node" not in patient.page.content()
        patient.page.close()


COACHED = """async () => {
  const {Coach, REST_S} = await import("/page/patient-cue.js");
  const window = [-5, 5], told = [], coach = new Coach(10, "inhale");
  let count = 0;
  const until = (end_s, mm, wanted = true) => {
    for (let t = count / 4; t <= end_s; t = ++count / 4) coach.add([count, t, mm, mm > -5 && mm < 5]);
    const left = coach.left();
    told.push(left === null ? coach.cue(wanted, window) : `${coach.cue(wanted, window)} ${Math.round(left)}`);
  };
  until(1, -15);  // breathed out
  until(2, 0);  // in the window, but for a moment only: no countdown yet
  until(2.5, -15);
  until(4.5, 0);
  until(8.5, 0);
  until(9, -8);  // brief
  until(9.5, 0);
  until(16, 0);  // as long as wanted
  until(17.5, -15);
  until(20, -15, false);  // the operator holds
  until(17.5 + REST_S, -15);
  until(28.5, 8);  // too deep
  told.push(new Coach(10, "none").cue(true, window));
  return told;
}"""


def test_the_patient_is_guided_through_a_hold_and_a_recorded_session_asks_for_nothing(browser, url):
    seen = Watched(browser)
    seen.page.goto(f"{url}patient?lang=fr")
    seen.page.wait_for_selector("body[data-said=recorded] #cue:has-text('enregistrement')")
    assert seen.page.evaluate(COACHED) == [
        "in", "hold", "in", "hold 8", "hold 4", "hold 4", "hold 3", "out", "rest", "rest", "in", "out", "normal",
    ]  # fmt: skip
    assert seen.complaints == []
    seen.page.close()
