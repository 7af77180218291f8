"""Pixels that are packed are unpacked only up to a limit: what they come to is known no sooner."""

import io
from contextlib import closing

import numpy as np
import pytest

from gatekeeper.core.errors import RecordingError
from replay.formats.pixel_file import MAX_COMPRESSED_BYTES, PixelFile

READERS = {
    "check": PixelFile.check,
    "whole": PixelFile.read_all,
    "frames": lambda stored: stored.frames(0),
    "time last": lambda stored: stored.frames(2),
}


class Packed:
    """Packed pixels that end at once, and whether anybody looked at them."""

    def __init__(self):
        self.opened = False

    def __call__(self):
        self.opened = True
        return closing(io.BytesIO())


def of(tmp_path, nbytes):
    packed = Packed()
    return PixelFile(tmp_path / "a.mha", 0, np.dtype(np.uint8), (nbytes // 2**16, 2**8, 2**8), packed), packed


@pytest.mark.parametrize("read", READERS)
def test_more_packed_pixels_than_the_limit_are_refused_before_any_is_unpacked(tmp_path, read):
    stored, packed = of(tmp_path, MAX_COMPRESSED_BYTES + 2**16)
    with pytest.raises(RecordingError, match=r"a.mha: announces 4.0 GiB of compressed pixels, the limit is 4; split"):
        READERS[read](stored)
    assert not packed.opened


@pytest.mark.parametrize("read", ["check", "frames"])
def test_as_many_as_the_limit_are_unpacked(tmp_path, read):
    stored, packed = of(tmp_path, MAX_COMPRESSED_BYTES)
    with pytest.raises(RecordingError, match="is cut short: it holds 0 of 4294967296 bytes"):
        READERS[read](stored)
    assert packed.opened
