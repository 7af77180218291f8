"""Image stacks that ITK wrote are read as they were written, of either axis order, or refused in one line."""

import json
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK

from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import Plane
from replay.formats import pixel_file as stored
from replay.formats.format import Choices
from replay.formats.open import open_recording
from replay.recording import LazyFrames
from tests.support.image_files import assert_same, itk_image, oblique, small, write_itk, write_side
from tests.support.recordings import recording

ENDINGS = ("mha", "mhd", "nrrd", "nhdr", "nii", "nii.gz")
TYPES = (np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.float32)


def refusal(path, choices=None, kind=RecordingError):
    with pytest.raises(kind) as caught:
        open_recording(path, choices)
    message = str(caught.value)
    assert str(path.parent) in message
    assert "\n" not in message
    assert len(message) < 500
    return message


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("time", ["first", "last"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_directions_tell_where_the_images_lie(tmp_path, ending, time, compressed):
    case = small(plane=oblique())
    choices = Choices(time_axis="first") if time == "first" else None
    opened = open_recording(write_itk(tmp_path / f"P_001.{ending}", case, compressed, time=time), choices)
    assert_same(opened, case)
    assert (opened.name, opened.notes) == ("P_001", ())


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("ending", ENDINGS)
def test_pixels_of_every_type_come_back(tmp_path, ending, dtype):
    case = small(dtype)
    assert_same(open_recording(write_itk(tmp_path / f"a.{ending}", case)), case)


@pytest.mark.parametrize("ending", ["mha", "nrrd", "nii"])
def test_four_axes_with_a_single_slice_have_time_as_the_last(tmp_path, ending):
    case = small()
    if ending == "nii":
        path = write_itk(tmp_path / "a.nii", case, axes=4, beside=False)
        assert_same(open_recording(path), case)
        return
    opened = open_recording(write_itk(tmp_path / f"a.{ending}", case, axes=4))
    np.testing.assert_array_equal(np.asarray(opened.frames), case.frames)


@pytest.mark.parametrize("ending", ["mha", "nrrd", "nii"])
def test_an_image_that_is_flipped_and_turned_becomes_canonical(tmp_path, ending):
    case = small()
    frames = np.asarray(case.frames)[:, ::-1].swapaxes(1, 2)
    rows, _ = case.frames.shape[1:]
    low = tuple(case.plane.to_patient_mm(np.array([[rows - 1.0, 0.0]]), case.spacing_mm)[0])
    stored_case = small(
        frames=frames, spacing_mm=case.spacing_mm[::-1], plane=Plane(low, (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    )
    assert_same(open_recording(write_itk(tmp_path / f"a.{ending}", stored_case)), case)


@pytest.mark.parametrize("ending", ["mha", "nrrd", "nii"])
def test_where_time_may_be_first_or_last_by_the_directions_it_is_asked_for(tmp_path, ending):
    path = write_itk(tmp_path / f"a.{ending}", small(), time="first")
    message = refusal(path)
    assert "does not say which axis is time; give --time-axis first or last" in message
    assert_same(open_recording(path, Choices(time_axis="first")), small())


@pytest.mark.parametrize("ending", ["mha", "nrrd", "nii"])
@pytest.mark.parametrize("time", ["first", "last"])
def test_where_time_differs_in_spacing_it_is_found_in_every_plane(tmp_path, ending, time):
    sagittal = small(spacing_mm=(1.5, 1.5))
    coronal = replace(sagittal, plane=Plane((5.0, -20.0, 30.0), (0.0, 0.0, -1.0), (1.0, 0.0, 0.0)))
    # Either may be the other with time elsewhere.
    case = sagittal if time == "first" else coronal
    opened = open_recording(write_itk(tmp_path / f"a.{ending}", case, time=time))
    assert f"time is assumed to be the {time} axis" in opened.notes[0]
    assert_same(replace(opened, notes=()), case)


@pytest.mark.parametrize("ending", ["mha", "nrrd", "nii"])
def test_a_coronal_image_is_turned_until_its_columns_run_from_right_to_left(tmp_path, ending):
    coronal = small(plane=Plane((0.0, 0.0, 0.0), (0.0, 0.0, -1.0), (-1.0, 0.0, 0.0)))
    path = write_itk(tmp_path / f"a.{ending}", coronal)
    opened = open_recording(path, Choices(time_axis="last"))
    np.testing.assert_array_equal(np.asarray(opened.frames), np.asarray(coronal.frames)[:, :, ::-1])
    assert opened.plane.col_step == (1.0, 0.0, 0.0)
    stored = open_recording(path, Choices(as_stored=True, time_axis="last"))
    np.testing.assert_array_equal(np.asarray(stored.frames), coronal.frames)
    assert stored.plane == Plane()


def test_without_directions_time_is_asked_for_and_never_guessed(tmp_path):
    path = write_itk(tmp_path / "a.mha", small(), told=False)
    message = refusal(path)
    assert "which axis is time" in message
    assert "--time-axis" in message
    opened = open_recording(path, Choices(time_axis="last"))
    np.testing.assert_array_equal(np.asarray(opened.frames), small().frames)
    assert opened.plane == Plane()
    assert "no file has the orientation of the images" in opened.notes[0]
    first = open_recording(path, Choices(time_axis="first"))
    assert first.frames.shape == (10, 4, 12)
    write_side(path, rate_hz=4.0, time_axis="last", as_stored=True)
    told = open_recording(path)
    assert (told.frames.shape, told.notes) == ((4, 12, 10), ())


def test_the_axis_that_differs_in_size_and_spacing_is_time_and_that_is_said(tmp_path):
    square = small(spacing_mm=(1.5, 1.5), frames=np.asarray(recording(shape=(12, 12)).frames))
    for time in ("first", "last"):
        opened = open_recording(write_itk(tmp_path / f"{time}.mha", square, told=False, time=time))
        np.testing.assert_array_equal(np.asarray(opened.frames), square.frames)
        assert f"time is assumed to be the {time} axis (4 long)" in opened.notes[0]
    alike = small(spacing_mm=(1.0, 1.0), frames=np.asarray(recording(shape=(12, 12)).frames))
    assert "which axis is time" in refusal(write_itk(tmp_path / "a.mha", alike, told=False))


@pytest.mark.parametrize("ending", ["mha", "nrrd"])
def test_without_a_rate_it_is_asked_for(tmp_path, ending):
    path = write_itk(tmp_path / f"a.{ending}", small(), beside=False)
    assert f"write rate_hz = ... into a.{ending}.toml" in refusal(path)


def test_the_target_is_read_from_the_files_that_the_side_file_names(tmp_path):
    whole = recording()
    path = write_itk(tmp_path / "a.nrrd", small())
    masks = small(frames=whole.labels.astype(np.uint8))
    write_itk(tmp_path / "all.mha", masks, beside=False)
    write_side(path, rate_hz=5.97, labels="all.mha", region="liver", field_strength_t=0.35, name="case 7")
    opened = open_recording(path)
    np.testing.assert_array_equal(np.asarray(opened.labels), whole.labels)
    np.testing.assert_array_equal(opened.first_mask, whole.labels[0])
    assert (opened.name, opened.region, opened.field_strength_t) == ("case 7", "liver", 0.35)
    first = small(frames=masks.frames[2:3], times_s=np.zeros(1))
    write_itk(tmp_path / "one.nrrd", first, beside=False)
    write_side(path, rate_hz=5.97, labels="all.mha", target="one.nrrd")
    np.testing.assert_array_equal(open_recording(path).first_mask, whole.labels[2])


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"rate_hz": 5.0, "target": "none.mha"}, "none.mha: cannot be read (No such file"),
        ({"rate_hz": 5.0, "target": "a.mha.json"}, "is not an image of a known format"),
        ({"rate_hz": 5.0, "target": "a.mha"}, "holds 4 images"),
        ({"rate_hz": 5.0, "labels": "elsewhere.mha"}, "is not on the plane of the frames"),
        ({"rate_hz": 5.0, "labels": "smaller.mha"}, "its labels (4, 11, 10)"),
        ({"rate_hz": 5.0, "target": "empty.mha"}, "its target is empty"),
        ({"rate_hz": 0.0}, "greater than or equal to 0.01"),
        ({"rate_hz": 5.0, "rate": 5.0}, "1 keys that a sidecar file does not have (rate)"),
        ({"rate_hz": 5.0, "times_s": [0, 1, 2, 3]}, "both rate_hz and times_s"),
        ({"times_s": [0, 1, 2]}, "has 4 frames and 3 times"),
        ({"times_s": [0, 1, 1, 3]}, "the time of frame 2 is 1.0 s and not after"),
        ({"times_s": [0, 1, "x", 3]}, "times_s.2"),
        ({"rate_hz": 5.0, "row_step": [0, 0, 1]}, "both row_step and col_step"),
        ({"rate_hz": 5.0, "name": "../x/y"}, "name"),
    ],
)
def test_a_side_file_that_does_not_fit_is_refused(tmp_path, values, says):
    case = small()
    path = write_itk(tmp_path / "a.mha", case)
    write_itk(tmp_path / "elsewhere.mha", small(plane=oblique(5.0)), beside=False)
    write_itk(tmp_path / "smaller.mha", small(frames=case.frames[:, 1:]), beside=False)
    write_itk(tmp_path / "empty.mha", small(frames=0 * case.frames[:1], times_s=np.zeros(1)), beside=False)
    (tmp_path / "a.mha.json").write_text(json.dumps(values))
    assert says in refusal(path)


