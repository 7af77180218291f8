"""The target is drawn on the console's page in a real browser: what it shows there is what the session tracks."""

from contextlib import closing, contextmanager
from functools import partial

import numpy as np
import pytest

from gatekeeper.core.contour import Role
from gatekeeper.core.login import login_name
from gatekeeper.session.planned import NotDrawn, Planned
from replay.formats.session import open_session
from tests.support.browser import Watched, serious_faults
from tests.support.cases import breathing_case
from tests.support.consoles import kept_screenshot, running
from tests.support.live_sessions import drawn_plan_of, events, live_config, plan_of

pytestmark = pytest.mark.slow

SPOT = """async ([row, col]) => {
  const {cine} = await import("/page/app.js");
  const box = cine.canvas.getBoundingClientRect(), [x, y] = cine.at(cine.place(), row, col);
  return [box.left + x, box.top + y];
}"""
"""Where a place on the frame is on the screen."""
PIXELS = """async () => {
  const {cine} = await import("/page/app.js");
  const {mask} = cine.tool.overlay, {data} = mask.getContext("2d").getImageData(0, 0, mask.width, mask.height);
  const places = [...data].flatMap((value, place) => place % 4 === 3 && value > 0 ? [(place - 3) / 4] : []);
  return [mask.height, mask.width, places];
}"""
"""The pixels that are painted over the frame."""
FOUND = """async () => {
  const {cine} = await import("/page/app.js");
  const {found} = cine.tool.overlay.outliner, {points, shape, chosen} = cine.tool.sketch;
  return {points, shape, chosen, envelope: found?.envelope_px};
}"""
TARGET = breathing_case().first_mask
ROWS, COLS = np.nonzero(TARGET)
TOP, BOTTOM, LEFT, RIGHT = ROWS.min() - 0.5, ROWS.max() + 0.5, COLS.min() - 0.5, COLS.max() + 0.5
ROW, COL = 0.5 * (TOP + BOTTOM), 0.5 * (LEFT + RIGHT)
DIAMOND = [(TOP, COL), (ROW, RIGHT), (BOTTOM, COL), (ROW, LEFT)]
MARGIN_IS = "margin => document.getElementById('measured').textContent.includes(`margin ${margin} mm`)"
MEASURED_IS_NOT = "before => document.getElementById('measured').textContent !== before"


@pytest.fixture(scope="module")
def session(browser, tmp_path_factory):
    """A session that waits to be drawn, and is not."""
    with running(tmp_path_factory.mktemp("waits") / "s", control=True, plan_for=drawn_plan_of) as run:
        yield run


@contextmanager
def opened(browser, url, **options):
    """Open the page, and name the operator."""
    seen = Watched(browser, **options)
    try:
        seen.page.goto(url)
        seen.page.wait_for_selector("body[data-phase=drawing] #step:has-text('Next')")
        seen.page.fill("#operator", "Anna Berg")
        yield seen
    finally:
        seen.page.close()


@pytest.fixture
def page(browser, session):
    """A page with a frame that stands still."""
    with opened(browser, session.url) as seen:
        stands(seen.page)
        yield seen.page
        assert seen.complaints == []


def stands(page):
    """Take a frame, unless another page has done so."""
    if page.locator("#polygon").is_disabled():
        page.click("#take")
    page.wait_for_selector("#polygon:enabled")


def click(page, spot, count=1):
    page.mouse.click(*page.evaluate(SPOT, list(map(float, spot))), click_count=count)


def drag(page, start, end):
    page.mouse.move(*page.evaluate(SPOT, list(map(float, start))))
    page.mouse.down()
    page.mouse.move(*page.evaluate(SPOT, list(map(float, end))), steps=5)
    page.mouse.up()


def is_told(page, state):
    page.wait_for_selector(f"#drawing[data-outline={state}]")


def pixels(page):
    """Return the mask that is painted over the frame."""
    rows, cols, places = page.evaluate(PIXELS)
    mask = np.zeros(rows * cols, dtype=np.bool_)
    mask[places] = True
    return mask.reshape(rows, cols)


def draw_diamond(page, close=True):
    page.click("#polygon")
    for spot in DIAMOND:
        click(page, spot)
    if close:
        click(page, DIAMOND[0])
        is_told(page, "fresh")


def draw_ellipse(page):
    page.click("#ellipse")
    drag(page, (TOP, LEFT), (BOTTOM, RIGHT))
    is_told(page, "fresh")


