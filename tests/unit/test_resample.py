"""A recording is brought to an even rate by the nearest frame; small jitter is converted with a note."""

from dataclasses import replace

import numpy as np
import pytest

from gatekeeper.core.errors import OutputError, RecordingError
from replay.formats.format import Choices
from replay.formats.open import open_recording
from replay.formats.trackrad import uneven_note, write_case
from replay.formats.writers.npz import write_npz
from replay.progress import no_progress
from replay.resample import resample
from tests.support.image_files import small
from tests.support.recordings import recording

WHOLE = recording(frames=12)
EVEN_S = np.arange(12) / 4.0


def with_times(times_s, **fields):
    return replace(small(frames=np.asarray(WHOLE.frames)), times_s=np.asarray(times_s, float), **fields)


def test_small_jitter_is_kept_by_the_nearest_frame(tmp_path):
    jitter_s = np.random.default_rng(0).choice([-0.0025, 0.0, 0.0025], 12)
    jitter_s[0] = 0.0
    case = with_times(EVEN_S + jitter_s, labels=WHOLE.labels)
    even = resample(case, 4.0)
    np.testing.assert_array_equal(np.asarray(even.frames), case.frames)
    np.testing.assert_array_equal(np.asarray(even.labels), WHOLE.labels)
    np.testing.assert_array_equal(even.times_s, EVEN_S)
    assert even.notes[-1].endswith("at most 2.5 ms away: 0 left out, 0 repeated")


def test_frames_are_left_out_and_repeated_but_never_made():
    case = with_times([0.0, 0.1, 0.25, 0.5, 0.52, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5])
    even = resample(case, 4.0)
    assert [int(np.flatnonzero([np.array_equal(image, one) for one in case.frames])[0]) for image in even.frames] == [
        *(0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
    ]
    assert "1 left out, 0 repeated" in even.notes[-1]
    gap = resample(with_times([*EVEN_S[:6], *(EVEN_S[6:] + 1.0)]), 4.0)
    assert len(gap.frames) == 16
    assert "0 left out, 4 repeated" in gap.notes[-1]


def test_a_single_frame_and_a_rate_beyond_all_limits():
    one = replace(small(), frames=small().frames[:1], times_s=np.zeros(1))
    assert resample(one, 4.0).times_s.tolist() == [0.0]
    with pytest.raises(RecordingError, match="is the limit"):
        resample(with_times(EVEN_S * 1e6), 4.0)


def test_the_option_resamples_any_recording(tmp_path):
    write_npz(with_times([*EVEN_S[:6], *(EVEN_S[6:] + 1.0)]), tmp_path / "a.npz", no_progress)
    assert len(open_recording(tmp_path / "a.npz").frames) == 12
    assert len(open_recording(tmp_path / "a.npz", Choices(resample_hz=4.0)).frames) == 16


def test_jitter_of_some_milliseconds_becomes_a_case_with_a_note(tmp_path):
    chance = np.random.default_rng(1)
    case = with_times(np.round((EVEN_S + chance.uniform(-0.003, 0.003, 12)) / 0.0025) * 0.0025)
    case = replace(case, times_s=case.times_s - case.times_s[0])
    assert "ms off 4" in uneven_note(case)
    opened = open_recording(write_case(case, tmp_path / "case"))
    np.testing.assert_allclose(opened.times_s, case.times_s, atol=0.01)
    assert uneven_note(with_times(EVEN_S)) is None
    with pytest.raises(OutputError, match="give --resample"):
        uneven_note(with_times([*EVEN_S[:6], *(EVEN_S[6:] + 0.1)]))
