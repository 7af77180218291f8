"""A stream gives exactly the bytes of a message, never more than the cap, and never waits for a slow one for long."""

import socket
import threading
import tracemalloc

import pytest

from gatekeeper.wire.stream import Breach, MessageStream, StreamError


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def stream(link, largest_bytes=1000, deadline_s=5.0):
    return MessageStream(link, largest_bytes, deadline_s, "test")


def test_parts_of_messages_come_as_they_were_sent(ends):
    ours, theirs = ends
    theirs.sendall(b"abcdef" + b"xy")
    messages = stream(ours)
    assert messages.begin()
    assert (messages.take(2), messages.take(0), messages.take(4)) == (b"ab", b"", b"cdef")
    assert messages.begin()
    assert messages.take(2) == b"xy"


def test_what_is_skipped_is_not_read_again(ends):
    ours, theirs = ends
    messages = stream(ours, largest_bytes=300_000)
    sender = threading.Thread(target=theirs.sendall, args=(b"a" + bytes(200_000) + b"z",))
    sender.start()
    assert messages.begin()
    messages.skip(200_001)
    assert messages.take(1) == b"z"
    sender.join()


def test_single_bytes_make_a_message(ends):
    ours, theirs = ends
    sender = threading.Thread(target=lambda: [theirs.send(bytes([k])) for k in range(200)])
    sender.start()
    messages = stream(ours)
    assert messages.begin()
    assert messages.take(200) == bytes(range(200))
    sender.join()


def test_a_sender_that_closes_between_messages_has_ended_well(ends):
    ours, theirs = ends
    theirs.close()
    assert not stream(ours).begin()


def test_a_wait_for_the_next_message_ends_with_a_shut_down_here(ends):
    ours, _ = ends
    answers = []
    reader = threading.Thread(target=lambda: answers.append(stream(ours).begin()))
    reader.start()
    ours.shutdown(socket.SHUT_RDWR)
    reader.join(5.0)
    assert answers == [False]


def breach_of(messages, count):
    assert messages.begin()
    with pytest.raises(StreamError) as raised:
        messages.take(count)
    return raised.value


def test_a_message_that_is_cut_is_a_breach(ends):
    ours, theirs = ends
    theirs.sendall(b"abc")
    theirs.close()
    assert breach_of(stream(ours), 4).breach is Breach.CUT


def test_a_message_that_is_not_whole_by_its_deadline_is_a_breach(ends):
    ours, theirs = ends
    theirs.sendall(b"abc")
    fault = breach_of(stream(ours, deadline_s=0.01), 4)
    assert fault.breach is Breach.LATE
    assert "0.01 s" in str(fault)
    assert "read_deadline_s" in str(fault)


def test_bytes_that_trickle_in_do_not_move_the_deadline(ends):
    ours, theirs = ends
    stop = threading.Event()

    def trickle():
        for _ in range(200):
            if stop.wait(0.005):
                return
            theirs.send(b".")
        theirs.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=trickle)
    sender.start()
    assert breach_of(stream(ours, largest_bytes=10**6, deadline_s=0.1), 10**6).breach is Breach.LATE
    stop.set()
    sender.join()


def test_no_memory_is_taken_for_what_is_announced_above_the_cap(ends):
    ours, theirs = ends
    theirs.sendall(b"abc")
    tracemalloc.start()
    fault = breach_of(stream(ours), 2**30)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert fault.breach is Breach.TOO_LARGE
    assert str(2**30) in str(fault)
    assert peak_bytes < 100_000


def test_many_small_parts_of_one_message_cannot_pass_the_cap_either(ends):
    ours, theirs = ends
    theirs.sendall(bytes(1200))
    messages = stream(ours)
    assert messages.begin()
    messages.take(600)
    messages.skip(400)
    with pytest.raises(StreamError, match="may have 0 of the 1000"):
        messages.take(1)


def test_a_negative_size_is_no_size(ends):
    ours, theirs = ends
    theirs.sendall(b"a")
    assert breach_of(stream(ours), -1).breach is Breach.TOO_LARGE
