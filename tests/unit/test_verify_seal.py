"""Whatever is changed in a sealed session is found, and who signed is told from who did not."""

import json
import shutil

import h5py
import pytest

from gatekeeper.recording.signing import PUBLIC, installation_key, keys_folder
from replay.sessions.report import write_report
from replay.sessions.verify import verify_folder
from tests.support.command_line import gatekeeper
from tests.support.sessions import checked, forge, lines


@pytest.fixture
def session(eventful_session, tmp_path):
    """A copy that may be damaged."""
    return shutil.copytree(eventful_session, tmp_path / "s")


@pytest.fixture
def stranger(tmp_path):
    """A key that nobody trusts."""
    return installation_key(tmp_path / "stranger")


def _edit_score(folder):
    summary = json.loads((folder / "summary.json").read_text())
    summary["gating"]["on_while_out_s"] = 99.0
    (folder / "summary.json").write_text(json.dumps(summary))


def _add_data(folder):
    with h5py.File(folder / "frames.h5", "r+") as file:
        file.create_dataset("extra", data=[1, 2, 3])


def _add_line_end(folder):
    (folder / "config.toml").write_text((folder / "config.toml").read_text() + "\n")


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (_edit_score, "summary.json"),
        (_add_data, "frames.h5"),
        (lambda folder: (folder / "overview.png").write_bytes(b"another picture"), "overview.png"),
        (
            lambda folder: (folder / "config.toml").write_text((folder / "config.toml").read_text() + "\n"),
            "config.toml",
        ),
    ],
    ids=["score", "data", "picture", "line end"],
)
def test_changed_file_is_found(session, change, name):
    change(session)
    assert f"{name}: was changed after the session was sealed" in checked(session).findings


def test_removed_and_linked_files_are_found(session):
    (session / "overview.png").rename(session.parent / "overview.png")
    assert "overview.png: is missing; it was there when the session was sealed" in checked(session).findings
    (session / "overview.png").symlink_to(session.parent / "overview.png")
    assert "overview.png: was changed after the session was sealed" in checked(session).findings


def test_file_that_was_added_is_noted(session):
    (session / "deeper").mkdir()
    (session / "deeper" / "notes.txt").write_text("mine")
    found = checked(session)
    assert found.good
    assert found.notes == ["deeper/notes.txt: was added after the session was sealed; nothing covers it"]


def test_report_that_was_added_is_signed_and_found_when_it_is_replaced(session):
    write_report(session)
    key = installation_key().public
    assert checked(session).notes == [f"report.html: was added after the session was sealed, and signed by {key}"]
    write_report(session)
    assert checked(session).good
    (session / "report.html").write_text("<html>all was well</html>")
    assert checked(session).findings == ["report.html: was changed after it was added and signed"]
    (session / "report.html").unlink()
    assert checked(session).notes == ["report.html: was added and signed, and is gone"]


def test_chain_rewritten_with_another_key_is_found_by_the_trusted_key(session, stranger, tmp_path, capsys):
    arm = {"kind": "event", "event": "reset", "time_s": 0.0, "values": {"operator": "Nobody"}}
    forge(session, lambda entries: [*entries[:-1], arm, entries[-1]], stranger)
    found = checked(session)
    assert found.good, "without a list of keys nobody can tell"
    assert found.notes == ["signed by a key that is not this installation's; --trusted tells whose it is"]
    trusted = keys_folder() / PUBLIC
    assert gatekeeper("verify", session, "--trusted", trusted) == 1
    assert f"is signed by {stranger.public}, not signed by a trusted key" in capsys.readouterr().out
    assert gatekeeper("verify", session, "--trusted", tmp_path / "stranger" / PUBLIC) == 0


def test_chain_written_anew_without_the_key_is_found(session, stranger):
    forge(session, lambda entries: entries, stranger)
    shutil.copy(session / "signatures.jsonl", session.parent / "kept")
    forge(session, lambda entries: entries)
    shutil.copy(session.parent / "kept", session / "signatures.jsonl")
    assert any("was not made over line" in finding for finding in checked(session).findings)


@pytest.mark.parametrize("text", [None, "", "{}\n", "[]\n", "[" * 100_000 + "\n", '{"head": "", "line": 1}\n'])
def test_signatures_that_are_none_are_found(session, text):
    path = session / "signatures.jsonl"
    path.unlink() if text is None else path.write_text(text)
    assert any("signatures.jsonl" in finding for finding in checked(session).findings)
    assert gatekeeper("verify", session) == 1


@pytest.mark.parametrize("find", [str.index, str.rindex], ids=["first", "last"])
def test_signature_that_was_changed_is_found(session, find):
    path = session / "signatures.jsonl"
    text = path.read_text()
    at = find(text, '"signature":"') + 20
    path.write_text(text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :])
    assert any("is not by the key in the header" in finding for finding in checked(session).findings)


def test_last_decisions_that_are_gone_are_found_by_their_signature(session):
    (session / "decisions.jsonl").write_bytes(b"".join(lines(session)[:-16]))
    (session / "summary.json").unlink()
    found = checked(session)
    assert any("was signed: lines were removed" in finding for finding in found.findings)
    assert (found.exit_code, found.result) == (1, "NOT GOOD")


def test_half_of_everything_is_incomplete(session):
    every = lines(session)
    (session / "decisions.jsonl").write_bytes(b"".join(every[: len(every) // 2]))
    for name in ("summary.json", "signatures.jsonl", "overview.png"):
        (session / name).unlink()
    with h5py.File(session / "frames.h5", "r+") as file:
        file["index"].resize(6, axis=0)
    found = verify_folder(session)
    assert (found.findings, found.exit_code, found.result) == ([], 3, "incomplete")
    assert [one.split(":")[0] for one in found.missing] == [
        "summary.json",
        "decisions.jsonl",
        "signatures.jsonl",
        "frames.h5",
    ]
    assert 0 < found.compared < len(every) // 2


def test_frames_of_signed_decisions_that_are_gone_are_found(session):
    forge(session, lambda entries: entries[:-1])
    with h5py.File(session / "frames.h5", "r+") as file:
        file["index"].resize(6, axis=0)
    assert any("which is signed, is missing" in finding for finding in verify_folder(session).findings)


def test_control_characters_never_reach_the_terminal(session, stranger, capsys):
    def change(entries):
        entries[0]["session"]["user"] = "\x1b[2Jeve"
        return entries

    forge(session, change)
    assert gatekeeper("verify", session) == 0
    out = capsys.readouterr().out
    assert "by  [2Jeve" in out
    assert "\x1b" not in out
