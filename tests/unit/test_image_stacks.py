"""Stacks of images that NumPy, tifffile and OpenCV wrote are read as they were written, or refused in one line."""

import itertools
import zipfile
from contextlib import suppress

import cv2
import numpy as np
import pytest
import tifffile

from gatekeeper.core.errors import GeometryError, RecordingError
from gatekeeper.core.frame import Plane
from replay.formats.open import open_recording
from replay.recording import LazyFrames
from tests.support.image_files import SAGITTAL, assert_same, oblique, rate_hz, small, write_side
from tests.support.recordings import recording

TYPES = (np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.float32)


def beside(path, case, **more):
    """Write the side file that a stack without a header of its own needs."""
    plane = {name: getattr(case.plane, name) for name in ("origin_mm", "row_step", "col_step")}
    write_side(path, spacing_mm=case.spacing_mm, rate_hz=rate_hz(case), **plane, **more)
    return path


def refusal(path):
    with pytest.raises((RecordingError, GeometryError)) as caught:
        open_recording(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert len(message) < len(str(path)) + 250
    return message


@pytest.mark.parametrize("dtype", [*TYPES, ">u2", ">f4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_of_every_type_and_order_comes_back(tmp_path, dtype, order):
    case = small(np.dtype(dtype).newbyteorder("="), plane=oblique())
    np.save(tmp_path / "a.npy", np.asarray(case.frames, dtype, order=order))
    opened = open_recording(beside(tmp_path / "a.npy", case))
    assert_same(opened, case)
    assert opened.notes == ()


@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_with_time_as_its_last_axis_is_read_when_it_is_told(tmp_path, order):
    case = small()
    np.save(tmp_path / "a.npy", np.asarray(np.moveaxis(case.frames, 0, -1), order=order))
    assert_same(open_recording(beside(tmp_path / "a.npy", case, time_axis="last")), case)


def test_npy_frames_lie_in_the_file_until_they_are_asked_for(tmp_path):
    case = small()
    np.save(tmp_path / "a.npy", case.frames)
    assert isinstance(open_recording(beside(tmp_path / "a.npy", case)).frames, LazyFrames)


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.zeros(4), "shape (4,)"),
        (np.zeros((2, 3, 4, 5)), "shape (2, 3, 4, 5)"),
        (np.zeros((0, 3, 4)), "at least one pixel and one frame"),
        (np.zeros((2, 3, 4), bool), "pixels of bool"),
        (np.zeros((2, 3, 4), complex), "complex128 and not numbers"),
        (np.zeros((2, 3, 4), "U3"), "and not numbers"),
        (np.array([{}, None]), "object and not numbers"),
    ],
)
def test_npy_that_holds_no_images_is_refused(tmp_path, array, says):
    np.save(tmp_path / "a.npy", array)
    write_side(tmp_path / "a.npy", spacing_mm=[1, 1], rate_hz=4.0)
    assert says in refusal(tmp_path / "a.npy")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("time_axis", ["first", "last"])
@pytest.mark.parametrize("shape", [(12, 10), (200, 190)])
def test_npz_frames_of_either_order_are_not_mixed_with_what_follows_them(tmp_path, save, order, time_axis, shape):
    case = small(frames=np.asarray(recording(shape=shape).frames))
    frames = case.frames if time_axis == "first" else np.moveaxis(case.frames, 0, -1)
    facts = {"spacing_mm": case.spacing_mm, "times_s": case.times_s}
    save(tmp_path / "a.npz", frames=np.asarray(frames, order=order), **facts)
    write_side(tmp_path / "a.npz", time_axis=time_axis)
    np.testing.assert_array_equal(np.asarray(open_recording(tmp_path / "a.npz").frames), case.frames)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_npz_tells_everything_itself(tmp_path, save):
    case = recording(plane=oblique(), times_s=np.array([0.0, 0.17, 0.31, 0.9]))
    plane = [case.plane.origin_mm, case.plane.row_step, case.plane.col_step]
    whole = {
        "frames": case.frames,
        "spacing_mm": case.spacing_mm,
        "times_s": case.times_s + 100.0,
        "plane": plane,
        "target": case.first_mask,
        "labels": case.labels,
        "name": "case 3",
        "region": "liver",
        "field_strength_t": 0.35,
    }
    save(tmp_path / "a.npz", **whole)
    opened = open_recording(tmp_path / "a.npz")
    assert_same(opened, case)
    assert (opened.name, opened.region, opened.field_strength_t, opened.notes) == ("case 3", "liver", 0.35, ())
    np.testing.assert_array_equal(np.asarray(opened.labels), case.labels)
    np.testing.assert_array_equal(opened.first_mask, case.first_mask)


