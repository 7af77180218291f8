"""A trace of measured motion: how it is read, what a phantom makes of it, and that it plays like any recording."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from gatekeeper.cli import app
from gatekeeper.config import build
from gatekeeper.core.axes import ORIENTATIONS
from gatekeeper.core.errors import ConfigError, RecordingError
from replay.formats.format import Choices
from replay.formats.open import format_of, open_recording
from replay.motion_trace import is_trace_head, read_trace
from replay.phantom import PhantomConfig, make_phantom
from replay.phantom.breathing import course
from tests.support.phantoms import clear_phantom

HEADER = "time_s,si_mm,ap_mm,lr_mm"


def positions_mm(times_s):
    """Superior, posterior and left, each unlike the others."""
    breath = np.sin(np.pi * times_s / 4.0) ** 4
    return np.stack([-10.0 * breath, 2.0 * breath, 0.5 * times_s], axis=-1)


def write(path, times_s=None, header=HEADER, separator=","):
    times_s = np.arange(0.0, 8.01, 0.2) if times_s is None else times_s
    rows = np.column_stack([times_s, positions_mm(times_s)])
    np.savetxt(path, rows, delimiter=separator, header=header.replace(",", separator), comments="", fmt="%.4f")
    return path


@pytest.fixture
def trace(tmp_path):
    return write(tmp_path / "one.csv")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_trace_is_read_in_any_order_of_columns_and_begins_at_time_0(tmp_path, separator):
    write(tmp_path / "one.csv", np.arange(5.0, 9.0, 0.2), HEADER, separator)
    text = "\ufeff" + (tmp_path / "one.csv").read_text().replace("\n", "\r\n")
    (tmp_path / "one.csv").write_text(text, encoding="utf-8", newline="")
    found = read_trace(tmp_path / "one.csv")
    assert found.times_s[0] == 0.0
    np.testing.assert_allclose(found.positions_mm, positions_mm(np.arange(5.0, 9.0, 0.2)), atol=1e-4)
    swapped = tmp_path / "two.csv"
    swapped.write_text("lr_mm,time_s,ap_mm,note,si_mm\n3,0,2,a,1\n6,1,5,b,4\n")
    np.testing.assert_array_equal(read_trace(swapped).positions_mm, [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"is empty; give a CSV file with the columns time_s, si_mm, ap_mm, lr_mm"),
        (
            "time_s,x,y\n0,1,2\n",
            r"is no trace; give the columns time_s, si_mm, ap_mm, lr_mm once each; it has time_s, x",
        ),
        ("time_s,si_mm,si_mm,ap_mm\n", r"once each"),
        (HEADER, r"has 0 samples; a trace has at least two"),
        (f"{HEADER}\n0,0,0,0\n", r"has 1 samples"),
        (f"{HEADER}\n0,0,0,0\n\n0.2,1,0\n", r"line 4: has 3 values, and the header names 4 columns"),
        (f"{HEADER}\n0,0,0,0\n0.2,a,0,0\n", r"line 3: value 2 is 'a'; give a finite number"),
        (f"{HEADER}\n0,0,0,0\n0.2,nan,0,0\n", r"line 3: value 2 is 'nan'"),
        (f"{HEADER}\n0,0,0,0\n0.2,0,inf,0\n", r"line 3: value 3 is 'inf'"),
        (f"{HEADER}\n0,0,0,0\n0.2,0,0,0\n0.2,0,0,0\n", r"line 4: time_s = 0.2 is not later than 0.2 before it"),
        (f"{HEADER}\n0,0,0,0\n0.2,0,0,0\n0,0,0,0\n", r"line 4: time_s = 0 is not later"),
        (f"{HEADER}\n0,0,0,0\n0.2,-170,0,0\n", r"line 3: is 170 mm from the first position, more than 90 mm"),
    ],
)
def test_what_is_no_trace_is_said_with_its_line(tmp_path, text, said):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(RecordingError, match=said):
        read_trace(path)


def test_what_is_no_text_or_not_there_is_said(tmp_path):
    (tmp_path / "bad.csv").write_bytes(b"\xff\xfe\x00\x00")
    with pytest.raises(RecordingError, match="is no text"):
        read_trace(tmp_path / "bad.csv")
    with pytest.raises(RecordingError, match="cannot be read"):
        read_trace(tmp_path / "absent.csv")


def test_what_is_assumed_is_noted(tmp_path):
    path = tmp_path / "one.csv"
    path.write_text("time_s,si_mm,ap_mm\n0,0,0\n0.2,1,0\n5,2,0\n")
    found = read_trace(path)
    assert found.notes == (
        "has no lr_mm: no motion from left to right",
        "the longest step is 4.8 s, at 0.2 s; the target moves along a straight line there",
    )
    np.testing.assert_allclose(found.at(np.array([-1.0, 2.6, 9.0]))[:, 0], [0.0, 1.5, 2.0])


@pytest.mark.parametrize(
    ("plane", "rows", "cols", "across"),
    [("sagittal", (0, -1.0), (1, 1.0), (2, -1.0)), ("coronal", (0, -1.0), (2, 1.0), (1, -1.0)),
     ("axial", (2, 1.0), (1, 1.0), (0, -1.0))],
)  # fmt: skip
def test_each_plane_shows_its_two_axes_and_is_crossed_along_the_third(trace, plane, rows, cols, across):
    acquisition = {"plane": plane, "duration_s": 8.0, "frame_rate_hz": 5.0}
    config = build(PhantomConfig, {"acquisition": acquisition, "motion": {"kind": "trace", "file": str(trace)}}, "test")
    times_s = np.array([0.4, 2.0, 6.5])
    said_mm = read_trace(trace).at(times_s)
    found = course(config, times_s, ORIENTATIONS[plane])
    for seen_mm, (axis, sign) in zip((found.si_mm, found.ap_mm, found.across_mm), (rows, cols, across), strict=True):
        np.testing.assert_allclose(seen_mm, sign * said_mm[:, axis])


def test_the_truth_of_a_phantom_is_the_trace(trace):
    found = open_recording(trace, Choices(rate_hz=4.0))
    assert format_of(trace).name == "motion trace"
    assert len(found.frames) == 33
    assert found.times_s[-1] == 8.0
    centers_px = np.array([contour.mean(axis=0) for contour in found.outlines_px])
    moved_mm = (centers_px - centers_px[0]) * found.spacing_mm
    said_mm = positions_mm(found.times_s)
    # The outline is that of another slice of the lesion as it moves across; its middle then differs a little.
    np.testing.assert_allclose(moved_mm, np.stack([-said_mm[:, 0], said_mm[:, 1]], axis=1), atol=0.35)
    assert found.notes == ("one.csv: images are of a phantom that moves as the trace says",)
    rates = [len(open_recording(trace).frames), len(open_recording(trace, Choices(rate_hz=2.0)).frames)]
    assert rates == [65, 17]


def test_frames_drawn_when_they_are_asked_for_are_those_drawn_at_once(trace):
    for plane in ("sagittal", "axial"):
        acquisition = {"matrix": (64, 72), "duration_s": 1.0, "frame_rate_hz": 4.0, "plane": plane}
        motion = {"kind": "trace", "file": str(trace), "begin_s": 1.5}
        config = build(PhantomConfig, {"acquisition": acquisition, "motion": motion}, "test")
        drawn, now = make_phantom(config, on_access=True), make_phantom(config)
        assert isinstance(now.recording.frames, np.ndarray)
        np.testing.assert_array_equal(np.asarray(drawn.recording.frames), now.recording.frames)


def test_a_target_carried_out_of_the_plane_is_gone(tmp_path):
    path = tmp_path / "left.csv"
    path.write_text(f"{HEADER}\n0,0,0,0\n1,0,0,25\n2,0,0,25\n")
    motion = {"kind": "trace", "file": str(path)}
    made = clear_phantom(motion=motion, acquisition={"duration_s": 2.0, "frame_rate_hz": 4.0})
    assert made.visible[0]
    assert not made.visible[-1]


def test_a_phantom_says_what_it_cannot_do_with_a_trace(trace, tmp_path):
    for motion, said in (
        ({"kind": "trace"}, "go together"),
        ({"file": str(trace)}, "go together"),
    ):
        with pytest.raises(ConfigError, match=said):
            build(PhantomConfig, {"motion": motion}, "test")
    for motion, said in (
        ({"kind": "trace", "file": str(trace), "begin_s": 2.0}, r"lasts 8 s, and the recording needs it up to 9\.8"),
        ({"kind": "trace", "file": str(tmp_path / "absent.csv")}, "cannot be read"),
    ):
        config = build(PhantomConfig, {"motion": motion, "acquisition": {"duration_s": 8.0}}, "test")
        with pytest.raises(ConfigError, match=said):
            make_phantom(config)


def test_a_trace_shorter_than_two_frames_is_said(tmp_path):
    path = write(tmp_path / "short.csv", np.array([0.0, 0.05]))
    with pytest.raises(RecordingError, match=r"lasts 0\.05 s, less than two frames at 8 a second"):
        open_recording(path)


@pytest.mark.slow
def test_a_trace_is_replayed_like_a_recording(trace, tmp_path):
    out = tmp_path / "session"
    args = ["replay", str(trace), "--rate-hz", "6", "--latency-ms", "250", "--out", str(out), "--json"]
    found = CliRunner().invoke(app, args)
    assert found.exit_code == 0, found.output
    values = json.loads(found.stdout.splitlines()[-1])
    assert values["frames"] == 49
    assert values["score"]["center_mm"] < 1.0
    assert "linac_s = 0.25" in (out / "config.toml").read_text()
    assert CliRunner().invoke(app, ["verify", str(out)]).exit_code == 0
    bad = tmp_path / "bad.csv"
    bad.write_text(f"{HEADER}\n0,0,0,0\n0.2,x,0,0\n")
    found = CliRunner().invoke(app, ["replay", str(bad)])
    assert isinstance(found.exception, RecordingError)
    assert "bad.csv: line 3: value 2 is 'x'" in str(found.exception)


@pytest.mark.parametrize("head", [b"\rRRD0004\n", b"time_s,\rsi_mm\n", b"x" * 200_000, b"\xff\xfe", b""])
def test_a_file_that_begins_like_nothing_known_is_no_trace(head):
    assert not is_trace_head(head)
