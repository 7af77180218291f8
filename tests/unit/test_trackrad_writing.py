"""A TrackRAD case is written whole or not at all."""

import dataclasses

import numpy as np
import pytest
import SimpleITK

from gatekeeper.core.errors import OutputError
from gatekeeper.core.frame import Plane
from replay.formats import metaimage_writer, trackrad
from replay.formats.trackrad import open_case, write_case
from tests.support.image_files import oblique
from tests.support.recordings import recording


def assert_same(opened, written):
    for field in dataclasses.fields(written):
        ours, theirs = getattr(opened, field.name), getattr(written, field.name)
        if isinstance(theirs, np.ndarray):
            assert ours.dtype == theirs.dtype
            np.testing.assert_array_equal(ours, theirs)
        else:
            assert ours == theirs


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.float32])
def test_a_case_reads_back_exactly(tmp_path, dtype):
    written = recording(dtype=dtype)
    assert_same(open_case(write_case(written, tmp_path / written.name)), written)


def test_a_case_without_target_field_strength_and_region_reads_back_exactly(tmp_path):
    written = recording(first_mask=None, labels=None, field_strength_t=None, region=None)
    assert_same(open_case(write_case(written, tmp_path / written.name)), written)


def test_a_case_in_a_folder_of_another_name_opens_under_that_name(tmp_path):
    opened = open_case(write_case(recording(), tmp_path / "other"))
    assert_same(dataclasses.replace(opened, name="P_001"), recording())
    assert opened.name == "other"


def test_parents_are_made_and_extra_files_lie_beside(tmp_path):
    case = write_case(recording(), tmp_path / "a" / "b" / "P_001", {"truth.json": "{}"})
    assert (case / "truth.json").read_text() == "{}"
    assert [path.name for path in case.parent.iterdir()] == ["P_001"]


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "P_001").mkdir()
    assert_same(open_case(write_case(recording(), tmp_path / "P_001")), recording())


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="not an empty folder"):
        write_case(recording(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_file_in_the_place_of_the_folder_or_its_parent_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    for out_dir in (tmp_path / "file", tmp_path / "file" / "P_001"):
        with pytest.raises(OutputError):
            write_case(recording(), out_dir)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_nothing_is_left_when_writing_breaks_off(tmp_path, monkeypatch, error):
    def disk_full(path, pixels, spacing, place=None):
        path.write_bytes(b"half")
        if "labels" in path.name:
            raise error

    monkeypatch.setattr(trackrad, "write_metaimage", disk_full)
    with pytest.raises(OutputError if isinstance(error, OSError) else KeyboardInterrupt) as caught:
        write_case(recording(), tmp_path / "P_001")
    assert list(tmp_path.iterdir()) == []
    if isinstance(error, OSError):
        assert str(caught.value).startswith(f"{tmp_path / 'P_001'}: cannot be written (No space left on device)")


@pytest.mark.parametrize("name", ["", "a/b", "../up"])
def test_a_name_that_would_leave_the_folder_is_refused(tmp_path, name):
    with pytest.raises(OutputError, match="rename it"):
        write_case(recording(name=name), tmp_path / "case")


@pytest.mark.parametrize(
    "times_s", [[0.0, 0.25, 0.5, 0.85], [0.1, 0.35, 0.6, 0.85], [0.0] * 4, [0.0, 1e-5, 2e-5, 3e-5]]
)
def test_times_that_no_frame_rate_gives_are_refused(tmp_path, times_s):
    with pytest.raises(OutputError, match=r"off an even rate|frames per second"):
        write_case(recording(times_s=np.array(times_s)), tmp_path / "case")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("plane", [Plane(), oblique()])
@pytest.mark.parametrize("dtype", [np.uint16, np.int8, np.float32])
def test_what_does_not_fit_into_memory_is_written_as_what_does(tmp_path, monkeypatch, plane, dtype):
    case = recording(frames=70, dtype=dtype, plane=plane)
    small = write_case(case, tmp_path / "small" / "P_001")
    monkeypatch.setattr(metaimage_writer, "LARGE_BYTES", 1000)
    monkeypatch.setattr(metaimage_writer, "BLOCK_BYTES", 4000)
    seen = []
    large = write_case(case, tmp_path / "large" / "P_001", on_progress=lambda *told: seen.append(told))
    assert {(doing, total) for doing, _, total in seen} == {("writing", 36)}
    assert sorted({done for _, done, _ in seen}) == [*range(13), 24, *range(25, 37)]
    assert seen == sorted(seen)
    for name in ("images/P_001_frames.mha", "targets/P_001_labels.mha", "targets/P_001_first_label.mha"):
        one, other = (SimpleITK.ReadImage(str(folder / name)) for folder in (small, large))
        np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(one), SimpleITK.GetArrayFromImage(other))
        assert (one.GetSpacing(), one.GetOrigin()) == (other.GetSpacing(), other.GetOrigin())
        assert one.GetDirection() == pytest.approx(other.GetDirection(), abs=1e-12)
    assert (large / "images" / "P_001_frames.mha").read_bytes() != (small / "images" / "P_001_frames.mha").read_bytes()
    for folder in (small, large):
        opened = open_case(folder)
        np.testing.assert_array_equal(opened.frames, case.frames)
        np.testing.assert_array_equal(opened.labels, case.labels)
        assert opened.plane == plane
