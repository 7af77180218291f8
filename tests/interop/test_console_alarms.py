"""Alarms of the page: tiers by shape, word and sound, in places that do not move."""

import pytest

from gatekeeper.core.decision import Reason
from tests.support.browser import Watched, serious_faults
from tests.support.consoles import kept_screenshot
from tests.support.staged_console import staged

pytestmark = pytest.mark.slow

TIERS = {
    "none": (),
    "information": (Reason.OUTSIDE, Reason.RESUMING),
    "low": (Reason.OUTSIDE, Reason.TOO_MANY_CYCLES),
    "medium": (Reason.LOW_CONFIDENCE, Reason.OUTSIDE, Reason.BASELINE_DRIFT, Reason.CANNOT_PROMISE),
    "high": (Reason.OUTSIDE, Reason.LINK_LOST),
}
MARKS = {"none": "", "information": "i", "low": "!", "medium": "!!", "high": "!!!"}
PLACES = """() => ["hold", "beam", "word", "alarm-tier", "cine"].map((id) => {
  const {x, y, width, height} = document.getElementById(id).getBoundingClientRect();
  return id === "word" ? [x] : [x, y, width, height];
})"""
CUT = """() => [...document.querySelectorAll("#beam *, #alarm-tier *")].filter((one) => {
  const box = one.getBoundingClientRect(), beam = document.getElementById("beam").getBoundingClientRect();
  const narrow = one.closest("#alarm-tier") && one.matches("button, b") && one.scrollWidth > one.clientWidth + 1;
  return box.width && (box.right > beam.right + 1 || box.bottom > beam.bottom + 1 || narrow);
}).map((one) => one.id || one.className || one.tagName)"""
BEATS = """async () => {
  const {Rhythm, BURSTS, PAUSE_S} = await import("/page/alarm-sound.js");
  const rhythm = new Rhythm(), heard = (tier, from, to) => {
    const found = [];
    for (let s = from; s < to; s += 0.2) if (rhythm.beat(tier, s)) found.push(Math.round(s));
    return found;
  };
  const off = heard("high", 0, 10);
  rhythm.on = true;
  const high = heard("high", 10, 30), information = heard("information", 30, 60), medium = heard("medium", 60, 80);
  rhythm.pause(80);
  const quiet = heard("medium", 80, 80 + PAUSE_S - 1), again = heard("medium", 80 + PAUSE_S, 80 + PAUSE_S + 2);
  rhythm.pause(300);
  heard("low", 300, 301);
  return {off, high: high.length, information, medium: medium.length, quiet, again: again.length,
    graver: heard("high", 301, 302).length, pulses: Object.values(BURSTS).map(({begin}) => begin.length)};
}"""


@pytest.fixture(scope="module")
def page(browser):
    with staged() as (stage, url):
        seen = Watched(browser)
        seen.page.goto(url)
        seen.page.wait_for_selector("body[data-beam=on]")
        seen.stage = stage
        yield seen
        seen.page.close()


def show(page, tier):
    page.stage.reasons = TIERS[tier]
    page.page.wait_for_selector(f"body[data-tier={tier}]")


@pytest.mark.parametrize("size", [(1920, 1080), (1366, 768), (1024, 768), (390, 844)], ids="{0[0]}".format)
def test_each_tier_has_its_mark_and_word_and_nothing_moves(page, size):
    page.page.set_viewport_size({"width": size[0], "height": size[1]})
    places, words = set(), set()
    for tier, mark in MARKS.items():
        show(page, tier)
        assert page.page.locator(".tier-shape").inner_text() == mark
        words.add(page.page.locator(".tier-word").inner_text())
        places.add(str(page.page.evaluate(PLACES)))
        assert page.page.evaluate(CUT) == []
        kept_screenshot(page.page, f"alarm-{tier}-{size[0]}")
    assert len(words) == len(MARKS)
    assert len(places) == 1
    # The most urgent reason is told first, with what to do about it; its ground is not that of a target outside.
    assert page.page.locator("#why").inner_text().startswith("Linac does not answer")
    assert page.page.locator("#next").inner_text() == "Check the receiver and its connection."
    high = page.page.evaluate("() => getComputedStyle(document.getElementById('beam')).backgroundImage")
    show(page, "information")
    assert page.page.evaluate("() => getComputedStyle(document.getElementById('beam')).backgroundImage") != high


def test_sound_is_off_until_it_is_turned_on_and_its_pause_counts_down(page):
    page.page.set_viewport_size({"width": 1366, "height": 768})
    show(page, "high")
    sound, pause = page.page.locator("#sound"), page.page.locator("#sound-pause")
    assert sound.get_attribute("aria-pressed") == "false"
    assert pause.is_disabled()
    sound.click()
    assert sound.inner_text() == "Sound on"
    pause.click()
    page.page.locator("#sound-pause", has_text="1:5").wait_for()
    assert serious_faults(page.page) == []
    pause.click()
    page.page.locator("#sound-pause", has_text="Pause").wait_for()
    sound.click()
    show(page, "none")
    assert serious_faults(page.page) == []
    assert page.page.evaluate(BEATS) == {
        "off": [], "high": 3, "information": [], "medium": 3, "quiet": [], "again": 1, "graver": 1,
        "pulses": [2, 3, 10],
    }  # fmt: skip


def test_a_page_without_news_raises_the_high_alarm(page):
    show(page, "information")
    page.stage.silent = True
    page.page.wait_for_selector("body[data-tier=high][data-beam=none]")
    page.stage.silent = False
    page.page.wait_for_selector("body[data-tier=information]")
    assert page.complaints == []
