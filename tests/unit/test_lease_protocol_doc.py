"""docs/reference/lease-protocol.md is enough for a receiver: its example is what the interlock does, byte for byte."""

import re
from pathlib import Path

import pytest

from gatekeeper.core.decision import BeamState
from gatekeeper.linac.lease.event_log import EventLog
from gatekeeper.linac.lease.interlock import Event, EventKind
from gatekeeper.linac.lease.messages import LAYOUT, SIZE, USES, Kind, Refusal, session_key, session_number
from gatekeeper.linac.lease.receiver import Cause, Interlock, Rules, connected, received
from gatekeeper.linac.lease.sender import SenderSession

TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "lease-protocol.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if line.startswith("| ")]
EXAMPLE = [
    (Kind[name], bytes.fromhex(head + signature))
    for name, head, signature in re.findall(r"^    ([A-Z]+)\n    ([0-9a-f]{120})\n    ([0-9a-f]{64})$", TEXT, re.M)
]
KEY, INTERLOCK_NONCE, SENDER_NONCE = bytes(range(32)), bytes(range(64, 80)), bytes(range(128, 144))
MS = 1_000_000
FIELDS = {"session", "number", "frame", "stamp", "nonce", "lifetime"}
NAMES = {"stamp": "stamp_ns", "lifetime": "lifetime_ms"}


def first_cells():
    return {row[0].strip("`") for row in ROWS}


def test_example_has_every_kind_of_message():
    assert {kind for kind, _ in EXAMPLE} == set(Kind)
    assert all(raw[6] == kind for kind, raw in EXAMPLE)


def test_interlock_answers_the_bytes_of_the_example_with_the_bytes_of_the_example():
    challenge, hello, welcome, lease, granted, hold, held, refused = (raw for _, raw in EXAMPLE)
    rules = Rules(KEY)
    state, answer = connected(Interlock(), 4_990 * MS, INTERLOCK_NONCE, rules)
    assert answer.reply == challenge
    for time_ms, heard, said, beam in [
        (5_000, hello, welcome, BeamState.HOLD),
        (5_003, lease, granted, BeamState.ON),
        (5_020, hold, held, BeamState.HOLD),
        (5_021, lease, refused, BeamState.HOLD),
    ]:
        state, answer = received(state, time_ms * MS, heard, rules)
        assert (answer.reply, state.beam) == (said, beam)


def test_sender_says_the_bytes_of_the_example():
    challenge, hello, welcome, lease, granted, hold, held, _ = (raw for _, raw in EXAMPLE)
    sender = SenderSession(KEY, SENDER_NONCE, 100, 0)
    assert sender.receive(challenge, 0) == hello
    sender.receive(welcome, 0)
    assert sender.lease(42, 10_000 * MS, 0) == lease
    sender.receive(granted, 0)
    assert sender.hold(43, 0) == hold
    sender.receive(held, 0)


def test_session_and_its_key_are_those_of_the_example():
    assert f"the session is {session_number(INTERLOCK_NONCE)} and" in " ".join(TEXT.split())
    assert f"    {session_key(KEY, INTERLOCK_NONCE, SENDER_NONCE).hex()}\n" in TEXT


def test_fields_follow_each_other_as_in_the_layout():
    rows = [row for row in ROWS if row[0].isdecimal() and row[1].isdecimal()]
    fields = [(int(row[0]), int(row[1]), row[2]) for row in rows]
    assert {name for _, _, name in fields} == {"magic", "size", "kind", "code", "signature", *FIELDS}
    assert [size for _, size, _ in fields] == [4, 2, 1, 1, 8, 8, 8, 8, 16, 4, 32]
    assert [offset for offset, _, _ in fields] == [sum(size for _, size, _ in fields[:at]) for at in range(len(fields))]
    assert (fields[-1][0], fields[-1][0] + fields[-1][1]) == (LAYOUT.size, SIZE)


@pytest.mark.parametrize("kind", Kind)
def test_fields_that_a_kind_uses_are_there(kind):
    (row,) = (row for row in ROWS if row[:2] == [str(int(kind)), kind.name])
    words = set(re.findall(r"\b(?:code|session|number|frame|stamp|nonce|lifetime)\b", row[3]))
    assert {NAMES.get(word, word) for word in words} == USES[kind]


@pytest.mark.parametrize("refusal", Refusal)
def test_every_refusal_is_there_with_its_code(refusal):
    assert any(row[:2] == [str(int(refusal)), f"`{refusal.word}`"] for row in ROWS)


@pytest.mark.parametrize("cause", Cause)
def test_every_reason_of_a_state_is_there(cause):
    assert cause.value in first_cells()


def test_every_field_and_event_that_is_printed_is_there():
    printed = Event(EventKind.LISTENING, 0, Interlock(), None, {}, "127.0.0.1:1")
    fields = set(re.findall(r'"(\w+)":', EventLog(as_json=True)._json(printed)))
    assert fields <= first_cells()
    (row,) = (row for row in ROWS if row[0] == "`event`")
    assert set(re.findall(r"`(\w+)`", row[2])) == set(EventKind) - {EventKind.GRANTED}
