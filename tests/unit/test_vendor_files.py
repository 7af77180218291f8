"""Exports of a Unity, and what holds for those of every MR-linac: recordings, or refused in one line."""

import io
import shutil
import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.core.axes import orientation_of
from gatekeeper.core.errors import GeometryError, RecordingError
from gatekeeper.core.frame import Plane
from replay.formats.format import Choices
from replay.formats.open import format_of, open_recording
from replay.formats.vendor import unity
from replay.formats.vendor.nrbf import Document, NrbfError, Reference, read_nrbf
from replay.recording_info import facts_of
from tests.support.image_files import assert_same, oblique, small, write_side
from tests.support.recordings import recording, refusal
from tests.support.sessions import quiet
from tests.support.vendor_files import dat_frame, raw_cine, unity_frame, write_dat, write_unity

CASE = replace(small(np.int16), plane=oblique(4.5), times_s=np.array([0.0, 0.25, 0.51, 0.74]))
STRAIGHT = small(np.int16)
NAMES = ("DOE", "JANE", "12345678", "19700102")


def test_unity_frames_come_back_sorted_by_their_time(tmp_path):
    case = replace(CASE, frames=CASE.frames.astype(np.uint16))
    folder = write_unity(tmp_path / "cine", case)
    contents = [unity_frame(image, case, index) for index, image in enumerate(case.frames)]
    assert [contents.index(file.read_bytes()) for file in sorted(folder.iterdir())] == [0, 3, 1, 2]
    opened = open_recording(folder)
    assert format_of(tmp_path / "cine") is unity.FORMAT
    assert_same(opened, case)
    assert (opened.first_mask, opened.notes) == (None, ())


def test_unity_monitoring_gives_the_target_on_the_first_frame_and_a_note(tmp_path):
    whole = recording()
    case = replace(CASE, frames=CASE.frames.astype(np.uint16))
    opened = open_recording(write_unity(tmp_path / "cine", case, masks=whole.labels))
    np.testing.assert_array_equal(opened.first_mask, whole.labels[0])
    assert opened.labels is None
    assert "found the target on 4 of 4 frames" in opened.notes[0]
    assert "quality 0.50 to 0.80" in opened.notes[0]
    told = facts_of(opened, "test", quiet).target_center_mm
    first, last = opened.notes[0].split("x ")[1].split(",")[0].split(" to ")
    assert float(first) - 0.1 <= told[0] <= float(last) + 0.1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"Dimension": {"_": "D", "Columns": 10, "Rows": 12, "Slices": 2}}, "in 2 slices"),
        ({"Dimension": {"_": "D", "Columns": 10, "Rows": 12}}, "holds no Columns, Rows, Slices"),
        ({"Dimension": {"_": "D", "Columns": 11, "Rows": 12, "Slices": 1}}, "Data holds no 264 bytes"),
        ({"Dimension": {"_": "D", "Columns": 10, "Rows": -12, "Slices": 1}}, "-12 x 10"),
        ({"VoxelSize": {"_": "V", "XInmm": 2.5}}, "VoxelSize holds no"),
        ({"Origin": {"_": "O", "X": 0.0, "Y": float("nan"), "Z": 0.0}}, "TwoDSlicedata.Origin is"),
        ({"Elapsed100NanosecondInterval": "noon"}, "none of its 4 frames tells its time"),
        ({"Data": b""}, "Data holds no 240 bytes"),
    ],
)
def test_unity_frames_that_are_not_as_described_are_refused(tmp_path, changes, says):
    assert says in refusal(write_unity(tmp_path / "cine", small(), **changes))


def test_one_damaged_unity_frame_does_not_refuse_the_others(tmp_path):
    case = replace(CASE, frames=CASE.frames.astype(np.uint16))
    folder = write_unity(tmp_path / "cine", case)
    first, second, third, last = (folder / f"{index * 37 % 101:03d}.bin" for index in range(4))
    third.write_bytes(third.read_bytes()[:-40])
    last.write_bytes(second.read_bytes())
    opened = open_recording(folder)
    np.testing.assert_array_equal(np.asarray(opened.frames), case.frames[:2])
    assert "1 of 4 files are left out: 074.bin; the first is not a frame of a Unity cine" in opened.notes[0]
    assert opened.notes[1] == "1 frames have the time of another one and are left out: 037.bin"
    first.write_bytes(first.read_bytes()[:-40])
    np.testing.assert_array_equal(np.asarray(open_recording(folder).frames), case.frames[1:2])


def test_unity_pixels_of_which_the_sign_is_not_told_are_refused(tmp_path):
    case = small(frames=small().frames + np.uint16(40000))
    assert "beyond 32767" in refusal(write_unity(tmp_path / "cine", case))


@pytest.mark.parametrize("write", [write_dat, write_unity])
def test_nothing_that_names_a_person_is_in_a_recording(tmp_path, write):
    opened = open_recording(write(tmp_path / "Doe Jane", replace(CASE, frames=CASE.frames.astype(np.int16))))
    assert not any(name.lower() in f"{opened.name} {opened.notes} {opened.region}".lower() for name in NAMES)
    assert opened.name.split("-")[0] in ("mridian", "unity")


PIECES = [b"\0", b"\xff", b"\x7f\xff\xff\xff", b"-1", b"\x09\x01\0\0\0"]
FILES = {
    "dat": dat_frame(STRAIGHT.frames[0], STRAIGHT, 0),
    "bin": unity_frame(STRAIGHT.frames[0].astype(np.uint16), STRAIGHT, 0, recording().first_mask),
    "raw": raw_cine(STRAIGHT),
}


