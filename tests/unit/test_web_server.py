"""The server gives the page to everybody, the session to those who may, and asks in the name of those who may ask."""

import json
from contextlib import ExitStack

import pytest
from starlette.applications import Starlette

from gatekeeper.display.web.access import Access
from gatekeeper.display.web.serve import MOST_SILENT, REQUEST_S, make_server
from gatekeeper.display.web.server import LARGEST_REQUEST, MOST_BROWSERS, make_app
from tests.support.web_client import BEARER, HOST, LOCKED, ORIGIN, TOKEN, TestClient, Told, WebSocketDenialResponse


def client(access=None, session=None, base_url=HOST):
    return TestClient(make_app(session or Told(), access or Access("127.0.0.1")), base_url=base_url)


def views(open_client, subprotocols=(), **headers):
    place = str(open_client.base_url).replace("http:", "ws:")
    return open_client.websocket_connect(f"{place}/views", subprotocols=list(subprotocols), headers=headers)


def refusal(open_client, *args, **headers):
    with pytest.raises(WebSocketDenialResponse) as refused, views(open_client, *args, **headers):
        pass
    return refused.value.status_code


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/patient",
        "/page/app.js",
        "/page/strip.js",
        "/page/console.css",
        "/page/colors.css",
        "/page/icon.svg",
        "/page/words/patient.tr.json",
    ],
)
def test_files_of_the_page_are_there_and_forbid_whatever_it_does_not_need(path):
    found = client().get(path)
    assert found.status_code == 200
    policy = found.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert found.headers["x-content-type-options"] == "nosniff"
    assert "http://" not in found.text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in found.text


def test_the_page_has_nothing_inline_that_the_policy_would_stop():
    for path in ("/", "/patient"):
        page = client().get(path).text
        assert " style=" not in page
        assert " onclick=" not in page
        assert "<style" not in page
        assert "<script>" not in page


@pytest.mark.parametrize(
    "name", ["..%2fserver.py", "server.py", "%2e%2e/auth.py", "nothing.js", "app.js/../../server.py"]
)
def test_no_other_file_is_given_out(name):
    assert client().get(f"/page/{name}").status_code == 404


def test_a_foreign_name_is_refused():
    for path in ("/", "/hello"):
        found = client(base_url="http://evil.example").get(path)
        assert found.status_code == 403
        assert "content-security-policy" in found.headers
    assert refusal(client(base_url="http://evil.example"), origin="http://evil.example") == 403


def test_a_page_of_another_origin_gets_no_views():
    assert refusal(client(), origin="http://evil.example") == 403
    assert refusal(client(), origin="http://127.0.0.1:9999") == 403
    assert refusal(client()) == 403


def test_views_come_one_by_one_as_they_are_asked_for():
    with views(client(), ["gatekeeper"], **ORIGIN) as link:
        for number in range(3):
            link.send_text(json.dumps({"after": number}))
            assert link.receive_bytes() == bytes([number])
        link.send_text(json.dumps({"text": "one"}))
        assert link.receive_text() == '{"text": "one"}'
        link.send_text(json.dumps({"over": True}))
        assert link.receive()["type"] == "websocket.close"


@pytest.mark.parametrize(
    "text", ["nonsense", "[]", "{}", '{"after": "x"}', '{"after": 1000}', '{"after": 1e999}', "[" * 4000]
)
def test_nonsense_ends_the_connection(text):
    with views(client(), ["gatekeeper"], **ORIGIN) as link:
        link.send_text(text)
        assert link.receive() == {"type": "websocket.close", "code": 1008, "reason": ""}


@pytest.mark.parametrize("brought", [[], ["gatekeeper"], ["gatekeeper", "token."], ["gatekeeper", "token.wrong"]])
def test_a_wrong_token_gets_401(brought):
    assert refusal(client(LOCKED), brought, **ORIGIN) == 401
    wrong = {"authorization": f"Bearer {brought[-1] if brought else ''}"}
    assert client(LOCKED).get("/hello", headers=wrong).status_code == 401
    assert client(LOCKED).post("/ask", headers={**ORIGIN, **wrong}, json={}).status_code == 401


