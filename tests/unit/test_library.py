"""The library lists what is below a folder, and its routes give it to holders of the token from its own page only."""

import shutil
import threading
from contextlib import contextmanager

import pytest

from gatekeeper.cli.library_jobs import breaths_of, look_at_recording, look_at_session
from gatekeeper.core.errors import InputError
from gatekeeper.display.web.library_routes import library_app
from gatekeeper.display.web.relay import Place
from replay.formats.trackrad import write_case
from replay.library.listing import Listing
from replay.library.session_facts import session_facts
from tests.support.cases import breathing_case
from tests.support.sessions import lines
from tests.support.web_client import BEARER, HOST, LOCKED, ORIGIN, TestClient, WebSocketDenialResponse

POSTS = ["/again", "/look", "/open", "/breaths", "/drop", "/wizard"] + [
    f"/wizard/k/{name}" for name in ("outline", "draw", "target", "replay", "progress", "close")
]


class Wizards:
    def __init__(self):
        self.data = b""

    def begin_drop(self, names):
        if names == [("../up", 1)]:
            raise InputError("dropped: no such name\nhere")
        return "k"

    @contextmanager
    def writing(self, drop, number):
        assert (drop, number) == ("k", 0)
        yield self

    def write(self, data):
        self.data += data

    async def frame(self, key):
        return b"frame"


class Stub:
    """A library that lists nothing and takes everything."""

    def __init__(self):
        self.wizards = Wizards()

    def listing(self, after):
        return {"entries": [], "after": after}

    def again(self):
        pass

    async def look(self, key):
        return {"verdict": key}

    async def url(self, key):
        return "http://127.0.0.1:1/"


def client(library=None):
    return TestClient(library_app(library or Stub(), LOCKED), base_url=HOST)


@pytest.fixture(scope="module")
def folder(breathing_session, several_session, tmp_path_factory):
    root = tmp_path_factory.mktemp("library")
    shutil.copytree(breathing_session, root / "patient" / "one")
    shutil.copytree(several_session, root / "two")
    write_case(breathing_case(frames=8), root / "recordings" / "P_001")
    (root / "notes.txt").write_text("nothing")
    return root


def listed(folder):
    listing, done = Listing(folder), threading.Event()
    listing.begin(done.set)
    assert done.wait(60.0)
    listing.stop()
    return listing


def test_sessions_and_recordings_at_any_depth_are_listed_with_what_they_tell(folder):
    listing = listed(folder)
    found = {entry["path"]: entry for entry in listing.entries}
    assert {path: entry["kind"] for path, entry in found.items()} == {
        "patient/one": "replay",
        "two": "replay",
        "recordings/P_001": "recording",
    }
    one = found["patient/one"]
    assert (one["name"], one["frames"], one["ended"]) == ("P_001", 24, True)
    assert one["duration_s"] > 0.0
    assert 0.0 <= one["duty_cycle"] <= 1.0
    assert listing.path_of(one["key"]) == folder.resolve() / "patient" / "one"
    with pytest.raises(InputError, match="not listed"):
        listing.path_of("../../etc")


def test_a_list_reads_only_the_ends_of_a_journal_and_takes_whatever_stands_there(folder, tmp_path, monkeypatch):
    whole = session_facts(folder / "patient" / "one")
    monkeypatch.setattr("replay.library.session_facts.END_BYTES", 3000)
    short = session_facts(folder / "patient" / "one")
    assert short == whole | {"duration_s": short["duration_s"]}
    assert short["duration_s"] == pytest.approx(whole["duration_s"], abs=0.6)
    (tmp_path / "decisions.jsonl").write_bytes(b'\xff\x00\n[1]\n{"kind":"header","setup":3}\n' + b"[" * 5000)
    damaged = session_facts(tmp_path)
    assert "config.toml" not in damaged
    assert damaged["finding"]


def test_the_verdict_comes_from_the_record(folder, tmp_path):
    assert look_at_session(str(folder / "patient" / "one"))["verdict"] == "complete"
    assert look_at_session(str(folder / "two"))["picture"].startswith("data:image/jpeg;base64,")
    copy = shutil.copytree(folder / "patient" / "one", tmp_path / "copy")
    (copy / "decisions.jsonl").write_bytes(b"".join(lines(copy)[:9]))
    assert look_at_session(str(copy))["verdict"] == "damaged", "more lines were signed than there are"
    for name in ("signatures.jsonl", "summary.json"):
        (copy / name).unlink()
    interrupted = look_at_session(str(copy))
    assert (interrupted["verdict"], interrupted["frames"]) == ("interrupted", 8)
    (copy / "frames.h5").write_bytes(b"nothing")
    assert look_at_session(str(copy))["verdict"] == "damaged"
    assert str(tmp_path) not in look_at_session(str(copy))["finding"]


def test_recordings_are_looked_at_and_breaths_found(folder):
    found = look_at_recording(str(folder / "recordings" / "P_001"))
    assert (found["frames"], found["orientation"], found["finding"]) == (8, "sagittal", "")
    breaths = breaths_of(str(folder / "patient" / "one"))
    assert all(begin < end for begin, end in breaths)


def test_the_list_needs_the_token():
    assert client().get("/library").status_code == 401
    assert client().get("/library", headers={"authorization": "Bearer wrong"}).status_code == 401
    assert client().get("/library?after=7", headers=BEARER).json() == {"entries": [], "after": 7}
    assert client().get("/wizard/k/frame").status_code == 401
    assert client().get("/session/k/hello").status_code == 401
    assert client().get("/library", headers={**BEARER, "host": "evil.example"}).status_code == 403


@pytest.mark.parametrize("path", POSTS)
def test_nothing_is_done_without_token_or_for_other_pages(path):
    assert client().post(path, json={}).status_code == 403
    assert client().post(path, json={}, headers={**BEARER, "origin": "http://evil.example"}).status_code == 403
    assert client().post(path, json={}, headers=ORIGIN).status_code == 401
    assert client().post(path, content=b"[]", headers={**BEARER, **ORIGIN}).status_code == 400


def test_files_are_taken_from_the_own_page_only():
    library = Stub()
    opened = client(library)
    assert opened.put("/drop/k/0", content=b"data", headers=BEARER).status_code == 403
    assert opened.put("/drop/k/0", content=b"data", headers=ORIGIN).status_code == 401
    assert library.wizards.data == b""
    assert opened.put("/drop/k/0", content=b"data", headers={**BEARER, **ORIGIN}).json()["accepted"]
    assert library.wizards.data == b"data"
    found = opened.post("/drop", json={"files": [["../up", 1]]}, headers={**BEARER, **ORIGIN})
    assert (found.status_code, found.json()["note"]) == (400, "dropped: no such name here")
    assert opened.post("/drop", json={"files": ["a"]}, headers={**BEARER, **ORIGIN}).status_code == 400


def test_a_session_is_passed_on_to_the_own_page_only():
    for headers in ({}, ORIGIN):
        with pytest.raises(WebSocketDenialResponse), client().websocket_connect("/session/k/views", headers=headers):
            pass
    assert Place.of("http://127.0.0.1:1/") == ("http://127.0.0.1:1", None)
    assert Place.of("http://10.0.0.1:1/#token=abc") == ("http://10.0.0.1:1", "abc")


@pytest.mark.parametrize("path", ["/", "/compare", "/wizard"])
def test_the_pages_hold_nothing_that_the_policy_would_stop(path):
    page = client().get(path)
    assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assert not any(word in page.text for word in (" style=", " onclick=", "<style", "<script>"))
