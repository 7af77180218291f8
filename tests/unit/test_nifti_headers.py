"""Headers of NIfTI files: geometry as nibabel computes it, and refused where nibabel would read something else."""

import gzip
import struct

import nibabel
import numpy as np
import pytest

from gatekeeper.core.errors import RecordingError
from replay.formats.format import Choices
from replay.formats.nifti import read_header
from replay.formats.open import open_recording
from tests.support.image_files import assert_same, small

TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
CLASSES = {1: nibabel.Nifti1Image, 2: nibabel.Nifti2Image}
SPACING = (1.25, 2.5, 3.0)


def affine(seed, handed=1.0):
    """Return an oblique matrix from indices to RAS millimetres; of a left-handed one the third axis is reversed."""
    chance = np.random.default_rng(seed)
    turned, _ = np.linalg.qr(chance.normal(size=(3, 3)))
    turned[:, 2] *= handed * np.sign(np.linalg.det(turned))
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = turned * SPACING, chance.normal(scale=100.0, size=3)
    return matrix


def write(folder, version=1, order="<", sform=None, qform=None, shape=(5, 4, 3)):
    """Write a file of int16 in either version and byte order."""
    made = CLASSES[version](np.arange(np.prod(shape), dtype=np.int16).reshape(shape), None)
    made.set_sform(sform, 1 if sform is not None else 0)
    made.set_qform(qform, 1 if qform is not None else 0)
    made.header["pixdim"][1:4] = SPACING
    made.header.set_xyzt_units("mm", "msec")
    header = made.header.as_byteswapped(order)
    header["vox_offset"] = len(header.binaryblock) + 4
    path = folder / "a.nii"
    pixels = np.asarray(made.dataobj).astype(f"{order}i2").tobytes(order="F")
    path.write_bytes(header.binaryblock + bytes(4) + pixels)
    return path


def overwritten(path, at, kind, *values):
    """Write other values into a header."""
    content = bytearray(path.read_bytes())
    struct.pack_into(kind, content, at, *values)
    path.write_bytes(content)
    return path


