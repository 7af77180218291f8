"""A message of the lease has one size, one layout and one spelling."""

import struct

import pytest

from gatekeeper.linac.lease.messages import (
    LAYOUT,
    MAGIC,
    SIZE,
    UNUSED,
    USES,
    Kind,
    Message,
    MessageBuffer,
    Refusal,
    decode,
    encode,
    is_signed,
    session_key,
    session_number,
)
from tests.support.leases import INTERLOCK_NONCE, KEY, OTHER_KEY, SENDER_NONCE

LEASE = Message(Kind.LEASE, 0, 11, 12, 13, 14, lifetime_ms=100)


def resized(raw, size):
    return raw[:4] + struct.pack(">H", size) + raw[6:]


def test_all_messages_have_92_bytes():
    assert (LAYOUT.size, SIZE, len(encode(LEASE, KEY))) == (60, 92, 92)


def test_message_reads_back_and_is_signed_by_its_key_alone():
    raw = encode(LEASE, KEY)
    assert decode(raw) == LEASE
    assert is_signed(raw, KEY)
    assert not is_signed(raw, OTHER_KEY)


@pytest.mark.parametrize("bit", range(8 * SIZE))
def test_no_bit_can_be_changed_unnoticed(bit):
    raw = bytearray(encode(LEASE, KEY))
    raw[bit // 8] ^= 1 << bit % 8
    assert isinstance(decode(bytes(raw)), Refusal) or not is_signed(bytes(raw), KEY)


@pytest.mark.parametrize("kind", Kind)
def test_field_that_its_kind_does_not_use_must_be_zero(kind):
    assert decode(encode(Message(kind), KEY)) == Message(kind)
    for at, zero in UNUSED[kind]:
        name = Message._fields[at]
        value = b"x" * 16 if isinstance(zero, bytes) else 1
        assert decode(encode(Message(kind)._replace(**{name: value}), KEY)) is Refusal.MALFORMED
    assert len(UNUSED[kind]) + len(USES[kind]) == len(Message._fields) - 1


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (b"", Refusal.MALFORMED),
        (b"GKL1", Refusal.MALFORMED),
        (encode(LEASE, KEY)[:-1], Refusal.MALFORMED),
        (encode(LEASE, KEY) + b"x", Refusal.OVERSIZED),
        (b"GKL2" + encode(LEASE, KEY)[4:], Refusal.MALFORMED),
        (encode(Message(0), KEY), Refusal.MALFORMED),
        (encode(Message(8), KEY), Refusal.MALFORMED),
        (resized(encode(LEASE, KEY), 91), Refusal.MALFORMED),
        (resized(encode(LEASE, KEY), 93), Refusal.OVERSIZED),
        (resized(encode(LEASE, KEY), 65535), Refusal.OVERSIZED),
    ],
)
def test_what_is_no_message_is_refused(raw, fault):
    assert decode(raw) is fault


@pytest.mark.parametrize(
    ("start", "fault"),
    [
        (b"H", Refusal.MALFORMED),
        (b"GKLx", Refusal.MALFORMED),
        (MAGIC + b"\xff\xff", Refusal.OVERSIZED),
        (MAGIC + b"\x00\x00", Refusal.MALFORMED),
        (MAGIC + b"\x00", None),
        (b"GK", None),
        (b"", None),
    ],
)
def test_stream_is_refused_at_its_first_wrong_bytes(start, fault):
    buffer = MessageBuffer()
    buffer.put(start)
    assert buffer.take() is fault


def test_session_key_depends_on_the_key_and_both_nonces():
    keys = {
        session_key(KEY, INTERLOCK_NONCE, SENDER_NONCE),
        session_key(OTHER_KEY, INTERLOCK_NONCE, SENDER_NONCE),
        session_key(KEY, SENDER_NONCE, SENDER_NONCE),
        session_key(KEY, INTERLOCK_NONCE, INTERLOCK_NONCE),
    }
    assert len(keys) == 4
    assert all(len(key) == 32 for key in keys)


def test_session_number_is_the_start_of_the_interlocks_nonce():
    assert session_number(bytes([0, 0, 0, 0, 0, 0, 1, 2]) + bytes(8)) == 258
