"""A frame is shown on the console's page, confirmed there in a real browser, and becomes the reference."""

import pytest

from tests.support.browser import Watched, serious_faults
from tests.support.consoles import kept_screenshot, running
from tests.support.live_sessions import events

pytestmark = pytest.mark.slow

ANSWERED = "() => !document.getElementById('answer').textContent.startsWith('…')"
IN_VIEW = """() => ["new-cine", "confirm-word"].every((id) => {
  const {top, bottom} = document.getElementById(id).getBoundingClientRect();
  const panel = document.getElementById("panel").getBoundingClientRect();
  return top >= panel.top && bottom <= panel.bottom;
})"""


def ask(page):
    """Ask until a frame is taken: one that was just being judged may be refused as too old or unsure."""
    for _ in range(20):
        page.click("[data-ask=reference]")
        page.wait_for_function(ANSWERED)
        if page.locator("#confirm").is_visible():
            return
        page.wait_for_timeout(300)
    pytest.fail(page.locator("#answer").inner_text())


def confirm(page):
    """Confirm until the tracker is prepared."""
    for _ in range(40):
        page.fill("#confirm-word", "confirm")
        page.click("#confirm button")
        page.wait_for_function(ANSWERED)
        answer = page.locator("#answer").inner_text()
        if "confirm it again" not in answer:
            return answer
        page.wait_for_selector("#confirm:visible")
    return pytest.fail(answer)


def test_a_frame_is_shown_confirmed_and_used(browser, tmp_path):
    with running(tmp_path / "s", control=True) as run:
        seen = Watched(browser)
        page = seen.page
        page.goto(run.url)
        page.wait_for_selector("body:not([data-beam=none])")
        page.fill("#operator", "Anna")
        page.click("[data-ask=hold]")
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
        answer = confirm(page)
        assert answer.startswith("reference by Anna (typed")
        page.wait_for_selector("#new-reference", state="hidden")
        page.click("[data-ask=release]")
        page.wait_for_selector("body[data-beam=on]")
        assert seen.complaints == []
        page.close()
    (event,) = [one for one in events(tmp_path / "s", "reference") if one["values"]["accepted"]]
    assert event["values"]["operator"].startswith("Anna (typed")
