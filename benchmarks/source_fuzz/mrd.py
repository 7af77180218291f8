"""Make MRD messages for the fuzz test."""

import random
import struct
from collections.abc import Callable, Mapping

from benchmarks.source_fuzz.wires import LiveSource, corrupted
from gatekeeper.config.source import MrdSourceConfig
from gatekeeper.core.clock import Clock
from gatekeeper.core.frame import Frame
from gatekeeper.sources.mrd import MrdSource
from gatekeeper.wire import mrd_codec as mrd
from gatekeeper.wire.mrd_codec import Kind
from replay.feed.mrd_feeder import MrdFeeder, header_of
from replay.feed.port import Feeder

META = (
    b"<ismrmrdMeta><meta><name>ImageRowDir</name><value>0</value><value>1</value><value>0</value></meta></ismrmrdMeta>"
)


class MrdWire:
    """The MRD source and its messages."""

    def source(self, clock: Clock, read_deadline_s: float) -> LiveSource:
        return MrdSource(MrdSourceConfig(kind="mrd", port=0, read_deadline_s=read_deadline_s), clock)

    def feeder(self, host: str, port: int) -> Feeder:
        return MrdFeeder(host, port)

    def bad(self, chance: random.Random, frame: Callable[[], Frame]) -> tuple[bytes, int]:
        """Return one corrupted message, an image in half of the cases, sometimes after valid messages without image."""
        shown = frame()
        image = mrd.write_image(header_of(shown), shown.image, chance.choice((b"", META)))
        others = (
            mrd.write_text(Kind.CONFIG_FILE, "cine"),
            mrd.write_text(Kind.HEADER, "<ismrmrdHeader/>"),
            mrd.write_text(Kind.TEXT, "text " * chance.randint(0, 60)),
            _waveform(chance),
            _array(chance),
        )
        before = chance.choice(others) if chance.random() < 0.3 else b""
        return before + corrupted(chance, image if chance.random() < 0.6 else chance.choice(others)), 1

    def huge(self, size: int) -> Mapping[str, bytes]:
        return {
            "text": struct.pack("<HI", Kind.TEXT, min(size, 2**32 - 1)),
            "header": struct.pack("<HI", Kind.HEADER, min(size, 2**32 - 1)),
            "array": struct.pack("<HHHHQ", Kind.NDARRAY, 5, 0, 1, size // 4 + 1),
            "waveform": struct.pack("<H28xHH8x", Kind.WAVEFORM, 65_535, min(size // (4 * 65_535) + 1, 65_535)),
        }

    def begun(self, frame: Frame) -> bytes:
        return mrd.write_image(header_of(frame), frame.image)


def _waveform(chance: random.Random) -> bytes:
    channels, samples = chance.randint(0, 3), chance.randint(0, 20)
    return struct.pack("<H28xHH8x", Kind.WAVEFORM, samples, channels) + bytes(4 * channels * samples)


def _array(chance: random.Random) -> bytes:
    sizes = [chance.randint(0, 4) for _ in range(chance.randint(0, 3))]
    count = 1
    for size in sizes:
        count *= size
    return struct.pack(f"<4H{len(sizes)}Q", Kind.NDARRAY, 1, 0, len(sizes), *sizes) + bytes(2 * count)
