"""The console in a real browser beside a session that really runs."""

import itertools
import os
import re
import signal
import time

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from gatekeeper.core.login import login_name
from gatekeeper.operator.request import Request
from tests.support.browser import Watched, seen_while, serious_faults
from tests.support.consoles import RATE_HZ, WATCH, kept_screenshot, running
from tests.support.live_sessions import events

MOST_MS = 250.0
"""A hold and a resume appear within this of the decision."""
SLACK_MS = 250.0
"""What a busy machine may add."""
ARROWS = """async () => {
  const {Link} = await import("/page/link.js");
  const link = new Link();
  await link.open();
  const view = await link.ask({after: -1});
  link.close();
  return view.arrays.arrows?.shape[0] ?? 0;
}"""
FROM_THE_FIRST = """async () => {
  const {trace} = await import("/page/app.js");
  const pause = () => new Promise((done) => setTimeout(done, 50));
  for (let tries = 0; tries < 400 && trace.data.number[0] !== 0; tries++) await pause();
  return trace.data.number;
}"""
WORDS = "() => ['word', 'why'].map(id => document.getElementById(id).innerText)"
PLACED = "() => [document.getElementById('marker').offsetTop, document.getElementById('cue').textContent]"


@pytest.fixture(scope="module")
def session(browser, tmp_path_factory):
    with running(tmp_path_factory.mktemp("live") / "session", control=True, beam_s=60.0) as run:
        yield run


@pytest.fixture
def watched(browser, session):
    seen = Watched(browser)
    seen.page.add_init_script(WATCH)
    seen.page.goto(session.url)
    seen.page.wait_for_selector("body:not([data-beam=none])")
    yield seen
    seen.page.close()


def test_it_shows_the_session_without_complaint_and_asks_for_nothing_elsewhere(watched, session):
    page = watched.page
    assert seen_while(page, "body[data-beam=on]", WORDS)[0] == "BEAM ENABLED"
    assert page.locator("#name").inner_text() == "P_001"
    assert page.locator("#phase").inner_text() == "delivery"
    assert re.match(r"frame \d+ · \d+ ms old", page.locator("#frame").inner_text())
    assert page.locator("#mode").inner_text() == "LIVE"
    assert "remaining" in page.locator("#tile-remaining").inner_text()
    assert watched.complaints == []
    assert all(url.startswith(session.url.partition("#")[0]) for url in watched.requests)
    kept_screenshot(page, "console-beam-on")
    word, why = seen_while(page, "body[data-beam=hold]", WORDS)
    assert word == "HOLD"
    assert "Target outside envelope" in why
    kept_screenshot(page, "console-hold")


@pytest.mark.slow
def test_the_token_is_taken_out_of_the_address(watched):
    assert "token" not in watched.page.url


@pytest.mark.slow
def test_frames_advance_at_the_rate_of_the_source(watched):
    watched.page.wait_for_timeout(4000)
    frames = {}
    for shown in watched.page.evaluate("shownAt"):
        frames.setdefault(shown["sequence"], shown["ms"])
    numbers = sorted(frames)[1:]
    assert len(numbers) >= 0.9 * (numbers[-1] - numbers[0] + 1)
    rate_hz = 1e3 * (numbers[-1] - numbers[0]) / (frames[numbers[-1]] - frames[numbers[0]])
    assert rate_hz == pytest.approx(RATE_HZ, rel=0.1)


def test_hold_and_resume_appear_soon_after_the_decision(watched, session):
    begin_ms = 1e3 * time.time()
    watched.page.wait_for_timeout(7000)
    end_ms = 1e3 * time.time() - 500.0
    decided = [one for one in session.transitions() if begin_ms < one[1] < end_ms]
    shown = [one for one in watched.page.evaluate("shownAt") if one["beam"] in ("on", "hold")]
    changed = [new for old, new in itertools.pairwise(shown) if old["beam"] != new["beam"]]
    assert {beam for beam, _ in decided} == {"on", "hold"}
    for beam, at_ms in decided:
        late_ms = [one["ms"] - at_ms for one in changed if one["beam"] == beam and one["ms"] >= at_ms - 5.0]
        assert late_ms
        assert min(late_ms) <= MOST_MS + SLACK_MS


