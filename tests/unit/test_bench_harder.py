"""Cases made harder keep their truth."""

import numpy as np
import pytest

from benchmarks.harder import harder
from tests.support.cases import breathing_case

CASE = breathing_case()


def test_a_case_of_which_nothing_is_asked_is_as_it_was():
    same = harder(CASE)
    np.testing.assert_array_equal(same.frames, CASE.frames)
    np.testing.assert_array_equal(same.labels, CASE.labels)
    np.testing.assert_array_equal(same.times_s, CASE.times_s)


def test_of_every_third_frame_all_is_kept():
    third = harder(CASE, every=3)
    np.testing.assert_array_equal(third.frames, CASE.frames[::3])
    np.testing.assert_array_equal(third.labels, CASE.labels[::3])
    np.testing.assert_array_equal(third.times_s, CASE.times_s[::3])


@pytest.mark.parametrize("every", [1, 2])
def test_shuffled_frames_keep_their_labels_and_the_first_its_place(every):
    shuffled = harder(CASE, every=every, shuffled=True)
    kept = [frame.tobytes() for frame in CASE.frames[::every]]
    order = [kept.index(frame.tobytes()) for frame in shuffled.frames]
    assert order[0] == 0
    assert sorted(order) == list(range(len(kept)))
    assert order != sorted(order)
    np.testing.assert_array_equal(shuffled.labels, CASE.labels[::every][order])
    np.testing.assert_array_equal(shuffled.times_s, CASE.times_s[::every])


def test_noise_is_of_the_share_that_was_asked_for_and_new_on_every_frame():
    noisy = harder(CASE, noise=0.1)
    first = CASE.frames[0].astype(float)
    bright = first > np.median(first)
    noise = noisy.frames.astype(float) - CASE.frames
    assert noise[:, bright].std() == pytest.approx(0.1 * first[bright].mean(), rel=0.1)
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.1
    np.testing.assert_array_equal(noisy.labels, CASE.labels)
