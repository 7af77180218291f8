"""Frames wait for the loop in a queue that never grows and never blocks its source."""

from gatekeeper.sources.frame_queue import FrameQueue
from gatekeeper.sources.newest_frame import NewestFrame
from tests.support.steps import frame


def filled(*numbers, capacity=3):
    mailbox = FrameQueue(capacity)
    for number in numbers:
        mailbox.put(frame(sequence=number))
    return mailbox


def given(source):
    frames = []
    while (one := source.next_frame(0.0)) is not None:
        frames.append((one.sequence, one.skipped))
    return frames


def test_frames_come_out_in_the_order_in_which_they_were_put_in():
    assert given(filled(4, 5, 6)) == [(4, 0), (5, 0), (6, 0)]


def test_oldest_are_dropped_and_the_next_frame_says_how_many():
    mailbox = filled(*range(8))
    assert given(mailbox) == [(5, 5), (6, 0), (7, 0)]
    assert mailbox.dropped == 5


def test_what_is_missing_among_the_dropped_is_not_counted_as_skipped():
    assert given(filled(0, 1, 3, 4, 5, 6)) == [(4, 3), (5, 0), (6, 0)], "0, 1 and 3 were there, 2 was not"


def test_a_number_that_came_twice_is_dropped_once():
    assert given(filled(0, 0, 0, 1, 2, 3)) == [(1, 1), (2, 0), (3, 0)]


def test_newest_frame_keeps_account_of_what_the_mailbox_dropped():
    assert given(NewestFrame(filled(*range(8)))) == [(7, 7)]


def test_after_the_end_the_waiting_frames_can_still_be_taken():
    mailbox = filled(0)
    mailbox.end()
    mailbox.put(frame(sequence=1))
    assert not mailbox.ended()
    assert given(mailbox) == [(0, 0)]
    assert mailbox.ended()


def test_closing_lets_go_of_the_frames():
    mailbox = filled(0, 1)
    mailbox.close()
    mailbox.close()
    assert mailbox.ended()
    assert mailbox.next_frame(0.0) is None


def test_a_frame_that_does_not_come_is_waited_for_no_longer_than_was_said():
    assert FrameQueue().next_frame(1e-3) is None
