"""No change of a journal stays unseen: not one byte, not a line that is gone, doubled, moved, or cut off at the end."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.recording.hash_chain import START, canonical, read_chain, seal

ENTRIES = [
    {"kind": "header", "config_hash": "ab" * 32, "versions": {"numpy": "2.4.6"}},
    {"kind": "frame", "sequence": 0, "state": "HOLD", "reasons": ["resuming"], "decided_s": 0.1 + 0.2},
    {"kind": "frame", "sequence": 1, "state": "ON", "reasons": [], "outside_percent": 1e-300},
    {"kind": "event", "event": "disarm", "values": {"by": 'J. "Jo" Doe, Zürich'}},
    {"kind": "silence", "sequence": None, "state": "HOLD", "reasons": ["no_frame"]},
    {"kind": "end", "frames_kept": 2},
]


def written(entries):
    lines, previous = [], START
    for number, entry in enumerate(entries):
        line, previous = seal(entry, number, previous)
        lines.append(line)
    return lines, previous


LINES, HEAD = written(ENTRIES)
DATA = b"".join(LINES)


def is_found(data):
    """Whether a reader who knows nothing but the file sees that it is not as it was written."""
    return read_chain(data).finding is not None


def test_what_was_written_is_read_back_exactly():
    chain = read_chain(DATA)
    assert (chain.entries, chain.head, chain.finding) == (ENTRIES, HEAD, None)


def test_every_byte_replaced_by_any_other_is_found():
    for place in range(len(DATA)):
        for flipped in (1, 2, 4, 8, 16, 32, 64, 128, 0x20, 0xFF):
            changed = bytearray(DATA)
            changed[place] ^= flipped
            assert is_found(bytes(changed)), (place, flipped)


@given(place=st.integers(0, len(DATA) - 1), byte=st.integers(0, 255))
@settings(max_examples=400)
def test_a_byte_set_to_any_value_is_found_unless_it_was_that(place, byte):
    changed = bytearray(DATA)
    changed[place] = byte
    assert is_found(bytes(changed)) == (bytes(changed) != DATA)


@given(place=st.integers(0, len(DATA) - 1))
def test_a_byte_that_is_gone_is_found(place):
    assert is_found(DATA[:place] + DATA[place + 1 :])


@given(place=st.integers(0, len(DATA)), extra=st.binary(min_size=1, max_size=5))
def test_bytes_that_were_put_in_are_found(place, extra):
    assert is_found(DATA[:place] + extra + DATA[place:])


@given(st.data())
def test_any_other_choice_or_order_of_lines_is_found_unless_it_is_the_beginning(data):
    order = data.draw(st.lists(st.integers(0, len(LINES) - 1), max_size=8))
    chain = read_chain(b"".join(LINES[number] for number in order))
    is_beginning = bool(order) and order == list(range(len(order)))
    assert (chain.finding is None) == is_beginning


@given(kept=st.integers(0, len(DATA) - 1))
def test_an_end_that_is_cut_off_is_found_by_the_head(kept):
    chain = read_chain(DATA[:kept])
    assert chain.head != HEAD or chain.finding is not None


def test_lines_before_a_change_can_still_be_read():
    changed = DATA.replace(b'"event":"disarm"', b'"event":"rearm!"')
    chain = read_chain(changed)
    assert chain.entries == ENTRIES[:3]
    assert chain.finding == "line 3: is not as it was written, its hash does not match"


def test_line_that_was_made_anew_is_found_by_its_successor():
    forged, _ = seal({**ENTRIES[2], "state": "HOLD"}, 2, written(ENTRIES[:2])[1])
    chain = read_chain(b"".join([*LINES[:2], forged, *LINES[3:]]))
    assert chain.finding.startswith("line 3: does not follow the line before")


@pytest.mark.parametrize("body", [b"[1", b'"a"', b'{"line":6', b"\xff{"])
def test_line_with_a_fitting_hash_that_is_no_entry_is_found(body):
    import hashlib

    line = body + b',"hash":"' + hashlib.sha256(body).hexdigest().encode() + b'"}\n'
    assert is_found(DATA + line)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=4), values, max_size=5))
def test_equal_values_give_equal_bytes_whatever_their_order(entry):
    backwards = dict(reversed(entry.items()))
    assert canonical(entry) == canonical(backwards)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_number_that_json_cannot_hold_is_refused(bad):
    with pytest.raises(ValueError, match="JSON"):
        seal({"decided_s": bad}, 0, START)
