"""Ten minutes of 512 x 512 at eight frames per second are opened and surveyed in a small part of their size."""

import numpy as np
import pytest

from replay.formats.open import open_recording
from tests.support.image_files import small, write_itk, write_side
from tests.support.limited_memory import opened_within

pytestmark = pytest.mark.slow

COUNT, SIDE = 4800, 512
FRAME_BYTES = 2 * SIDE * SIDE
SURVEYED = 400
ROOM_MIB, MOST_MIB = 192, 64
"""The surveyed frames alone are 200 MiB, the whole recording 2400."""
FIRST, LAST = 1234, 4321


def npy(folder):
    path = folder / "long.npy"
    with path.open("wb") as file:
        shape = {"descr": "<u2", "fortran_order": False, "shape": (COUNT, SIDE, SIDE)}
        np.lib.format.write_array_header_1_0(file, shape)
    return path


def mha(folder):
    return _lengthened(write_itk(folder / "long.mha", _one(), told=False), b"DimSize = 512 512 1\n", b"512 512 4800\n")


def nrrd(folder):
    return _lengthened(write_itk(folder / "long.nrrd", _one(), told=False), b"sizes: 512 512 1\n", b"512 512 4800\n")


def _one():
    return small(frames=np.zeros((1, SIDE, SIDE), np.uint16), times_s=np.arange(2) / 8.0)


def _lengthened(path, line, sizes):
    """Leave the header alone of a file of one image, and let it announce all."""
    content = path.read_bytes()[:-FRAME_BYTES]
    assert content.count(line) == 1
    path.write_bytes(content.replace(line, line[: line.index(b"512")] + sizes))
    return path


def sparse(path):
    """Give a header its pixels: two that are not 0, and a hole between them that takes no room on the disk."""
    begin = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(begin + COUNT * FRAME_BYTES)
        for place, value in ((0, FIRST), (COUNT * FRAME_BYTES - 2, LAST)):
            file.seek(begin + place)
            file.write(np.array(value, "<u2").tobytes())
    assert path.stat().st_blocks * 512 < 2**20
    write_side(path, spacing_mm=[1.25, 2.5], rate_hz=8.0, time_axis="first" if path.suffix == ".npy" else "last")
    return path


@pytest.mark.parametrize("header", [npy, mha, nrrd])
def test_ten_minutes_are_opened_and_surveyed_in_little_memory(tmp_path, header):
    path = sparse(header(tmp_path))
    loads_libraries = write_itk(tmp_path / "short.mha", small())
    told = opened_within([path], ROOM_MIB, [loads_libraries], SURVEYED)[0]
    assert told.get("shape") == [COUNT, SIDE, SIDE], told
    assert (told["surveyed"], told["repeated"]) == (SURVEYED, SURVEYED - 2)
    assert told["took_mib"] < MOST_MIB
    frames = open_recording(path).frames
    assert (frames[0][0, 0], frames[COUNT - 1][-1, -1]) == (FIRST, LAST)