def overlap(one, other):
    return 2.0 * (one & other).sum() / (one.sum() + other.sum())


def test_a_polygon_is_drawn_by_clicks_and_its_pixels_are_shown(page):
    draw_diamond(page)
    rows, cols = np.indices(TARGET.shape)
    middle, half = np.mean(DIAMOND, axis=0), (0.5 * (BOTTOM - TOP), 0.5 * (RIGHT - LEFT))
    far = np.abs(rows - middle[0]) / half[0] + np.abs(cols - middle[1]) / half[1]
    assert overlap(pixels(page), far <= 1.0) > 0.93
    assert "cm²" in page.locator("#measured").inner_text()
    kept_screenshot(page, "drawing-polygon")


@pytest.mark.slow
def test_a_polygon_is_closed_by_enter_and_by_a_double_click_as_well(page):
    for close in (lambda: page.keyboard.press("Enter"), lambda: click(page, (TOP, LEFT), 2)):
        draw_diamond(page, close=False)
        close()
        is_told(page, "fresh")
        page.click("#clear")
        is_told(page, "none")


@pytest.mark.slow
def test_an_ellipse_is_dragged_and_covers_the_target(page):
    draw_ellipse(page)
    assert overlap(pixels(page), TARGET) > 0.93
    found = page.evaluate(FOUND)
    assert (len(found["points"]), found["shape"]) == (48, "ellipse")


@pytest.mark.slow
def test_a_point_that_is_dragged_changes_the_pixels_and_can_be_undone(page):
    draw_diamond(page)
    before, said = pixels(page), measured(page)
    drag(page, DIAMOND[0], (TOP - 6.0, DIAMOND[0][1]))
    page.wait_for_function(MEASURED_IS_NOT, arg=said)
    is_told(page, "fresh")
    after = pixels(page)
    assert after.sum() > before.sum()
    assert not after[: int(TOP) - 6].any()
    assert after[int(TOP) - 3].any()
    page.click("#undo")
    is_told(page, "fresh")
    assert np.array_equal(pixels(page), before)
    page.click("#redo")
    is_told(page, "fresh")
    assert np.array_equal(pixels(page), after)


def measured(page):
    return page.locator("#measured").inner_text()


@pytest.mark.slow
def test_an_edge_that_is_clicked_gets_a_point_and_delete_takes_it_out(page):
    draw_diamond(page)
    drag(page, np.mean(DIAMOND[:2], axis=0), (TOP, RIGHT))
    assert len(page.evaluate(FOUND)["points"]) == 5
    page.locator("#cine").press("Delete")
    assert len(page.evaluate(FOUND)["points"]) == 4


@pytest.mark.slow
def test_arrow_keys_move_the_chosen_point_by_half_a_pixel(page):
    draw_diamond(page)
    page.locator("#cine").press("n")
    row, col = page.evaluate(FOUND)["points"][0]
    for key in ("ArrowUp", "ArrowRight", "ArrowRight"):
        page.locator("#cine").press(key)
    assert page.evaluate(FOUND)["points"][0] == pytest.approx([row - 0.5, col + 1.0])


@pytest.mark.slow
def test_everything_can_be_drawn_by_keys_alone(page):
    page.click("#ellipse")
    canvas = page.locator("#cine")
    canvas.press(" ")
    canvas.press(" ")
    for _ in range(8):
        canvas.press("ArrowDown")
        canvas.press("ArrowRight")
    canvas.press(" ")
    is_told(page, "fresh")
    assert pixels(page).sum() == pytest.approx(np.pi * 16.0, rel=0.2)


@pytest.mark.slow
def test_the_margin_moves_the_envelope(page):
    draw_ellipse(page)
    reach = []
    for margin_mm in ("2", "9"):
        page.fill("#draw-margin", margin_mm)
        page.wait_for_function(MARGIN_IS, arg=margin_mm)
        is_told(page, "fresh")
        reach.append(np.ptp(np.array(page.evaluate(FOUND)["envelope"])[:, 0]) * breathing_case().spacing_mm[0])
    assert reach[1] - reach[0] == pytest.approx(14.0, abs=0.1)
    page.fill("#draw-margin", "77")
    is_told(page, "refused")
    assert page.locator("#use-target").is_disabled()


