"""Names in files and folders reach no terminal as codes that it would obey."""

import shutil

import pytest

from replay.formats.trackrad import write_case
from tests.support.cases import breathing_case
from tests.support.command_line import gatekeeper
from tests.support.sessions import forge

CODES = "\x1b[2J\x9b\x07"


@pytest.mark.parametrize("command", ["info", "replay", "convert"])
def test_name_of_a_recording(undrawn, tmp_path, capsys, command):
    folder = write_case(breathing_case(frames=8), tmp_path / f"P{CODES}")
    options = {"info": (), "replay": ("--out", tmp_path / "s"), "convert": (tmp_path / f"{CODES}.npz",)}[command]
    assert gatekeeper(command, folder, *options) == 0
    assert shown(capsys)


def test_names_in_a_session(breathing_session, tmp_path, capsys):
    folder = shutil.copytree(breathing_session, tmp_path / "s")
    forge(folder, lambda entries: [rename(entries[0]), *entries[1:]])
    assert gatekeeper("verify", folder) == 0
    assert " [2J" in shown(capsys)


@pytest.mark.parametrize("command", ["info", "replay", "verify"])
def test_name_in_an_error(tmp_path, capsys, command):
    assert gatekeeper(command, tmp_path / f"absent{CODES}") == 2
    assert "absent [2J" in shown(capsys)


def rename(header):
    return header | {"session": header["session"] | {"machine": CODES, "user": CODES}}


def shown(capsys):
    """Return what was printed, after a look at each character."""
    text = "".join(capsys.readouterr())
    assert [one for one in text if not (one.isprintable() or one == "\n")] == []
    return text
