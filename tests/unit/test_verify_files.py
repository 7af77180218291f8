"""`gatekeeper verify` looks at every file of a session beside the journal."""

import json
import shutil

import h5py
import pytest

from tests.support.command_line import gatekeeper
from tests.support.sessions import checked, forge


@pytest.fixture
def session(eventful_session, tmp_path):
    """A copy that may be damaged."""
    return shutil.copytree(eventful_session, tmp_path / "s")


@pytest.mark.parametrize("text", ["margin_mm = 5.0", "frames_to_resume = 2"])
def test_edited_settings_are_found(session, text):
    config = (session / "config.toml").read_text()
    (session / "config.toml").write_text(config.replace(text, text.replace("5.0", "5.5").replace("2", "3")))
    assert "config.toml: is not what the session began with; nothing is replayed" in checked(session).findings


@pytest.mark.parametrize("text", ["[gate]\nmargin = 1", "[gate"])
def test_settings_that_cannot_be_read_are_a_finding(session, text):
    (session / "config.toml").write_text(text)
    assert any("config.toml" in finding for finding in checked(session).findings)
    assert gatekeeper("verify", session) == 1


@pytest.mark.parametrize("name", ["duty_cycle", "beam_on_s", "frames", "holds", "hold_reasons"])
def test_edited_summary_is_found(session, name):
    summary = json.loads((session / "summary.json").read_text())
    summary[name] = {"hold_reasons": {}}.get(name, 0.123)
    (session / "summary.json").write_text(json.dumps(summary))
    findings = checked(session).findings
    assert "summary.json: was changed after the session was sealed" in findings
    assert any("do not agree with the decisions" in finding and name in finding for finding in findings)


@pytest.mark.parametrize("edited", [None, {"p50": 1.0}, {"p50": "1", "p99": 1.0, "p999": 1.0, "max": 1.0}, 0.001])
def test_edited_latency_is_found(session, edited):
    summary = json.loads((session / "summary.json").read_text())
    latency_ms = summary["latency_ms"]
    summary["latency_ms"] = {**latency_ms, "max": latency_ms["max"] + edited} if edited == 0.001 else edited
    (session / "summary.json").write_text(json.dumps(summary))
    assert "summary.json: latency_ms do not agree with the decisions" in checked(session).findings


def test_latency_that_was_not_rounded_is_none(session):
    """As the first sessions have it."""
    summary = json.loads((session / "summary.json").read_text())
    summary["latency_ms"] = {name: value + 0.00004 for name, value in summary["latency_ms"].items()}
    (session / "summary.json").write_text(json.dumps(summary))
    forge(session, lambda entries: entries)
    assert checked(session).good


def test_summary_that_is_none_is_a_finding(session):
    (session / "summary.json").write_text('{"frames": ')
    assert any("summary.json: cannot be read as JSON" in finding for finding in checked(session).findings)


@pytest.mark.parametrize("dataset", ["pixels", "odd", "index", "reference", "target_mask"])
def test_edited_frames_are_found(session, dataset):
    with h5py.File(session / "frames.h5", "r+") as file:
        values = file[dataset][:]
        if dataset == "index":
            values["acquired_s"][7] += 1e-9
        else:
            flat = values.reshape(-1)
            flat[flat.size // 3] = flat[flat.size // 3] + 1
        file[dataset][:] = values
    assert any("frames.h5" in finding for finding in checked(session).findings)


def test_missing_frames_are_found(session):
    with h5py.File(session / "frames.h5", "r+") as file:
        file["index"].resize(12, axis=0)
    findings = checked(session).findings
    assert "frames.h5: holds 12 frames, not 20" in findings
    assert any("its frame was not kept" in finding for finding in findings)


def test_other_versions_are_noted(session):
    def change(entries):
        entries[0]["versions"]["numba"] = "0.1"
        return entries

    forge(session, change)
    found = checked(session)
    assert found.good
    assert found.notes[0].startswith("recorded with numba 0.1, checked with ")


@pytest.mark.parametrize(
    ("missing", "code"), [("decisions.jsonl", 2), ("frames.h5", 1), ("config.toml", 1), ("summary.json", 1)]
)
def test_missing_file(session, missing, code, capsys):
    (session / missing).unlink()
    assert gatekeeper("verify", session) == code
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    assert missing in out + err
