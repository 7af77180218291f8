"""Whatever strangers do to a live source: no beam-on, memory bounded, and a good client gets through afterwards."""

import random
import socket
import threading
import time
import tracemalloc
from contextlib import suppress

import pytest

from benchmarks.lease_fuzz import resident_kib
from benchmarks.source_fuzz.__main__ import fuzz
from benchmarks.source_fuzz.registry import WIRES
from benchmarks.source_fuzz.session import session
from tests.support.matrices import mostly_slow
from tests.support.sources import answered
from tests.support.waiting import until

GIGABYTE = 10**9
CALM_S = 10.0
"""A deadline that a busy machine does not miss."""
DEADLINE_S = 1.0
"""Long enough that a busy machine has begun to read before it is over."""
MESSAGES = {"mrd": 120, "openigtlink": 120, "dicom": 40}
MANY = {"mrd": 1500, "openigtlink": 1500, "dicom": 500}
"""So many bad messages here; `make fuzz-sources` sends far more. Those of DICOM take longest."""

every_wire = pytest.mark.parametrize("name", WIRES)


@pytest.mark.parametrize("messages", [MESSAGES, pytest.param(MANY, marks=pytest.mark.slow)], ids=["some", "many"])
@every_wire
def test_bad_messages_never_let_the_beam_on(name, messages):
    with session(WIRES[name]) as running:
        seen = fuzz(running, messages[name], random.Random(3))  # noqa: S311 - repeatable, not secret
        assert running.beam.times_on == 0
        assert "failed" not in running.source.counts.broken
        assert "hung" not in seen
        assert running.source.counts.frames > messages[name] / 30, "some of them are images, and the gate sees these"
        assert running.lets_on()
        assert running.is_held()


@every_wire
def test_the_beam_goes_off_with_the_client_and_the_next_one_starts_held(name):
    with session(WIRES[name]) as running:
        for _ in range(3):
            assert running.lets_on()
            assert running.is_held()
        assert running.beam.reasons["sequence_gap"] >= 2, "the first frame of each client that came back"


@every_wire
def test_a_sender_that_trickles_is_cut_off_at_the_deadline(name):
    with session(WIRES[name], read_deadline_s=DEADLINE_S) as running:
        raw = running.wire.begun(running.frame())
        with socket.create_connection(running.source.address, 5.0) as link:
            began_s = time.monotonic()
            with suppress(OSError):
                for byte in raw[:-1]:
                    link.sendall(bytes([byte]))
                    time.sleep(DEADLINE_S / 20)
            assert time.monotonic() - began_s < 20 * DEADLINE_S, "long before all was sent"
            answered(link)
        until(lambda: "late" in running.source.counts.broken)
        assert running.beam.times_on == 0
        assert running.lets_on()


@every_wire
def test_a_sender_that_says_nothing_more_is_cut_off_too(name):
    with session(WIRES[name], read_deadline_s=DEADLINE_S) as running:
        with socket.create_connection(running.source.address, 5.0) as link:
            link.sendall(running.wire.begun(running.frame())[:50])
            answered(link)
        assert running.lets_on()


@every_wire
def test_sizes_of_a_gigabyte_are_refused_before_any_memory_is_taken(name):
    with session(WIRES[name], read_deadline_s=CALM_S) as running:
        assert running.lets_on()
        before_kib = resident_kib()
        for what, raw in running.wire.huge(GIGABYTE).items():
            tracemalloc.start()
            with socket.create_connection(running.source.address, 5.0) as link:
                link.sendall(raw)
                answered(link)
            peak_bytes = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert peak_bytes < 8_000_000, what
        until(lambda: sum(running.source.counts.broken.values()) == len(running.wire.huge(GIGABYTE)))
        assert resident_kib() - before_kib < 8192
        assert running.lets_on()


@pytest.mark.parametrize("name", mostly_slow(WIRES))
def test_storms_of_connections_leave_neither_threads_nor_a_beam(name):
    with session(WIRES[name]) as running:
        raw, threads = running.wire.begun(running.frame()), threading.active_count()
        for size in (0, 60, len(raw)):
            links = []
            for _ in range(30):
                with suppress(OSError):
                    links.append(socket.create_connection(running.source.address, 5.0))
                    links[-1].sendall(raw[:size])
            for link in links:
                link.close()
        assert running.beam.times_on == 0
        until(running.lets_on, 60.0)  # those that have hung up are served first, one after the other
        assert running.is_held()
        until(lambda: threading.active_count() <= threads + 1)
    until(lambda: threading.active_count() < threads)


@every_wire
def test_closing_the_source_ends_the_session_with_a_sender_connected(name):
    threads = set(threading.enumerate())
    with (
        session(WIRES[name], read_deadline_s=CALM_S) as running,
        socket.create_connection(running.source.address, 5.0) as link,
    ):
        link.sendall(running.wire.begun(running.frame())[:50])
        running.close()
        until(lambda: set(threading.enumerate()) <= threads)
        assert running.source.ended()
        assert answered(link) == b""
