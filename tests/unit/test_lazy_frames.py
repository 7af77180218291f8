"""Images that are read one by one are a stack like any other, and only what is asked for is read."""

from dataclasses import replace

import numpy as np
import pytest

from gatekeeper.config import SessionConfig
from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.errors import RecordingError
from gatekeeper.recording.journal import read_decisions
from replay.player import Player
from replay.recording import LazyFrames
from replay.run import replay, replay_input
from replay.scores.tracking import score
from tests.support.cases import breathing_case
from tests.support.recordings import recording
from tests.support.sessions import quiet


class Disk:
    """Where the images of an array are read from, and how often."""

    def __init__(self, images):
        self.images, self.read = images, []

    def __call__(self, index):
        self.read.append(index)
        return self.images[index]

    def lazy(self):
        return LazyFrames(self, len(self.images), self.images.shape[1:], self.images.dtype)


@pytest.fixture
def disk():
    return Disk(np.arange(6 * 3 * 4, dtype=np.uint16).reshape(6, 3, 4))


def test_a_lazy_stack_is_what_the_array_is(disk):
    lazy, array = disk.lazy(), disk.images
    assert (lazy.shape, lazy.dtype, len(lazy)) == (array.shape, array.dtype, len(array))
    assert np.array_equal(lazy[-1], array[-1])
    assert np.array_equal(lazy[np.int64(2)], array[2])
    assert np.array_equal(np.asarray(lazy), array)
    assert np.array_equal(np.asarray(lazy, np.float32), array.astype(np.float32))
    assert np.array_equal(list(lazy), array)


@pytest.mark.parametrize("part", [slice(2, None), slice(None, 3), slice(-2, None), slice(1, 6, 2), slice(4, 2)])
def test_a_slice_of_a_lazy_stack_is_that_of_the_array(disk, part):
    lazy = disk.lazy()[part]
    assert lazy.shape == disk.images[part].shape
    assert np.array_equal(np.asarray(lazy), disk.images[part])
    assert np.array_equal(np.asarray(lazy[1:]), disk.images[part][1:])


def test_only_what_is_asked_for_is_read(disk):
    lazy = disk.lazy()[2:]
    assert disk.read == []
    assert lazy[1][0, 0] == disk.images[3, 0, 0]
    assert disk.read == [3]


def test_what_is_not_there_is_an_index_error(disk):
    for index in (6, -7):
        with pytest.raises(IndexError):
            disk.lazy()[index]


@pytest.mark.parametrize("image", [np.zeros((4, 3), np.uint16), np.zeros((3, 4), np.int16)])
def test_an_image_of_another_size_or_type_is_refused(disk, image):
    lazy = LazyFrames(lambda index: image, 6, (3, 4), np.dtype(np.uint16))
    with pytest.raises(RecordingError, match="frame 2: is"):
        lazy[2]


def test_the_player_reads_a_frame_when_it_is_due_and_no_other(disk):
    lazy = replace(recording(frames=6), frames=disk.lazy())
    player = Player(lazy, VirtualClock())
    for index in range(3):
        assert np.array_equal(player.next_frame(10.0).image, disk.images[index])
    assert disk.read == [0, 1, 2]


def test_a_lazy_recording_scores_as_the_array_does():
    whole = recording()
    assert score(whole.labels, whole) == score(whole.labels, replace(whole, labels=Disk(whole.labels).lazy()))


@pytest.mark.slow
def test_a_lazy_recording_gives_the_decisions_and_scores_of_the_array(tmp_path):
    whole = breathing_case(frames=40)
    disk = Disk(whole.frames)
    lazy = replace(whole, frames=disk.lazy(), labels=Disk(whole.labels).lazy())
    results = [
        replay(replay_input(case, 8.0), SessionConfig(), tmp_path / name, VirtualClock(), quiet)
        for case, name in ((whole, "whole"), (lazy, "lazy"))
    ]
    assert results[0].score == results[1].score
    assert results[0].gating == results[1].gating
    decided = [read_decisions(tmp_path / name / "decisions.jsonl") for name in ("whole", "lazy")]
    for one, other in zip(*decided, strict=True):
        assert {**one, "latency_ms": 0, "hash": 0, "previous": 0} == {
            **other,
            "latency_ms": 0,
            "hash": 0,
            "previous": 0,
        }
    preview, played = list(range(32)), list(range(32, 40))
    assert disk.read[: len(preview) + len(played) + 1] == [0, *preview, *played]
