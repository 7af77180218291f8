"""Send random and mutated messages to the interlock: `python -m benchmarks.lease_fuzz [COUNT] [--seed N] [--json]`.

Most go through the codec and the state machine in this process, some through a real socket to `gatekeeper interlock` in
another process. None may turn the beam on or end the interlock, and memory must not grow; otherwise the exit code is 1.
"""

import argparse
import json
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gatekeeper.core.decision import BeamState
from gatekeeper.linac.lease.messages import (
    LAYOUT,
    NS_PER_MS,
    SIZE,
    Kind,
    Message,
    MessageBuffer,
    decode,
    encode,
    is_signed,
    session_key,
)
from gatekeeper.linac.lease.receiver import Interlock, Rules, connected, received
from tests.support.lease_link import read

SOCKET_SHARE = 0.02
PAGE = 4096
RULES = Rules(bytes(range(32)))
RUN = "from gatekeeper.cli import main; main()"


class Session:
    """An open session in HOLD; the fuzzer knows its key and numbers, and misuses them."""

    def __init__(self, chance: random.Random, challenge: Message) -> None:
        self.nonce = chance.randbytes(16)
        self.session = challenge.session
        self.key = session_key(RULES.key, challenge.nonce, self.nonce)
        self.stamp_ns = 0
        self.number = chance.randrange(2, 1000)
        self.sent: list[bytes] = []

    def hello(self) -> bytes:
        return encode(Message(Kind.HELLO, session=self.session, nonce=self.nonce), self.key)

    def hold(self) -> bytes:
        self.sent.append(encode(Message(Kind.HOLD, 0, self.session, self.number, 1), self.key))
        return self.sent[-1]

    def lease(self, **changes: int) -> Message:
        fields = {"session": self.session, "number": self.number + 1, "frame": 2, "stamp_ns": self.stamp_ns}
        return Message(Kind.LEASE, **{**fields, "lifetime_ms": 100, **changes})