def matrix_of(volume):
    """Return the way from indices to LPS millimetres, as a matrix (4, 4)."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(volume.directions).T * volume.spacing
    matrix[:3, 3] = volume.origin_mm
    return matrix


def refusal(path):
    with pytest.raises(RecordingError) as caught:
        read_header(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


@pytest.mark.parametrize("handed", [1.0, -1.0])
@pytest.mark.parametrize("form", ["sform", "qform"])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("version", CLASSES)
@pytest.mark.parametrize("seed", range(3))
def test_the_images_lie_where_nibabel_puts_them(tmp_path, version, order, form, handed, seed):
    path = write(tmp_path, version, order, **{form: affine(seed, handed)})
    volume, theirs = read_header(path), nibabel.load(path)
    np.testing.assert_allclose(matrix_of(volume), TO_LPS @ theirs.affine, atol=1e-4)
    assert volume.sizes == theirs.shape
    np.testing.assert_array_equal(volume.pixels.read_all().T, theirs.dataobj)


def test_the_sform_counts_before_the_qform(tmp_path):
    volume = read_header(write(tmp_path, sform=affine(1), qform=affine(2)))
    np.testing.assert_allclose(matrix_of(volume), TO_LPS @ affine(1), atol=1e-4)


@pytest.mark.parametrize("version", CLASSES)
def test_the_fourth_axis_is_time_in_the_unit_of_the_header(tmp_path, version):
    path = write(tmp_path, version, sform=affine(0), shape=(5, 4, 1, 3))
    at, kind = {1: (92, "<f"), 2: (136, "<d")}[version]
    volume = read_header(overwritten(path, at, kind, 250.0))
    assert (volume.time, volume.period_s) == (3, 0.25)


def test_the_extension_is_not_read_however_long_it_says_that_it_is(tmp_path):
    case = small(np.int16, times_s=np.arange(4) / 4.0)
    steps = np.array([[0.0, 2.5, 0.0], [0.0, 0.0, -1.25], [1.0, 0.0, 0.0]]).T
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = steps, case.plane.origin_mm
    made = nibabel.Nifti1Image(np.asarray(case.frames).T[:, :, None], TO_LPS @ matrix)
    made.header.set_xyzt_units("mm", "sec")
    made.header["pixdim"][4] = 0.25
    made.header.extensions.append(nibabel.nifti1.Nifti1Extension(2, b"PatientName"))
    path = tmp_path / "a.nii"
    made.to_filename(path)
    assert_same(open_recording(path), case)
    overwritten(path, 352, "<i", 2**31 - 16)
    with pytest.raises(nibabel.spatialimages.HeaderDataError, match="extension content"):
        nibabel.load(path)
    assert_same(open_recording(path), case)
    compressed = tmp_path / "b.nii.gz"
    compressed.write_bytes(gzip.compress(path.read_bytes()))
    assert_same(open_recording(compressed), case)


def test_the_byte_order_is_not_guessed_from_a_damaged_number_of_axes(tmp_path):
    path = overwritten(write(tmp_path, sform=affine(0)), 40, ">h", 3)
    assert nibabel.Nifti1Header(path.read_bytes()[:348], check=False).endianness == ">"
    assert "has 768 axes" in refusal(path)


def test_a_size_that_freesurfer_uses_for_something_else_is_what_it_says(tmp_path):
    path = write(tmp_path, sform=affine(0), shape=(27307, 1, 6))
    assert nibabel.load(path).shape == (163842, 1, 1)
    assert read_header(path).sizes == (27307, 1, 6)


@pytest.mark.parametrize(("version", "qfac"), [(1, 76), (2, 104)])
def test_a_qfac_of_0_is_1(tmp_path, version, qfac):
    path = write(tmp_path, version, qform=affine(3))
    overwritten(path, qfac, "<f" if version == 1 else "<d", 0.0)
    np.testing.assert_allclose(matrix_of(read_header(path)), TO_LPS @ affine(3), atol=1e-4)


def test_pixels_of_a_negative_size_that_nibabel_makes_positive_are_refused(tmp_path):
    path = overwritten(write(tmp_path), 80, "<f", -1.25)
    assert nibabel.load(path).header.get_zooms()[0] == 1.25
    assert "has pixdim -1.25 along axis 1" in refusal(path)


@pytest.mark.parametrize(("slope", "intercept"), [(0.0, 7.0), (np.nan, 7.0), (np.inf, 7.0), (np.nan, np.nan)])
def test_without_a_slope_pixels_are_values(tmp_path, slope, intercept):
    volume = read_header(overwritten(write(tmp_path), 112, "<2f", slope, intercept))
    assert (volume.slope, volume.intercept) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("at", "kind", "values", "says"),
    [
        (0, "<i", (349,), "has no complete NIfTI header"),
        (344, "4s", (b"ni1\0",), "has its pixels in a.img, which is not beside it"),
        (40, "<h", (1,), "has 1 axes"),
        (40, "<h", (-3,), "has -3 axes"),
        (42, "<h", (0,), "has the size (0, 4, 3)"),
        (40, "<6h", (5, 5, 4, 3, 1, 2), "has the size (5, 4, 3, 1, 2)"),
        (70, "<h", (128,), "has pixels of NIfTI type 128"),
        (70, "<h", (32,), "has pixels of NIfTI type 32"),
        (70, "<h", (1536,), "has pixels of NIfTI type 1536"),
        (70, "<h", (3,), "has pixels of NIfTI type 3"),
        (108, "<f", (347.0,), "has its pixels at byte 347, not behind its header"),
        (108, "<f", (-352.0,), "has its pixels at byte -352"),
        (108, "<f", (np.nan,), "has its pixels at byte nan"),
        (108, "<f", (np.inf,), "has its pixels at byte inf"),
        (112, "<2f", (2.0, np.nan), "has the intercept nan"),
        (123, "B", (4,), "has the unit 4 for space"),
        (280, "<f", (np.nan,), "is not finite"),
        (280, "<f", (77.0,), "along axis 1 and"),
    ],
)
def test_a_header_that_cannot_be_is_refused(tmp_path, at, kind, values, says):
    assert says in refusal(overwritten(write(tmp_path, sform=affine(0)), at, kind, *values))


@pytest.mark.parametrize("quaternion", [(1.0, 0.1, 0.0), (np.nan, 0.0, 0.0), (np.inf, 0.0, 0.0), (3e38, 0.0, 0.0)])
def test_a_quaternion_that_is_not_a_rotation_is_refused(tmp_path, quaternion):
    path = overwritten(write(tmp_path, qform=affine(0)), 256, "<3f", *quaternion)
    assert "in its qform, not a rotation" in refusal(path)


@pytest.mark.parametrize("keep", [0, 3, 4, 347, 348])
def test_a_header_that_is_cut_short_is_refused(tmp_path, keep):
    path = write(tmp_path, version=2)
    path.write_bytes(path.read_bytes()[:keep])
    assert f"has no complete NIfTI header in its first {keep} bytes" in refusal(path)


@pytest.mark.parametrize(
    ("period_s", "says"),
    [
        (1.0, "1 s from frame to frame is what programs write that know no rate"),
        (0.0, "0 as the time from frame to frame, which is not used"),
        (-3.0, "-3 as the time from frame to frame, which is not used"),
        (np.nan, "nan as the time from frame to frame, which is not used"),
    ],
)
def test_a_time_from_frame_to_frame_that_is_a_default_is_noted_and_what_the_user_tells_counts(tmp_path, period_s, says):
    path = write(tmp_path, sform=affine(0), shape=(5, 4, 1, 3))
    overwritten(path, 92, "<f", period_s)
    overwritten(path, 123, "B", 2 | 8)
    if period_s == 1.0:
        assert [note for note in open_recording(path, Choices(as_stored=True)).notes if says in note]
    else:
        with pytest.raises(RecordingError, match="or give --rate-hz"):
            open_recording(path, Choices(as_stored=True))
    told = open_recording(path, Choices(as_stored=True, rate_hz=4.0))
    np.testing.assert_allclose(told.times_s, [0.0, 0.25, 0.5])
    assert says in told.notes[0]
    assert (told.notes[-1] == "rate_hz is 4 as you tell, and not 1 as the images say") is (period_s == 1.0)


def test_a_size_of_pixels_that_is_a_default_is_noted(tmp_path):
    path = write(tmp_path, shape=(5, 4, 1, 3))
    overwritten(path, 80, "<2f", 1.0, 1.0)
    says = "pixels of 1 x 1 mm, without an orientation"
    assert any(says in note for note in open_recording(path, Choices(as_stored=True, rate_hz=4.0)).notes)
    overwritten(path, 80, "<2f", 1.0, 2.0)
    assert not any(says in note for note in open_recording(path, Choices(as_stored=True, rate_hz=4.0)).notes)


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Pair, nibabel.Nifti2Pair])
@pytest.mark.parametrize("named", ["a.hdr", "a.img"])
def test_two_files_are_read_by_either_name(tmp_path, kind, ending, named):
    case = small(np.int16, times_s=np.arange(4) / 4.0)
    matrix = np.array([(0, 2.5, 0, 0), (0, 0, -1.25, 0), (1, 0, 0, 0), (*case.plane.origin_mm, 1)]).T
    made = kind(np.asarray(case.frames).transpose(2, 1, 0)[:, :, None], np.diag([-1.0, -1.0, 1.0, 1.0]) @ matrix)
    made.header.set_xyzt_units("mm", "msec")
    made.header["pixdim"][4] = 250
    nibabel.save(made, tmp_path / f"a.img{ending}")
    opened = open_recording(tmp_path / f"{named}{ending}")
    assert_same(opened, case)
    assert opened.notes == ()


@pytest.mark.parametrize("kind", [nibabel.AnalyzeImage, nibabel.Spm2AnalyzeImage])
@pytest.mark.parametrize("order", "<>")
def test_analyze_is_told_apart_and_tells_neither_directions_nor_rate(tmp_path, kind, order):
    case = small(np.int16)
    header = kind.header_class(endianness=order)
    made = kind(np.asarray(case.frames).transpose(2, 1, 0)[:, :, None], None, header)
    made.set_data_dtype(np.int16)
    made.header.set_zooms((2.5, 1.25, 5.0, 1.0))
    nibabel.save(made, tmp_path / "a.img")
    with pytest.raises(RecordingError, match="has no frame rate"):
        open_recording(tmp_path / "a.hdr")
    opened = open_recording(tmp_path / "a.hdr", Choices(rate_hz=5.97, plane=case.plane))
    assert_same(opened, case)
    assert opened.notes == ("an ANALYZE header does not tell how the images lie in the patient, nor a unit of time",)


def test_a_fourth_axis_of_one_is_no_time(tmp_path):
    pixels = np.asarray(small(np.int16).frames).transpose(2, 1, 0)[..., None]
    nibabel.save(nibabel.Nifti1Image(pixels, None), tmp_path / "a.nii")
    opened = open_recording(tmp_path / "a.nii", Choices(rate_hz=5.97, time_axis="last"))
    np.testing.assert_array_equal(np.asarray(opened.frames), small(np.int16).frames)
