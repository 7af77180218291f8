"""Run a real browser without a window for tests of pages: Debian's Chromium."""

import json
import shutil
from contextlib import contextmanager

import pytest

CHROMIUM = shutil.which("chromium")


@contextmanager
def chromium():
    """Yield a browser; skip where there is none."""
    if CHROMIUM is None:
        pytest.skip("Chromium is absent: Debian's package chromium brings it")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


class Watched:
    """A page, and everything that it complained about or asked for."""

    def __init__(self, browser, **options):
        self.page = browser.new_page(viewport={"width": 1240, "height": 900}, **options)
        self.complaints, self.requests = [], []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(error.stack or str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def _hear(self, message):
        if message.type == "error":
            self.complaints.append(message.text)


def seen_while(page, selector, look, still_ms=0.0):
    """What `look`, a function in JavaScript, tells while the page shows `selector`, `still_ms` after it came to.

    What changes while a test looks is looked at anew.
    """
    there = json.dumps(selector)
    for _ in range(20):
        page.wait_for_selector(selector)
        page.wait_for_timeout(still_ms)
        if told := page.evaluate(f"() => document.querySelector({there}) ? ({look})() : null"):
            return told
    return pytest.fail(f"{selector} never stayed")


def serious_faults(page):
    """What axe-core finds that would keep people out."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [f"{fault['id']}: {fault['help']}" for fault in found if fault["impact"] in ("serious", "critical")]
