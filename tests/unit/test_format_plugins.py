"""A format of an installed distribution is read as ours are; a broken one is named and nothing else."""

import pytest

from gatekeeper.core.errors import RecordingError
from replay.formats.open import format_of, open_recording
from tests.support.cases import breathing_case
from tests.support.plugin_distributions import installed

__all__ = ["installed"]

CASE = breathing_case(frames=4)
SOURCE = """
from replay.formats.format import Format
from tests.unit.test_format_plugins import CASE
def read(path, choices):
    {read}
FORMAT = Format("mine", lambda path, head: head.startswith(b"MINE"), read)
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "cine.mine"
    path.write_bytes(b"MINE" + bytes(100))
    return path


def offer(installed, read):
    installed("mine", {"gatekeeper.formats": {"mine": "mine_format:FORMAT"}}, {"mine_format": SOURCE.format(read=read)})


def test_it_is_found_by_what_a_file_holds_and_opened(path, installed):
    offer(installed, "return CASE")
    assert format_of(path).name == "mine"
    assert open_recording(path) is CASE


@pytest.mark.parametrize(
    ("read", "why"),
    [
        ("return 7", "returned a int; it must be a Recording"),
        ("raise ValueError('odd')", "failed with ValueError: odd"),
        ("import dataclasses; return dataclasses.replace(CASE, times_s=CASE.times_s[:2])", "returned frames"),
    ],
)
def test_what_it_does_wrong_is_an_error_of_one_line(read, why, path, installed):
    offer(installed, read)
    with pytest.raises(RecordingError, match=rf"format 'mine' \(mine 1.2\) {why}"):
        open_recording(path)


def test_one_that_cannot_be_loaded_is_named_where_no_other_claims_the_file(path, installed):
    installed("mine", {"gatekeeper.formats": {"mine": "mine_format:FORMAT"}}, {"mine_format": "1 / 0"})
    with pytest.raises(RecordingError, match=r"is of no known format.*'mine' \(mine 1.2\): cannot be loaded"):
        open_recording(path)