@pytest.mark.slow
def test_the_trace_tells_scrolls_back_and_knows_what_was_before_the_page_came(watched, session):
    page, strip = watched.page, watched.page.locator("#strip")
    # The page came late: it shows decisions older than those of any message.
    page.wait_for_function("() => Number(document.body.dataset.sequence) > 80", timeout=60_000)
    page.reload()
    numbers = page.evaluate(FROM_THE_FIRST)
    assert numbers == list(range(len(numbers)))
    page.get_by_role("button", name="All", exact=True).click()
    strip.hover(position={"x": 110, "y": 60})
    told = page.locator("#told").inner_text()
    assert re.match(r"\d+:\d\d\.\d +(BEAM ENABLED|HOLD: ).* · SI .*mm · outside .* · confidence", told)
    assert "limit 5 %" in strip.get_attribute("aria-description")
    page.get_by_role("button", name="30 s").click()
    page.keyboard.press("Tab")
    strip.focus()
    for _ in range(8):
        page.keyboard.press("+")
    box = strip.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 220, box["y"] + 60, steps=3)
    page.mouse.up()
    page.wait_for_selector("body[data-trace=back]")
    kept_screenshot(page, "console-trace-back")
    page.get_by_role("button", name="Back to now").click()
    page.wait_for_selector("body[data-trace=now]")
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector("body[data-trace=back]")
    page.keyboard.press("End")
    page.wait_for_selector("body[data-trace=now]")
    assert watched.complaints == []


@pytest.mark.slow
def test_arrows_are_drawn_on_demand(watched, session):
    page = watched.page
    page.click("#arrows")
    page.wait_for_timeout(700)
    kept_screenshot(page, "console-arrows")
    assert page.evaluate(ARROWS) > 10
    page.click("#arrows")
    page.wait_for_timeout(700)
    assert page.evaluate(ARROWS) == 0


@pytest.mark.slow
def test_page_follows_the_accessibility_rules(watched):
    for beam in ("on", "hold"):
        watched.page.wait_for_selector(f"body[data-beam={beam}]")
        assert serious_faults(watched.page) == []


@pytest.mark.slow
def test_the_patient_sees_where_the_target_is_and_what_to_do(browser, session):
    seen = Watched(browser)
    page = seen.page
    page.goto(session.console.patient_url)
    page.select_option("#language", "de")
    spots = {}
    for place in ("in", "out"):
        spots[place] = seen_while(page, f"body[data-place={place}]", PLACED, still_ms=300)
        kept_screenshot(page, f"patient-{place}")
    assert spots["in"][1] == "Halten"
    assert spots["out"][1] in ("Einatmen", "Ausatmen")
    # The case breathes in, which is up.
    assert spots["out"][0] < spots["in"][0] - 30
    page.select_option("#up", "out")
    assert seen_while(page, "body[data-place=out]", PLACED, still_ms=300)[0] > spots["in"][0] + 30
    session.session.requests.submit(Request("message", "kim", "test", phrase="relax"))
    page.wait_for_selector("#message:has-text('Entspannen')")
    kept_screenshot(page, "patient-message")
    assert seen.complaints == []
    assert serious_faults(page) == []
    page.close()


@pytest.mark.slow
def test_operators_hold_and_release_and_the_journal_says_who(watched, session):
    page = watched.page
    page.click("#hold")
    page.locator("#answer", has_text="Done without a name. Who was it?").wait_for()
    page.locator("#why", has_text="Held by the operator").wait_for()
    page.click("[data-ask=release]")
    page.locator("#answer", has_text="Enter your name first.").wait_for()
    page.fill("#operator", "Anna")
    page.press("#operator", "Enter")
    page.locator("#answer", has_text="hold by Anna").wait_for()
    page.locator("#phase", has_text="paused").wait_for()
    kept_screenshot(page, "console-operator")
    page.click("[data-ask=release]")
    page.locator("#phase", has_text="delivery").wait_for()
    # What makes no sense in this phase is not offered.
    for word in ("arm", "release"):
        page.locator(f"[data-ask={word}]").wait_for(state="hidden")
    typed = f"Anna (typed; login {login_name()})"
    # Other tests may have used the session before.
    assert [one["values"]["operator"] for one in events(session.folder, "hold")][-2:] == [login_name(), typed]
    assert [one["values"]["operator"] for one in events(session.folder, "release")][-1:] == [typed]


