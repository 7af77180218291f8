"""Any row of good, bad, late and missing messages: the beam is on while a good lease lives, and at no other time."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gatekeeper.core.decision import BeamState
from gatekeeper.linac.lease.messages import Kind, Message, Refusal, encode
from gatekeeper.linac.lease.receiver import ENDS_SESSION, disconnected, elapsed
from tests.support.leases import MS, OTHER_KEY, RULES, SENDER_NONCE, Bench

LIFETIME_MS = 100


class Sessions(RuleBasedStateMachine):
    """Keeps its own book of when the beam may be on, from the description of the protocol alone."""

    def __init__(self):
        super().__init__()
        self.bench = Bench()
        self.on_until_ns = None
        self.connected = self.greeted = False
        self.heard_ns = 0
        self.connections = 0
        self.said = []

    def gone(self):
        self.connected = self.greeted = False
        self.on_until_ns = None

    @rule(ms=st.one_of(st.floats(0.0, 60.0), st.sampled_from([0.0, 1e-6, 74.999999, 75.0, 99.999999, 100.0, 499.0])))
    def time_passes(self, ms):
        self.bench.wait(ms)
        self.bench.now_ns = int(self.bench.now_ns)
        self.bench.state, answer = elapsed(self.bench.state, self.bench.now_ns, RULES)
        silent = self.connected and self.bench.now_ns >= self.heard_ns + RULES.silence_ms * MS
        assert answer.close == silent
        if silent:
            self.gone()

    @precondition(lambda self: not self.connected)
    @rule()
    def sender_connects(self):
        self.connections += 1
        self.bench.connect(nonce=self.connections.to_bytes(8, "big") + bytes(8))
        self.connected, self.heard_ns = True, self.bench.now_ns

    @precondition(lambda self: self.connected)
    @rule(right_key=st.booleans())
    def sender_says_hello(self, right_key):
        hello = Message(Kind.HELLO, session=self.bench.session, nonce=SENDER_NONCE)
        answer = self.bench.say(hello, None if right_key else OTHER_KEY)
        if right_key and not self.greeted:
            assert answer.refused is None
            self.greeted, self.heard_ns, self.said = True, self.bench.now_ns, []
        else:
            assert answer.close
            self.gone()

    @precondition(lambda self: self.greeted)
    @rule(leap=st.integers(1, 100), lifetime_ms=st.integers(1, LIFETIME_MS))
    def sender_asks_for_a_lease(self, leap, lifetime_ms):
        bench = self.bench
        stamp_ns, number = bench.stamp_ns, bench.number + leap
        raw = encode(bench.lease(number=number, lifetime_ms=lifetime_ms), bench.key)
        answer = bench.hear(raw)
        bench.number, self.heard_ns = number, bench.now_ns
        self.said.append(raw)
        in_time = bench.now_ns - stamp_ns < 0.75 * lifetime_ms * MS
        assert answer.refused is (None if in_time else Refusal.LATE)
        self.on_until_ns = stamp_ns + lifetime_ms * MS if in_time else None

    @precondition(lambda self: self.greeted)
    @rule()
    def sender_holds(self):
        assert self.bench.say(self.bench.hold()).refused is None
        self.bench.number += 1
        self.heard_ns, self.on_until_ns = self.bench.now_ns, None

    @precondition(lambda self: self.greeted and self.said)
    @rule(data=st.data())
    def repeat_a_message(self, data):
        answer = self.bench.hear(data.draw(st.sampled_from(self.said)))
        assert answer.refused in (Refusal.REPLAYED, Refusal.REORDERED)
        self.gone()

    @precondition(lambda self: self.connected)
    @rule(data=st.data())
    def turn_bits(self, data):
        raw = bytearray(encode(self.bench.lease(), self.bench.key))
        for at in data.draw(st.sets(st.integers(0, 8 * len(raw) - 1), min_size=1, max_size=8)):
            raw[at // 8] ^= 1 << at % 8
        answer = self.bench.hear(bytes(raw))
        assert answer.refused in ENDS_SESSION
        self.gone()

    @precondition(lambda self: self.greeted)
    @rule(changes=st.sampled_from([{"lifetime_ms": 0}, {"lifetime_ms": 101}, {"stamp_ns": 0}, {"stamp_ns": 2**63}]))
    def sender_asks_for_too_much(self, changes):
        answer = self.bench.ask(**changes)
        assert answer.refused in (Refusal.LIFETIME, Refusal.STAMP)
        self.heard_ns, self.on_until_ns = self.bench.now_ns, None

    @precondition(lambda self: self.connected)
    @rule()
    def sender_disconnects(self):
        self.bench.state = disconnected(self.bench.state)
        self.gone()

    @invariant()
    def beam_is_on_while_a_lease_lives_and_at_no_other_time(self):
        bench = self.bench
        state, _ = elapsed(bench.state, bench.now_ns, RULES)
        lives = self.on_until_ns is not None and bench.now_ns < self.on_until_ns
        assert (state.beam is BeamState.ON) == lives

    @invariant()
    def a_lease_never_outlives_its_longest_lifetime_from_now(self):
        state = self.bench.state
        if state.beam is BeamState.ON:
            assert state.until_ns <= self.bench.now_ns + LIFETIME_MS * MS


TestSessions = Sessions.TestCase
TestSessions.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
