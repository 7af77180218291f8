"""Headers of NRRD files: read as pynrrd writes them, and refused where pynrrd would read something else."""

import bz2
import gzip
import warnings

import nrrd
import numpy as np
import pytest

from gatekeeper.core.errors import RecordingError
from replay.formats.nrrd import read_header
from replay.formats.open import open_recording
from tests.support.image_files import SAGITTAL, assert_same, small

HEADER = """NRRD0005
type: unsigned short
dimension: 3
space: left-posterior-superior
sizes: 10 12 4
space directions: (0,2.5,0) (0,0,-1.25) none
kinds: domain domain time
endian: little
encoding: raw
space origin: (12.5,-80.25,61)
spacings: nan nan 250
units: "" "" "ms"

"""


def write(folder, header=HEADER):
    """Write a header with the pixels of a small case."""
    path = folder / "a.nrrd"
    raw = header if isinstance(header, bytes) else header.encode()
    path.write_bytes(raw + small().frames.astype("<u2").tobytes())
    return path


def changed(field, value):
    """Return the header with another value of a field, or without the field."""
    lines = [f"{field}: {value}" if line.startswith(f"{field}:") else line for line in HEADER.split("\n")]
    return "\n".join(line for line in lines if not line.endswith(": None"))


def refusal(path):
    with pytest.raises(RecordingError) as caught:
        read_header(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


def test_a_header_tells_where_and_when_the_images_lie(tmp_path):
    assert_same(open_recording(write(tmp_path)), small(times_s=np.arange(4) / 4.0))


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2"])
def test_a_file_of_pynrrd_is_what_was_written(tmp_path, encoding):
    frames = np.asarray(small().frames)
    header = {
        "encoding": encoding,
        "space": "right-anterior-superior",
        "space directions": [[0.0, -2.5, 0.0], [0.0, 0.0, -1.25], [np.nan] * 3],
        "space origin": [-12.5, 80.25, 61.0],
        "kinds": ["space", "space", "time"],
        "spacings": [np.nan, np.nan, 0.25],
        "units": ["mm", "mm", "s"],
        "patient's name": "not read",
    }
    nrrd.write(str(tmp_path / "a.nrrd"), frames, header, index_order="C")
    assert_same(open_recording(tmp_path / "a.nrrd"), small(times_s=np.arange(4) / 4.0))


@pytest.mark.parametrize(
    "directions",
    [
        "(0, 2.5, 0) (0, 0, -1.25) none",
        "( 0 ,2.5 ,0 )  (0,0,-1.25)  none",
        "(0,2.5,0)(0,0,-1.25)none",
        "(0,25e-1,0.0)\t(0,0,-1.25) none",
    ],
)
def test_vectors_may_be_written_with_any_spaces(tmp_path, directions):
    assert read_header(write(tmp_path, changed("space directions", directions))).directions == (
        SAGITTAL.col_step,
        SAGITTAL.row_step,
        None,
    )


def test_names_of_fields_may_be_in_upper_case_and_lines_end_as_on_windows(tmp_path):
    header = HEADER.replace("space origin:", "Space Origin:").replace("sizes", "SIZES").replace("\n", "\r\n")
    volume = read_header(write(tmp_path, header))
    assert (volume.sizes, volume.origin_mm) == ((10, 12, 4), SAGITTAL.origin_mm)


@pytest.mark.parametrize(
    "line", ["content: a name", "DicomName:=a name", "# a name", 'labels: "a\'s" "b', "thicknesses: x", "whatever:"]
)
def test_what_is_not_used_is_not_looked_at(tmp_path, line):
    assert read_header(write(tmp_path, HEADER.replace("endian:", f"{line}\nendian:"))).sizes == (10, 12, 4)


@pytest.mark.parametrize(
    ("field", "value", "read_as"),
    [
        ("sizes", "10.9 12 4", [10, 12, 4]),
        ("sizes", "10 12 4\xff0", [10, 12, 40]),
        ("space directions", "(0,2.5,0) (0,0,-1.25) (nan,nan,nan)", [[0, 2.5, 0], [0, 0, -1.25], [np.nan] * 3]),
        ("space origin", "(12.5,-8\xff0.25,61)", [12.5, -80.25, 61]),
        ("spacings", "nan nan 2\xe90", [np.nan, np.nan, 20]),
    ],
)
def test_a_damaged_field_that_pynrrd_reads_as_something_else_is_refused(tmp_path, field, value, read_as):
    path = write(tmp_path, changed(field, value).encode("latin-1"))
    np.testing.assert_array_equal(nrrd.read_header(str(path))[field], read_as)
    assert field in refusal(path)


@pytest.mark.parametrize("size", ["inf", "1e30", "nan"])
def test_a_size_that_is_not_a_count_is_refused_in_silence(tmp_path, size):
    path = write(tmp_path, changed("sizes", f"10 12 {size}"))
    with pytest.warns(RuntimeWarning, match="cast"):
        nrrd.read_header(str(path))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert f"sizes '10 12 {size}'" in refusal(path)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("dimension", "4", "has dimension '4' and sizes '10 12 4'"),
        ("dimension", None, "has dimension ''"),
        ("sizes", "10 12 -4", "sizes '10 12 -4'"),
        ("sizes", "10 12 0", "sizes '10 12 0'"),
        ("type", "block", "type 'block'"),
        ("endian", None, "endian ''"),
        ("encoding", "hex", "encoding 'hex'"),
        ("kinds", "domain domain", "kinds 'domain domain'"),
        ("kinds", "vector domain domain", "kinds 'vector domain domain'"),
        ("space directions", "(0,2.5,0) (0,0,-1.25)", "must be 3 vectors"),
        ("space directions", "(0,2.5,0) (0,-1.25) none", "has space directions '(0,2.5,0) (0,-1.25) none'"),
        ("space directions", "(0,2.5) (0,-1.25) none", "must be 3 vectors in space"),
        ("space directions", "(0,2.5,0) 0,0,-1.25 none", "has space directions '(0,2.5,0) 0,0,-1.25 none'"),
        ("space directions", "(0,0,0) (0,0,-1.25) none", "must have a length"),
        ("space directions", "(0,inf,0) (0,0,-1.25) none", "must have a length"),
        ("space origin", "(12.5,-80.25)", "must be three numbers"),
        ("space origin", "(12.5,-80.25,x)", "has space origin '(12.5,-80.25,x)'"),
        ("space origin", "", "has space origin ''"),
        ("spacings", "nan nan 0", "from frame to frame; it must be above 0"),
        ("spacings", "nan nan x", "has spacings 'nan nan x'"),
        ("units", '"" "" "ms', "has units"),
    ],
)
def test_a_header_that_contradicts_itself_is_refused_by_the_name_of_the_field(tmp_path, field, value, says):
    assert says in refusal(write(tmp_path, changed(field, value)))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("space: LPS", "has the field 'space' twice in its header, with two values"),
        ("SPACE: LPS", "has the field 'space' twice"),
        ("byteskip: -2", "has a byte skip of -2"),
        ("line skip: -1", "has a line skip of -1"),
        ("line skip: 9999", "fewer lines"),
        ("byte skip: one", "has byte skip 'one'"),
        ("datafile: ../b.raw", "has its pixels in another folder"),
        ('space units: "mm" "cm" "mm"', "has space units 'cm, mm'"),
        ("no field", "that is no field"),
    ],
)
def test_a_further_line_that_does_not_fit_is_refused(tmp_path, line, says):
    assert says in refusal(write(tmp_path, HEADER.replace("endian:", f"{line}\nendian:")))


