"""However an MR image is stored as DICOM, it lands in the same canonical frame."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file
from pydicom.filereader import dcmread
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, JPEG2000Lossless, RLELossless
from scipy.spatial.transform import Rotation

from gatekeeper.core.errors import InputError, RecordingError
from gatekeeper.core.frame import Plane
from gatekeeper.sources.dicom.frames import DicomFrames
from replay.formats.open import open_recording
from tests.support.dicom_objects import as_big_endian, as_implicit, enhanced, picture, pixels_in, refuse, sent, single
from tests.support.dicom_wire import encoded

ANGLES = st.floats(-20.0, 20.0)
TYPES = st.sampled_from(["uint8", "uint16", "int16"])


def canonical(item):
    (frame,) = DicomFrames().frames(*sent(item), 1.0, "an image", refuse)
    return frame


def frames_in(stored):
    """The frames of an object as it comes over the network, explicit little endian."""
    return list(DicomFrames().frames(stored, ExplicitVRLittleEndian, 1.0, "an image", refuse))


def in_patient(frame):
    """Where the corners of a frame lie, and what value each has."""
    rows, cols = frame.image.shape
    corners = np.array([(0, 0), (0, cols - 1), (rows - 1, 0), (rows - 1, cols - 1)])
    return frame.plane.to_patient_mm(corners.astype(float), frame.spacing_mm), frame.image[tuple(corners.T)]


@given(
    tilt_deg=st.tuples(ANGLES, ANGLES, ANGLES),
    turns=st.integers(0, 3),
    mirrored=st.booleans(),
    spacing_mm=st.tuples(st.floats(0.3, 4.0), st.floats(0.3, 4.0)),
    shape=st.tuples(st.integers(2, 9), st.integers(2, 9)),
    dtype=TYPES,
)
@settings(deadline=None)
def test_turned_and_mirrored_storage_gives_the_same_frame(tilt_deg, turns, mirrored, spacing_mm, shape, dtype):
    turn = Rotation.from_euler("xyz", tilt_deg, degrees=True)
    row, col = turn.apply([(0.0, 0.0, -1.0), (0.0, 1.0, 0.0)])
    plane = Plane((5.0, -30.0, 40.0), tuple(row), tuple(col))
    image = (np.arange(shape[0] * shape[1]).reshape(shape) * 3).astype(dtype)
    straight = canonical(single(0, image=image, plane=plane, spacing_mm=spacing_mm))

    def stored(pixels):
        return np.rot90(pixels[:, ::-1] if mirrored else pixels, turns)

    places = stored(np.arange(image.size).reshape(shape))
    points = plane.to_patient_mm(np.argwhere(np.ones(shape)).astype(float), spacing_mm)
    first, right, below = (points[places[at]] for at in ((0, 0), (0, 1), (1, 0)))
    down, along = below - first, right - first
    turned = Plane(tuple(first), tuple(down / np.linalg.norm(down)), tuple(along / np.linalg.norm(along)))
    steps_mm = float(np.linalg.norm(down)), float(np.linalg.norm(along))
    other = canonical(single(0, image=stored(image), plane=turned, spacing_mm=steps_mm))
    np.testing.assert_array_equal(other.image, straight.image)
    np.testing.assert_allclose(other.spacing_mm, straight.spacing_mm, atol=1e-9)
    np.testing.assert_allclose(in_patient(other)[0], in_patient(straight)[0], atol=1e-4)


@given(dtype=TYPES, shape=st.tuples(st.integers(1, 9), st.integers(1, 9)), seed=st.integers(0, 2**32 - 1))
@settings(deadline=None)
@pytest.mark.parametrize("write", [as_big_endian, as_implicit])
def test_byte_order_and_encoding_do_not_matter(write, dtype, shape, seed):
    limits = np.iinfo(dtype)
    values = np.random.default_rng(seed).integers(limits.min, limits.max, shape, dtype, endpoint=True)
    np.testing.assert_array_equal(canonical(write(single(0, image=values))).image, values)


@given(
    slope=st.floats(0.001, 1000.0),
    intercept=st.floats(-1000.0, 1000.0),
    dtype=TYPES,
)
@settings(deadline=None)
def test_values_are_slope_times_stored_plus_intercept(slope, intercept, dtype):
    item = single(0, image=picture(dtype=np.uint16).clip(0, 127).astype(dtype))
    item.RescaleSlope, item.RescaleIntercept = f"{slope:.9g}", f"{intercept:.9g}"
    expected = picture().clip(0, 127) * float(item.RescaleSlope) + float(item.RescaleIntercept)
    np.testing.assert_allclose(canonical(item).image, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("bits", [10, 12, 15])
@pytest.mark.parametrize("signed", [False, True])
def test_bits_above_those_stored_do_not_count(bits, signed):
    values = np.arange(12).reshape(3, 4) * 37 - (200 if signed else 0)
    stored = (values.astype(np.int16).view(np.uint16) & (2**bits - 1)) | np.uint16(1 << bits)
    item = single(0, image=stored)
    item.BitsStored, item.HighBit, item.PixelRepresentation = bits, bits - 1, int(signed)
    np.testing.assert_array_equal(canonical(item).image, values)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16"])
def test_lossless_compression_does_not_matter(syntax, dtype):
    image = picture(shape=(64, 48)).astype(np.int64) % 251 - (100 if dtype == "int16" else 0)
    item = single(0, image=image.astype(dtype))
    item.compress(syntax, generate_instance_uid=False)
    np.testing.assert_array_equal(canonical(item).image, image)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_compressed_frames_of_an_enhanced_object_are_decoded_one_by_one(syntax):
    item = enhanced(4, shape=(64, 48))
    item.compress(syntax, generate_instance_uid=False)
    for k, image in enumerate(pixels_in(*sent(item), "an image")[1]):
        np.testing.assert_array_equal(image, picture(k, (64, 48)))


def test_a_compressed_frame_larger_than_its_header_says_is_not_decoded():
    item = single(0, image=picture(shape=(64, 48)))
    item.compress(JPEG2000Lossless, generate_instance_uid=False)
    item.Rows, item.Columns = 48, 64
    with pytest.raises(InputError, match="64 x 48 with 1 values, its header says 48 x 64"):
        pixels_in(*sent(item), "an image")


@given(cut=st.integers(0, 2000), syntax=st.sampled_from(["plain", "enhanced"]))
@settings(deadline=None)
def test_an_object_cut_short_anywhere_is_one_line(cut, syntax):
    whole = encoded(single(0) if syntax == "plain" else enhanced(2))
    part = whole[: cut % len(whole)]
    with pytest.raises(InputError) as refusal:
        frames_in(part)
    assert str(refusal.value).startswith("an image: ")
    assert "\n" not in str(refusal.value)


@given(data=st.data())
@settings(deadline=None, max_examples=150)
def test_a_changed_object_is_a_frame_or_one_line(data):
    item = data.draw(st.sampled_from([single, enhanced]))()
    whole = bytearray(encoded(item))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    said, frames = "", []
    try:
        frames = frames_in(bytes(whole))
    except InputError as refusal:
        said = str(refusal)
    assert bool(said) != bool(frames)
    assert "\n" not in said
    assert all(step > 0.0 for frame in frames for step in frame.spacing_mm)


@given(data=st.data())
@settings(deadline=None, max_examples=100)
def test_a_changed_file_is_a_recording_or_one_line(data):
    item = data.draw(st.sampled_from([single, enhanced]))()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "changed"
        item.save_as(path, enforce_file_format=True)
        whole = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 6))):
            whole[data.draw(st.integers(128, len(whole) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(whole)
        said = ""
        try:
            assert np.asarray(open_recording(path).frames).ndim == 3
        except InputError as refusal:
            said = str(refusal)
        assert "\n" not in said


@pytest.mark.parametrize(
    "name",
    [
        "MR_small.dcm",
        "MR_small_bigendian.dcm",
        "MR_small_implicit.dcm",
        "MR_small_RLE.dcm",
        "MR_small_jp2klossless.dcm",
        "MR_small_jpeg_ls_lossless.dcm",
        "MR_small_expb.dcm",
    ],
)
def test_files_that_others_wrote_hold_the_pixels_they_say(name):
    plain = dcmread(get_testdata_file("MR_small.dcm", download=False))
    ((one,), (image,)) = pixels_in(*sent(dcmread(get_testdata_file(name, download=False))), name)
    np.testing.assert_array_equal(image, plain.pixel_array)
    assert one.spacing_mm == tuple(plain.PixelSpacing)


def test_an_object_with_more_pixels_than_it_announces_is_one_line():
    item = dcmread(get_testdata_file("MR_small_padded.dcm", download=False))
    with pytest.raises(InputError, match="announces 8192 bytes of pixels in its size and 8320"):
        pixels_in(*sent(item), "a file")


def test_an_object_that_others_cut_short_is_one_line():
    path = get_testdata_file("MR_truncated.dcm", download=False)
    with pytest.raises(RecordingError, match=f"{path}: is cut short"):
        open_recording(Path(path))


def test_big_endian_is_what_was_tested():
    assert as_big_endian(single(0)).file_meta.TransferSyntaxUID == ExplicitVRBigEndian
