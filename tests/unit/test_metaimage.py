"""A MetaImage is read as its bytes say, written as it should be, and refused in one line when it is not whole."""

import gzip
import os
import resource
import tracemalloc
import zlib

import numpy as np
import pytest
import SimpleITK

from gatekeeper.core.errors import RecordingError
from replay.formats.format import Choices
from replay.formats.metaimage import MAX_BYTES, is_metaimage, read_header, read_metaimage
from replay.formats.metaimage_writer import write_metaimage
from replay.formats.open import open_recording

SPACING = (2.5, 1.25, 0.5)
PIXELS = np.random.default_rng(0).integers(0, 120, (5, 4, 3))
NOISE = np.random.default_rng(0).integers(0, 2**16, (2, 1024, 1024), np.uint16)
RAW = PIXELS.astype("<u2").tobytes()
HEADER = b"""\
ObjectType = Image
NDims = 3
BinaryData = True
BinaryDataByteOrderMSB = False
CompressedData = False
TransformMatrix = 1 0 0 0 1 0 0 0 1
Offset = 0 0 0
CenterOfRotation = 0 0 0
AnatomicalOrientation = RAI
ElementSpacing = 0.5 1.25 2.5
DimSize = 3 4 5
ElementType = MET_USHORT
ElementDataFile = LOCAL
"""
TYPES = {
    "i1": b"MET_CHAR",
    "u1": b"MET_UCHAR",
    "i2": b"MET_SHORT",
    "u2": b"MET_USHORT",
    "i4": b"MET_INT",
    "u4": b"MET_UINT",
    "i8": b"MET_LONG_LONG",
    "u8": b"MET_ULONG_LONG",
    "f4": b"MET_FLOAT",
    "f8": b"MET_DOUBLE",
}


@pytest.fixture(autouse=True)
def silence(capfd):
    """Nothing is ever printed, not even by the C++ of SimpleITK."""
    yield
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "image.mha"


def deflated(stream, header=HEADER):
    """A file of this header with a deflated stream of pixels."""
    told = b"CompressedData = True\nCompressedDataSize = %d" % len(stream)
    return header.replace(b"CompressedData = False", told) + stream


def assert_reads(path, content, code="u2"):
    path.write_bytes(content)
    pixels, spacing = read_metaimage(path)
    assert pixels.dtype == np.dtype(code)
    np.testing.assert_array_equal(pixels, PIXELS)
    assert spacing == SPACING


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


@pytest.mark.parametrize("code", TYPES)
def test_reads_pixels_of_every_type(path, code):
    header, pixels = HEADER.replace(b"MET_USHORT", TYPES[code]), PIXELS.astype(f"<{code}").tobytes()
    assert_reads(path, header + pixels, code)
    assert_reads(path, deflated(zlib.compress(pixels), header), code)


@pytest.mark.parametrize("code", [*TYPES, ">u2"])
def test_writes_a_plain_header_and_deflated_pixels(path, code):
    write_metaimage(path, PIXELS.astype(code), SPACING)
    text, _, stream = path.read_bytes().partition(b"LOCAL\n")
    assert zlib.decompress(stream) == PIXELS.astype(f"<{code[-2:]}").tobytes()
    assert set((text + b"LOCAL").split(b"\n")) >= {
        b"NDims = 3",
        b"DimSize = 3 4 5",
        b"ElementSpacing = 0.5 1.25 2.5",
        b"TransformMatrix = 1 0 0 0 1 0 0 0 1",
        b"BinaryDataByteOrderMSB = False",
        b"CompressedDataSize = %d" % len(stream),
        b"ElementType = " + TYPES[code[-2:]],
        b"ElementDataFile = LOCAL",
    }


def test_reads_big_endian_pixels(path):
    header = HEADER.replace(b"OrderMSB = False", b"OrderMSB = True")
    assert_reads(path, header + PIXELS.astype(">u2").tobytes())


def test_reads_pixels_in_gzip_and_with_windows_line_ends(path):
    assert_reads(path, deflated(gzip.compress(RAW), HEADER.replace(b"\n", b"\r\n")))


