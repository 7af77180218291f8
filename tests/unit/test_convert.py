"""A recording in any format becomes one in another, geometry, times and pixels as they were, and nobody's name."""

import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pydicom
import pytest

from replay import run
from replay.formats.open import open_recording
from tests.support.command_line import gatekeeper
from tests.support.image_files import SAGITTAL, assert_same, oblique, small
from tests.support.recordings import recording
from tests.support.sessions import recorded
from tests.support.written_recordings import WRITERS

OUT = {"npz": "out.npz", "mrd": "out.h5", "trackrad": "out", "dicom": "out"}


@cache
def case():
    return replace(recording(shape=(24, 20)), plane=SAGITTAL)


def converted(capsys, path, out, *options):
    """Convert on the command line, and return what it said besides the name of what it made."""
    assert gatekeeper("convert", path, out, *options) == 0
    said = capsys.readouterr()
    assert said.out == f"{out}\n"
    return said.err


def refused(capsys, *args):
    assert gatekeeper(*args) == 2
    err = capsys.readouterr().err
    assert err.startswith("gatekeeper: ")
    assert err.count("\n") == 1
    return err


@pytest.mark.parametrize("to", OUT)
@pytest.mark.parametrize("name", ["trackrad", "nrrd packed", "npz", "tiff", "mrd"])
def test_any_format_becomes_any_other(name, to, tmp_path, capsys):
    (tmp_path / "in").mkdir()
    path = WRITERS[name](tmp_path / "in", case())
    out = tmp_path / OUT[to]
    said = converted(capsys, path, out, "--to", to)
    opened = open_recording(out)
    assert_same(opened, case())
    if name != "mrd" and to in ("npz", "trackrad"):
        np.testing.assert_array_equal(np.asarray(opened.labels), case().labels)
        np.testing.assert_array_equal(opened.first_mask, case().first_mask)
        assert said == ""
    if name != "mrd" and to in ("mrd", "dicom"):
        what = {"mrd": "the target is", "dicom": "labels after the first frame are"}[to]
        assert said.startswith(f"gatekeeper: {what} not part of this format and ")


@pytest.mark.parametrize("to", OUT)
def test_an_oblique_plane_and_uneven_times_are_kept(to, tmp_path, capsys):
    times_s = np.array([0.0, 0.17, 0.31, 0.9]) if to != "trackrad" else np.arange(4) / 4.0
    oblique_case = small(plane=oblique(), times_s=times_s)
    path = WRITERS["npz"](tmp_path, oblique_case)
    converted(capsys, path, tmp_path / OUT[to], "--to", to)
    assert_same(open_recording(tmp_path / OUT[to]), oblique_case)


@pytest.mark.parametrize("to", ["npz", "mrd", "dicom"])
def test_floats_come_back_as_near_as_the_format_holds_them(to, tmp_path, capsys):
    floats = small(frames=np.random.default_rng(1).normal(size=(4, 12, 10)).astype(np.float32) * 100.0)
    converted(capsys, WRITERS["npz"](tmp_path, floats), tmp_path / OUT[to].replace("out", "o"), "--to", to)
    opened = open_recording(tmp_path / OUT[to].replace("out", "o"))
    span = np.ptp(floats.frames) if to == "dicom" else 0.0
    assert np.abs(np.asarray(opened.frames) - floats.frames).max() <= span / 65535.0


def test_a_session_is_a_recording_too(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(run, "overview_png", lambda seen: b"undrawn")
    session = recorded(tmp_path / "session")
    converted(capsys, session, tmp_path / "out.npz")
    opened, original = open_recording(tmp_path / "out.npz"), open_recording(session)
    np.testing.assert_array_equal(np.asarray(opened.frames), np.asarray(original.frames))
    np.testing.assert_array_equal(opened.first_mask, original.first_mask)


def test_the_format_is_told_or_that_of_the_name(tmp_path, capsys):
    path = WRITERS["npz"](tmp_path, case())
    assert "has no suffix of a format" in refused(capsys, "convert", path, tmp_path / "out")
    assert "call it .npz" in refused(capsys, "convert", path, tmp_path / "out.h5", "--to", "npz")
    assert "exists" in refused(capsys, "convert", path, path, "--to", "npz")
    converted(capsys, path, tmp_path / "out.h5")
    assert open_recording(tmp_path / "out.h5").frames.shape == case().frames.shape


def test_uneven_times_have_no_place_in_a_trackrad_case(tmp_path, capsys):
    uneven = small(times_s=np.array([0.0, 0.17, 0.31, 0.9]))
    path = WRITERS["npz"](tmp_path, uneven)
    assert "off an even rate" in refused(capsys, "convert", path, tmp_path / "out", "--to", "trackrad")
    assert not (tmp_path / "out").exists()


def test_nan_has_no_place_in_dicom(tmp_path, capsys):
    frames = case().frames.astype(np.float32)
    frames[2, 3, 4] = np.nan
    path = WRITERS["npz"](tmp_path, small(frames=frames))
    assert "NaN" in refused(capsys, "convert", path, tmp_path / "out", "--to", "dicom")
    assert not (tmp_path / "out").exists()


NAMES = (b"DOE^JANE", b"19700102", b"Doe Jane", b"12345678")


def named(folder):
    """An NRRD whose header and side pairs name a person in every way there is."""
    path = WRITERS["nrrd"](folder, case())
    content = path.read_bytes().replace(
        b"endian: little\n",
        b"endian: little\ncontent: Doe Jane\n# DOE^JANE\nDICOM_0010_0010:=DOE^JANE\n"
        b"DICOM_0010_0020:=12345678\nDICOM_0010_0030:=19700102\n",
    )
    assert all(name in content for name in NAMES)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("to", OUT)
def test_nothing_that_names_a_person_is_converted(to, tmp_path, capsys):
    (tmp_path / "in").mkdir()
    path = named(tmp_path / "in").rename(tmp_path / "in" / "Doe Jane.nrrd")
    for beside in list((tmp_path / "in").glob("case.nrrd*.json")):
        beside.rename(beside.with_name("Doe Jane.nrrd.json"))
    converted(capsys, path, tmp_path / OUT[to], "--to", to)
    files = [tmp_path / OUT[to]] if "." in OUT[to] else list((tmp_path / OUT[to]).rglob("*"))
    written = b"".join(file.read_bytes() + file.name.encode() for file in files if file.is_file())
    assert written
    assert not any(name in written or name.replace(b" ", b"_") in written for name in NAMES)
    if to == "dicom":
        for file in files:
            assert pydicom.dcmread(file).PatientName == ""


def test_a_metaimage_that_names_a_person_is_read_without_it():
    with tempfile.TemporaryDirectory() as folder:
        path = WRITERS["mha"](Path(folder), case())
        path.write_bytes(path.read_bytes().replace(b"NDims = 3\n", b"NDims = 3\nName = Doe Jane\nComment = DOE^JANE\n"))
        assert "Doe" not in repr(open_recording(path))