TURNS = {
    "rows": (lambda images: images[..., ::-1, :], (0.0, 0.0, 1.0), (0.0, 1.0, 0.0)),
    "columns": (lambda images: images[..., ::-1], (0.0, 0.0, -1.0), (0.0, -1.0, 0.0)),
    "both": (lambda images: images[..., ::-1, ::-1], (0.0, 0.0, 1.0), (0.0, -1.0, 0.0)),
    "exchanged": (lambda images: np.swapaxes(images, -1, -2), (0.0, 1.0, 0.0), (0.0, 0.0, -1.0)),
}


@pytest.mark.parametrize("turn", TURNS)
def test_the_target_is_turned_with_the_frames(tmp_path, turn):
    stored, row_step, col_step = TURNS[turn]
    case = recording(spacing_mm=(1.5, 1.5))
    labels = case.labels & (np.indices(case.first_mask.shape).sum(axis=0) > 9)
    first = labels[2]
    facts = {"spacing_mm": case.spacing_mm, "times_s": case.times_s, "plane": [(0.0, 0.0, 0.0), row_step, col_step]}
    np.savez(tmp_path / "a.npz", frames=stored(case.frames), labels=stored(labels), target=stored(first), **facts)
    opened = open_recording(tmp_path / "a.npz")
    np.testing.assert_array_equal(np.asarray(opened.frames), case.frames)
    np.testing.assert_array_equal(np.asarray(opened.labels), labels)
    np.testing.assert_array_equal(opened.first_mask, first)
    np.savez(tmp_path / "b.npz", frames=stored(case.frames), labels=stored(labels), **facts)
    np.testing.assert_array_equal(open_recording(tmp_path / "b.npz").first_mask, labels[0])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"spacing_mm": [1.0]}, "spacing_mm of float64 and shape (1,)"),
        ({"spacing_mm": [1.0, -1.0]}, "both must be above 0"),
        ({"times_s": ["a"]}, "times_s of <U1"),
        ({"times_s": [0, 1, 2, np.nan]}, "the time of frame 3 is nan"),
        ({"plane": np.zeros(9)}, "a plane of float64 and shape (9,)"),
        ({"rate_hz": [4.0, 5.0]}, "rate_hz of float64 and shape (2,)"),
        ({"rate_hz": -4.0, "times_s": None}, "-4 frames per second"),
        ({"name": "a\nb"}, "a name that is not a short text"),
        ({"region": 3}, "a region that is not a short text"),
        ({"labels": np.ones((3, 12, 10))}, "its labels (3, 12, 10)"),
        ({"target": np.zeros((12, 10))}, "its target is empty"),
        ({"frames": None, "images": [1]}, "it must hold frames"),
        ({"spacing_mm": None}, "has no size of its pixels"),
    ],
)
def test_an_npz_that_does_not_fit_together_is_refused(tmp_path, change, says):
    case = small()
    whole = {"frames": case.frames, "spacing_mm": case.spacing_mm, "times_s": case.times_s, **change}
    np.savez(tmp_path / "a.npz", **{name: value for name, value in whole.items() if value is not None})
    assert says in refusal(tmp_path / "a.npz")


def test_an_npz_whose_member_is_damaged_is_refused(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, frames=small().frames, spacing_mm=[1.0, 1.0], rate_hz=4.0)
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo("frames.npy")
    content[info.header_offset + 200] ^= 0xFF
    path.write_bytes(content)
    assert "damaged" in refusal(path)


@pytest.mark.parametrize(
    ("how", "dtype"),
    [
        *itertools.product(("one piece", "pages", "deflated", "big"), (*TYPES, ">u2")),
        *(("imagej", dtype) for dtype in (np.uint8, np.uint16, np.float32)),
    ],
)
def test_tiff_of_every_kind_comes_back(tmp_path, dtype, how):
    case = small(np.dtype(dtype).newbyteorder("="))
    order = ">" if dtype == ">u2" else "<"
    frames, path = np.asarray(case.frames), tmp_path / "a.tif"
    if how == "imagej":
        tifffile.imwrite(path, frames, imagej=True, metadata={"axes": "TYX"})
    elif how == "one piece":
        tifffile.imwrite(path, frames, byteorder=order, photometric="minisblack")
    else:
        with tifffile.TiffWriter(path, byteorder=order, bigtiff=how == "big") as writer:
            for frame in frames:
                writer.write(
                    frame, compression="zlib" if how == "deflated" else None, photometric="minisblack", contiguous=False
                )
    assert_same(open_recording(beside(path, case)), case)


@pytest.mark.parametrize(
    ("frames", "says"),
    [
        ([np.zeros((4, 5), np.uint8), np.zeros((5, 4), np.uint8)], "image 1 is (5, 4) pixels"),
        ([np.zeros((4, 5, 3), np.uint8)], "RGB images"),
    ],
)
def test_tiff_of_several_sizes_or_colours_is_refused(tmp_path, frames, says):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for frame in frames:
            writer.write(frame, photometric="rgb" if frame.ndim == 3 else "minisblack")
    write_side(tmp_path / "a.tif", spacing_mm=[1, 1], rate_hz=4.0)
    assert says in refusal(tmp_path / "a.tif")


