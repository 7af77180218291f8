"""MRD files that the ismrmrd library wrote are recordings, and those written here are read by it."""

import warnings
from dataclasses import replace

import h5py
import numpy as np
import pytest

from gatekeeper.core.axes import orientation_of
from gatekeeper.core.errors import OutputError
from gatekeeper.core.frame import Plane
from replay.formats import planes
from replay.formats.format import Choices
from replay.formats.open import open_recording
from replay.formats.writers.mrd import write_mrd
from tests.support.image_files import assert_same, oblique, write_side
from tests.support.mrd_files import CASE, TICKS, image, written
from tests.support.recordings import refusal
from tests.support.sessions import quiet

with warnings.catch_warnings():
    import ismrmrd


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.uint32, np.float32])
def test_a_file_of_the_library_is_what_was_written(tmp_path, dtype):
    case = replace(CASE, frames=CASE.frames.astype(dtype), plane=oblique())
    opened = open_recording(written(tmp_path / "a.h5", *(image(case, index) for index in range(4))))
    assert_same(opened, case)
    assert "ticks of 2.5 ms" in opened.notes[0]


def test_images_are_sorted_by_their_time(tmp_path):
    opened = open_recording(written(tmp_path / "a.h5", *(image(CASE, index) for index in (2, 0, 3, 1))))
    assert_same(opened, CASE)


def test_images_that_are_missing_by_their_numbers_are_told(tmp_path):
    opened = open_recording(written(tmp_path / "a.h5", *(image(CASE, index) for index in (0, 2, 3))))
    assert len(opened.frames) == 3
    assert opened.notes[-1] == "1 images are missing by their numbers, in 1 places"


def test_time_stamps_count_on_after_midnight(tmp_path):
    day = 86400 * 400
    stamps = [day - 100, day - 32, 35, 200]
    opened = open_recording(
        written(tmp_path / "a.h5", *(image(CASE, index, stamp=stamp) for index, stamp in enumerate(stamps)))
    )
    assert_same(opened, CASE)


def test_without_time_stamps_the_rate_is_asked_for(tmp_path):
    path = written(tmp_path / "a.h5", *(image(CASE, index, stamp=0) for index in range(4)))
    assert "write rate_hz" in refusal(path)
    write_side(path, rate_hz=4.0)
    np.testing.assert_allclose(open_recording(path).times_s, [0.0, 0.25, 0.5, 0.75])


def test_complex_images_become_their_magnitude(tmp_path):
    case = replace(CASE, frames=(CASE.frames * (0.6 + 0.8j)).astype(np.complex64))
    images = [image(case, index, kind=ismrmrd.IMTYPE_COMPLEX) for index in range(4)]
    opened = open_recording(written(tmp_path / "a.h5", *images))
    np.testing.assert_allclose(np.asarray(opened.frames), CASE.frames, rtol=1e-6)


def test_several_series_are_listed_and_asked_for(tmp_path):
    path = tmp_path / "a.h5"
    for index in range(4):
        written(path, image(CASE, index), image(CASE, index, series=2, kind=ismrmrd.IMTYPE_PHASE))
    turned = replace(CASE, plane=oblique())
    written(path, *(image(turned, index) for index in range(4)), group="image_1")
    message = refusal(path)
    for listed in (
        "image_0:1 (4 magnitude of 12 x 10, sagittal)",
        "image_0:2 (4 phase of 12 x 10, ",
        "image_1 (4 magn",
        "--scan",
    ):
        assert listed in message
    assert_same(open_recording(path, Choices(scan="image_0:1")), CASE)
    assert_same(open_recording(path, Choices(scan="image_1")), turned)
    assert "is not a magnitude" in refusal(path, Choices(scan="image_0:2"))
    assert "has no series 'image_7'" in refusal(path, Choices(scan="image_7"))


