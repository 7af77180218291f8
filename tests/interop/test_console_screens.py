"""The page in each state at each size: pictures to look at, Hold in reach, nothing cut, covered or moved.

The states come from `tests.support.console_states`, not from running sessions. The pictures are kept in `.artefacts`.
"""

import pytest

from gatekeeper.core.decision import Reason
from gatekeeper.session.phases import Phase
from tests.support.browser import Watched, serious_faults
from tests.support.console_states import MANY, ShownSession, served
from tests.support.consoles import kept_screenshot

pytestmark = pytest.mark.slow

SIZES = {"wide": (1920, 1080), "laptop": (1366, 768), "tablet": (768, 1024), "phone": (390, 844)}
TOLD = ["mode", "name", "phase", "clock", "language", "theme", "help", "word", "why", "next", "alarm-tier", "hold"]
FAULTS = """(told) => {
  const faults = [], at = (id) => document.getElementById(id), box = (one) => one.getBoundingClientRect();
  const wide = document.documentElement.scrollWidth, hold = box(at("hold")), cine = box(at("cine")).height;
  if (wide > innerWidth) faults.push(`the page is ${wide} px wide`);
  if (hold.height < 64) faults.push("Hold is low");
  if (hold.top < 0 || hold.left < 0 || hold.bottom > innerHeight || hold.right > innerWidth) faults.push("no Hold");
  if (cine < 0.6 * innerHeight) faults.push(`the cine is ${cine} px high`);
  const seen = told.map(at).filter((one) => one.checkVisibility() && one.textContent && box(one).height);
  const isOn = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
  seen.forEach((one, i) => seen.slice(i + 1).forEach((other) => {
    if (isOn(box(one), box(other))) faults.push(`${one.id} lies on ${other.id}`);
  }));
  const parts = [...seen, at("says"), ...document.querySelectorAll(".tiles b, .tools button, #question dd")];
  for (const one of parts.filter((part) => part.checkVisibility())) {
    const cut = one.clientWidth && one.scrollWidth > one.clientWidth + 1 && one.id !== "name";
    if (cut || box(one).right > innerWidth + 1) faults.push(`${one.id || one.textContent} is cut`);
  }
  if (at("says").scrollHeight > at("says").clientHeight + 1) faults.push("the reasons are cut");
  return faults;
}"""
FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
PLACES = """() => ["hold", "beam"].map((id) => {
  const {top, left, width, height} = document.getElementById(id).getBoundingClientRect();
  return [top, left, width, height];
})"""
SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  const [hold, beam] = ["hold", "beam"].map((id) => document.getElementById(id));
  for (const shift of list.getEntries()) for (const {node} of shift.sources ?? []) {
    const moves = node?.contains?.(beam) || node?.contains?.(hold) || hold.contains(node);
    if (moves) window.shifts.push(node.id || node.nodeName);
  }
}).observe({type: "layout-shift", buffered: true});
"""


class Screens:
    """A page that is looked at in each state and size."""

    def __init__(self, page):
        self.page, self.faults = page, []

    def look(self, name, sizes=tuple(SIZES)):
        """Keep a picture in each size, and note what is wrong; return the places of Hold and beam by size."""
        places = {}
        for size in sizes:
            width, height = SIZES[size]
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.evaluate(FRAMES)
            self.faults += [f"{name}-{size}: {fault}" for fault in self.page.evaluate(FAULTS, TOLD)]
            places[size] = self.page.evaluate(PLACES)
            kept_screenshot(self.page, f"screen-{name}-{size}")
        return places

    def change(self, feed, reasons):
        """Let reasons come and go at each size, and note whether Hold or the beam moves."""
        for size, (width, height) in SIZES.items():
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.evaluate(FRAMES)
            self.page.evaluate("() => { window.shifts = []; }")
            for one in reasons.values():
                before = self.page.evaluate("document.body.dataset.count")
                feed.decide(*one)
                self.page.wait_for_function("(old) => document.body.dataset.count !== old", arg=before)
            self.page.evaluate(FRAMES)
            self.faults += [f"{size}: {one} moves" for one in self.page.evaluate("window.shifts")]


def test_each_state_is_whole_at_each_size_and_hold_stays_where_it_is(browser):
    feed = ShownSession()
    with served(feed, control=True) as url:
        seen = Watched(browser, locale="en-GB")
        page = seen.page
        page.add_init_script(SHIFTS)
        page.goto(url)
        page.wait_for_selector("body[data-mode=live]")
        screens = Screens(page)
        screens.look("connecting", ["laptop"])
        feed.enter(Phase.CONNECT)
        page.locator("#phase", has_text="connect").wait_for()
        places = [screens.look("connect", ["laptop", "phone"])]
        feed.draw()
        page.wait_for_selector("body[data-phase=drawing]")
        screens.look("drawing")
        feed.enter(Phase.READY)
        feed.decide(Reason.NOT_ARMED, count=8)
        page.wait_for_selector("body[data-phase=ready]")
        page.fill("#operator", "Anna Berg")
        page.click("[data-ask=arm]")
        page.locator("#question", has_text="Arm the gate?").wait_for()
        assert "gate.outside_percent10 (default 5)" in page.locator("#question .differs").inner_text().replace("\n", "")
        screens.look("arm")
        assert serious_faults(page) == []
        page.click("#question-yes")
        page.locator("#answer", has_text="arm by Anna Berg").wait_for()
        assert feed.asked == [(["arm"], "Anna Berg")]
        feed.enter(Phase.DELIVERY)
        states = {
            "on": ((), "BEAM ENABLED"),
            "outside": ((Reason.OUTSIDE,), "Target outside envelope"),
            "many": (MANY, "Frame timeout"),
            "link": ((Reason.LINK_LOST,), "Linac does not answer"),
            "fault": ((Reason.ENGINE_FAULT, Reason.LOW_CONFIDENCE), "Tracking or gating failed"),
        }
        for name, (reasons, words) in states.items():
            feed.decide(*reasons, count=6, moved_mm=1.5 if reasons else 0.3, link=Reason.LINK_LOST not in reasons)
            page.locator("#state", has_text=words).wait_for()
            places.append(screens.look(name, SIZES if name in ("on", "many") else ["wide", "phone"]))
        feed.enter(Phase.PAUSED)
        feed.decide(Reason.OPERATOR_HOLD, count=4)
        page.locator("#why", has_text="Held by the operator").wait_for()
        places.append(screens.look("paused", ["laptop", "phone"]))
        screens.change(feed, {"one": (Reason.OUTSIDE,), "many": MANY, "none": (), "again": (Reason.RESUMING,)})
        page.emulate_media(color_scheme="dark")
        places.append(screens.look("dark", ["laptop", "phone"]))
        assert serious_faults(page) == []
        page.keyboard.press("?")
        places.append(screens.look("keys", ["laptop", "phone"]))
        page.keyboard.press("?")
        page.emulate_media(color_scheme="light")
        for size in SIZES:
            assert len({str(one[size]) for one in places if size in one}) == 1, f"Hold or beam moves at {size}"
        feed.enter(Phase.ENDED)
        page.wait_for_selector("body[data-mode=ended]")
        screens.look("ended", ["laptop", "phone"])
        feed.enter(Phase.DELIVERY)
        feed.decide(count=2)
        page.select_option("#language", "de")
        page.locator("#word", has_text="STRAHL FREI").wait_for()
        feed.decide(*MANY, count=2)
        page.locator("#why", has_text="Bild ausgeblieben").wait_for()
        screens.look("german-many")
        assert serious_faults(page) == []
        feed.lose()
        page.wait_for_selector("body[data-beam=none]", timeout=8000)
        screens.look("lost", ["laptop", "phone"])
        assert seen.complaints == []
        page.close()
    assert screens.faults == [], "\n".join(screens.faults)