def video(path, frames, code, colour=False):
    writer = cv2.VideoWriter(
        str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*code), 25.0, frames.shape[2:0:-1], isColor=colour
    )
    assert writer.isOpened()
    for frame in frames:
        writer.write(frame)
    writer.release()
    return path


@pytest.fixture
def film():
    """Grey images that video codecs take: even sizes, and smooth."""
    row, col = np.mgrid[:48, :64]
    frames = np.stack([128 + 60 * np.sin(0.2 * (row + shift)) * np.cos(0.15 * col) for shift in range(8)])
    return small(frames=frames.astype(np.uint8), times_s=np.arange(8) / 4.0)


def test_a_lossless_video_comes_back_in_any_order(tmp_path, film):
    path = video(tmp_path / "a.avi", film.frames, "FFV1")
    opened = open_recording(beside(path, film))
    assert_same(opened, film)
    for index in (5, 2, 7, 0):
        np.testing.assert_array_equal(opened.frames[index], film.frames[index])
    assert "is a video" in opened.notes[0]


@pytest.mark.parametrize(("name", "code"), [("a.avi", "MJPG"), ("a.mp4", "mp4v")])
def test_a_lossy_video_comes_back_nearly(tmp_path, film, name, code):
    opened = open_recording(beside(video(tmp_path / name, film.frames, code), film))
    assert opened.frames.shape == film.frames.shape
    for frame, written in zip(opened.frames, film.frames, strict=True):
        assert np.abs(frame.astype(int) - written).mean() < 3.0


def test_a_coloured_video_is_refused_where_colour_appears(tmp_path, film):
    coloured = np.repeat(film.frames[..., None], 3, axis=3)
    coloured[3:, :20, :20] = (0, 0, 255)
    opened = open_recording(beside(video(tmp_path / "a.avi", coloured, "MJPG", colour=True), film))
    assert opened.frames[0].shape == (48, 64)
    with pytest.raises(RecordingError, match="shows colours on frame 3"):
        opened.frames[3]


def test_a_video_whose_end_is_missing_is_refused(tmp_path, film, capfd):
    path = beside(video(tmp_path / "a.avi", film.frames, "MJPG"), film)
    content = path.read_bytes()
    for length in (200, len(content) // 2, len(content) * 3 // 4):
        path.write_bytes(content[:length])
        refusal(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["a.npy", "a.tif", "a.avi"])
def test_without_spacing_and_rate_a_stack_is_refused(tmp_path, film, name):
    path = tmp_path / name
    if name == "a.npy":
        np.save(path, film.frames)
    elif name == "a.tif":
        tifffile.imwrite(path, film.frames, photometric="minisblack")
    else:
        video(path, film.frames, "MJPG")
    assert f"write spacing_mm = [row, column] into {name}.toml" in refusal(path)
    write_side(path, spacing_mm=[2.0, 2.0])
    assert f"write rate_hz = ... into {name}.toml" in refusal(path)
    write_side(path, spacing_mm=[2, 2.0], rate_hz=4)
    opened = open_recording(path)
    assert opened.plane == Plane()
    assert any("no file has the orientation of the images" in note for note in opened.notes)
    assert opened.frames.shape == (8, 48, 64)


def test_a_stack_with_its_target_beside_it_is_read_with_it(tmp_path):
    case = recording(plane=SAGITTAL)
    np.save(tmp_path / "frames.npy", case.frames)
    np.save(tmp_path / "first.npy", case.first_mask)
    tifffile.imwrite(tmp_path / "all.tif", case.labels.astype(np.uint8) * 255, photometric="minisblack")
    opened = open_recording(beside(tmp_path / "frames.npy", case, target="first.npy", labels="all.tif"))
    np.testing.assert_array_equal(opened.first_mask, case.first_mask)
    np.testing.assert_array_equal(np.asarray(opened.labels), case.labels)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_tiff_that_is_cut_short_anywhere_is_never_a_shorter_recording(tmp_path, compression):
    path, frames = tmp_path / "case.tif", recording(frames=4).frames
    tifffile.imwrite(path, frames, photometric="minisblack", compression=compression, metadata=None)
    (tmp_path / "case.tif.toml").write_text("spacing_mm = [2.0, 2.0]\nrate_hz = 4.0\n")
    whole = path.read_bytes()
    counts = set()
    for keep in range(0, len(whole), 5):
        path.write_bytes(whole[:keep])
        with suppress(RecordingError):
            counts.add(len(open_recording(path).frames))
    assert counts <= {4}
    path.write_bytes(whole)
    assert len(open_recording(path).frames) == 4
