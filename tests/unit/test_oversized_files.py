"""A header that announces ten gigabytes, in a format that a library reads, ends in one line and takes no memory."""

import numpy as np
import pytest

from tests.support.dicom_folders import write
from tests.support.dicom_objects import enhanced
from tests.support.image_files import small
from tests.support.limited_memory import opened_within
from tests.support.oversized_files import CLAIMS
from tests.support.written_recordings import WRITERS

ROOM_MIB = 512
MOST_MIB = 64
"""For a hundred thousand frames, each of which has a time and a place."""
LIBRARIES = ("tiff packed", "mrd", "npz packed", "avi")


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What became of each file, in a process that cannot take gigabytes."""
    folder = tmp_path_factory.mktemp("claims")
    whole = small(frames=np.asarray(small().frames).repeat(4, axis=1).repeat(4, axis=2).astype(np.uint8))
    warm = [WRITERS[name](_made(folder / f"whole {name}"), whole) for name in LIBRARIES]
    warm.append(write(folder / "whole.dcm", enhanced()))
    paths = [build(_made(folder / name)) for name, build in CLAIMS.items()]
    return dict(zip(CLAIMS, zip(paths, opened_within(paths, ROOM_MIB, warm), strict=True), strict=True))


def _made(folder):
    folder.mkdir()
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_of_ten_gigabytes_is_refused_in_one_line_without_taking_them(told, name):
    path, outcome = told[name]
    assert "refused" in outcome, outcome
    assert str(path) in outcome["refused"]
    assert "\n" not in outcome["refused"]
    assert "()" not in outcome["refused"]
    assert len(outcome["refused"]) < len(str(path)) + 250
    assert outcome["took_mib"] < MOST_MIB


@pytest.mark.slow
def test_more_pixels_than_a_dicom_object_may_have_are_refused_by_their_number(told):
    assert "announces 1562.5 GiB of pixels, the limit is 4" in told["dicom bytes"][1]["refused"]
