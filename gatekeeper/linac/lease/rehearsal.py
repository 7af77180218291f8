"""Rehearse the judging of a lease at the interlock just before one is due, without the interlock's key or state."""

import secrets

from gatekeeper.linac.lease.messages import NONCE_SIZE, NS_PER_MS, Kind, Message, MessageBuffer, encode, session_number
from gatekeeper.linac.lease.receiver import Interlock, Peer, Rules, next_event_ns, received
from gatekeeper.linac.lease.scratch_link import ScratchLink

KEY_SIZE = 32


class LeaseRehearsal:
    """Judge a lease of a made-up session with a random key, and drop the result.

    Only the pure functions of `gatekeeper.linac.lease.receiver` are called, on a state of its own. Lease and answer go
    over a connection of this process with itself.
    """

    def __init__(self) -> None:
        nonce, self._key = secrets.token_bytes(NONCE_SIZE), secrets.token_bytes(KEY_SIZE)
        self._rules = Rules(self._key)
        self._peer = Peer(nonce, session_number(nonce), 0, self._key)
        self._buffer = MessageBuffer()
        self._link = ScratchLink()

    def run(self, now_ns: int) -> Interlock:
        """Judge a lease at a time of the monotonic clock, in ns, and return the state of the made-up session."""
        peer = self._peer._replace(heard_ns=now_ns, stamped_ns=now_ns)
        lease = Message(Kind.LEASE, 0, peer.session, 1, 0, now_ns - NS_PER_MS, lifetime_ms=self._rules.max_lifetime_ms)
        raw = encode(lease, self._key)
        self._link.carried(raw)
        self._buffer.put(raw)
        taken = self._buffer.take()
        assert taken is not None  # noqa: S101  (it was just put there)
        state, answer = received(Interlock(peer=peer), now_ns, taken, self._rules)
        if answer.reply is not None:
            self._link.carried(answer.reply)
        next_event_ns(state, self._rules)
        return state

    def close(self) -> None:
        """Close the link to itself; may be called twice."""
        self._link.close()