def test_takes_for_true_what_the_library_does(path):
    header = HEADER.replace(b"BinaryData = True", b"BinaryData = 1")
    assert_reads(path, deflated(zlib.compress(RAW), header).replace(b"Data = True", b"Data = Twisted"))


def test_reads_past_notes_that_are_not_ascii(path):
    assert_reads(path, HEADER.replace(b"Offset", b"0010|0010 = M\xfcller\xa0\nOffset") + RAW)


@pytest.mark.parametrize("content", [HEADER + RAW, deflated(zlib.compress(RAW))])
def test_a_file_cut_short_anywhere_is_refused(path, content):
    for length in [*range(0, len(content) - 20, 9), *range(len(content) - 20, len(content))]:
        message = refusal(path, content[:length])
        assert "cut short" in message
        assert "copy the file again" in message


def test_damaged_deflated_pixels_are_refused(path):
    content = deflated(zlib.compress(RAW))
    for position in range(content.index(b"LOCAL\n") + len(b"LOCAL\n"), len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        refusal(path, damaged)


@pytest.mark.parametrize("flipped_bits", [0x01, 0x10, 0x80])
def test_a_damaged_header_is_refused_or_means_what_it_says(path, flipped_bits):
    for position in range(len(HEADER)):
        damaged = bytearray(HEADER)
        damaged[position] ^= flipped_bits
        path.write_bytes(damaged + RAW)
        try:
            pixels, _ = read_metaimage(path)
        except RecordingError:
            continue
        np.testing.assert_array_equal(pixels, PIXELS)


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
        (b"DimSize = 3 4 5", b"DimSize = 3 4 " + b"9" * 200, "size 3 4 999"),
        (b"NDims = 3", b"NDims = 4", "4 axes"),
        (b"MET_USHORT", b"MET_USHORT_ARRAY", "MET_USHORT_ARRAY"),
        (b"MET_USHORT", b"MET_" + b"X" * 9999, "254 characters in ElementType"),
        (b"ElementType", b"ElementNumberOfChannels = 3\nElementType", "3 values per pixel"),
        (b"BinaryData = True", b"BinaryData = False", "as text"),
        (b"LOCAL", b"pixels.raw", "own pixels"),
        (b"ElementType", b"HeaderSize = 20\nElementType", "HeaderSize"),
        (b"LOCAL", b"y%d%d.raw 1 5", "a name with one %d"),
        (b"LOCAL", b"y%d.raw 1 5 0", "names no files, or too many"),
        (b"LOCAL", b"y%d.raw one", "and whole numbers"),
        (b"LOCAL", b"../y.raw", "in another folder"),
        (b"ElementType", b"HeaderSize = -2\nElementType", "HeaderSize -2"),
        (b"ElementType", b"NDims = 9999\nElementType", "has the key NDims twice"),
        (b"ElementType", b"NDims: 9999 = 1\nElementType", "not a MetaImage"),
        (b"ElementType", b"NDims\0 = 9999\nElementType", "not a MetaImage"),
        (b"DimSize = 3 4 5", b"DimSize = 3 4 0_5", "DimSize 3 4 0_5"),
        (b"TransformMatrix = 1", b"TransformMatrix = 0", "at right angles"),
    ],
)
def test_a_header_that_says_what_cannot_be_is_refused(path, old, new, says):
    assert old in HEADER
    assert says in refusal(path, HEADER.replace(old, new), RAW)


@pytest.mark.parametrize("compressed", [b"True", b"False"])
def test_an_absurd_claim_is_refused_before_memory_is_taken(path, compressed):
    header = HEADER.replace(b"CompressedData = False", b"CompressedData = " + compressed)
    frames = MAX_BYTES // (1000 * 1000 * 2)
    within = header.replace(b"DimSize = 3 4 5", b"DimSize = %d 1000 1000" % frames)
    beyond = header.replace(b"DimSize = 3 4 5", b"DimSize = %d 1000 1000" % (frames + 1))
    told = b"CompressedDataSize = 1\nElementDataFile"
    for claim, says in ((within, "cut short"), (beyond, "the limit is 4")):
        tracemalloc.start()
        assert says in refusal(path, claim.replace(b"ElementDataFile", told), zlib.compress(RAW)[:-8])
        assert tracemalloc.get_traced_memory()[1] < 2**20
        tracemalloc.stop()