def _opened(tmp_path, name, content):
    """Open a folder of which one file is this one, or the one file."""
    if name == "raw":
        path = tmp_path / "cine.raw"
        path.write_bytes(content)
        write_side(path, rate_hz=5.97)
    else:
        path = tmp_path / "cine"
        path.mkdir(exist_ok=True)
        for index in range(7):
            (path / f"{index}.{name}").write_bytes(FILES[name] if index != 6 else content)
        write_side(path, rate_hz=5.97)
    try:
        opened = open_recording(path)
        _ = [np.array(frame) for frame in opened.frames]
        return opened.notes
    except (RecordingError, GeometryError) as error:
        message = str(error)
    assert "\n" not in message
    assert len(message) < 800
    return None


@pytest.mark.parametrize("name", FILES)
def test_one_that_is_cut_short_anywhere_is_refused_or_left_out(tmp_path, name):
    length = len(FILES[name])
    for keep in [*range(0, length, max(length // 60, 1)), *range(length - 30, length)]:
        notes = _opened(tmp_path, name, FILES[name][:keep])
        # What ends before it says what it is, is some other file in the folder.
        told = f"1 of 7 files are left out: 6.{name}; the first "
        assert notes is None if name == "raw" else any(told in one or "1 files that are not" in one for one in notes)


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=150, deadline=None)
@given(
    place=st.integers(0, 3000), piece=st.sampled_from([b"\0", b"\xff", b"\x7f\xff\xff\xff", b"-1", b"\x09\x01\0\0\0"])
)
def test_a_damaged_piece_never_ends_in_another_error(tmp_path_factory, name, place, piece):
    content = bytearray(FILES[name])
    at = place % len(content)
    content[at : at + len(piece)] = piece
    _opened(tmp_path_factory.mktemp("damaged"), name, bytes(content))


def test_objects_that_refer_to_each_other_in_a_circle_are_refused():
    circle = Document(1, {1: {"next": Reference(2)}, 2: Reference(3), 3: Reference(2)})
    with pytest.raises(NrbfError, match="in a circle"):
        circle.get("next", "next")


def test_a_member_of_a_class_within_itself_is_no_endless_way(tmp_path):
    deep = b"\x05" + struct.pack("<i", 1) + b"\x01A" + struct.pack("<i", 1) + b"\x01a" + b"\x02" + struct.pack("<i", 2)
    again = (b"\x01" + struct.pack("<ii", 5, 1)) * 100
    stream = struct.pack("<Biiii", 0, 1, -1, 1, 0) + deep + again
    with pytest.raises(NrbfError, match="within each other"):
        read_nrbf(io.BytesIO(stream), len(stream))


def test_a_claim_of_gigabytes_is_refused_without_taking_them(tmp_path):
    folder = tmp_path / "cine"
    folder.mkdir()
    data = STRAIGHT.frames[0].astype("<u2").tobytes()
    content = FILES["bin"].replace(struct.pack("<iB", len(data), 2) + data, struct.pack("<iB", 2**31 - 1, 2) + data)
    assert content != FILES["bin"]
    (folder / "a.bin").write_bytes(content)
    assert "an array of 2147483647 numbers" in refusal(folder)


@pytest.mark.parametrize("kind", ["unity", "mridian"])
@pytest.mark.parametrize(("apart_mm", "planes"), [(0.3, 1), (3.0, 2)])
def test_positions_of_images_may_differ_by_as_much_as_a_live_session_allows(tmp_path, kind, apart_mm, planes):
    folder = tmp_path / "cine"
    write = write_unity if kind == "unity" else write_dat
    write(folder, STRAIGHT)
    x, y, z = STRAIGHT.plane.origin_mm
    beside = replace(STRAIGHT, plane=replace(STRAIGHT.plane, origin_mm=(x + apart_mm, y, z)))
    other = tmp_path / "other"
    write(other, beside)
    moved = sorted(other.iterdir())[-2:]
    for file in moved:
        shutil.copy(file, folder / file.name)
    if planes == 2:
        assert f"holds {planes} planes" in refusal(folder)
        return
    opened = open_recording(folder)
    assert f"positions of images differ by up to {apart_mm:g} mm; that of the first is used for all" in opened.notes
    assert len(opened.frames) == len(STRAIGHT.frames)


def test_unity_planes_in_turn_have_their_own_rates(tmp_path):
    coronal = small(
        np.uint16,
        plane=Plane((1.0, 2.0, 3.0), (0.0, 0.0, -1.0), (1.0, 0.0, 0.0)),
        times_s=0.1 + np.arange(4) / 2.0,
    )
    sagittal = small(np.uint16, times_s=np.arange(4) / 4.0)
    write_unity(tmp_path / "cine", sagittal)
    write_unity(tmp_path / "coronal", coronal)
    for index, file in enumerate(sorted((tmp_path / "coronal").iterdir())):
        shutil.copy(file, tmp_path / "cine" / f"coronal{index}.bin")
    listed = refusal(tmp_path / "cine")
    for words in ("sagittal 12 x 10, 4 images, 4 per second", "coronal 12 x 10, 4 images, 2 per second"):
        assert words in listed
    for case in (sagittal, coronal):
        choices = Choices(orientation=orientation_of(case.plane).name)
        assert_same(open_recording(tmp_path / "cine", choices), replace(case, times_s=case.times_s - case.times_s[0]))