def test_images_of_two_planes_in_turn_are_two_series(tmp_path):
    coronal = replace(CASE, plane=Plane((0.0, 0.0, 0.0), (0.0, 0.0, -1.0), (1.0, 0.0, 0.0)))
    images = [image(one, index) for index in range(4) for one in (CASE, coronal)]
    path = written(tmp_path / "a.h5", *images)
    assert "holds 2 series" in refusal(path)
    assert_same(open_recording(path, Choices(scan="image_0:1")), CASE)
    assert_same(open_recording(path, Choices(scan="image_0:2")), coronal)
    for case in (CASE, coronal):
        assert_same(open_recording(path, Choices(orientation=orientation_of(case.plane).name)), case)
    assert "has no axial series" in refusal(path, Choices(orientation="axial"))


def shifted(path, off_mm):
    """Return a file of four images, each further away from the first."""
    images = [image(CASE, index) for index in range(4)]
    for index, one in enumerate(images):
        one.position[0] += index * off_mm
    return written(path, *images)


def test_positions_that_jitter_are_one_plane_and_that_is_noted(tmp_path):
    recording = open_recording(shifted(tmp_path / "a.h5", 0.06))
    assert_same(recording, CASE)
    assert any("positions of images differ by up to 0.18 mm" in note for note in recording.notes)


def test_positions_further_apart_are_planes_and_not_any_number_of_them(tmp_path, monkeypatch):
    path = shifted(tmp_path / "a.h5", 10.0)
    assert "holds 4 series" in refusal(path)
    monkeypatch.setattr(planes, "MOST_PLANES", 2)
    assert "holds more than 2 planes" in refusal(path)


def test_meta_attributes_know_better_than_the_header_how_an_image_lies(tmp_path):
    meta = ismrmrd.Meta({"ImageRowDir": list(CASE.plane.col_step), "ImageColumnDir": list(CASE.plane.row_step)})
    wrong = {"read_dir": (1.0, 0.0, 0.0), "phase_dir": (0.0, 0.0, 1.0), "attribute_string": meta.serialize()}
    opened = open_recording(written(tmp_path / "a.h5", *(image(CASE, index, **wrong) for index in range(4))))
    assert_same(opened, CASE)


def test_hdf5_without_images_is_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["numbers"] = [1, 2, 3]
    assert "without a series of MRD images" in refusal(tmp_path / "a.h5")


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int32, np.float32])
def test_what_is_written_reads_back_here(tmp_path, dtype):
    case = replace(CASE, frames=CASE.frames.astype(dtype), plane=oblique())
    write_mrd(case, tmp_path / "a.h5", quiet)
    opened = open_recording(tmp_path / "a.h5")
    wider = np.promote_types(dtype, np.uint16 if np.dtype(dtype).kind == "u" else np.int16)
    assert_same(opened, replace(case, frames=case.frames.astype(wider if np.dtype(dtype).kind != "f" else dtype)))
    assert opened.notes == ()


def test_what_is_written_is_what_the_library_reads(tmp_path):
    case = replace(CASE, field_strength_t=0.35)
    write_mrd(case, tmp_path / "a.h5", quiet)
    with ismrmrd.Dataset(str(tmp_path / "a.h5"), create_if_needed=False, mode="r") as dataset:
        assert dataset.number_of_images("image_0") == 4
        header = ismrmrd.xsd.CreateFromDocument(dataset.read_xml_header())
        last = dataset.read_image("image_0", 3)
    assert header.acquisitionSystemInformation.systemFieldStrength_T == 0.35
    assert header.encoding[0].reconSpace.matrixSize.x == 10
    np.testing.assert_array_equal(last.data[0, 0], case.frames[3])
    assert tuple(last.getHead().matrix_size) == (10, 12, 1)
    assert last.acquisition_time_stamp - 1 == TICKS[3] - TICKS[0]


def test_a_file_that_is_there_is_not_written_over(tmp_path):
    (tmp_path / "a.h5").write_text("precious")
    with pytest.raises(OutputError, match="exists"):
        write_mrd(CASE, tmp_path / "a.h5", quiet)
    assert (tmp_path / "a.h5").read_text() == "precious"
