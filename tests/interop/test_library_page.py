"""The library in a browser: list, filter, compare, open, and a dropped recording on its way to its review."""

import subprocess
import sys
import zipfile

import pytest

from gatekeeper.config import CourseConfig, SessionConfig
from replay.formats.trackrad import write_case
from tests.support.browser import Watched, serious_faults
from tests.support.cases import breathing_case
from tests.support.consoles import kept_screenshot
from tests.support.sessions import recorded

pytestmark = pytest.mark.slow

WAIT_MS = 60_000
SIZES = [(390, 844), (1366, 768), (1920, 1080)]
CUT = "document.documentElement.scrollWidth <= innerWidth"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("library")
    for fraction in (1, 2):
        config = SessionConfig(course=CourseConfig(label="PT-017", fraction=fraction, fractions=5))
        recorded(root / "course" / f"fraction-{fraction}", breathing_case(frames=20 * fraction, rate_hz=8.0), config)
    return root


@pytest.fixture(scope="module")
def dropped(tmp_path_factory):
    """Return an archive that is called after a person."""
    root = tmp_path_factory.mktemp("dropped")
    case, path = write_case(breathing_case(frames=16), root / "P_001"), root / "Doe_Jane.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in case.rglob("*.*"):
            archive.write(file, f"Doe_Jane/{file.relative_to(case)}")
    return path


@pytest.fixture(scope="module")
def url(folder):
    words = [sys.executable, "-c", "from gatekeeper.cli import main; main()", "console", str(folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().removeprefix("console  ").strip()
        process.terminate()
        assert process.wait(30.0) in (0, -15)


def accessible(page, name):
    """Nothing keeps people out, and nothing is wider than the page."""
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate(CUT), f"{name} at {width} px"
        kept_screenshot(page, f"{name}-{width}")
    # Each page in the other scheme than the one before.
    dark = page.evaluate("!matchMedia('(prefers-color-scheme: dark)').matches")
    page.emulate_media(color_scheme="dark" if dark else "light")
    assert serious_faults(page) == []


@pytest.mark.usefixtures("undrawn")
def test_sessions_are_found_compared_and_opened_and_a_dropped_recording_becomes_one(browser, url, folder, dropped):
    # axe is put into the page by the test, which the policy of the page would not let in.
    seen = Watched(browser, bypass_csp=True)
    page = seen.page
    page.set_default_timeout(WAIT_MS)
    page.goto(url)
    page.wait_for_selector("body[data-looked='2']")
    assert "#" not in page.url
    accessible(page, "library")
    page.fill("#text", "fraction-2")
    assert page.locator("#rows tr").count() == 1
    page.select_option("#verdict", "damaged")
    assert page.locator("#nothing").is_visible()
    page.click("#filters button")
    page.wait_for_selector("#rows tr:nth-child(2)")

    for number in (1, 2):
        page.check(f"#rows tr:nth-child({number}) input")
    page.click("#compare")
    page.wait_for_selector("body[data-ready]")
    accessible(page, "compare")
    page.fill(".side:first-child .scrub", "9")
    page.wait_for_selector(".side:last-child[data-index='9']")
    page.select_option("#link", "none")
    page.fill(".side:first-child .scrub", "3")
    page.wait_for_selector(".side:first-child[data-index='3']")
    assert page.get_attribute(".side:last-child", "data-index") == "9"
    page.click(".side:last-child .open")
    page.wait_for_selector("body[data-index='0']")

    page.goto(url.partition("#")[0])
    page.set_input_files("#file", dropped)
    page.wait_for_selector("#facts tr")
    page.check("input[value=draw]")
    page.wait_for_selector("#drawing[data-outline=none]")
    accessible(page, "wizard")
    box = page.locator("#cine").bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.click("#ellipse")
    page.mouse.move(middle[0] - 40, middle[1] - 40)
    page.mouse.down()
    page.mouse.move(middle[0] + 40, middle[1] + 40)
    page.mouse.up()
    page.wait_for_selector("#drawing[data-outline=fresh]")
    page.click("#use-target")
    page.click("#use-target")
    page.click("#go:not([disabled])")
    page.wait_for_selector("#see:not([hidden])")
    [made] = [path for path in folder.iterdir() if path.name != "course"]
    assert made.name.startswith("dropped-")
    assert "Doe" not in (made / "decisions.jsonl").read_text()
    page.click("#see")
    page.wait_for_selector("body[data-index='0']")
    assert seen.complaints == []
    page.close()
