"""A session folder that is changed while the beam is on holds it within a second."""

import os
import shutil
import time

import pytest

from tests.support.live_processes import delivering
from tests.support.waiting import until

STATED_S = 1.0


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: folder.rename(folder.with_name("moved")),
        pytest.param(shutil.rmtree, marks=pytest.mark.slow),
        pytest.param(lambda folder: os.truncate(folder / "frames.h5", 5000), marks=pytest.mark.slow),
        pytest.param(lambda folder: os.truncate(folder / "decisions.jsonl", 500), marks=pytest.mark.slow),
    ],
    ids=["renamed", "deleted", "frames cut", "journal cut"],
)
def test_beam_is_held_within_a_second(tmp_path, change):
    with delivering(tmp_path) as (run, far):
        began_s = time.monotonic()
        change(tmp_path / "session")
        until(lambda: not far.record.beam_on, 10.0)
        assert time.monotonic() - began_s < STATED_S
        run.wait_for("[Rr]ecord")
        time_s = time.monotonic()
        until(lambda: time.monotonic() - time_s > STATED_S or far.record.beam_on)
        assert not far.record.beam_on, "it stays held"
