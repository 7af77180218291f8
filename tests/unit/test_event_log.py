"""The interlock's lines can be read by people and by programs, and cost no time when nobody reads them."""

import json
import os
from collections import Counter
from contextlib import contextmanager

from gatekeeper.core.decision import BeamState
from gatekeeper.linac.lease.event_log import EventLog
from gatekeeper.linac.lease.interlock import Event, EventKind
from gatekeeper.linac.lease.messages import Refusal
from gatekeeper.linac.lease.receiver import Cause, Interlock

ON = Interlock(BeamState.ON, Cause.LEASE, until_ns=1, number=3, frame=41)
COUNTS = Counter({EventKind.GRANTED: 3, EventKind.REFUSED: 2, "forged": 2})


@contextmanager
def pipe():
    reading, writing = os.pipe()
    try:
        yield reading, writing
    finally:
        os.close(reading)
        os.close(writing)


def event(what, state=ON, refusal=None):
    return Event(what, 1_500_000_000, state, refusal, COUNTS, "127.0.0.1:7400")


def lines(*events, as_json=False):
    with pipe() as (reading, writing):
        log = EventLog(as_json, writing)
        for one in events:
            log(one)
        os.write(writing, b"end")
        return os.read(reading, 65536).decode().splitlines()[:-1]


def test_json_line_has_time_state_reason_frame_and_lease():
    (line,) = lines(event(EventKind.STATE), as_json=True)
    assert json.loads(line) == {
        "event": "state",
        "time_s": 1.5,
        "state": "ON",
        "reason": "lease",
        "sequence": 41,
        "lease": 3,
        "refused": None,
        "granted": 3,
        "refusals": {"forged": 2},
        "listen": "127.0.0.1:7400",
        "lines_lost": 0,
        "session": None,
    }


def test_refusal_says_why():
    (line,) = lines(event(EventKind.REFUSED, Interlock(), Refusal.FORGED), as_json=True)
    assert json.loads(line)["refused"] == "forged"


def test_lines_for_people_say_the_same():
    assert [
        line.split() for line in lines(event(EventKind.STATE), event(EventKind.REFUSED, Interlock(), Refusal.FORGED))
    ] == [
        ["1.500000", "s", "ON", "state", "reason", "lease,", "frame", "41,", "lease", "3"],
        ["1.500000", "s", "HOLD", "refused", "forged,", "number", "2"],
    ]
    assert lines(event(EventKind.STOPPED, Interlock()))[0].endswith("3 leases granted, 2 forged")
    assert lines(event(EventKind.LISTENING, Interlock()))[0].endswith("listening on 127.0.0.1:7400")


def test_every_single_lease_is_no_line():
    assert lines(event(EventKind.GRANTED)) == []


def test_unread_line_is_counted_and_not_waited_for():
    with pipe() as (reading, writing):
        log = EventLog(True, writing)
        for _ in range(1000):
            log(event(EventKind.STATE))
        assert log.lost > 0
        read = os.read(reading, 1 << 20)
        assert read.endswith(b"\n")
        assert read.count(b"\n") == 1000 - log.lost


def test_reader_that_has_gone_ends_nothing():
    reading, writing = os.pipe()
    os.close(reading)
    log = EventLog(True, writing)
    log(event(EventKind.STATE))
    os.close(writing)
    assert log.lost == 1
