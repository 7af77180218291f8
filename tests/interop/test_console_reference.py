"""A frame is shown on the console's page, confirmed there in a real browser, and becomes the reference."""

import pytest

from tests.support.browser import Watched, serious_faults
from tests.support.consoles import kept_screenshot, running
from tests.support.live_sessions import events

pytestmark = pytest.mark.slow

ANSWERED = "() => !document.getElementById('answer').textContent.startsWith('…')"
IN_VIEW = """() => ["new-cine", "question-yes", "hold"].every((id) => {
  const {top, bottom} = document.getElementById(id).getBoundingClientRect();
  return top >= 0 && bottom <= innerHeight;
})"""


def ask(page):
    """Ask until a frame is taken: one that was just being judged may be refused as too old or unsure."""
    for _ in range(20):
        page.click("[data-ask=reference]")
        page.wait_for_function(ANSWERED)
        if page.locator("#question").is_visible():
            return
        page.wait_for_timeout(300)
    pytest.fail(page.locator("#answer").inner_text())


def test_a_frame_is_shown_confirmed_and_used(browser, tmp_path):
    with running(tmp_path / "s", control=True) as run:
        seen = Watched(browser)
        page = seen.page
        page.goto(run.url)
        page.wait_for_selector("body:not([data-beam=none])")
        page.fill("#operator", "Anna")
        page.click("#hold")
        page.locator("#why", has_text="Held by the operator").wait_for()
        page.wait_for_timeout(700)
        ask(page)
        page.wait_for_selector("#new-reference:visible")
        words = page.locator("#new-words").inner_text()
        assert "becomes the reference, with the target" in words
        assert "the envelope stays where it is" in words
        assert serious_faults(page) == []
        # What is to be confirmed and where are in view together.
        assert page.evaluate(IN_VIEW)
        kept_screenshot(page, "console-new-reference")
        page.click("#question-yes")
        page.locator("#answer", has_text="reference by Anna (typed").wait_for()
        page.wait_for_selector("#new-reference", state="hidden")
        page.click("[data-ask=release]")
        page.wait_for_selector("body[data-beam=on]")
        assert seen.complaints == []
        page.close()
    (event,) = [one for one in events(tmp_path / "s", "reference") if one["values"]["accepted"]]
    assert event["values"]["operator"].startswith("Anna (typed")