def test_a_header_without_an_end_is_refused_before_it_is_read_far(tmp_path):
    path = tmp_path / "a.nrrd"
    path.write_bytes(HEADER.rstrip("\n").encode() + b"\n#" + b"x" * 2**21)
    assert f"cut short at byte {2**20}" in refusal(path)


def test_a_field_that_is_there_twice_with_one_value_is_read(tmp_path):
    header = HEADER.replace("endian:", "space: left-posterior-superior\ncontent: a\ncontent: b\nendian:")
    assert_same(open_recording(write(tmp_path, header)), small(times_s=np.arange(4) / 4.0))


@pytest.mark.parametrize(("skip", "before"), [(-1, 64), (64, 64), (0, 0)])
@pytest.mark.parametrize("name", ["a.raw", "./a.raw", "pixels/a.raw"])
def test_pixels_lie_beside_the_header_after_bytes_to_skip(tmp_path, name, skip, before):
    (tmp_path / "pixels").mkdir()
    (tmp_path / name).write_bytes(b"\xff" * before + small().frames.astype("<u2").tobytes())
    (tmp_path / "a.nhdr").write_text(HEADER.rstrip() + f"\nbyte skip: {skip}\ndata file: {name}\n")
    assert_same(open_recording(tmp_path / "a.nhdr"), small(times_s=np.arange(4) / 4.0))


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("bzip2", bz2.compress)])
@pytest.mark.parametrize("skip", [-1, 9])
@pytest.mark.parametrize("lines", [0, 2])
def test_bytes_to_skip_of_packed_pixels_are_counted_behind_the_packing(tmp_path, encoding, pack, skip, lines):
    raw = small().frames.astype("<u2").tobytes()
    (tmp_path / "a.z").write_bytes(b"P5\n10 12\n"[: 9 if lines else 0] + pack(b"\xff" * 9 + raw))
    told = f"encoding: {encoding}\nbyte skip: {skip}\nline skip: {lines}\ndata file: a.z\n"
    (tmp_path / "a.nhdr").write_text(HEADER.replace("encoding: raw\n", told))
    assert_same(open_recording(tmp_path / "a.nhdr"), small(times_s=np.arange(4) / 4.0))


@pytest.mark.parametrize("encoding", ["raw", "gzip"])
@pytest.mark.parametrize("data", ["LIST\n./p/0.raw\np/1.raw\np/2.raw\np/3.raw\n", "p/%d.raw 0 3 1", "p/%d.raw 0 3 1 2"])
def test_pixels_lie_in_several_files(tmp_path, data, encoding):
    (tmp_path / "p").mkdir()
    for index, image in enumerate(small().frames.astype("<u2")):
        raw = image.tobytes()
        (tmp_path / "p" / f"{index}.raw").write_bytes(gzip.compress(raw) if encoding == "gzip" else raw)
    header = HEADER.replace("encoding: raw", f"encoding: {encoding}").rstrip()
    (tmp_path / "a.nhdr").write_text(f"{header}\ndata file: {data}")
    assert_same(open_recording(tmp_path / "a.nhdr"), small(times_s=np.arange(4) / 4.0))
    (tmp_path / "p" / "2.raw").unlink()
    with pytest.raises(RecordingError, match=r"2\.raw|cannot be read"):
        open_recording(tmp_path / "a.nhdr")
