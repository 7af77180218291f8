"""An engine and a linac for tests of the watchdog, which run in processes of their own."""

import sys
import time
from functools import partial
from pathlib import Path

from gatekeeper.linac.watchdog import Watchdog

KEPT = []


class FileLinac:
    """A linac that writes what it is told, with the time, into a file."""

    alive = True

    def __init__(self, path):
        self.path = path
        self._write("open")

    def send(self, decision):
        self._write(decision.state.value)

    def close(self):
        self._write("close")

    def _write(self, word):
        with Path(self.path).open("a", encoding="utf-8") as file:
            file.write(f"{time.monotonic():.6f} {word}\n")


class RefusingLinac(FileLinac):
    """Refuses the first two connections."""

    def __init__(self, path):
        super().__init__(path)
        if len(told(path)) < 3:
            raise ConnectionRefusedError("not yet")


def told(path):
    """Return what the linac was told so far, as (time, word)."""
    if not Path(path).exists():
        return []
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return [(float(line.split()[0]), line.split()[1]) for line in lines]


def beat_for_ever(path, limit_s):
    """Be an engine: start a watchdog, tell its process id, and beat until something happens."""
    watchdog = Watchdog(partial(FileLinac, path), limit_s)
    # Who stops an engine that has not beaten yet stops none that a watchdog looks after.
    watchdog.beat()
    sys.stdout.write(f"{watchdog.pid}\n")
    sys.stdout.flush()
    while True:
        watchdog.beat()
        time.sleep(limit_s / 10.0)


def end_without_closing(path, limit_s):
    """Be an engine that has a watchdog to its end and does not close it."""
    KEPT.append(Watchdog(partial(FileLinac, path), limit_s))
    KEPT[0].beat()


if __name__ == "__main__":
    {"beat": beat_for_ever, "end": end_without_closing}[sys.argv[1]](sys.argv[2], float(sys.argv[3]))
