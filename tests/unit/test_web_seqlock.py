"""The slot holds the newest content complete, also when a writer dies while it writes."""

import os
import threading
import time

import pytest

from gatekeeper.display.web.seqlock import Seqlock


@pytest.fixture
def ends():
    descriptor = Seqlock.memory(1 << 16)
    writer, reader = Seqlock(descriptor), Seqlock(descriptor)
    os.close(descriptor)
    yield writer, reader
    writer.close()
    reader.close()


def test_nothing_is_there_at_first(ends):
    assert ends[1].get() is None


def test_the_newest_is_read_and_counted(ends):
    writer, reader = ends
    assert writer.put(b"one")
    assert writer.put(b"second")
    count, content = reader.get()
    assert content == b"second"
    assert count == reader.count
    assert reader.get() == (count, b"second")
    writer.put(b"")
    assert reader.get()[1] == b""


def test_what_does_not_fit_changes_nothing(ends):
    writer, reader = ends
    writer.put(b"kept")
    assert not writer.put(bytes((1 << 16) + 1))
    assert reader.get()[1] == b"kept"
    assert writer.put(bytes(1 << 16))


def test_parts_are_put_one_behind_the_other(ends):
    assert ends[0].put(b"one", b"", memoryview(b"two"))
    assert ends[1].get()[1] == b"onetwo"
    assert not ends[0].put(bytes(1 << 16), b"x")
    assert ends[1].get()[1] == b"onetwo"


def test_a_writer_that_died_while_writing_is_not_read(ends):
    writer, reader = ends
    writer.put(b"whole")
    writer._words[0] += 1
    assert reader.get() is None


def test_a_reader_never_gets_half_of_one_and_half_of_another(ends):
    writer, reader = ends
    stop = threading.Event()

    def write():
        letter = 0
        while not stop.is_set():
            letter = (letter + 1) % 256
            writer.put(bytes([letter]) * (1 << 15))

    thread = threading.Thread(target=write)
    thread.start()
    read, end_s = [], time.monotonic() + 20.0
    try:
        while len(read) < 200 and time.monotonic() < end_s:
            found = reader.get()
            read += [] if found is None else [found[1]]
    finally:
        stop.set()
        thread.join()
    assert len(read) == 200
    assert all(len(set(content)) == 1 and len(content) == 1 << 15 for content in read)


def test_closing_twice_is_fine(ends):
    ends[0].close()
    ends[0].close()
