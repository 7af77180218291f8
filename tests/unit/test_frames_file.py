"""Frames come back from the file exactly as they were judged, whatever they were."""

import math
from dataclasses import replace

import h5py
import numpy as np
import pytest

from gatekeeper.core.contour import Role, Structure
from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import Frame, Plane
from gatekeeper.recording.frames_file import FramesFile, StoredFrame
from gatekeeper.recording.frames_reader import FramesReader
from gatekeeper.recording.hashing import hashes_of
from gatekeeper.recording.serialization import pack, unpack
from gatekeeper.recording.session_setup import SessionSetup

SHAPE = (6, 5)
WHOLE = np.arange(30, dtype=np.float32).reshape(SHAPE)
PLANE = Plane((1.0, -2.5, 1 / 3), (0.0, 0.6, -0.8), (1.0, 0.0, 0.0))
SQUARE = Structure("duodenum", Role.AVOID, np.array([[1.0, 1.0], [1.0, 3.0], [3.0, 3.0], [3.0, 1.0]]))


def setup(**fields):
    values = {
        "name": "P_001",
        "reference": WHOLE.astype(np.uint16),
        "target_mask": WHOLE > 20,
        "spacing_mm": (1.5, 2.5),
        "plane": PLANE,
        "pixel_type": np.dtype(np.uint16),
    }
    return SessionSetup(**{**values, **fields})


def frame(image, sequence=0, **fields):
    values = {"acquired_s": 0.1 + 0.2, "received_s": math.nan, "spacing_mm": (1.5, 2.5), "plane": PLANE}
    return Frame(image=image, sequence=sequence, **{**values, **fields})


def written(path, *frames, begin=None):
    """Write frames as they come through the ring, and return the hash of each."""
    begin = setup() if begin is None else begin
    file = FramesFile(path, begin.facts(), begin.arrays())
    hashes = []
    for one in frames:
        record = unpack(b"".join(pack({"kind": "frame"}, StoredFrame.of(one))))
        hashes.append(file.add(record.frame)[1])
    file.close()
    return hashes


def odd(kind):
    image = WHOLE.copy()
    if kind == "nan":
        image[2, 3] = np.nan
    elif kind == "infinity":
        image[0, 0] = -np.inf
    elif kind == "fraction":
        image[5, 4] = 0.5
    elif kind == "negative zero":
        image[0, 0] = -0.0
    elif kind == "too large":
        image[0, 0] = 70000.0
    return {
        "other shape": WHOLE[:-1].copy(),
        "double": WHOLE.astype(np.float64) + 1e-9,
        "columns first": np.asfortranarray(WHOLE),
        "one axis": WHOLE[0].copy(),
        "three axes": WHOLE.reshape(2, 3, 5),
        "no pixel": np.empty((0, 4), np.float32),
        "big-endian": WHOLE.astype(">f4"),
    }.get(kind, image)


KINDS = ["whole", "nan", "infinity", "fraction", "negative zero", "too large", "other shape", "double"]
KINDS += ["columns first", "one axis", "three axes", "no pixel", "big-endian"]


def test_every_kind_of_frame_comes_back_as_it_was_judged(tmp_path):
    frames = [frame(odd(kind), sequence=number) for number, kind in enumerate([*KINDS, "whole"])]
    hashes = written(tmp_path / "frames.h5", *frames)
    reader = FramesReader(tmp_path / "frames.h5")
    assert len(reader) == len(frames)
    for row, (before, digest) in enumerate(zip(frames, hashes, strict=True)):
        after, again = reader.frame(row)
        assert after.image.shape == before.image.shape
        assert after.image.dtype == before.image.dtype.newbyteorder("=")
        assert np.array_equal(after.image, before.image, equal_nan=True)
        assert np.array_equal(np.signbit(after.image), np.signbit(before.image))
        assert again == digest
        assert (after.sequence, after.acquired_s, after.spacing_mm) == (row, 0.1 + 0.2, (1.5, 2.5))
        assert math.isnan(after.received_s)
        assert after.plane == PLANE


def test_frames_are_kept_in_the_type_of_the_source(tmp_path):
    written(tmp_path / "frames.h5", frame(WHOLE), frame(odd("fraction"), sequence=1))
    with h5py.File(tmp_path / "frames.h5") as file:
        assert file["pixels"].dtype == np.uint16
        assert file["pixels"].shape == (1, *SHAPE)
        assert file["index"].shape == (2,)


