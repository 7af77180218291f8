"""Benchmarks on a session of 20 minutes: that it is one, and that they say when something takes too long."""

import json
from contextlib import closing

import cv2
import numpy as np
import pytest

from benchmarks import report_load, what_if_load
from benchmarks.long_session import forth_and_back, make_session
from benchmarks.pictures import compact
from replay import run
from replay.formats.session import open_session
from tests.support.cases import breathing_case
from tests.support.sessions import quiet


def test_a_recording_goes_forth_and_back_without_showing_a_frame_twice_in_a_row():
    lap = breathing_case(frames=5)
    long = forth_and_back(lap, 14)
    order = [0, 1, 2, 3, 4, 3, 2, 1, 0, 1, 2, 3, 4, 3]
    assert all(np.array_equal(image, lap.frames[place]) for image, place in zip(long.frames, order, strict=True))
    assert np.array_equal(long.times_s, np.arange(14) / 8.0)
    assert long.labels is None


def test_a_session_is_made_of_as_many_decisions_as_it_lasts(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "overview_png", lambda seen: b"undrawn")
    with closing(open_session(make_session(tmp_path / "session", quiet, 0.1, (72, 60)))) as session:
        assert len(session.rows()) == 48
        assert session.frames.kind[0] == (72, 60)
        states = {entry["state"] for entry in session.entries if entry["kind"] == "frame"}
    assert states == {"ON", "HOLD"}


@pytest.mark.parametrize(
    ("size", "opened", "code"), [(4_999_999, 1.9, 0), (5_000_000, 1.9, 1), (4_999_999, 2.0, 1)], ids=str
)
def test_a_report_that_is_too_large_or_opens_too_slowly_is_a_finding(tmp_path, monkeypatch, capsys, size, opened, code):
    def written(session, out, runs):
        out.write_bytes(b"x" * size)
        return [1.0] * runs

    monkeypatch.setattr(report_load, "CHROMIUM", "chromium")
    monkeypatch.setattr(report_load, "written_s", written)
    monkeypatch.setattr(report_load, "opened_s", lambda page, runs: [0.5] * (runs - 1) + [opened])
    assert report_load.main(["--session", str(tmp_path), "--json"]) == code
    assert json.loads(capsys.readouterr().out)["good"] is (code == 0)


@pytest.mark.parametrize(("worst", "code"), [(1.9, 0), (2.0, 1)])
def test_an_answer_that_takes_too_long_is_a_finding(monkeypatch, capsys, worst, code):
    monkeypatch.setattr(what_if_load, "make_session", lambda folder, *_: folder)
    monkeypatch.setattr(what_if_load, "answered_s", lambda folder, questions: (5.0, [0.3] * questions + [worst]))
    assert what_if_load.main(["--questions", "3", "--json"]) == code
    assert json.loads(capsys.readouterr().out)["good"] is (code == 0)


@pytest.mark.slow
def test_a_session_is_asked_what_if_by_the_command_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "overview_png", lambda seen: b"undrawn")
    ready_s, taken_s = what_if_load.answered_s(make_session(tmp_path / "session", quiet, 0.1, (72, 60)), 3)
    assert ready_s > 0.0
    assert len(taken_s) == 3


def test_a_compact_picture_is_nearly_the_same():
    ramp = np.zeros((8, 256, 3), np.uint8)
    ramp[:] = np.arange(256, dtype=np.uint8)[None, :, None]
    found = cv2.imdecode(np.frombuffer(compact(cv2.imencode(".png", ramp)[1].tobytes()), np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(found.astype(int) - ramp).max() <= 4
    assert (found[0, 0, 0], found[0, 255, 0]) == (0, 255)
