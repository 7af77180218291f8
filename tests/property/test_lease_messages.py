from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.linac.lease.messages import SIZE, USES, Kind, Message, MessageBuffer, Refusal, decode, encode, is_signed
from tests.support.leases import KEY, OTHER_KEY

VALUES = {
    "code": st.integers(0, 2**8 - 1),
    "session": st.integers(0, 2**64 - 1),
    "number": st.integers(0, 2**64 - 1),
    "frame": st.integers(-(2**63), 2**63 - 1),
    "stamp_ns": st.integers(0, 2**64 - 1),
    "nonce": st.binary(min_size=16, max_size=16),
    "lifetime_ms": st.integers(0, 2**32 - 1),
}
messages = st.sampled_from(Kind).flatmap(
    lambda kind: st.fixed_dictionaries({name: VALUES[name] for name in USES[kind]}).map(lambda f: Message(kind, **f))
)
keys = st.binary(min_size=32, max_size=64)


@given(messages, keys, keys)
def test_every_message_reads_back_under_its_key_alone(message, key, other):
    raw = encode(message, key)
    assert len(raw) == SIZE
    assert decode(raw) == message
    assert is_signed(raw, key)
    assert is_signed(raw, other) == (key == other)


@given(st.binary(max_size=3 * SIZE))
def test_bytes_of_any_kind_are_a_refusal_or_a_message_that_is_not_signed(raw):
    message = decode(raw)
    assert isinstance(message, Refusal) or not is_signed(raw, KEY)


@given(st.lists(messages, max_size=6), st.data())
def test_stream_gives_the_same_messages_however_it_is_cut(sent, data):
    stream = b"".join(encode(message, OTHER_KEY) for message in sent)
    buffer, got = MessageBuffer(), []
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        buffer.put(stream[:cut])
        stream = stream[cut:]
        while (raw := buffer.take()) is not None:
            got.append(decode(raw))
        assert len(buffer._bytes) < SIZE
    assert got == sent


@given(st.binary(min_size=6, max_size=500))
def test_stream_of_anything_else_ends_in_a_refusal_and_stays_there(noise):
    buffer = MessageBuffer()
    buffer.put(b"GKL0" + noise)
    assert buffer.take() is Refusal.MALFORMED
    buffer.put(encode(Message(Kind.HOLD), KEY))
    assert buffer.take() is Refusal.MALFORMED