@pytest.mark.slow
def test_an_outline_that_crosses_itself_is_refused_in_words(page):
    page.click("#polygon")
    for spot in (DIAMOND[0], DIAMOND[2], DIAMOND[1], DIAMOND[3]):
        click(page, spot)
    page.keyboard.press("Enter")
    is_told(page, "refused")
    assert "crosses itself" in measured(page)
    assert page.locator("#use-target").is_disabled()
    kept_screenshot(page, "drawing-refused")


@pytest.mark.slow
def test_the_sketch_is_still_there_when_the_page_is_loaded_again(page):
    draw_diamond(page)
    before = pixels(page)
    page.reload()
    is_told(page, "fresh")
    assert np.array_equal(pixels(page), before)


@pytest.mark.slow
def test_the_wheel_zooms_while_drawing_and_places_stay_where_they_are(page):
    draw_diamond(page)
    before = page.evaluate(FOUND)["points"]
    x, y = page.evaluate(SPOT, [float(TOP), float(LEFT)])
    page.mouse.move(x, y)
    page.mouse.wheel(0, -600)
    page.click("#polygon")
    click(page, (TOP, LEFT))
    assert page.evaluate(FOUND)["points"][0] == pytest.approx([TOP, LEFT], abs=0.3)
    page.click("#undo")
    assert page.evaluate(FOUND)["points"] == before


@pytest.mark.slow
def test_without_a_name_nothing_is_asked_for(page):
    draw_ellipse(page)
    page.fill("#operator", " ")
    page.click("#use-target")
    page.click("#use-target")
    assert "your name" in page.locator("#draw-answer").inner_text()


@pytest.mark.slow
@pytest.mark.parametrize("width", [1240, 900])
def test_drawing_follows_the_accessibility_rules(browser, session, width):
    with opened(browser, session.url) as seen:
        seen.page.set_viewport_size({"width": width, "height": 900})
        stands(seen.page)
        draw_ellipse(seen.page)
        assert serious_faults(seen.page) == []
        kept_screenshot(seen.page, f"drawing-ellipse-{width}")
        assert seen.page.locator("#word").inner_text() == "HOLD"
        assert "being drawn" in seen.page.locator("#why").inner_text()
        assert seen.complaints == []


@pytest.mark.slow
def test_a_page_without_control_says_that_others_draw(browser, tmp_path):
    with running(tmp_path / "s", plan_for=drawn_plan_of) as run:
        seen = Watched(browser)
        seen.page.goto(run.url)
        seen.page.wait_for_selector("#step:has-text('drawn elsewhere')")
        assert not seen.page.locator("#draw-tools").is_visible()
        assert serious_faults(seen.page) == []
        seen.page.close()


@pytest.mark.slow
def test_what_was_shown_is_what_the_session_tracks_and_the_journal_says_who_drew_it(browser, tmp_path):
    with running(tmp_path / "s", control=True, plan_for=drawn_plan_of) as run, opened(browser, run.url) as seen:
        page, patient = seen.page, Watched(browser).page
        patient.goto(run.console.patient_url)
        patient.wait_for_selector("body[data-said=preparing]")
        page.wait_for_selector("body[data-margin='5']")
        stands(page)
        draw_ellipse(page)
        drag(page, page.evaluate(FOUND)["points"][0], (TOP - 2.0, COL))
        page.fill("#draw-margin", "4")
        page.wait_for_function(MARGIN_IS, arg="4")
        is_told(page, "fresh")
        shown, points = pixels(page), page.evaluate(FOUND)["points"]
        page.click("#use-target")
        assert "again" in page.locator("#use-target").inner_text()
        page.click("#use-target")
        page.wait_for_selector("body[data-phase=delivery][data-beam=on]")
        assert not page.locator("#drawing").is_visible()
        for one in (page, patient):
            one.wait_for_selector("body[data-margin='4']")
        patient.close()
        kept_screenshot(page, "drawing-over")
        assert seen.complaints == []
    [told] = [event["values"] for event in events(tmp_path / "s", "target")]
    assert (told["operator"], told["shape"], told["margin_mm"], told["points_px"]) == (
        f"Anna Berg (typed; login {login_name()})",
        "adjusted",
        4.0,
        points,
    )
    with closing(open_session(tmp_path / "s")) as kept:
        assert np.array_equal(kept.setup.target_mask, shown)
        assert kept.config().envelope.margin_mm == 4.0