@pytest.mark.parametrize(
    "change",
    [
        {"sequence": 4},
        {"acquired_s": 0.3},
        {"received_s": 0.3},
        {"spacing_mm": (1.5, 2.4)},
        {"plane": Plane()},
        {"image": np.where(WHOLE == 7, 8, WHOLE).astype(np.float32)},
        {"image": WHOLE.reshape(5, 6)},
        {"image": WHOLE.astype(np.float64)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_hash_of_a_frame_covers_all_of_it(change):
    assert StoredFrame.of(frame(WHOLE)).hash() != StoredFrame.of(replace(frame(WHOLE), **change)).hash()


@pytest.mark.parametrize(
    "bad", [{"image": WHOLE.astype(complex)}, {"sequence": 2**63}, {"spacing_mm": (1.0,)}, {"image": WHOLE[None, None]}]
)
def test_frame_that_cannot_be_kept_is_refused_and_the_next_one_is_not(tmp_path, bad):
    begin = setup()
    file = FramesFile(tmp_path / "frames.h5", begin.facts(), begin.arrays())
    with pytest.raises((ValueError, OverflowError)):
        file.add(StoredFrame.of(replace(frame(WHOLE), **bad)))
    row, digest = file.add(StoredFrame.of(frame(WHOLE, sequence=9)))
    file.close()
    assert row == 0
    assert FramesReader(tmp_path / "frames.h5").frame(0)[1] == digest


def test_what_the_session_began_with_comes_back(tmp_path):
    begin = setup(structures=(SQUARE,), preview=np.stack([WHOLE, 2 * WHOLE]).astype(np.int16))
    written(tmp_path / "frames.h5", begin=begin)
    reader = FramesReader(tmp_path / "frames.h5")
    assert reader.facts == begin.facts()
    assert hashes_of(reader.arrays()) == hashes_of(begin.arrays())
    assert set(reader.arrays()) == {"reference", "target_mask", "preview", "structures/avoid/duodenum"}


def test_frames_without_a_reference_are_kept_too(tmp_path):
    file = FramesFile(tmp_path / "frames.h5", None, {})
    file.add(StoredFrame.of(frame(WHOLE)))
    file.close()
    reader = FramesReader(tmp_path / "frames.h5")
    assert reader.facts is None
    assert np.array_equal(reader.frame(0)[0].image, WHOLE)


def test_all_images_are_of_the_type_of_the_source_unless_one_does_not_fit(tmp_path):
    written(tmp_path / "a.h5", frame(WHOLE), frame(2 * WHOLE))
    reader = FramesReader(tmp_path / "a.h5")
    assert reader.kind == (SHAPE, np.uint16)
    assert [image.dtype for image in map(reader.image, range(2))] == [np.uint16] * 2
    assert np.array_equal(reader.image(1), 2 * WHOLE)
    written(tmp_path / "b.h5", frame(WHOLE), frame(odd("nan")), frame(odd("other shape")))
    reader = FramesReader(tmp_path / "b.h5")
    images = [reader.image(row) for row in range(3)]
    assert reader.kind == (SHAPE, np.float32)
    assert all(image.dtype == np.float32 and image.shape == SHAPE for image in images)
    assert np.array_equal(images[0], WHOLE)
    assert np.isnan(images[1]).sum() == 1
    assert np.isnan(images[2]).all()


def test_file_can_be_read_while_it_is_written(tmp_path):
    begin = setup()
    file = FramesFile(tmp_path / "frames.h5", begin.facts(), begin.arrays())
    for number in range(3):
        file.add(StoredFrame.of(frame(WHOLE, sequence=number)))
        file.flush()
        reader = FramesReader(tmp_path / "frames.h5")
        assert [reader.frame(row)[0].sequence for row in range(len(reader))] == list(range(number + 1))
        reader.close()
    file.close()


@pytest.mark.parametrize("text", [b"", b"not HDF5"])
def test_file_that_is_none_is_refused_in_one_line(tmp_path, text):
    (tmp_path / "frames.h5").write_bytes(text)
    with pytest.raises(RecordingError, match=r"frames\.h5: cannot be read as frames"):
        FramesReader(tmp_path / "frames.h5")


def test_missing_file_and_missing_frame_are_refused_in_one_line(tmp_path):
    with pytest.raises(RecordingError, match="cannot be read as frames"):
        FramesReader(tmp_path / "frames.h5")
    written(tmp_path / "frames.h5", frame(WHOLE))
    with pytest.raises(RecordingError, match="holds 1 frames, frame_row 1 is missing"):
        FramesReader(tmp_path / "frames.h5").frame(1)
