"""Fuzz the faces of a session with 100,000 bad messages each: the control socket and the console's WebSocket.

No bad message may become a request, end the face, or make its memory grow; a good client is served before and after.
"""

import base64
import json
import random
import socket
import struct
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from websockets.sync.client import connect as open_link

from benchmarks.fuzzing import GROWTH_KIB, run_fuzz
from benchmarks.lease_fuzz import resident_kib
from gatekeeper.config import SessionConfig
from gatekeeper.core.clock import PacedClock
from gatekeeper.core.errors import InputError
from gatekeeper.display.web.message import parts_of
from gatekeeper.display.web.process import Address, Console
from gatekeeper.display.web.session_info import SessionInfo
from gatekeeper.operator.client import send_request
from gatekeeper.operator.control_socket import LARGEST_LINE, MOST_CLIENTS, Control
from gatekeeper.operator.request import WORDS, request_from_json
from gatekeeper.operator.request_queue import RequestQueue
from gatekeeper.operator.socket_path import NAME, connect

ANSWER_S = 10.0
LONGEST = LARGEST_LINE // 16
"""Longest line, so that a burst of them is read at once."""
BURST = 8
"""Messages that one connection to the control socket sends at once."""
DEEP = 900
FACTS = SessionInfo.of("fuzz", SessionConfig(), "a recording", "nowhere")
RARE = (
    None,
    True,
    0,
    -1,
    1.5,
    10**400,
    "",
    "\x1b[2J",
    "\u202e",
    "arm\0",
    "a" * 200,
    [],
    {},
    ["arm"],
    [["arm"]],
    {"command": "arm"},
)
"""Values in the place of any other."""


def spoiled(chance: random.Random, raw: bytes) -> bytes:
    """Return a text with bytes turned, cut, added or repeated."""
    changed = bytearray(raw)
    for _ in range(chance.choice((1, 1, 2, 8))):
        at = chance.randrange(len(changed) + 1)
        piece = chance.choice((chance.randbytes(1), b"\0", b'"', b"[", b"{", b"\\u", b"1e999", b"\xff\xfe", b"\x1b"))
        changed[at : at + chance.randrange(3)] = piece
    return bytes(changed)


def bad_json(chance: random.Random, good: dict[str, object]) -> bytes:
    """Return what is near a good message, or far from any."""
    match chance.randrange(6):
        case 0:
            return chance.randbytes(chance.randint(1, 200))
        case 1:
            return chance.choice((b"[", b'{"a":', b"[{}," * 3)) * chance.randint(1, DEEP)
        case 2:
            return json.dumps(chance.choice(RARE)).encode()
        case 3:
            name = chance.choice(list(good))
            return json.dumps({**good, name: chance.choice(RARE)}).encode()
        case 4:
            return json.dumps({**good, str(chance.choice(RARE))[:50]: chance.choice(RARE)}).encode()
    return spoiled(chance, json.dumps(good).encode())


def bad_line(chance: random.Random) -> bytes:
    """Return a line that is no request of the control socket."""
    while True:
        word = chance.choice([*WORDS, "status", "rebase 1 0"])
        line = bad_json(chance, {"command": word.split(), "operator": "Anna"}).replace(b"\n", b" ")[:LONGEST]
        if not _is_request(line):
            return line + b"\n"


def _is_request(line: bytes) -> bool:
    """Return whether a line happens to be a good request."""
    try:
        values = json.loads(line)
        if values["command"] == ["status"] and isinstance(values["operator"], str):
            return len(values) == 2
        request_from_json(values["command"], values["operator"], "fuzz")
    except (InputError, ValueError, KeyError, TypeError, AttributeError, RecursionError, IndexError):
        return False
    return True


class Obeying:
    """A queue whose requests are all executed at once, and counted."""

    def __init__(self) -> None:
        self.requests = RequestQueue(PacedClock())
        self.done: Counter[str] = Counter()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="loop", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.005):
            while (command := self.requests.next_command()) is not None:
                self.done[command.action.value] += 1
                self.requests.complete(command.time_s, {"accepted": True, "note": "done"})

    def close(self) -> None:
        """Execute no more."""
        self._stop.set()
        self._thread.join()
        self.requests.close()


def fuzz_control(path: Path, count: int, chance: random.Random) -> Counter[str]:
    """Send `count` bad lines to a control socket, some over each connection, and count the answers."""
    outcomes: Counter[str] = Counter()
    left = count
    while left > 0:
        bursts = [min(BURST, left - BURST * number) for number in range(MOST_CLIENTS) if left > BURST * number]
        links = [connect(path, ANSWER_S) for _ in bursts]
        for link, burst in zip(links, bursts, strict=True):
            with suppress(OSError):
                link.sendall(b"".join(bad_line(chance) for _ in range(burst)))
                link.shutdown(socket.SHUT_WR)
        for link in links:
            with link:
                answers = _read_to_end(link)
            outcomes["refused"] += answers.count(b'"accepted": false')
            outcomes["accepted"] += answers.count(b'"accepted": true')
        left -= sum(bursts)
    return outcomes


def _read_to_end(link: socket.socket) -> bytes:
    raw = b""
    try:
        while data := link.recv(65536):
            raw += data
    except TimeoutError:
        raise AssertionError("a connection hung") from None
    except OSError:
        pass
    return raw