@pytest.mark.slow
def test_an_outline_that_is_known_is_offered_to_be_adjusted(browser, tmp_path):
    adjusts = live_config(target={"kind": "mask", "file": "known.mha", "adjust": True})
    with (
        running(tmp_path / "s", control=True, plan_for=partial(plan_of, config=adjusts)) as run,
        opened(browser, run.url) as seen,
    ):
        is_told(seen.page, "fresh")
        assert np.array_equal(pixels(seen.page), TARGET)
        assert seen.page.locator("#another").is_disabled()
        seen.page.locator("#frame", has_text="reference image").wait_for()
        kept_screenshot(seen.page, "drawing-adjust")


@pytest.mark.slow
def test_preview_report_is_shown_before_arming(browser, tmp_path):
    learns = live_config(preview={"seconds": 4.5})
    with running(tmp_path / "s", control=True, arm_by=None, plan_for=partial(plan_of, config=learns)) as run:
        seen = Watched(browser)
        seen.page.goto(run.url)
        seen.page.wait_for_selector("body[data-phase=ready] #preview", timeout=60_000)
        assert "Preview: GO" in seen.page.locator("#preview-word").inner_text()
        told = seen.page.locator("#preview-lines").inner_text()
        assert "search" in told
        assert "suggested" in told
        assert serious_faults(seen.page) == []
        kept_screenshot(seen.page, "preview")
        seen.page.close()


def test_several_structures_are_drawn_one_after_the_other(browser, tmp_path):
    with running(tmp_path / "s", control=True, plan_for=several_drawn_plan_of) as run, opened(browser, run.url) as seen:
        page = seen.page
        stands(page)
        names = page.locator("#draw-which button")
        assert names.all_inner_texts() == ["target", "node", "bowel, optional"]
        # The optional one is first, as the session begins with the last that is required.
        assert page.locator("#draw-which [aria-pressed=true]").inner_text() == "bowel, optional"
        assert page.locator("#draw-margin").is_hidden()
        ellipse(page, (16.0, 31.0), 4.0)
        assert "margin" not in page.locator("#measured").inner_text()
        confirm_outline(page)
        page.wait_for_selector("#draw-which button:has-text('bowel ✔')")
        assert page.locator("#draw-which [aria-pressed=true]").inner_text() == "target"
        names.nth(1).click()
        assert page.input_value("#draw-margin") == "3"
        ellipse(page, (30.0, 12.0), 5.0)
        page.wait_for_selector("#step:has-text('still to draw: target')")
        kept_screenshot(page, "drawing-several")
        assert serious_faults(page) == []
        confirm_outline(page)
        page.wait_for_selector("#draw-which button:has-text('node ✔')")
        draw_diamond(page)
        page.wait_for_selector("#step:has-text('the session begins with it')")
        confirm_outline(page)
        page.wait_for_selector("body:not([data-phase=drawing]) #structures:not([hidden])")
        assert page.locator("#structure-list b").all_inner_texts() == ["target", "node", "bowel"]
        assert seen.complaints == []


def test_an_outline_waits_while_another_structure_is_drawn(browser, tmp_path):
    with running(tmp_path / "s", control=True, plan_for=several_drawn_plan_of) as run, opened(browser, run.url) as seen:
        page = seen.page
        stands(page)
        ellipse(page, (16.0, 31.0), 4.0)
        points = page.evaluate(FOUND)["points"]
        page.locator("#draw-which button").nth(0).click()
        page.wait_for_selector("#step:has-text('Next: draw target')")
        page.locator("#draw-which button").nth(2).click()
        is_told(page, "fresh")
        assert page.evaluate(FOUND)["points"] == points
        assert seen.complaints == []


def ellipse(page, center, radius_px):
    """Drag an ellipse, and wait for its preview."""
    page.click("#ellipse")
    drag(page, (center[0] - radius_px, center[1] - radius_px), (center[0] + radius_px, center[1] + radius_px))
    is_told(page, "fresh")


def confirm_outline(page):
    """Use the outline, which takes two clicks."""
    page.click("#use-target")
    page.click("#use-target")


def several_drawn_plan_of(case, **values):
    """Return a plan whose two targets, and an organ that is optional, are drawn."""
    by_hand = {"kind": "drawn"}
    config = live_config(
        target=[by_hand, {**by_hand, "name": "node", "margin_mm": 3.0}],
        oar=[{**by_hand, "name": "bowel", "required": False}],
    )
    planned = (
        Planned(NotDrawn("node"), Role.TARGET, by_hand=True),
        Planned(NotDrawn("bowel"), Role.AVOID, required=False, by_hand=True),
    )
    return plan_of(case, config, **{"target": None, "reference": None, "structures": planned, **values})