@pytest.mark.slow
@pytest.mark.parametrize("key", ["Space", "Escape"])
def test_space_and_escape_hold_at_once_wherever_the_focus_is(watched, session, key):
    page = watched.page
    page.fill("#operator", "Anna")
    for focus in ("#cine", "[data-ask=disarm]", "#arrows"):
        page.focus(focus)
        page.keyboard.press(key)
        page.locator("#why", has_text="Held by the operator").wait_for()
        page.focus("[data-ask=release]")
        page.keyboard.press(key)
        page.locator("#answer", has_text="hold by Anna").wait_for()
        page.wait_for_timeout(500)
        assert page.locator("#phase").inner_text() == "paused", "and Space did not press the button"
        page.click("[data-ask=release]")
        page.locator("#phase", has_text="delivery").wait_for()
    page.focus("#operator")
    page.keyboard.type("a b")
    assert page.input_value("#operator").endswith("a b")
    page.fill("#operator", "Anna")


@pytest.mark.slow
def test_a_session_is_ended_after_a_question_only(watched, session):
    watched.page.fill("#operator", "Anna")
    watched.page.click("[data-ask=end]")
    watched.page.locator("#question", has_text="End the session?").wait_for()
    # The question covers neither beam nor Hold, and Escape holds and withdraws it.
    watched.page.click("#hold", trial=True)
    watched.page.keyboard.press("Escape")
    watched.page.locator("#question").wait_for(state="hidden")
    watched.page.locator("#why", has_text="Held by the operator").wait_for()
    watched.page.click("[data-ask=release]")
    watched.page.locator("#phase", has_text="delivery").wait_for()
    assert session.session.requests.ending is None


@pytest.mark.slow
def test_the_last_word_of_a_session_is_hold(browser, tmp_path):
    with running(tmp_path / "session", control=True, beam_s=60.0) as run:
        seen = Watched(browser)
        seen.page.goto(run.url)
        seen.page.wait_for_selector("body[data-beam=on]")
        seen.page.click("[data-ask=end]")
        seen.page.click("#question-yes")
        seen.page.locator("#why", has_text="The session has ended, and HOLD was sent last").wait_for()
        assert seen.page.locator("#mode").inner_text() == "ENDED"
        assert seen.page.locator("#phase").inner_text() == "ended"
        seen.page.close()


@pytest.mark.slow
def test_a_wrong_token_gets_401(browser, session):
    place = session.url.partition("#")[0]
    answer = httpx.get(f"{place}hello", headers={"authorization": "Bearer wrong"})
    assert answer.status_code == 401
    with pytest.raises(InvalidStatus) as refused:
        connect(f"{place.replace('http', 'ws')}views", origin=place[:-1], subprotocols=["gatekeeper", "token.wrong"])
    assert refused.value.response.status_code == 401
    seen = Watched(browser)
    seen.page.goto(f"{place}#token=wrong")
    seen.page.locator("#why", has_text="token").wait_for()
    assert seen.page.locator("#word").inner_text() == "NO DATA"
    seen.page.close()


@pytest.mark.slow
def test_a_foreign_origin_is_refused(session):
    place, token = session.url.split("#token=")
    with pytest.raises(InvalidStatus) as refused:
        connect(
            f"{place.replace('http', 'ws')}views",
            origin="http://evil.example",
            subprotocols=["gatekeeper", f"token.{token}"],
        )
    assert refused.value.response.status_code == 403


@pytest.mark.slow
def test_a_page_whose_session_shows_nothing_new_says_so(browser, tmp_path):
    with running(tmp_path / "session", seconds=60.0) as run:
        seen = Watched(browser)
        seen.page.goto(run.url)
        seen.page.wait_for_selector("body:not([data-beam=none])")
        seen.page.keyboard.press("Escape")
        seen.page.locator("#alarm", has_text="NOT HELD: this page is read-only").wait_for()
        os.kill(run.console.pid, signal.SIGSTOP)
        seen.page.wait_for_selector("body[data-beam=none]", timeout=5000)
        assert seen.page.locator("#word").inner_text() == "NO DATA"
        kept_screenshot(seen.page, "console-no-data")
        os.kill(run.console.pid, signal.SIGCONT)
        seen.page.wait_for_selector("body:not([data-beam=none])")
        os.kill(run.console.pid, signal.SIGKILL)
        seen.page.wait_for_selector("body[data-beam=none]", timeout=5000)
        assert serious_faults(seen.page) == []
        seen.page.close()