def frame_of(chance: random.Random, data: bytes) -> bytes:
    """Return a frame of the WebSocket protocol (RFC 6455), mostly a valid text, else with a wrong header."""
    first, mask = 0x81, chance.randbytes(4)
    if chance.random() < 0.2:
        first = chance.randrange(256)
    length = len(data) if chance.random() < 0.9 else chance.choice((0, 125, 126, 65_536, 2**40, 2**63 - 1))
    masked = 0x80 if chance.random() < 0.95 else 0
    if length < 126:
        head = struct.pack(">BB", first, masked | length)
    elif length < 2**16:
        head = struct.pack(">BBH", first, masked | 126, length)
    else:
        head = struct.pack(">BBQ", first, masked | 127, length)
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))


def bad_view(chance: random.Random) -> bytes:
    """Return what is no request for a message of the console."""
    good: dict[str, object] = {"after": chance.choice(RARE), "picture": True}
    while True:
        raw = bad_json(chance, good)
        try:
            int(json.loads(raw)["after"])
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return raw


def attack(host: str, port: int, chance: random.Random) -> str:
    """Send a bad message on a new WebSocket, wait until the console closes it, and return how it ended."""
    with socket.create_connection((host, port), ANSWER_S) as link:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        hello = (
            f"GET /views HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: http://{host}:{port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: gatekeeper\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(chance.randbytes(16)).decode()}\r\n\r\n"
        ).encode()
        outcome = "closed"
        try:
            link.sendall(spoiled(chance, hello) if chance.random() < 0.1 else hello)
            link.sendall(frame_of(chance, bad_view(chance)))
            link.shutdown(socket.SHUT_WR)
            while data := link.recv(65536):
                outcome = "refused" if data.startswith(b"HTTP/1.1 4") else outcome
        except TimeoutError:
            return "hung"
        except OSError:
            return "reset"
    return outcome


def fuzz_console(console: Console, count: int, chance: random.Random) -> Counter[str]:
    """Send `count` bad messages to a console, each on a connection of its own, and count how these ended."""
    host, port = console.url.removeprefix("http://").split("/")[0].rsplit(":", 1)
    outcomes: Counter[str] = Counter()
    for _ in range(count):
        with suppress(ConnectionError):
            outcomes[attack(host, int(port), chance)] += 1
        outcomes["requests"] += sum("arrows" not in one for one in console.take_requests())
    return outcomes


def is_served(console: Console) -> bool:
    """Return whether a good browser gets the newest message."""
    console.show(parts_of({"number": 1}, {}))
    place = console.url.partition("#")[0]
    with open_link(f"{place.replace('http', 'ws')}views", origin=place[:-1], subprotocols=["gatekeeper"]) as link:
        link.send('{"after": -1}')
        return bool(link.recv(timeout=ANSWER_S))


Face = tuple[Callable[[int, random.Random], Counter[str]], Callable[[], bool], Callable[[], int]]
"""How to fuzz a face, whether a good client is served, and the memory that it uses, in KiB."""


@contextmanager
def control_socket() -> Iterator[Face]:
    """Yield how to fuzz a control socket, whether a good client is served, and the memory it uses."""
    with tempfile.TemporaryDirectory() as folder, closing(Obeying()) as loop:
        path = Path(folder) / NAME
        with Control(path, loop.requests):

            def served() -> bool:
                return bool(send_request(path, ["hold"], "Anna")["accepted"])

            def fuzz(count: int, chance: random.Random) -> Counter[str]:
                before = Counter(loop.done)
                outcomes = fuzz_control(path, count, chance)
                outcomes["requests"] = sum((loop.done - before).values())
                return outcomes

            yield fuzz, served, resident_kib


@contextmanager
def console() -> Iterator[Face]:
    """Yield how to fuzz a console's WebSocket, whether a good browser is served, and the memory its process uses."""
    with closing(Console(Address(), FACTS)) as opened:
        yield (
            lambda count, chance: fuzz_console(opened, count, chance),
            lambda: opened.alive and is_served(opened),
            lambda: resident_kib(opened.pid),
        )


FACES = {"control": control_socket, "console": console}


def measure(name: str, count: int, seed: int) -> dict[str, object]:
    """Fuzz one face and return the results."""
    chance, began_s = random.Random(seed), time.monotonic()  # noqa: S311 - repeatable, not secret
    with FACES[name]() as (fuzz, served, memory_kib):
        before = served()
        outcomes = fuzz(count // 10, chance)
        before_kib = memory_kib()
        outcomes += fuzz(count - count // 10, chance)
        grown_kib = memory_kib() - before_kib
        after = served()
    return {
        "face": name,
        "messages": count,
        "seconds": round(time.monotonic() - began_s, 1),
        "ended": {word: number for word, number in outcomes.most_common() if word != "requests"},
        "requests": outcomes["requests"],
        "good_client_before": before,
        "good_client_after": after,
        "grown_kib": grown_kib,
    }


def faults(found: dict[str, object]) -> list[str]:
    """Return the violated requirements as text."""
    ended = found["ended"]
    checks = {
        "a bad message became a request": not (
            found["requests"] or (isinstance(ended, dict) and ended.get("accepted"))
        ),
        "a good client is not served before": found["good_client_before"],
        "a good client is not served after": found["good_client_after"],
        "memory grew": int(str(found["grown_kib"])) <= GROWTH_KIB,
        "a connection hung": isinstance(ended, dict) and "hung" not in ended,
    }
    return [what for what, good in checks.items() if not good]


if __name__ == "__main__":
    sys.exit(run_fuzz(__doc__, "face", FACES, measure, faults))