def turned_bits(chance: random.Random, session: Session) -> bytes:
    raw = bytearray(encode(session.lease(), session.key))
    for at in chance.sample(range(8 * SIZE), chance.randint(1, 16)):
        raw[at // 8] ^= 1 << at % 8
    return bytes(raw)


def noise(chance: random.Random, session: Session) -> bytes:  # noqa: ARG001
    return chance.randbytes(chance.randint(1, 3 * SIZE))


def noise_with_the_right_start(chance: random.Random, session: Session) -> bytes:
    return encode(session.lease(), session.key)[: chance.randint(4, 16)] + chance.randbytes(SIZE)


def cut_or_grown(chance: random.Random, session: Session) -> bytes:
    raw, at = encode(session.lease(), session.key), chance.randrange(SIZE)
    if chance.random() < 0.5:
        return raw[:at] + chance.randbytes(chance.randint(1, 64)) + raw[at:]
    return raw[:at] + raw[at + 1 :] + chance.randbytes(1 + chance.randrange(SIZE))


def wrong_key(chance: random.Random, session: Session) -> bytes:
    return encode(session.lease(), chance.choice([RULES.key, bytes(32), chance.randbytes(32), session.nonce]))


def wrong_session(chance: random.Random, session: Session) -> bytes:
    return encode(session.lease(session=chance.getrandbits(64)), session.key)


def swapped_fields(chance: random.Random, session: Session) -> bytes:
    """Return a valid lease with one field overwritten after signing."""
    raw, at = bytearray(encode(session.lease(), session.key)), chance.randrange(6, LAYOUT.size)
    raw[at : at + 4] = chance.randbytes(4)
    return bytes(raw[:SIZE])


def repeated(chance: random.Random, session: Session) -> bytes:
    return chance.choice(session.sent)


def out_of_order(chance: random.Random, session: Session) -> bytes:
    return encode(session.lease(number=chance.randrange(session.number)), session.key)


def impossible(chance: random.Random, session: Session) -> bytes:
    """Return a signed lease with values that must be refused."""
    changes = chance.choice(
        [
            {"lifetime_ms": 0},
            {"lifetime_ms": chance.randrange(101, 2**32)},
            {"stamp_ns": chance.randrange(2**30)},
            {"stamp_ns": 2**63 + chance.getrandbits(62)},
        ]
    )
    return encode(session.lease(**changes), session.key)


def wrong_kind(chance: random.Random, session: Session) -> bytes:
    kind = chance.choice([0, 1, 2, 3, 6, 7, *range(8, 256)])
    return encode(session.lease()._replace(kind=kind), session.key)


ATTACKS: tuple[Callable[[random.Random, Session], bytes], ...] = (
    turned_bits,
    noise,
    noise_with_the_right_start,
    cut_or_grown,
    wrong_key,
    wrong_session,
    swapped_fields,
    repeated,
    out_of_order,
    impossible,
    wrong_kind,
)


def bad_message(chance: random.Random, session: Session) -> bytes:
    """Return bytes that an interlock must refuse; a mutation without effect is drawn again."""
    good = encode(session.lease(), session.key)
    while True:
        raw = chance.choice(ATTACKS)(chance, session)
        if raw[:SIZE] != good:
            return raw


def fuzz_machine(count: int, seed: int) -> Counter[str]:
    """Send `count` bad messages through buffer and state machine, and count the answers."""
    chance, counts = random.Random(seed), Counter[str]()  # noqa: S311 - repeatable, not secret
    now_ns, state = 2**40, Interlock()
    session: Session | None = None
    for _ in range(count):
        now_ns += chance.randrange(2 * NS_PER_MS)
        if state.peer is None or session is None:
            state, answer = connected(state, now_ns, chance.randbytes(16), RULES)
            session = Session(chance, decode(answer.reply))
            if chance.random() < 0.9:
                for raw in (session.hello(), session.hold()):
                    state, answer = received(state, now_ns, raw, RULES)
                    session.stamp_ns = decode(answer.reply).stamp_ns
                if chance.random() < 0.3:
                    state = lent(state, now_ns, session)
            else:
                session.sent.append(session.hello()[:-1] + bytes([session.hello()[-1] ^ 1]))
        was_on = state.beam is BeamState.ON
        buffer = MessageBuffer()
        buffer.put(bad_message(chance, session))
        raw = buffer.take()
        if raw is None:
            counts["incomplete"] += 1
            continue
        state, answer = received(state, now_ns, raw, RULES)
        counts["nothing" if answer.refused is None else answer.refused.word] += 1
        counts["beam on"] += state.beam is BeamState.ON
        counts["beam taken"] += was_on
    return counts


def lent(state: Interlock, now_ns: int, session: Session) -> Interlock:
    """Return the state with the beam on by a valid lease."""
    session.sent.append(encode(session.lease(), session.key))
    session.number += 1
    state, _ = received(state, now_ns, session.sent[-1], RULES)
    if state.beam is not BeamState.ON:
        raise AssertionError("a valid lease was not granted")
    return state


def fuzz_socket(count: int, seed: int, port: int) -> Counter[str]:
    """Send `count` bad messages to an interlock process, each at the end of a session, and count the answers."""
    chance, counts = random.Random(seed), Counter[str]()  # noqa: S311 - repeatable, not secret
    for _ in range(count):
        with socket.create_connection(("127.0.0.1", port), 5.0) as link:
            challenge = decode(read(link))
            if challenge.kind == Kind.REFUSED:
                counts["busy"] += 1
                continue
            session = Session(chance, challenge)
            link.sendall(session.hello())
            session.stamp_ns = decode(read(link)).stamp_ns
            link.sendall(session.hold())
            read(link)
            with suppress(OSError):
                link.sendall(bad_message(chance, session))
                link.shutdown(socket.SHUT_WR)
                while raw := read(link):
                    message = decode(raw)
                    beam_on = message.kind == Kind.ACK and message.code == 1
                    counts["beam on" if beam_on else "answered"] += is_signed(raw, session.key)
            counts["sent"] += 1
    return counts


@contextmanager
def interlock_process() -> Iterator[tuple[int, int, Path]]:
    """Run `gatekeeper interlock`; yield its port, its process number, and the file with its events."""
    with tempfile.TemporaryDirectory() as folder:
        key_file, events = Path(folder) / "key", Path(folder) / "events"
        key_file.write_bytes(RULES.key)
        key_file.chmod(0o600)
        command = [sys.executable, "-c", RUN, "interlock", "--json", "--listen", "127.0.0.1:0"]
        with (
            events.open("wb") as out,
            subprocess.Popen([*command, "--key-file", str(key_file)], stdout=out) as process,  # noqa: S603
        ):
            try:
                while not events.read_bytes().endswith(b"\n"):
                    time.sleep(0.02)
                first = json.loads(events.read_text().splitlines()[0])
                yield int(first["listen"].rpartition(":")[2]), process.pid, events
                if process.poll() is not None:
                    raise AssertionError(f"the interlock ended with {process.returncode}")
            finally:
                process.terminate()


def resident_kib(process: str | int = "self") -> int:
    """Return the resident memory of a process, in KiB."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE // 1024


def main() -> int:
    """Send all messages, print the counts, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    by_socket = int(options.count * SOCKET_SHARE)
    in_process, tenth = options.count - by_socket, (options.count - by_socket) // 10

    began_s = time.monotonic()
    machine = fuzz_machine(tenth, options.seed)
    before_kib = resident_kib()
    for part in range(1, 10):
        machine += fuzz_machine(tenth if part < 9 else in_process - 9 * tenth, options.seed + part)
    grown_kib = resident_kib() - before_kib

    with interlock_process() as (port, process, events):
        wire = fuzz_socket(by_socket // 10, options.seed + 10, port)
        wire_before_kib = resident_kib(process)
        wire += fuzz_socket(by_socket - by_socket // 10, options.seed + 11, port)
        wire_grown_kib = resident_kib(process) - wire_before_kib
        time.sleep(0.1)
        lines = [json.loads(line) for line in events.read_text().splitlines()]
    last = lines[-1]
    found = {
        "messages": options.count,
        "seconds": round(time.monotonic() - began_s, 1),
        "state_machine": dict(machine.most_common()),
        "state_machine_grown_kib": grown_kib,
        "socket": dict(wire.most_common()),
        "interlock_refusals": last["refusals"],
        "interlock_granted": last["granted"],
        "interlock_grown_kib": wire_grown_kib,
        "beam_on": machine["beam on"] + wire["beam on"] + sum(line["state"] != "HOLD" for line in lines),
    }
    if options.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:24} {value}")
    return int(found["beam_on"] > 0 or last["granted"] > 0 or max(grown_kib, wire_grown_kib) > 2048)


if __name__ == "__main__":
    sys.exit(main())