def test_a_side_file_of_any_of_its_names_is_found(tmp_path):
    path = write_itk(tmp_path / "a.nii.gz", small(), beside=False)
    for name in ("a.nii.gz.toml", "a.nii.gz.json", "a.toml", "a.json"):
        text = "rate_hz = 5.97\n" if name.endswith("toml") else '{"rate_hz": 5.97}'
        (tmp_path / name).write_text(text)
        assert_same(open_recording(path), small())
        (tmp_path / name).unlink()
    (tmp_path / "a.toml").write_text("rate_hz = ")
    assert "a.toml: cannot be read as TOML" in refusal(path)


def test_nifti_is_read_big_endian_rescaled_and_with_its_own_rate(tmp_path):
    case = small(np.int16)
    SimpleITK.WriteImage(itk_image(case, axes=4), str(tmp_path / "a.nii"))
    content = (tmp_path / "a.nii").read_bytes()
    swapped = _swapped(content, pixels=case.frames)
    (tmp_path / "b.nii").write_bytes(swapped)
    assert_same(open_recording(tmp_path / "b.nii"), case)
    scaled = bytearray(content)
    scaled[112:120] = np.array([0.5, -3.0], "<f4").tobytes()
    (tmp_path / "c.nii").write_bytes(scaled)
    opened = open_recording(tmp_path / "c.nii")
    assert opened.frames.dtype == np.float32
    np.testing.assert_array_equal(np.asarray(opened.frames), case.frames * np.float32(0.5) - 3)
    there = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(tmp_path / "c.nii")))
    np.testing.assert_array_equal(np.asarray(opened.frames), there[:, 0])