@pytest.mark.parametrize("content", [HEADER + RAW + b"\0", deflated(zlib.compress(RAW + b"\0"))])
def test_more_pixels_than_announced_are_refused(path, content):
    assert "more than" in refusal(path, content)


def test_a_stream_is_inflated_no_further_than_announced(path):
    endless = zlib.compress(bytes(2**24))[:-8] + b"damaged"
    assert "more than" in refusal(path, deflated(endless))


def test_little_memory_is_held_until_a_file_is_found_whole(path):
    stream = zlib.compress(bytes(2**24))
    header = HEADER.replace(b"DimSize = 3 4 5", b"DimSize = 1024 1024 8")
    path.write_bytes(deflated(stream, header).replace(b"DataSize = ", b"DataSize = 9"))
    os.truncate(path, 2**24)
    tracemalloc.start()
    with pytest.raises(RecordingError, match=f"not {len(stream)}; correct the header"):
        read_metaimage(path)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 2**20


@pytest.mark.parametrize("told", [b"= 0", b"= 99999", b"= -1", b"= 1e2"])
def test_a_wrong_length_of_the_deflated_stream_is_refused(path, told):
    content = deflated(zlib.compress(RAW))
    told_right = b"= %d" % len(zlib.compress(RAW))
    assert "CompressedDataSize" in refusal(path, content.replace(told_right, told))


