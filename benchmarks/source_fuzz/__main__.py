"""Fuzz live sources with 100,000 bad messages for each protocol, on 40,000 connections or more; none may cause beam-on.

Before and after, a valid client gets the beam on, which shows that the session still works.
"""

import random
import socket
import struct
import sys
import threading
import time
from collections import Counter
from contextlib import suppress

from benchmarks.fuzzing import GROWTH_KIB, run_fuzz
from benchmarks.lease_fuzz import resident_kib
from benchmarks.source_fuzz.registry import WIRES
from benchmarks.source_fuzz.session import Session, session

ANSWER_S = 10.0
RESET_EVERY = 20
AT_ONCE = struct.pack("ii", 1, 0)
"""Socket option to close without TIME_WAIT, so that ports do not run out."""


def attack(address: tuple[str, int], raw: bytes, chance: random.Random) -> str:
    """Send bytes on a new connection, wait until the source closes it, and return how it ended."""
    with socket.create_connection(address, ANSWER_S) as link:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        at = chance.randrange(len(raw)) if raw and chance.random() < 0.2 else 0
        try:
            link.sendall(raw[:at])
            link.sendall(raw[at:])
            link.shutdown(socket.SHUT_WR)
            while link.recv(65536):
                pass
        except TimeoutError:
            return "hung"
        except OSError:
            return "reset"
    return "closed"


def fuzz(running: Session, count: int, chance: random.Random) -> Counter[str]:
    """Send `count` bad messages, or some more, and return how their connections ended."""
    outcomes: Counter[str] = Counter()
    sent = connections = 0
    while sent < count:
        if connections % RESET_EVERY == 0:
            running.reset()
            running.wait_for_reset()
        raw, messages = running.wire.bad(chance, running.frame)
        sent, connections = sent + messages, connections + 1
        with suppress(ConnectionError):
            outcomes[attack(running.source.address, raw, chance)] += 1
    return outcomes


def measure(name: str, count: int, seed: int) -> dict[str, object]:
    """Fuzz one protocol and return the results."""
    chance, began_s = random.Random(seed), time.monotonic()  # noqa: S311 - repeatable, not secret
    threads = threading.active_count()
    with session(WIRES[name]) as running:
        on_before = running.lets_on() and running.is_held()
        times_on = running.beam.times_on
        outcomes = fuzz(running, count // 10, chance)
        before_kib = resident_kib()
        outcomes += fuzz(running, count - count // 10, chance)
        grown_kib = resident_kib() - before_kib
        by_fuzz = running.beam.times_on - times_on
        counts, reasons = running.source.counts, running.beam.reasons
        on_after = running.lets_on() and running.is_held()
    return {
        "protocol": name,
        "messages": count,
        "seconds": round(time.monotonic() - began_s, 1),
        "connections": counts.connections,
        "ended": dict(outcomes.most_common()),
        "frames": counts.frames,
        "dropped": counts.dropped,
        "refused": dict(counts.refused),
        "ignored": dict(counts.ignored),
        "unfit": dict(counts.unfit),
        "broken": dict(counts.broken),
        "note": counts.notes.get("broken", ""),
        "hold_reasons": dict(reasons.most_common()),
        "beam_on": by_fuzz,
        "good_client_before": on_before,
        "good_client_after": on_after,
        "grown_kib": grown_kib,
        "threads_left": threading.active_count() - threads,
    }


def faults(found: dict[str, object]) -> list[str]:
    """Return the violated requirements as text."""
    broken, ended = found["broken"], found["ended"]
    checks = {
        "the beam came on": found["beam_on"] == 0,
        "a good client gets no beam before": found["good_client_before"],
        "a good client gets no beam after": found["good_client_after"],
        "memory grew": int(str(found["grown_kib"])) <= GROWTH_KIB,
        "threads are left": found["threads_left"] == 0,
        "a message was answered with an exception": isinstance(broken, dict) and "failed" not in broken,
        "a connection hung": isinstance(ended, dict) and "hung" not in ended,
    }
    return [what for what, good in checks.items() if not good]


if __name__ == "__main__":
    sys.exit(run_fuzz(__doc__, "protocol", WIRES, measure, faults))
