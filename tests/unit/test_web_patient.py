"""The patient's page sees the patient's own position and what is asked, with a token that opens nothing else."""

import json
from importlib import resources

import numpy as np
import pytest

from gatekeeper.core.axes import AP, RL, SAGITTAL, Orientation
from gatekeeper.core.decision import BeamState, Reason
from gatekeeper.core.errors import InputError
from gatekeeper.core.phrases import NO_PHRASE, PHRASES
from gatekeeper.display.qr import qr_rows
from gatekeeper.display.web.access import Access
from gatekeeper.display.web.message import for_page, packed
from gatekeeper.display.web.patient_routes import patient_routes
from gatekeeper.display.web.patient_view import patient_hello, patient_view
from gatekeeper.display.web.serve import patient_url_of
from gatekeeper.display.web.server import make_app
from gatekeeper.display.web.trace_row import COLUMNS, axes_for_page, row_of, structure_row
from gatekeeper.operator.request import request_from_json
from tests.support.web_client import HOST, ORIGIN, TestClient, Told, WebSocketDenialResponse

LOCKED = Access("127.0.0.1", control=True, token="secret", patient_token="patient")
FACTS = {"outside_percent": 5.0, "confidence": 0.5, "breath_hold_s": 15.0, "breath_hold": "inhale", "name": "P_001"}
HEAD = {"phase": "delivery", "now_s": 4.0, "silent": False, "message": ["", 0.0], "window_mm": [-5.0, 7.0], "lines": []}


def bearer(token):
    return {"authorization": f"Bearer {token}"}


def seen(rows, arrays=(), **head):
    message = packed(HEAD | head, {"recent": np.array(rows).reshape(-1, len(COLUMNS)), **dict(arrays)})
    return json.loads(patient_view(for_page(message, 3, False), FACTS))


def row(number=0, t=4.0, si=-12.0, outside=0.0, confidence=0.9, reasons=()):
    return row_of(number, number, t, BeamState.HOLD, reasons, outside, np.nan, (si, 1.0), confidence)


def test_the_patients_token_shows_the_patients_views_and_nothing_else():
    told = Told()
    client = TestClient(make_app(told, LOCKED, patient_routes(told, LOCKED, "http://x/patient")), base_url=HOST)
    assert client.get("/patient/hello", headers=bearer("patient")).json()["mode"] == "live"
    for path in ("/hello", "/patient/address"):
        assert client.get(path, headers=bearer("patient")).status_code == 401
    asked = {"command": ["hold"], "operator": "Anna"}
    assert client.post("/ask", headers={**ORIGIN, **bearer("patient")}, json=asked).status_code == 401
    with pytest.raises(WebSocketDenialResponse) as refused:
        client.websocket_connect("ws://127.0.0.1:8080/views", ["token.patient"], headers=ORIGIN).__enter__()
    assert (refused.value.status_code, told.asked) == (401, [])
    for token in ("patient", "secret"):
        with client.websocket_connect("ws://127.0.0.1:8080/patient/views", [f"token.{token}"], headers=ORIGIN):
            pass
    for wrong in ("", "other"):
        assert client.get("/patient/hello", headers=bearer(wrong)).status_code == 401
    assert client.get("/patient/address", headers=bearer("secret")).json()["rows"] == qr_rows("http://x/patient")


def test_each_session_has_tokens_of_its_own_and_an_address_that_another_screen_can_open():
    one, other = Access.of("0.0.0.0", control=False), Access.of("0.0.0.0", control=False)  # noqa: S104
    assert len({one.token, one.patient_token, other.token, other.patient_token}) == 4
    assert len(one.patient_token) >= 22
    url = patient_url_of(one, 8080)
    assert url.endswith(f":8080/patient#token={one.patient_token}")
    assert "0.0.0.0" not in url  # noqa: S104
    assert patient_url_of(Access.of("127.0.0.1", control=False), 8080) == "http://127.0.0.1:8080/patient"


def test_the_patient_is_told_position_and_window_as_they_breathe_and_no_name():
    told = seen(
        [row(si=-12.0), row(1, si=np.nan)], structures=[{"name": "GTV of Anna", "limit": 2.0, "confidence": 0.5}]
    )
    assert told["window_mm"] == [-7.0, 5.0]
    assert [one[2] for one in told["rows"]] == [12.0, None]
    assert "Anna" not in json.dumps(told)
    assert patient_hello({"mode": "live", "facts": FACTS}) == {
        "mode": "live",
        "breath_hold_s": 15.0,
        "breath_hold": "inhale",
    }
    axial = Orientation("axial", AP, RL, SAGITTAL.rows)
    assert seen([row(si=-12.0)], axes=axes_for_page(axial))["rows"][0][2] == 12.0, "breathing in moves anterior"


@pytest.mark.parametrize(
    ("outside", "confidence", "inside"),
    [(2.0, 0.5, True), (2.1, 0.9, False), (0.0, 0.49, False), (np.nan, 0.9, False), (0.0, np.nan, False)],
)
def test_inside_is_measured_within_the_first_targets_own_limits(outside, confidence, inside):
    own = {"name": "GTV", "limit": 2.0, "confidence": 0.5}
    assert seen([row(outside=outside, confidence=confidence)], structures=[own])["rows"][0][3] is inside
    parts = np.array([[structure_row((0.0, 0.0), outside, confidence, ()), structure_row((0.0, 0.0), 90.0, 0.9, ())]])
    several = seen([row(outside=90.0, confidence=confidence)], {"structures": parts}, structures=[own, {}])
    assert several["rows"][0][3] is inside


def test_a_hold_is_wanted_only_while_the_beam_may_come():
    assert seen([row(reasons=[Reason.OUTSIDE, Reason.RESUMING])])["wanted"]
    assert not seen([row()], phase="ready")["wanted"]
    for reason in (Reason.OPERATOR_HOLD, Reason.NOT_ARMED, Reason.CLOCK_BACKWARDS):
        assert not seen([row(), row(1, reasons=[Reason.OUTSIDE, reason])])["wanted"]
    assert seen([])["rows"] == []


def test_every_phrase_has_a_text_in_each_language_of_the_patient_and_of_the_operator():
    folder = resources.files("gatekeeper.display.web") / "page" / "words"
    keys = {phrase.replace(" ", "-") for phrase in PHRASES}
    for code in ("en", "de", "fr", "es", "tr"):
        words = json.loads((folder / f"patient.{code}.json").read_text(encoding="utf-8"))
        assert {key.partition(".")[2] for key in words if key.startswith("say.")} == keys
    for code in ("en", "de"):
        words = json.loads((folder / f"{code}.json").read_text(encoding="utf-8"))
        assert {key.partition(".")[2] for key in words if key.startswith("phrase.")} == {*keys, NO_PHRASE}


def test_only_set_phrases_reach_the_patient():
    request = request_from_json(["message", "Well-done"], "kim", "terminal", "kim")
    assert (request.word, request.phrase) == ("message", "well done")
    with pytest.raises(InputError, match="'dear anna' is not a phrase; use one of soon, "):
        request_from_json(["message", "dear", "anna"], "kim", "terminal", "kim")
    with pytest.raises(InputError, match="no phrase is given; use one of"):
        request_from_json(["message"], "kim", "terminal", "kim")
