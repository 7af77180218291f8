"""The console on the command line: started where it is asked for, and refused in one line where it cannot be."""

import re
import threading

import httpx
import pytest

from gatekeeper import cli
from gatekeeper.display.web import serve
from replay import run
from replay.formats import session
from replay.formats.trackrad import write_case
from tests.support.cases import breathing_case
from tests.support.command_line import gatekeeper
from tests.support.sessions import recorded


@pytest.fixture(autouse=True)
def undrawn(monkeypatch):
    monkeypatch.setattr(run, "overview_png", lambda seen: b"undrawn")


def test_a_replay_says_where_its_console_is(tmp_path, capsys):
    case = write_case(breathing_case(), tmp_path / "P_001")
    assert gatekeeper("replay", case, "--console", "--out", tmp_path / "s") == 0
    assert re.search(r"^console  http://127\.0\.0\.1:\d+/$", capsys.readouterr().err, re.MULTILINE)


@pytest.mark.parametrize(
    ("option", "value"),
    [("console-port", 8080), ("console-host", "::1"), ("prescribed-s", 60.0), ("breath-hold-s", 15.0)],
)
def test_options_of_a_console_that_is_not_wanted_are_refused(tmp_path, capsys, option, value):
    case = write_case(breathing_case(), tmp_path / "P_001")
    assert gatekeeper("replay", case, f"--{option}", value, "--out", tmp_path / "s") == 2
    assert f"command line: {option} = {value}: there is no console; give --console, too" in capsys.readouterr().err


def test_two_prescribed_times_that_differ_are_refused(tmp_path, capsys):
    (tmp_path / "S.toml").write_text("""
[source]
kind = "mrd"
[target]
kind = "points"
points_mm = [[0.0, -10.0, -10.0], [0.0, 10.0, -10.0], [0.0, 10.0, 10.0]]
[linac]
kind = "dry_run"
[course]
label = "P07"
fraction = 1
beam_on_s = 90.0
""")
    told = ("--console", "--prescribed-s", 60, "--out", tmp_path / "s")
    assert gatekeeper("run", tmp_path / "S.toml", *told) == 2
    assert "prescribed-s = 60" in (said := capsys.readouterr().err)
    assert "has 90 s (course.beam_on_s); give one of them" in said


@pytest.mark.parametrize(
    ("given", "why"), [(["nothing"], "neither a session nor a folder"), ([], "no folder sessions here")]
)
def test_what_is_neither_a_session_nor_a_folder_cannot_be_looked_at(tmp_path, monkeypatch, capsys, given, why):
    monkeypatch.chdir(tmp_path)
    assert gatekeeper("console", *given) == 2
    assert why in capsys.readouterr().err


def test_a_finished_session_is_served_before_it_is_opened_and_until_it_is_ended(tmp_path, monkeypatch, capsys):
    folder, found, told = recorded(tmp_path / "session"), {}, threading.Event()

    def opened(folder):
        assert told.wait(30.0)
        return open_session(folder)

    def look(line):
        url = line.removeprefix("console  ")
        told.set()

        def ask():
            try:
                while found.get("hello", {"mode": "preparing"})["mode"] == "preparing":
                    found["hello"] = httpx.get(f"{url}hello").json()
            finally:
                found["server"].should_exit = True

        threading.Thread(target=ask).start()

    _catch_server(monkeypatch, found)
    open_session = session.open_session
    monkeypatch.setattr(session, "open_session", opened)
    monkeypatch.setattr("typer.echo", lambda line, **_: look(line))
    cli.app(["console", str(folder)], standalone_mode=False)
    assert found["hello"]["mode"] == "review"
    assert found["hello"]["length"] == 24
    assert found["hello"]["control"] is False


def test_a_session_that_cannot_be_judged_ends_its_console_with_one_line(tmp_path, capsys):
    folder = recorded(tmp_path / "session")
    (folder / "frames.h5").unlink()
    assert gatekeeper("console", folder) == 2
    [line] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("gatekeeper: ")]
    assert "frames.h5" in line or "no frame" in line


def _catch_server(monkeypatch, found):
    make = serve.make_server

    def making(app, begin):
        found["server"] = make(app, begin)
        return found["server"]

    monkeypatch.setattr(serve, "make_server", making)
