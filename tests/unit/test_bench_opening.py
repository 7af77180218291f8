"""The benchmark of opening a DICOM folder: that it opens what it makes, and says when that takes too long."""

import json

import pytest

from benchmarks import opening


@pytest.mark.parametrize(("ratio", "code"), [(1.4, 0), (1.5, 1)])
def test_an_opening_that_takes_too_long_is_a_finding(monkeypatch, capsys, ratio, code):
    monkeypatch.setattr(opening, "headers_s", lambda folder: 1.0)
    monkeypatch.setattr(opening, "opening_s", lambda folder: ratio * len(list(folder.iterdir())) / 3)
    assert opening.main(["--files", "3", "--side", "8", "--runs", "1", "--json"]) == code
    assert json.loads(capsys.readouterr().out)["good"] is (code == 0)


@pytest.mark.parametrize("is_long", [False, True])
def test_what_it_opens_is_a_cine(tmp_path, is_long):
    opening.write_cine(tmp_path / "cine", 3, 8, is_long, lambda *_: None)
    assert opening.open_recording(tmp_path / "cine").times_s.tolist() == [0.0, 0.125, 0.25]
    assert min(opening.opening_s(tmp_path / "cine"), opening.headers_s(tmp_path / "cine")) > 0.0