@pytest.mark.parametrize("content", [b"", b"\0" * 1000, b"\0" * 200_000, b"hello\n", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_metaimage_is_refused(path, content):
    assert "not a MetaImage" in refusal(path, content)


def test_a_missing_file_is_refused_in_one_line(tmp_path):
    with pytest.raises(RecordingError, match=r"none\.mha: cannot be read \(No such file"):
        read_metaimage(tmp_path / "none.mha")


def test_a_name_that_is_not_utf8_is_read_but_not_written(tmp_path):
    path = tmp_path / os.fsdecode(b"\xff.mha")
    assert_reads(path, HEADER + RAW)
    with pytest.raises(OSError, match="under this name"):
        write_metaimage(path, PIXELS, SPACING)


@pytest.mark.parametrize(("pixels", "room_bytes"), [(PIXELS, 1000), (NOISE, int(1.04 * NOISE.nbytes))])
def test_a_full_disk_is_an_os_error_and_leaves_nothing_that_reads(path, pixels, room_bytes):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room_bytes, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_metaimage(path, pixels, SPACING)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    with pytest.raises(RecordingError):
        read_metaimage(path)


def test_a_place_that_cannot_be_written_is_an_os_error(tmp_path):
    for path in (tmp_path, tmp_path / "none" / "image.mha"):
        with pytest.raises(OSError, match=r"Is a directory|No such file"):
            write_metaimage(path, PIXELS, SPACING)


@pytest.mark.parametrize("written", [b"", HEADER, deflated(zlib.compress(RAW))[:-1]])
def test_what_simpleitk_left_half_written_in_silence_is_an_os_error(path, monkeypatch, written):
    monkeypatch.setattr(SimpleITK, "WriteImage", lambda *_, **__: path.write_bytes(written))
    with pytest.raises(OSError, match="cannot write it completely"):
        write_metaimage(path, PIXELS, SPACING)


def test_what_simpleitk_refuses_to_write_is_an_os_error(path, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("ITK ERROR:\nmany lines")

    monkeypatch.setattr(SimpleITK, "WriteImage", broken)
    with pytest.raises(OSError, match="cannot write it completely"):
        write_metaimage(path, PIXELS, SPACING)


@pytest.mark.parametrize(
    "line", [b"Name = " + b"x" * 9999, b"x" * 300 + b" = 1", b"NDims = 3", b"Comment = a\nComment = b"]
)
def test_what_is_not_used_may_be_long_and_the_same_line_there_twice(path, line):
    assert_reads(path, HEADER.replace(b"ElementType", line + b"\nElementType") + RAW)


def test_the_size_of_elements_is_their_spacing_where_there_is_no_other(path):
    assert_reads(path, HEADER.replace(b"ElementSpacing", b"ElementSize") + RAW)
    told = b"ElementSize = 9 9 9\nElementSpacing"
    assert_reads(path, HEADER.replace(b"ElementSpacing", told) + RAW)


def test_a_header_may_begin_with_a_long_comment(path):
    content = b"Comment = " + b"x" * 9000 + b"\n" + HEADER + RAW
    path.write_bytes(content)
    assert is_metaimage(path, content[:4096])
    assert not is_metaimage(path, b"Comment = " + b"x" * 4000)
    assert_reads(path, content)


@pytest.mark.parametrize("first", [b"CompressedData", b"ElementSpacing", b"BinaryData"])
def test_a_header_may_begin_with_any_key(path, first):
    lines = HEADER.splitlines(keepends=True)
    content = b"".join(sorted(lines[:-1], key=lambda line: not line.startswith(first))) + lines[-1] + RAW
    assert is_metaimage(path, content[:4096])
    assert_reads(path, content)


@pytest.mark.parametrize(("size", "before"), [(b"-1", 7), (b"7", 7), (b"0", 0)])
@pytest.mark.parametrize("name", ["y.raw", "./y.raw", "pixels/y.raw", ".\\pixels\\y.raw"])
def test_pixels_lie_beside_the_header_after_bytes_to_skip(tmp_path, name, size, before):
    file = tmp_path / name.replace("\\", "/")
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"\xff" * before + RAW)
    header = HEADER.replace(b"LOCAL", name.encode()).replace(b"ElementType", b"HeaderSize = " + size + b"\nElementType")
    (tmp_path / "a.mhd").write_bytes(header)
    volume = read_header(tmp_path / "a.mhd")
    volume.pixels.check()
    np.testing.assert_array_equal(volume.pixels.read_all(), PIXELS)


def test_a_deflated_stream_needs_no_length_and_may_be_the_last_bytes(tmp_path, path):
    stream = zlib.compress(RAW)
    assert_reads(path, deflated(stream).replace(b"CompressedDataSize", b"Comment"))
    assert_reads(path, deflated(stream).replace(b"ElementType", b"HeaderSize = -1\nElementType"))
    (tmp_path / "y.zraw").write_bytes(b"\xff" * 9 + stream)
    for size in (b"-1", b"9"):
        header = deflated(stream).replace(b"ElementType", b"HeaderSize = " + size + b"\nElementType")
        (tmp_path / "a.mhd").write_bytes(header[: -len(stream)].replace(b"LOCAL", b"y.zraw"))
        np.testing.assert_array_equal(read_header(tmp_path / "a.mhd").pixels.read_all(), PIXELS)


NAMED = {
    "list": (b"LIST\n" + b"".join(b"p/y_%d.raw\n" % k for k in range(1, 6)), 5),
    "list with windows line ends": (b"LIST 2D\r\n" + b"".join(b"p/y_%d.raw\r\n" % k for k in range(1, 6)), 5),
    "list of lines": (b"LIST 1\n" + b"".join(b"p/y_%d.raw\n" % k for k in range(1, 21)), 20),
    "pattern": (b"p/y_%d.raw 1 5 1\n", 5),
    "pattern without numbers": (b"p/y_%d.raw\n", 5),
}


@pytest.mark.parametrize(("named", "files"), NAMED.values(), ids=NAMED)
@pytest.mark.parametrize("skip", [0, 7])
def test_pixels_lie_in_several_files(tmp_path, named, files, skip):
    (tmp_path / "p").mkdir()
    size = len(RAW) // files
    for index in range(files):
        content = b"\xff" * skip + RAW[index * size : (index + 1) * size]
        (tmp_path / "p" / f"y_{index + 1}.raw").write_bytes(content)
    header = HEADER.replace(b"ElementType", b"HeaderSize = %d\nElementType" % (-1 if skip else 0))
    (tmp_path / "a.mhd").write_bytes(header.rstrip(b"LOCAL\n") + b" " + named)
    pixels = read_header(tmp_path / "a.mhd").pixels
    np.testing.assert_array_equal(pixels.read_all(), PIXELS)
    for index, frame in enumerate(pixels.frames(0)):
        np.testing.assert_array_equal(frame, PIXELS[index])
    np.testing.assert_array_equal(np.moveaxis(np.asarray(pixels.frames(2)), 0, -1), PIXELS)
    if not skip and files == 5:
        library = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(tmp_path / "a.mhd")))
        np.testing.assert_array_equal(library, PIXELS)
    (tmp_path / "p" / "y_3.raw").write_bytes(content[:-1])
    with pytest.raises(RecordingError, match=r"y_3\.raw: is cut short"):
        pixels.frames(0)


