"""A MetaImage is read exactly as SimpleITK reads it, and refused in one line when it is not whole."""

import gzip
import zlib

import numpy as np
import pytest
import SimpleITK

from gatekeeper.errors import RecordingError
from replay.formats.metaimage import MAX_BYTES, read_metaimage, write_metaimage

SPACING = (2.5, 1.25, 0.5)
PIXELS = np.random.default_rng(0).integers(0, 120, (5, 4, 3))


@pytest.fixture
def raw(tmp_path):
    """An undeflated MetaImage of SimpleITK's making, as (path, header bytes, pixel bytes)."""
    path = tmp_path / "image.mha"
    write_with_simpleitk(path, PIXELS.astype(np.uint16), compressed=False)
    content = path.read_bytes()
    start = content.index(b"LOCAL\n") + len(b"LOCAL\n")
    return path, content[:start], content[start:]


def write_with_simpleitk(path, pixels, compressed):
    image = SimpleITK.GetImageFromArray(pixels)
    image.SetSpacing(tuple(reversed(SPACING)))
    SimpleITK.WriteImage(image, path, compressed)


def refusal(path, *content):
    """The message with which a file of this content is refused; always one line that names the file."""
    path.write_bytes(b"".join(content))
    with pytest.raises(RecordingError) as caught:
        read_metaimage(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert len(message) < len(str(path)) + 200
    return message


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("code", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"])
def test_reads_what_simpleitk_wrote(tmp_path, code, compressed):
    write_with_simpleitk(tmp_path / "image.mha", PIXELS.astype(code), compressed)
    pixels, spacing = read_metaimage(tmp_path / "image.mha")
    assert pixels.dtype == np.dtype(code)
    np.testing.assert_array_equal(pixels, PIXELS)
    assert spacing == SPACING


@pytest.mark.parametrize("code", ["i1", "u1", "i2", ">u2", "i4", "u4", "i8", "u8", "f4", "f8"])
def test_simpleitk_reads_what_was_written(tmp_path, code):
    write_metaimage(tmp_path / "image.mha", PIXELS.astype(code), SPACING)
    image = SimpleITK.ReadImage(tmp_path / "image.mha")
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(image), PIXELS)
    assert image.GetSpacing() == tuple(reversed(SPACING))
    assert image.GetDirection() == (1, 0, 0, 0, 1, 0, 0, 0, 1)


def test_reads_big_endian_pixels(raw):
    path, header, pixels = raw
    swapped = np.frombuffer(pixels, "<u2").astype(">u2").tobytes()
    path.write_bytes(header.replace(b"OrderMSB = False", b"OrderMSB = True") + swapped)
    np.testing.assert_array_equal(read_metaimage(path)[0], PIXELS)


def test_reads_pixels_in_gzip_and_with_windows_line_ends(raw):
    path, header, pixels = raw
    header = header.replace(b"CompressedData = False", b"CompressedData = True").replace(b"\n", b"\r\n")
    path.write_bytes(header + gzip.compress(pixels))
    np.testing.assert_array_equal(read_metaimage(path)[0], PIXELS)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_cut_short_anywhere_is_refused(tmp_path, compressed):
    path = tmp_path / "image.mha"
    write_with_simpleitk(path, PIXELS.astype(np.uint16), compressed)
    content = path.read_bytes()
    for length in [*range(0, len(content) - 20, 9), *range(len(content) - 20, len(content))]:
        message = refusal(path, content[:length])
        assert "cut short" in message
        assert "copy the file again" in message


def test_damaged_deflated_pixels_are_refused(tmp_path):
    path = tmp_path / "image.mha"
    write_metaimage(path, PIXELS.astype(np.uint16), SPACING)
    content = path.read_bytes()
    start = content.index(b"LOCAL\n") + len(b"LOCAL\n")
    for position in range(start, len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        refusal(path, damaged)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b"ElementSpacing = 0.5 1.25 2.5", b"ElementSpacing = 0.5 -1.25 2.5", "above 0"),
        (b"ElementSpacing = 0.5 1.25 2.5", b"ElementSpacing = 0.5 0 2.5", "above 0"),
        (b"ElementSpacing = 0.5 1.25 2.5", b"ElementSpacing = 0.5 nan 2.5", "above 0"),
        (b"ElementSpacing = 0.5 1.25 2.5", b"ElementSpacing = 0.5 inf 2.5", "above 0"),
        (b"ElementSpacing = 0.5 1.25 2.5", b"ElementSpacing = 1 1", "3 numbers"),
        (b"ElementSpacing = 0.5 1.25 2.5", b"ElementSpacing = wide", "3 numbers"),
        (b"ElementSpacing = 0.5 1.25 2.5\n", b"", "3 numbers"),
        (b"DimSize = 3 4 5", b"DimSize = 0 4 5", "at least one pixel"),
        (b"DimSize = 3 4 5", b"DimSize = -3 -4 5", "at least one pixel"),
        (b"DimSize = 3 4 5", b"DimSize = 3 4", "2 sizes"),
        (b"DimSize = 3 4 5", b"DimSize = 3 4 five", "DimSize"),
        (b"DimSize = 3 4 5\n", b"", "DimSize"),
        (b"DimSize = 3 4 5", b"DimSize = 3 4 6", "cut short"),
        (b"DimSize = 3 4 5", b"DimSize = 3 4 " + b"9" * 4000, "size 3 4 999"),
        (b"NDims = 3", b"NDims = 4", "4 axes"),
        (b"MET_USHORT", b"MET_USHORT_ARRAY", "MET_USHORT_ARRAY"),
        (b"MET_USHORT", b"MET_" + b"X" * 9999, "MET_XXX"),
        (b"ElementType", b"ElementNumberOfChannels = 3\nElementType", "3 values per pixel"),
        (b"BinaryData = True", b"BinaryData = False", "as text"),
        (b"LOCAL", b"pixels.raw", "own pixels"),
    ],
)
def test_a_header_that_says_what_cannot_be_is_refused(raw, old, new, says):
    path, header, pixels = raw
    assert old in header
    assert says in refusal(path, header.replace(old, new), pixels)


@pytest.mark.parametrize("compressed", [b"True", b"False"])
def test_an_absurd_claim_is_refused_before_memory_is_taken(raw, compressed):
    path, header, pixels = raw
    header = header.replace(b"CompressedData = False", b"CompressedData = " + compressed)
    frames = MAX_BYTES // (1000 * 1000 * 2)
    within = header.replace(b"DimSize = 3 4 5", b"DimSize = %d 1000 1000" % frames)
    beyond = header.replace(b"DimSize = 3 4 5", b"DimSize = %d 1000 1000" % (frames + 1))
    assert "cut short" in refusal(path, within, zlib.compress(pixels))
    assert "the limit is 4" in refusal(path, beyond, zlib.compress(pixels))


def test_more_deflated_pixels_than_announced_are_refused(raw):
    path, header, pixels = raw
    header = header.replace(b"CompressedData = False", b"CompressedData = True")
    assert "more than" in refusal(path, header, zlib.compress(pixels + b"\0"))


@pytest.mark.parametrize("content", [b"", b"\0" * 1000, b"\0" * 200_000, b"hello\n", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_metaimage_is_refused(tmp_path, content):
    assert "no MetaImage" in refusal(tmp_path / "image.mha", content)


def test_a_missing_file_is_refused_in_one_line(tmp_path):
    with pytest.raises(RecordingError, match=r"none\.mha: cannot be read \(No such file"):
        read_metaimage(tmp_path / "none.mha")
