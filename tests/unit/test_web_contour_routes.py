"""Who may draw is heard, what an outline comes to is answered beside the session, and nothing is loaded before."""

import asyncio
import json
import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest

from gatekeeper.display.web.access import Access
from gatekeeper.display.web.contour_preview import MOST_WAITING, NOTHING_TO_DRAW_ON, TOO_MANY, ContourPreview, runs_of
from gatekeeper.display.web.contour_routes import drawing_routes
from gatekeeper.display.web.live_feed import LARGEST, LiveFeed
from gatekeeper.display.web.message import packed
from gatekeeper.display.web.seqlock import Seqlock
from gatekeeper.display.web.server import LARGEST_REQUEST, make_app
from gatekeeper.session.contouring.outline import region_of
from tests.support.contours import mask_of
from tests.support.web_client import BEARER, HOST, LOCKED, ORIGIN, TestClient, Told

SQUARE_PX = [[9.5, 9.5], [9.5, 19.5], [19.5, 19.5], [19.5, 9.5]]
SHAPE, SPACING_MM = (40, 30), (2.0, 1.5)


class Drawn(Told):
    """A session that answers with what was drawn."""

    async def draw(self, draw, operator, login):
        self.asked.append((draw, operator, login))
        return False, f"not for {operator}"


class Put:
    """A slot with a view in it."""

    def __init__(self, **head):
        image = {"image": np.zeros(SHAPE, np.float32)} if head else {}
        self.view = packed({"spacing_mm": SPACING_MM, **head}, image)

    def get(self):
        return 2, self.view


DRAWING = Put(draw={"taken": True})


def client(session=None, slot=DRAWING, access=LOCKED):
    session = Drawn() if session is None else session
    return TestClient(make_app(session, access, drawing_routes(session, ContourPreview(slot), access)), base_url=HOST)


def posted(path, values, **how):
    return client(**how).post(path, headers={**ORIGIN, **BEARER}, json=values).json()


def test_an_outline_is_answered_with_the_mask_the_envelope_and_the_area_of_the_session():
    answer = posted("/outline", {"points_px": SQUARE_PX, "margin_mm": 5.0})
    region = region_of(np.array(SQUARE_PX), 5.0, SHAPE, SPACING_MM)
    assert np.array_equal(mask_of(answer), region.mask)
    np.testing.assert_allclose(answer["envelope_px"], region.envelope_px, atol=1e-3)
    assert (answer["accepted"], answer["area_mm2"], answer["shape"], answer["note"]) == (True, 300.0, [40, 30], "")


def test_an_organ_at_risk_has_no_envelope():
    answer = posted("/outline", {"points_px": SQUARE_PX, "margin_mm": None, "structure": "bowel"})
    assert (answer["accepted"], answer["envelope_px"]) == (True, [])


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({}, "give its points"),
        ({"points_px": SQUARE_PX, "margin_mm": "5"}, "margin_mm = '5'"),
        ({"points_px": SQUARE_PX[:2], "margin_mm": None, "structure": "bowel"}, "outline of bowel: has 2 points"),
        ({"margin_mm": 5.0}, "give its points"),
        ({"points_px": SQUARE_PX, "margin_mm": 51}, "margin_mm = 51"),
        ({"points_px": [[50, 1], [1, 1], [1, 20]], "margin_mm": 5}, "point 1 at row 50, column 1 is not on the image"),
    ],
)
def test_an_outline_that_will_not_do_is_answered_in_one_line(values, says):
    answer = posted("/outline", values)
    assert answer["accepted"] is False
    assert says in answer["note"]
    assert "\n" not in answer["note"]


def test_numbers_that_are_none_are_answered_too():
    body = b'{"points_px": [[NaN, 1], [1, 1], [1, 20]], "margin_mm": 5}'
    answer = client().post("/outline", headers={**ORIGIN, **BEARER}, content=body)
    assert "point 1 at row nan" in answer.json()["note"]
    body = body.replace(b"NaN", b"2").replace(b'": 5', b'": NaN')
    assert "margin_mm = nan" in client().post("/outline", headers={**ORIGIN, **BEARER}, content=body).json()["note"]


@pytest.mark.parametrize("slot", [Put(), Put(phase="delivery")])
def test_there_is_nothing_to_outline_unless_the_target_is_being_drawn(slot):
    answer = posted("/outline", {"points_px": SQUARE_PX, "margin_mm": 5.0}, slot=slot)
    assert answer == {"accepted": False, "note": NOTHING_TO_DRAW_ON}


