"""Define what the fuzz test needs of a protocol, and corruptions that apply to any message."""

import random
from collections.abc import Callable, Mapping
from typing import Protocol

from gatekeeper.core.clock import Clock
from gatekeeper.core.frame import Frame
from gatekeeper.sources.statistics import SourceCounts
from replay.feed.port import Feeder


class LiveSource(Protocol):
    """A listening FrameSource, as the fuzz driver uses it."""

    @property
    def address(self) -> tuple[str, int]: ...

    @property
    def counts(self) -> SourceCounts: ...

    def next_frame(self, timeout_s: float) -> Frame | None: ...

    def ended(self) -> bool: ...

    def close(self) -> None: ...


class Wire(Protocol):
    """One protocol; `benchmarks.source_fuzz.registry.WIRES` holds them by name."""

    def source(self, clock: Clock, read_deadline_s: float) -> LiveSource:
        """Return a source of this protocol that listens on a free port of the loopback."""
        ...

    def feeder(self, host: str, port: int) -> Feeder:
        """Return a valid client, connected."""
        ...

    def bad(self, chance: random.Random, frame: Callable[[], Frame]) -> tuple[bytes, int]:
        """Return the bytes of a bad client on its own connection, and how many bad messages they are.

        Images among them may be valid.
        """
        ...

    def huge(self, size: int) -> Mapping[str, bytes]:
        """Return beginnings of messages that announce `size` bytes or more, by name."""
        ...

    def begun(self, frame: Frame) -> bytes:
        """Return a valid message of at least 100 bytes, to be sent partially or slowly."""
        ...


def turned_bits(chance: random.Random, raw: bytes) -> bytes:
    """Return a message with some bits flipped, mostly near its beginning."""
    changed = bytearray(raw)
    for _ in range(chance.choice((1, 1, 1, 2, 8, 64))):
        at = chance.randrange(len(changed) if chance.random() < 0.3 else min(len(changed), 300))
        changed[at] ^= 1 << chance.randrange(8)
    return bytes(changed)


def noise(chance: random.Random, raw: bytes) -> bytes:
    return chance.randbytes(chance.randint(1, 2 * len(raw)))


def noise_with_the_right_start(chance: random.Random, raw: bytes) -> bytes:
    return raw[: chance.randint(1, min(len(raw), 300))] + chance.randbytes(chance.randint(1, 2 * len(raw)))


def cut(chance: random.Random, raw: bytes) -> bytes:
    return raw[: chance.randrange(1, len(raw))]


def grown_or_shrunk(chance: random.Random, raw: bytes) -> bytes:
    """Return a message with bytes inserted or removed."""
    at = chance.randrange(len(raw) if chance.random() < 0.3 else min(len(raw), 300))
    if chance.random() < 0.5:
        return raw[:at] + chance.randbytes(chance.randint(1, 64)) + raw[at:]
    return raw[:at] + raw[at + chance.randint(1, 64) :]


def written_over(chance: random.Random, raw: bytes) -> bytes:
    """Return a message with one number replaced by an extreme value."""
    rare = chance.choice(
        (
            b"\0" * 4,
            b"\xff" * 4,
            b"\xff\xff\xff\x7f",
            b"\0\0\x80\x7f",
            b"\0\0\xc0\x7f",
            b"\xff\xff\x7f\x7f",
            b"\x01\0\0\0",
        )
    )
    width = chance.choice((2, 4, 8))
    value = (rare * 2)[:width]
    if chance.random() < 0.5:
        value = value[::-1]
    at = chance.randrange(min(len(raw), 300))
    return raw[:at] + value + raw[at + width :]


SPOILERS = (turned_bits, noise, noise_with_the_right_start, cut, grown_or_shrunk, written_over)


def corrupted(chance: random.Random, raw: bytes) -> bytes:
    """Return a message with one of these corruptions."""
    return chance.choice(SPOILERS)(chance, raw)
