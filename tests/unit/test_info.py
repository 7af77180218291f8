"""What is in a recording is told in numbers and shown as a picture."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from rich.console import Console

from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import Plane
from replay.formats.format import Choices
from replay.formats.open import open_recording
from replay.recording_info import facts_of, timing_of
from replay.recording_picture import (
    MARK_RGB,
    PNG_SIDE_PX,
    TARGET_RGB,
    png_picture,
    shades,
    sides,
    terminal_picture,
)
from tests.support.command_line import gatekeeper
from tests.support.image_files import SAGITTAL, oblique, small
from tests.support.recordings import recording
from tests.support.sessions import quiet
from tests.support.vendor_files import write_unity
from tests.support.written_recordings import WRITERS


def facts(**changes):
    return facts_of(replace(recording(plane=SAGITTAL), **changes), "test", quiet)


def test_numbers_are_those_of_the_recording():
    case = recording()
    told = facts()
    assert (told.frames, told.rows, told.cols, told.pixel_type) == (4, 12, 10, "uint16")
    assert (told.spacing_mm, told.extent_mm) == ((1.25, 2.5), (15.0, 25.0))
    assert told.values == (case.frames.min(), case.frames.max())
    assert (told.field_strength_t, told.region, told.labelled, told.repeated) == (0.35, "abdomen", 4, 0)
    assert told.target_mm2 == case.first_mask.sum() * 1.25 * 2.5
    row, col = np.argwhere(case.first_mask).mean(axis=0)
    assert told.target_center_mm == pytest.approx((12.5, -80.25 + 2.5 * col, 61.0 - 1.25 * row))


def test_tilt_is_the_angle_to_a_sagittal_plane():
    assert facts().tilt_deg == 0.0
    assert facts().orientation == "sagittal"
    axial = facts(plane=Plane((0.0, 0.0, 0.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)))
    assert (axial.orientation, axial.tilt_deg) == ("axial", 0.0)
    assert "axial, not turned; first pixel" in axial.as_table()
    assert facts(plane=oblique(20.0)).tilt_deg == pytest.approx(20.0)
    assert facts(plane=oblique(20.0, about=(1.0, 0.0, 0.0))).tilt_deg == pytest.approx(0.0, abs=1e-6)


def test_without_a_target_none_is_told():
    told = facts(first_mask=None, labels=None)
    assert (told.target_mm2, told.target_center_mm, told.labelled) == (None, None, 0)
    assert "none is drawn" in told.as_table()


def test_even_times_have_no_jitter():
    timing = timing_of(np.arange(9) / 4.0)
    assert (timing.rate_hz, timing.duration_s, timing.gaps, timing.missing) == (4.0, 2.0, 0, 0)
    assert timing.jitter_ms == pytest.approx(0.0, abs=1e-9)


def test_gaps_and_the_frames_that_are_missing_in_them_are_counted():
    times_s = np.delete(np.arange(20) / 4.0, [5, 6, 11])
    timing = timing_of(times_s)
    assert (timing.gaps, timing.missing, timing.first_gaps) == (2, 3, (4, 8))
    assert timing.longest_ms == pytest.approx(750.0)
    assert (
        "2, 3 frames missing; after frames 4, 8"
        in facts_of(recording(frames=17, times_s=times_s), "test", quiet).as_table()
    )


def test_jitter_is_how_far_intervals_are_off():
    times_s = np.arange(101) / 4.0
    times_s[1::2] += 0.01
    assert timing_of(times_s).jitter_ms == pytest.approx(10.0, abs=1.1)


def test_a_single_frame_has_no_rate():
    assert timing_of(np.zeros(1)).rate_hz is None
    assert "rate" not in facts_of(recording(frames=1), "test", quiet).as_table()


def test_repeated_and_broken_frames_are_counted():
    frames = recording(frames=6).frames.astype(np.float32)
    frames[2] = frames[1]
    frames[4, 0, 0] = np.nan
    frames[5] = frames[4]
    told = facts_of(replace(recording(frames=6), frames=frames), "test", quiet)
    assert (told.repeated, told.first_repeated, told.not_finite) == (2, (2, 5), 2)
    assert "2 frames are copies of the one before: 2, 5" in told.as_table()
    assert "2 frames not finite" in told.as_table()


def test_the_command_prints_a_table_and_json(tmp_path, capsys):
    path = WRITERS["npz"](tmp_path, recording(plane=SAGITTAL))
    assert gatekeeper("info", path) == 0
    assert "4 of 12 x 10 pixels, uint16" in capsys.readouterr().out
    assert gatekeeper("info", path, "--json") == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    told = json.loads(out)
    assert (told["format"], told["frames"], told["spacing_mm"]) == ("NumPy (npz)", 4, [1.25, 2.5])
    assert told["plane"]["origin_mm"] == list(SAGITTAL.origin_mm)
    assert told["timing"]["rate_hz"] == pytest.approx(5.97)


def test_notes_of_the_reader_are_told(tmp_path, capsys):
    np.save(tmp_path / "a.npy", recording().frames)
    (tmp_path / "a.toml").write_text("spacing_mm = [1, 1]\nrate_hz = 4\n")
    assert gatekeeper("info", tmp_path / "a.npy") == 0
    assert "no file has the orientation of the images" in capsys.readouterr().out


def test_bad_input_is_one_line_and_exit_code_2(tmp_path, capsys):
    (tmp_path / "a").write_bytes(b"nothing that anybody knows")
    for command in (("info", "a"), ("info", "b"), ("convert", "a", "b.npz")):
        assert gatekeeper(command[0], *(tmp_path / name for name in command[1:])) == 2
        err = capsys.readouterr().err
        assert err.startswith("gatekeeper: ")
        assert err.count("\n") == 1


def test_a_png_shows_the_first_frame_with_square_pixels_and_the_target(tmp_path, capsys):
    path = WRITERS["npz"](tmp_path, recording(shape=(60, 40), plane=SAGITTAL))
    assert gatekeeper("info", path, "--png", tmp_path / "a.png") == 0
    picture = cv2.imread(str(tmp_path / "a.png"))
    rows, cols, _ = picture.shape
    assert rows / cols == pytest.approx(60 * 1.25 / (40 * 2.5), rel=0.01)
    assert max(rows, cols) >= PNG_SIDE_PX
    assert (np.abs(picture.astype(int) - TARGET_RGB[::-1]).max(axis=2) < 40).sum() > 100
    assert gatekeeper("info", path, "--png", tmp_path / "a.png") == 2
    assert "exists" in capsys.readouterr().err


def test_the_terminal_shows_two_pixels_in_a_character():
    case = recording(shape=(64, 32), spacing_mm=(1.0, 2.0))
    text = terminal_picture(case, width=32)
    lines = text.plain.splitlines()
    assert {len(line) for line in lines} == {32}
    assert len(lines) == 14 + 2
    assert (lines[0].strip(), lines[-1].strip()) == ("S", "I")
    assert [line for line in lines if line[0] != " "] == ["A " + 28 * "▀" + " P"]
    colors = {str(span.style.color.triplet) for span in text.spans}
    assert len(colors) > 20
    console = Console(color_system=None, width=80)
    with console.capture() as shown:
        console.print(text)
    assert "▀" in shown.get()


@pytest.mark.parametrize(
    ("row_step", "col_step", "letters"),
    [
        ((0, 0, -1), (0, 1, 0), ("S", "I", "A", "P")),
        ((0, 0, -1), (1, 0, 0), ("S", "I", "R", "L")),
        ((0, 1, 0), (1, 0, 0), ("A", "P", "R", "L")),
        ((0.6, 0, 0.8), (0, -1, 0), ("I", "S", "P", "A")),
    ],
)
def test_sides_of_the_patient_follow_the_plane(row_step, col_step, letters):
    assert sides(Plane((0, 0, 0), row_step, col_step)) == letters


def test_a_pixel_is_marked_and_told(tmp_path, capsys):
    case = recording(plane=SAGITTAL)
    path = WRITERS["npz"](tmp_path, case)
    picture = tmp_path / "a.png"
    assert gatekeeper("info", path, "--pixel", "3,4", "--png", picture, "--json") == 0
    out, err = capsys.readouterr()
    at_mm = [12.5, -80.25 + 2.5 * 4, 61.0 - 1.25 * 3]
    assert json.loads(out)["pixel"] == {"row": 3, "col": 4, "value": float(case.frames[0][3, 4]), "at_mm": at_mm}
    assert f"at LPS {at_mm[0]:.1f}, {at_mm[1]:.1f}, {at_mm[2]:.1f} mm" in err
    row, col = np.argwhere(np.abs(cv2.imread(str(picture)).astype(int) - MARK_RGB[::-1]).max(axis=2) < 40).mean(axis=0)
    assert (row + 0.5, col + 0.5) == pytest.approx((3.5 * 64, 4.5 * 128), abs=2)
    colors = {span.style.color.triplet for span in terminal_picture(case, mark=(3, 4)).spans}
    colors |= {span.style.bgcolor.triplet for span in terminal_picture(case, mark=(3, 4)).spans}
    assert MARK_RGB in colors
    for told, why in (("12,0", "has no pixel 12,0; it has 0,0 to 11,9"), ("3", "must be a row and a column")):
        assert gatekeeper("info", path, "--pixel", told) == 2
        assert why in capsys.readouterr().err


def test_shades_of_an_image_without_a_number_are_black():
    assert not shades(np.full((3, 4), np.nan)).any()
    assert not shades(np.zeros((3, 4))).any()
    image = np.arange(1000.0).reshape(20, 50)
    image[3, 4] = np.inf
    assert shades(image).max() == 255
    assert shades(image)[3, 4] == 0


def test_the_picture_of_a_recording_without_target_has_none():
    case = replace(recording(shape=(60, 40)), first_mask=None, plane=Plane())
    assert png_picture(case) != png_picture(recording(shape=(60, 40)))


def test_info_lists_the_structures_of_a_unity_frame_in_a_table(tmp_path, capsys):
    rows, cols = np.indices((40, 36))
    disc = np.hypot(rows - 18.0, cols - 16.0) <= 9.0
    ring = disc & (np.hypot(rows - 18.0, cols - 16.0) > 7.8)
    drawn = {"GTV": ring, "gap": ring & (cols > 10), "beside": np.ones((9, 9)), "empty": np.zeros_like(ring)}
    case = small(frames=np.random.default_rng(2).integers(0, 900, (4, 40, 36)).astype(np.uint16))
    folder = write_unity(tmp_path / "cine", case, structures=drawn)
    assert gatekeeper("info", folder, "--json") == 0
    said = capsys.readouterr()
    found = json.loads(said.out.splitlines()[-1])["structures"]
    assert [(one["name"], one["area_mm2"], one["why"]) for one in found] == [
        ("GTV", disc.sum() * np.prod(case.spacing_mm), ""),
        ("gap", None, "has an outline that is not closed"),
        ("empty", None, "is not drawn on the first frame"),
        ("beside", None, "is not on the plane of the image"),
    ]
    header, *lines = said.err.splitlines()[-5:]
    assert header.split() == ["structure", "area", "on", "the", "first", "frame"]
    assert {line.index(word) for line, word in zip(lines, ("yes", "no", "no", "no"), strict=True)} == {
        header.index("on")
    }
    with pytest.raises(RecordingError, match="'beside' is not on the plane of the image"):
        open_recording(folder, Choices(roi="beside"))
