"""What-if over HTTP: the page may ask, nobody else; what makes no sense is refused in words."""

import threading

import pytest

from gatekeeper.config import SessionConfig
from gatekeeper.core.errors import RecordingError
from gatekeeper.display.web.access import Access
from gatekeeper.display.web.loading import Loading
from gatekeeper.display.web.recorded_feed import RecordedFeed
from gatekeeper.display.web.server import make_app
from gatekeeper.display.web.what_if_routes import NO_LIMITS, NOT_YET, what_if_route
from tests.support.waiting import until
from tests.support.web_client import TestClient

HOST = "http://127.0.0.1:8080"
ORIGIN = {"origin": HOST}


class Reviewed:
    """A review that answers with what it was asked, within the limits of the settings."""

    def what_if(self, asked):
        asked.on(SessionConfig(), ("GTV",), "judging again")
        return {"asked": [asked.of_all, asked.structures]}


def client(access=None, past=None):
    access, past = access or Access("127.0.0.1"), past or RecordedFeed(Reviewed())
    return TestClient(make_app(past, access, [what_if_route(past, access)]), base_url=HOST)


def asked(margin_mm=3, outside_percent=2.5, opened=None, headers=ORIGIN):
    body = {"margin_mm": margin_mm, "outside_percent": outside_percent}
    return (opened or client()).post("/what-if", json=body, headers=headers)


def test_the_page_is_answered():
    answer = asked()
    assert answer.status_code == 200
    assert answer.json() == {"accepted": True, "asked": [{"margin_mm": 3.0, "outside_percent": 2.5}, {}]}


def test_limits_of_single_structures_are_asked_by_their_names():
    structures = {"GTV": {"margin_mm": 3, "min_confidence": 0.7}, "bowel": {"overlap_mm2": 20}}
    answer = client().post("/what-if", json={"structures": structures}, headers=ORIGIN)
    assert answer.json() == {"accepted": True, "asked": [{}, structures]}
    assert client().post("/what-if", json={}, headers=ORIGIN).json()["asked"] == [{}, {}]


@pytest.mark.parametrize(
    "structures", [3, ["GTV"], {"GTV": 3}, {"GTV": {"margin_mm": "3"}}, {"GTV": {"margin_mm": None}}]
)
def test_limits_of_single_structures_that_are_no_numbers_are_refused(structures):
    answer = client().post("/what-if", json={"structures": structures}, headers=ORIGIN)
    assert (answer.status_code, answer.json()["note"]) == (400, NO_LIMITS)


@pytest.mark.parametrize("limits", [{"margin": 3}, {"margin_mm": -1}, {"min_confidence": 0}, {"overlap_mm2": 3}])
def test_limits_of_single_structures_that_make_no_sense_are_refused(limits):
    answer = client().post("/what-if", json={"structures": {"GTV": limits}}, headers=ORIGIN)
    assert answer.status_code == 400
    assert "structures.target.GTV" in answer.json()["note"]


@pytest.mark.parametrize("headers", [{}, {"origin": "http://elsewhere.example"}])
def test_a_page_of_another_origin_may_not_ask(headers):
    assert asked(headers=headers).status_code == 403


def test_without_a_token_what_if_is_refused():
    opened = client(Access("127.0.0.1", control=True, token="secret"))
    assert asked(opened=opened).status_code == 401
    assert asked(opened=opened, headers={**ORIGIN, "authorization": "Bearer wrong"}).status_code == 401
    assert asked(opened=opened, headers={**ORIGIN, "authorization": "Bearer secret"}).status_code == 200


@pytest.mark.parametrize("value", [None, "3", True, [3], {}])
def test_what_is_no_number_is_refused(value):
    for answer in (asked(margin_mm=value), asked(outside_percent=value)):
        assert answer.status_code == 400
        assert answer.json() == {"accepted": False, "note": NO_LIMITS}


@pytest.mark.parametrize(("margin_mm", "outside_percent"), [(-1, 5), (51, 5), (5, -0.1), (5, 101), (10**400, 5)])
def test_what_the_settings_do_not_allow_is_refused_in_one_line(margin_mm, outside_percent):
    answer = asked(margin_mm, outside_percent)
    assert answer.status_code == 400
    assert answer.json()["note"]
    assert "\n" not in answer.json()["note"]


@pytest.mark.parametrize(
    "text",
    ['{"margin_mm": NaN, "outside_percent": 5}', '{"margin_mm": 5, "outside_percent": Infinity}'],
)
def test_nan_and_infinity_are_refused(text):
    assert client().post("/what-if", content=text, headers=ORIGIN).status_code == 400


def test_before_a_session_is_tracked_there_is_no_answer():
    preparing = Loading(lambda on_frame: Reviewed())
    answer = asked(opened=client(past=preparing))
    assert (answer.status_code, answer.json()["note"]) == (503, NOT_YET)
    with preparing:
        until(lambda: asked(opened=client(past=preparing)).status_code != 503)
        assert asked(opened=client(past=preparing)).status_code == 200


def test_tracking_stops_at_the_next_frame_when_no_browser_waits():
    reached, leave = [], threading.Event()

    def make(on_frame):
        on_frame(1, 1000)
        reached.append(1)
        assert leave.wait(10.0)
        for done in range(2, 1001):
            on_frame(done, 1000)
            reached.append(done)
        return Reviewed()

    with Loading(make) as preparing:
        until(lambda: reached)
        assert preparing.hello() == {"kind": "hello", "mode": "preparing", "done": 1, "total": 1000}
        preparing._cancelled.set()
        leave.set()
    assert reached == [1]
    assert preparing.hello()["mode"] == "preparing", "there is no review"
    assert preparing.failure is None


def test_why_a_session_cannot_be_looked_at_is_said():
    told = []

    def make(_on_frame):
        raise RecordingError("session: no frame")

    with Loading(make, lambda: told.append(True)) as preparing:
        until(lambda: told)
        assert preparing.hello() == {"kind": "hello", "mode": "failed", "why": "session: no frame"}