def test_the_right_token_opens():
    open_client = client(LOCKED)
    assert open_client.get("/hello", headers=BEARER).json() == {"mode": "live", "facts": {}, "control": True}
    with views(open_client, TOKEN, **ORIGIN) as link:
        assert link.accepted_subprotocol == "gatekeeper"


def test_operators_are_heard_with_the_token_from_the_own_page():
    session = Told()
    asked = {"command": ["hold"], "operator": "Anna"}
    answer = client(LOCKED, session).post("/ask", headers={**ORIGIN, **BEARER}, json=asked)
    assert answer.json() == {"accepted": True, "note": "done for Anna"}
    assert session.asked == [(["hold"], "Anna", None)]


def test_requests_from_elsewhere_or_without_control_are_refused():
    session, asked = Told(), {"command": ["hold"], "operator": "Anna"}
    locked = client(LOCKED, session)
    for origin in ({}, {"origin": "http://evil.example"}, {"origin": "null"}):
        assert locked.post("/ask", headers={**origin, **BEARER}, json=asked).status_code == 403
    only_shown = client(Access("127.0.0.1", control=False, token="secret"), session)
    assert only_shown.post("/ask", headers={**ORIGIN, **BEARER}, json=asked).status_code == 403
    assert locked.get("/ask").status_code == 405
    assert session.asked == []


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"nonsense", b'{"command": "hold", "operator": "A"}', b'{"command": [1]}', b"[" * 9000]
)
def test_what_is_not_understood_is_not_asked(body):
    session = Told()
    answer = client(LOCKED, session).post("/ask", headers={**ORIGIN, **BEARER}, content=body)
    assert answer.status_code == 400
    assert session.asked == []


def test_too_much_is_refused():
    answer = client(LOCKED).post("/ask", headers={**ORIGIN, **BEARER}, content=b" " * (LARGEST_REQUEST + 1))
    assert answer.status_code == 413


def test_only_so_many_browsers_look_at_once():
    with client() as open_client:
        with ExitStack() as links:
            for _ in range(MOST_BROWSERS):
                links.enter_context(views(open_client, ["gatekeeper"], **ORIGIN))
            assert refusal(open_client, ["gatekeeper"], **ORIGIN) == 503
        with views(open_client, ["gatekeeper"], **ORIGIN):
            pass


class Connection:
    """A connection of the server; `cycle` is its request."""

    def __init__(self, **request):
        self.__dict__.update(request)
        self.transport, self.closed = self, False

    def close(self):
        self.closed = True


def test_connections_without_a_request_are_closed_in_time_and_when_they_are_too_many():
    server = make_server(Starlette())
    silent = [Connection(cycle=None) for _ in range(2)]
    busy = [Connection(cycle=object()), Connection()]
    server.server_state.connections = {*silent, *busy}
    server.close_silent(100.0)
    server.close_silent(100.0 + REQUEST_S)
    assert not any(one.closed for one in (*silent, *busy))
    more = [Connection(cycle=None) for _ in range(MOST_SILENT - 1)]
    server.server_state.connections |= set(more)
    server.close_silent(100.0 + REQUEST_S)
    assert [one.closed for one in silent].count(True) == 1, "the oldest of too many"
    server.close_silent(100.1 + REQUEST_S)
    assert all(one.closed for one in silent)
    assert not any(one.closed for one in (*more, *busy))


def test_hold_needs_no_token_that_arms_and_no_name():
    session = Told()
    watcher = client(Access("127.0.0.1", control=True, token="secret", patient_token="look"), session)
    headers = {**ORIGIN, "authorization": "Bearer look"}
    assert watcher.post("/ask", json={"command": ["arm"], "operator": "kim"}, headers=headers).status_code == 401
    assert watcher.post("/hold", headers=headers).json()["accepted"] is True
    assert [words for words, *_ in session.asked] == [["hold"]]
    assert watcher.post("/hold", headers={**headers, "authorization": "Bearer other"}).status_code == 401
    assert watcher.post("/hold", headers={"authorization": "Bearer look"}).status_code == 403
    assert client(session=session).post("/hold", headers=ORIGIN).status_code == 403
