"""Any recording comes back from disk as it was, and no damaged file ends in a crash."""

import dataclasses
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from gatekeeper.core.errors import RecordingError
from replay.formats.metaimage import read_metaimage
from replay.formats.metaimage_writer import write_metaimage
from replay.formats.trackrad import open_case, write_case
from tests.support.recordings import recording

PIXEL_TYPES = st.sampled_from([np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.float32])
SHAPES = npst.array_shapes(min_dims=3, max_dims=3, max_side=6)
SPACINGS = st.floats(1e-3, 1e3)


def assert_one_line(message):
    assert "\n" not in message


@settings(max_examples=40, deadline=None)
@given(
    frames=PIXEL_TYPES.flatmap(lambda dtype: npst.arrays(dtype, SHAPES)),
    spacing_mm=st.tuples(SPACINGS, SPACINGS),
    rate_hz=st.floats(0.1, 100.0),
)
def test_pixels_spacing_and_times_come_back_exactly(frames, spacing_mm, rate_hz):
    still = recording(frames=len(frames), rate_hz=rate_hz, spacing_mm=spacing_mm, first_mask=None, labels=None)
    written = dataclasses.replace(still, frames=frames)
    with tempfile.TemporaryDirectory() as folder:
        opened = open_case(write_case(written, Path(folder) / "P_001"))
    assert opened.frames.dtype == frames.dtype
    assert opened.frames.tobytes() == frames.tobytes()
    assert opened.spacing_mm == spacing_mm
    np.testing.assert_array_equal(opened.times_s, written.times_s)


@settings(max_examples=100, deadline=None)
@given(position=st.integers(0, 400), byte=st.integers(0, 255))
def test_a_damaged_byte_never_ends_in_another_error(position, byte):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.mha"
        write_metaimage(path, np.arange(60, dtype=np.uint16).reshape(3, 4, 5), (1.0, 1.0, 1.0))
        content = bytearray(path.read_bytes())
        content[position % len(content)] = byte
        path.write_bytes(content)
        try:
            read_metaimage(path)
        except RecordingError as error:
            assert_one_line(str(error))