def test_there_is_nothing_to_outline_before_the_first_view():
    memory = Seqlock.memory(1000)
    with closing(Seqlock(memory)) as slot:
        assert posted("/outline", {"points_px": SQUARE_PX, "margin_mm": 5.0}, slot=slot)["note"] == NOTHING_TO_DRAW_ON


def test_what_is_drawn_is_passed_on_with_who_drew_it():
    session = Drawn()
    answer = posted("/draw", {"operator": "Anna", "draw": {"take": True}}, session=session)
    assert answer == {"accepted": False, "note": "not for Anna"}
    assert session.asked == [({"take": True}, "Anna", None)]


@pytest.mark.parametrize("path", ["/outline", "/draw"])
def test_only_the_own_page_with_control_and_the_token_may_draw(path):
    session, asked = Drawn(), {"operator": "Anna", "draw": {"take": True}, "points_px": SQUARE_PX, "margin_mm": 5.0}
    open_client = client(session)
    for origin in ({}, {"origin": "http://evil.example"}, {"origin": "null"}):
        assert open_client.post(path, headers={**origin, **BEARER}, json=asked).status_code == 403
    for bearer in ({}, {"authorization": "Bearer wrong"}):
        assert open_client.post(path, headers={**ORIGIN, **bearer}, json=asked).status_code == 401
    only_shown = client(session, access=Access("127.0.0.1", control=False, token="secret"))
    assert only_shown.post(path, headers={**ORIGIN, **BEARER}, json=asked).status_code == 403
    assert open_client.get(path).status_code == 405
    large = b" " * (LARGEST_REQUEST + 1)
    assert open_client.post(path, headers={**ORIGIN, **BEARER}, content=large).status_code == 413
    assert session.asked == []


@pytest.mark.parametrize("body", [b"", b"[]", b'{"draw": {}}', b'{"operator": "A", "draw": []}', b'{"operator": 1}'])
def test_what_is_not_understood_is_not_passed_on(body):
    session = Drawn()
    assert client(session).post("/draw", headers={**ORIGIN, **BEARER}, content=body).status_code == 400
    assert session.asked == []


def test_outlines_are_answered_one_by_one_and_too_many_are_refused():
    async def all_at_once():
        outlining = ContourPreview(DRAWING)
        asked = [outlining.outline(SQUARE_PX, 5.0) for _ in range(MOST_WAITING + 3)]
        return await asyncio.gather(*asked)

    answers = asyncio.run(all_at_once())
    assert [one["accepted"] for one in answers] == [True] * MOST_WAITING + [False] * 3
    assert answers[-1]["note"] == TOO_MANY


@pytest.mark.parametrize("seed", range(5))
def test_runs_are_the_pixels_of_a_mask(seed):
    mask = np.random.default_rng(seed).random((7, 9)) < 0.5
    assert np.array_equal(mask_of({"runs": runs_of(mask), "shape": [7, 9]}), mask)
    assert runs_of(np.zeros((3, 4), np.bool_)) == []
    assert runs_of(np.ones((3, 4), np.bool_)) == [[0, 12]]


def test_what_is_too_long_for_the_session_is_refused_and_not_cut():
    class Link:
        sent = ()

    async def asked():
        return await LiveFeed(None, Link(), {}).draw({"points_px": [[0.25, 0.25]] * LARGEST}, "Anna", None)

    accepted, note = asyncio.run(asked())
    assert not accepted
    assert f"the limit is {LARGEST}" in note


def test_the_consoles_process_loads_nothing_heavy_before_drawing():
    code = (
        "import asyncio, json, sys; import gatekeeper.display.web.__main__;"
        "from gatekeeper.display.web.contour_preview import ContourPreview;"
        "heavy = {'numba', 'scipy', 'skimage', 'shapely', 'pydantic', 'gatekeeper.session.arming'};"
        "before = sorted(heavy & set(sys.modules));"
        "asyncio.run(ContourPreview(None).warm_up());"
        "print(json.dumps([before, sorted(heavy & set(sys.modules))]))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, after = json.loads(found.stdout)
    assert before == []
    assert after == ["numba", "pydantic", "scipy", "shapely", "skimage"]
