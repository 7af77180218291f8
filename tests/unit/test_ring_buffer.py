"""The ring hands over what was put in, in order and whole, and says so when there is no room."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.recording.ring_buffer import RingBuffer, WriterState


@pytest.fixture
def ends():
    """Both ends of one ring of 64 bytes, each with its own mapping of the memory."""
    descriptor = RingBuffer.memory(64)
    rings = RingBuffer(descriptor), RingBuffer(descriptor)
    os.close(descriptor)
    yield rings
    for ring in rings:
        ring.close()


def test_records_come_out_whole_and_in_order(ends):
    put, taken = ends
    assert put.put([b"ab", b"", memoryview(b"cd")])
    assert put.put([b"e"])
    assert [taken.take(), taken.take(), taken.take()] == [b"abcd", b"e", None]


def test_full_ring_takes_nothing_and_loses_nothing(ends):
    put, taken = ends
    assert put.put([b"x" * 30])
    assert put.put([b"y" * 18])
    assert not put.put([b""])
    assert taken.take() == b"x" * 30
    assert put.put([b"z" * 30])
    assert [taken.take(), taken.take(), taken.take()] == [b"y" * 18, b"z" * 30, None]


def test_record_as_large_as_the_ring_fits_and_a_larger_one_never_does(ends):
    put, taken = ends
    assert not put.put([b"x" * 57])
    assert put.put([b"x" * 56])
    assert taken.take() == b"x" * 56


def test_room_that_is_to_be_left_is_left(ends):
    put, _ = ends
    assert not put.put([b"x" * 40], spare=17)
    assert put.put([b"x" * 40], spare=16)
    assert put.put([b"y" * 8])


@given(st.lists(st.one_of(st.none(), st.binary(max_size=40)), max_size=60))
@settings(max_examples=200)
def test_any_order_of_putting_and_taking_wraps_around_without_loss(moves):
    descriptor = RingBuffer.memory(61)
    put, taken = RingBuffer(descriptor), RingBuffer(descriptor)
    os.close(descriptor)
    inside = []
    for move in moves:
        if move is None:
            assert taken.take() == (inside.pop(0) if inside else None)
        else:
            fits = sum(8 + len(record) for record in inside) + 8 + len(move) <= 61
            assert put.put([move[:7], move[7:]]) == fits
            inside += [move] if fits else []
    for ring in (put, taken):
        ring.close()


def test_what_the_writer_says_is_seen_at_the_other_end(ends):
    loop, writer = ends
    assert (loop.state, loop.beats, loop.message) == (WriterState.STARTING, 0, "")
    writer.beat()
    writer.count(kept=7, dropped=2)
    writer.fail("disk full: " + "x" * 1000)
    assert (loop.beats, loop.frames_kept, loop.frames_dropped) == (1, 7, 2)
    assert loop.state is WriterState.FAILED
    assert loop.message.startswith("disk full: xxx")
    writer.finish("ab" * 32)
    assert (loop.state, loop.head) == (WriterState.DONE, "ab" * 32)