@pytest.mark.parametrize("told", [False, True])
@pytest.mark.parametrize("axis", [1, 2, 3])
@pytest.mark.parametrize("step", [-1.25, 0.0, np.nan, np.inf])
def test_nifti_pixels_of_no_size_are_refused(tmp_path, axis, step, told):
    path = write_itk(tmp_path / "a.nii", small(), told=told)
    content = bytearray(path.read_bytes())
    content[76 + 4 * axis : 80 + 4 * axis] = np.array(step, "<f4").tobytes()
    path.write_bytes(content)
    message = refusal(path, Choices(time_axis="last"))
    assert f"has pixdim {step:g} along axis {axis}; it must be above 0" in message


def _swapped(content, pixels):
    """Return a NIfTI-1 file in the other byte order."""
    fields = [(0, "i4", 1), (40, "i2", 8), (68, "i2", 4), (76, "f4", 11), (252, "i2", 2), (256, "f4", 18)]
    out = bytearray(content)
    for place, kind, count in fields:
        values = np.frombuffer(content, "<" + kind, count, place)
        out[place : place + values.nbytes] = values.astype(">" + kind).tobytes()
    return bytes(out[:352]) + pixels.astype(">i2").tobytes()


@pytest.mark.parametrize("ending", ["mha", "nrrd", "nii", "nii.gz"])
@pytest.mark.parametrize("time", ["first", "last"])
@pytest.mark.parametrize("compressed", [False, True])
def test_what_does_not_fit_into_memory_is_unpacked_to_the_disk(tmp_path, monkeypatch, ending, time, compressed):
    case = small(plane=oblique(), frames=np.asarray(recording(frames=30).frames), times_s=np.arange(30) / 5.0)
    path = write_itk(tmp_path / f"a.{ending}", case, compressed, time=time)
    monkeypatch.setattr(stored, "IN_MEMORY_BYTES", 100)
    monkeypatch.setattr(stored, "_BLOCK_BYTES", 2000)
    opened = open_recording(path, Choices(time_axis=time))
    assert isinstance(opened.frames, LazyFrames)
    assert_same(opened, case)


def test_uncompressed_frames_are_read_from_the_file_when_they_are_asked_for(tmp_path):
    path = write_itk(tmp_path / "a.mha", small())
    opened = open_recording(path)
    content = bytearray(path.read_bytes())
    content[-1] ^= 0xFF
    path.write_bytes(content)
    assert opened.frames[3][-1, -1] == small().frames[3][-1, -1] ^ 0xFF00
    path.write_bytes(content[:-1])
    with pytest.raises(RecordingError, match="was cut short at frame 3"):
        opened.frames[3]
    path.unlink()
    with pytest.raises(RecordingError, match="cannot be read any more at frame 0"):
        opened.frames[0]
