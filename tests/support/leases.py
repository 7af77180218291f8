"""Provide both ends of the lease for tests: a sender of any message, and an interlock on the loopback."""

import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field

from gatekeeper.config import LeaseConfig, LeaseLinacConfig
from gatekeeper.core.clock import monotonic_ns
from gatekeeper.linac.lease.interlock import InterlockServer
from gatekeeper.linac.lease.messages import Kind, Message, decode, encode, session_key
from gatekeeper.linac.lease.port import LeaseLinac
from gatekeeper.linac.lease.receiver import Interlock, Rules, connected, received
from tests.support.threads import threads_ended

KEY = bytes(range(32))
OTHER_KEY = bytes(32)
INTERLOCK_NONCE = bytes(range(100, 116))
SENDER_NONCE = bytes(range(200, 216))
RULES = Rules(KEY)
MS = 1_000_000
START_NS = 5_000 * MS


@dataclass
class Bench:
    """An interlock's state machine with a sender before it, and a clock that the test moves."""

    state: Interlock = field(default_factory=Interlock)
    now_ns: int = START_NS
    key: bytes = KEY
    session: int = 0
    stamp_ns: int = 0
    number: int = 0
    answers: list = field(default_factory=list)

    def take(self, outcome):
        self.state, answer = outcome
        self.answers.append(answer)
        if answer.reply is not None:
            self.stamp_ns = decode(answer.reply).stamp_ns
        return answer

    def connect(self, nonce=INTERLOCK_NONCE):
        answer = self.take(connected(self.state, self.now_ns, nonce, RULES))
        self.session, self.number = decode(answer.reply).session, 0
        self.key = session_key(KEY, nonce, SENDER_NONCE)
        return answer

    def greet(self):
        self.connect()
        return self.say(Message(Kind.HELLO, session=self.session, nonce=SENDER_NONCE))

    def say(self, message, key=None):
        return self.hear(encode(message, self.key if key is None else key))

    def hear(self, raw):
        return self.take(received(self.state, self.now_ns, raw, RULES))

    def lease(self, **changes):
        """Return the next good lease, with `changes`."""
        fields = {"session": self.session, "number": self.number + 1, "frame": 7, "lifetime_ms": 100}
        return Message(Kind.LEASE, **{**fields, "stamp_ns": self.stamp_ns, **changes})

    def hold(self, **changes):
        return Message(Kind.HOLD, **{"session": self.session, "number": self.number + 1, "frame": 8, **changes})

    def ask(self, **changes):
        """Say the next good lease, with `changes`, and count it."""
        answer = self.say(self.lease(**changes))
        self.number += 1
        return answer

    def wait(self, ms):
        self.now_ns += int(ms * MS)


def challenged():
    """Return a bench that has a connection and was sent the challenge."""
    bench = Bench()
    bench.connect()
    return bench


def greeted():
    """Return a bench with a session in which nothing was asked for yet."""
    bench = Bench()
    bench.greet()
    return bench


def beam_on_bench():
    """Return a bench on which the beam is on since this moment."""
    bench = Bench()
    bench.greet()
    bench.ask()
    return bench


@contextmanager
def interlock(port=0, rules=RULES, now_ns=monotonic_ns):
    """Serve on the loopback from a thread of this process; yields the server, with a list of its events."""
    events = []
    server = InterlockServer("127.0.0.1", port, rules, events.append, now_ns)
    server.events = events
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(5.0)
        assert not thread.is_alive()


def linac_config(port, **lease):
    return LeaseLinacConfig(port=port, key_file="unused", lease=LeaseConfig(**{"retry_ms": 20, **lease}))


@contextmanager
def lease_linac(port, key=KEY, **lease):
    with threads_ended(lambda: LeaseLinac(linac_config(port, **lease), key)) as linac:
        yield linac


def measured(text):
    """Say what was measured; `pytest -s` shows it."""
    sys.stdout.write(f"{text}\n")
