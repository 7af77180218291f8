"""`gatekeeper phantom` writes a case that `gatekeeper replay` takes, and `gatekeeper demo` does both at once."""

import json
from importlib import metadata
from types import SimpleNamespace

import pytest

import replay.phantom
from replay import run
from replay.formats.trackrad import open_case
from tests.support.cases import breathing_case
from tests.support.command_line import gatekeeper

SMALL = "[acquisition]\nduration_s = 1.5\nmatrix = [96, 80]\npixel_mm = [2.5, 2.5]\n"


@pytest.fixture(autouse=True)
def undrawn(monkeypatch):
    monkeypatch.setattr(run, "overview_png", lambda seen: b"undrawn")


@pytest.fixture
def small(tmp_path):
    (tmp_path / "small.toml").write_text(SMALL)
    return tmp_path / "small.toml"


def test_phantom_on_disk_is_tracked_and_scored(tmp_path, small, capsys):
    assert gatekeeper("phantom", tmp_path / "P_7", "--config", small) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'P_7'}\n"
    assert (tmp_path / "P_7" / "images" / "P_7_frames.mha").is_file()
    assert open_case(tmp_path / "P_7").frames.shape == (9, 96, 80)
    assert gatekeeper("replay", tmp_path / "P_7", "--out", tmp_path / "s", "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["case"], result["frames"]) == ("P_7", 9)
    assert result["score"]["dsc"] > 0.85


def test_target_is_a_setting_of_the_file(tmp_path, small):
    small.write_text(SMALL + '[target]\nkind = "liver"\n')
    assert gatekeeper("phantom", tmp_path / "P_L", "--config", small) == 0
    case = open_case(tmp_path / "P_L")
    assert 100.0 < case.first_mask.sum() * 0.25**2 < 200.0
    assert 'kind = "liver"' in (tmp_path / "P_L" / "phantom.toml").read_text()


def test_name_in_the_settings_goes_before_the_folder(tmp_path, small):
    small.write_text('name = "liver"\n' + SMALL)
    assert gatekeeper("phantom", tmp_path / "P_8", "--config", small) == 0
    assert (tmp_path / "P_8" / "images" / "liver_frames.mha").is_file()


def test_folder_whose_name_no_case_can_have(tmp_path, small):
    assert gatekeeper("phantom", tmp_path / "out.1", "--config", small) == 0
    assert (tmp_path / "out.1" / "images" / "out_1_frames.mha").is_file()


@pytest.mark.parametrize(
    "text", ["[acquisition]\nsnr = -1.0", "[acquisition]\nsnrr = 20.0", "seed = nan", '[target]\nkind = "heart"']
)
def test_phantom_that_cannot_be(tmp_path, small, capsys, text):
    small.write_text(text)
    assert gatekeeper("phantom", tmp_path / "P_9", "--config", small) == 2
    err = capsys.readouterr().err
    assert err.startswith("gatekeeper: ")
    assert err.count("\n") == 1
    assert not (tmp_path / "P_9").exists()


def test_folder_in_use_is_left_alone(tmp_path, small, capsys):
    assert gatekeeper("phantom", tmp_path, "--config", small) == 2
    assert "not an empty folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["small.toml"]


def test_demo_shows_table_session_and_picture(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(
        replay.phantom, "make_phantom", lambda config: SimpleNamespace(recording=breathing_case(name=config.name))
    )
    monkeypatch.chdir(tmp_path)
    assert gatekeeper("demo", "--speed", "max", "--json") == 0
    out, err = capsys.readouterr()
    result = json.loads(out)
    assert result["case"] == "demo"
    assert result["session"].startswith("sessions/demo-")
    assert (tmp_path / result["session"] / "summary.json").is_file()
    assert "duty cycle" in err
    assert "overview.png" in err


def test_version_is_that_of_the_distribution(capsys):
    assert gatekeeper("--version") == 0
    assert capsys.readouterr().out.split() == ["gatekeeper", metadata.version("gatekeeper-mrgrt")]


def test_help_names_every_command(capsys):
    assert gatekeeper("--help") == 0
    out = capsys.readouterr().out
    assert all(command in out for command in ("replay", "phantom", "demo", "trackrad"))
