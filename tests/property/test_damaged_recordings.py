"""No damage to a recording, of any format, ends in anything but one line; and none of them takes much memory."""

import gzip
import tempfile
import tracemalloc
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gatekeeper.core.errors import GeometryError, RecordingError
from replay.formats.open import open_recording
from tests.support.image_files import small
from tests.support.matrices import mostly_slow
from tests.support.written_recordings import WRITERS

MOST_BYTES = 32 * 2**20
"""Libraries take some for themselves; a claim of gigabytes takes gigabytes."""


@cache
def written(name):
    """Return the files of a small case in a format by their names, and which of them holds the pixels."""
    frames = np.asarray(small().frames).repeat(4, axis=1).repeat(4, axis=2).astype(np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        path = WRITERS[name](Path(folder), small(frames=frames))
        files = {
            file.relative_to(folder): file.read_bytes() for file in sorted(Path(folder).rglob("*")) if file.is_file()
        }
        relative = path.relative_to(folder)
    images = next((file for file in files if file.parent.name == "images"), relative)
    # Of a folder with a file for each frame the first one.
    images = images if images in files else next(iter(files))
    return files, relative, images


def opened(name, damage):
    """Open and read a case whose images were damaged; return what it came to, and how many bytes that took."""
    files, path, images = written(name)
    with tempfile.TemporaryDirectory() as folder:
        for file, content in files.items():
            target = Path(folder) / file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(damage(content) if file == images else content)
        tracemalloc.start()
        try:
            recording = open_recording(Path(folder) / path)
            frames = [np.array(frame) for frame in recording.frames]
        except (RecordingError, GeometryError) as error:
            frames, message = None, str(error)
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
    assert peak < MOST_BYTES
    assert frames is not None or (folder in message and "\n" not in message and len(message) < 600), message
    return frames


@pytest.fixture(autouse=True)
def silence(capfd):
    """Nothing is ever printed, not even by the C and C++ of libraries."""
    yield
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", WRITERS)
def test_a_whole_recording_opens(name):
    assert len(opened(name, lambda content: content)) == 4


@pytest.mark.parametrize("name", mostly_slow(WRITERS, 4))
@settings(max_examples=40, deadline=None)
@given(share=st.floats(0.0, 1.0, exclude_max=True), tail=st.integers(0, 40))
@example(share=0.294921875, tail=0)
def test_one_that_is_cut_short_anywhere_is_refused(name, share, tail):
    length = len(written(name)[0][written(name)[2]])
    for keep in (int(share * length), max(length - 1 - tail, 0)):
        left = opened(name, lambda content, keep=keep: content[:keep])
        if name == "dicom":
            # One frame of four is left out, with a note.
            assert left is not None
            assert len(left) == 3
            continue
        # The last bytes of some files are an index that nobody needs.
        assert left is None or (keep > 0.7 * length and name in ("avi", "tiff", "tiff packed"))


@pytest.mark.parametrize("name", mostly_slow(WRITERS, 4))
@settings(max_examples=60, deadline=None)
@given(place=st.one_of(st.integers(0, 4095), st.floats(0.0, 1.0, exclude_max=True)), byte=st.integers(0, 255))
def test_a_damaged_byte_never_ends_in_another_error(name, place, byte):
    def damage(content):
        at = place % len(content) if isinstance(place, int) else int(place * len(content))
        return content[:at] + bytes([byte]) + content[at + 1 :]

    opened(name, damage)


@pytest.mark.parametrize("name", mostly_slow(WRITERS, 4))
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_damaged_pieces_never_end_in_another_error(name, data):
    def damage(content):
        content = bytearray(content)
        for _ in range(3):
            at = data.draw(st.integers(0, min(len(content), 2000) - 1))
            piece = data.draw(st.sampled_from([b"\xff" * 8, b"\0" * 8, b"\x7f" + b"\xff" * 3, b"99999999", b"-1"]))
            content[at : at + len(piece)] = piece
        return bytes(content)

    opened(name, damage)


def claims(name, content):
    """Return the same content with a header that announces more than ten gigabytes."""
    if name.startswith("mha"):
        return content.replace(b"DimSize = 40 48 4\n", b"DimSize = 40 48 9999999\n")
    if name.startswith("nrrd"):
        return content.replace(b"sizes: 40 48 4\n", b"sizes: 40 48 9999999\n")
    if name == "npy":
        return content.replace(b"'shape': (4, 48, 40), }      ", b"'shape': (9999999, 48, 40), }")
    if name == "nii":
        return content[:40] + np.array([3, 32767, 32767, 32767], "<i2").tobytes() + content[48:]
    if name == "nii.gz":
        return gzip.compress(claims("nii", gzip.decompress(content)))
    return content.replace(b"DimSize = 4 40 48\n", b"DimSize = 9999999 40 48\n")


@pytest.mark.parametrize("name", ["trackrad", "npy", "mha", "mha packed", "nrrd", "nrrd packed", "nii", "nii.gz"])
def test_a_claim_of_ten_gigabytes_is_refused_without_taking_them(name):
    content = written(name)[0][written(name)[2]]
    assert claims(name, content) != content
    assert opened(name, lambda content: claims(name, content)) is None