@pytest.mark.parametrize(
    ("named", "says"),
    [
        (b"LIST 2D\n" + 7 * b"y.raw\n", "names 7 files for 60 pixels, which"),
        (b"LIST\n\n", "names no files of pixels"),
        (b"LIST\ny\0.raw\n", "has its pixels in another folder"),
    ],
)
def test_a_list_that_cannot_be_is_refused(path, named, says):
    assert says in refusal(path, HEADER.replace(b"LOCAL\n", named))


def test_a_sequence_of_plus_has_its_times_and_its_time_axis(path):
    frames = 2000
    lines = b"Kinds = domain domain list\n" + b"".join(
        b"Seq_Frame%04d_ProbeToTrackerTransform = 1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1\nSeq_Frame%04d_Timestamp = %.3f\n"
        b"Seq_Frame%04d_ImageStatus = %s\n" % (k, k, 7.0 + k / 4, k, b"INVALID" if k == 3 else b"OK")
        for k in range(frames)
    )
    header = HEADER.replace(b"DimSize = 3 4 5", b"DimSize = 3 4 %d" % frames)
    path.write_bytes(header.replace(b"ElementDataFile", lines + b"ElementDataFile") + bytes(24 * frames))
    recording = open_recording(path, Choices(as_stored=True))
    np.testing.assert_allclose(recording.times_s, np.arange(frames) / 4)
    assert recording.notes == ("1 of 2000 frames are marked invalid in the header; they are read as they are",)
    told = open_recording(path, Choices(as_stored=True, rate_hz=8.0))
    assert told.times_s[8] == 1.0
    assert "8 per second, and not as the images say, 4" in told.notes[-1]


def test_a_missing_time_of_a_sequence_is_taken_from_its_neighbours(path):
    lines = b"".join(b"Seq_Frame%04d_Timestamp = %d\r\n" % (k, k) for k in (0, 1, 2, 4))
    header = HEADER.replace(b"\n", b"\r\n").replace(
        b"ElementDataFile", b"Kinds = domain domain list\r\n" + lines + b"ElementDataFile"
    )
    path.write_bytes(header + RAW)
    recording = open_recording(path, Choices(as_stored=True))
    np.testing.assert_allclose(recording.times_s, np.arange(5))
    assert "Timestamp: 1 of 5 times are missing" in recording.notes[0]


def test_times_of_a_sequence_that_do_not_increase_are_not_used(path):
    lines = b"".join(b"Seq_Frame%04d_Timestamp = %d\n" % (k, min(k, 2)) for k in range(5))
    path.write_bytes(
        HEADER.replace(b"ElementDataFile", b"Kinds = domain domain list\n" + lines + b"ElementDataFile") + RAW
    )
    recording = open_recording(path, Choices(as_stored=True, rate_hz=2.0))
    np.testing.assert_allclose(recording.times_s, np.arange(5) / 2)
    assert "do not increase; they are not used" in recording.notes[0]
