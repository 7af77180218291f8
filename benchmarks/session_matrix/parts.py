"""Provide the parts of a cell: session and feeder as processes, and the far end of the linac port."""

import json
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import tomli_w

GATEKEEPER = [sys.executable, "-c", "from gatekeeper.cli import main; main()"]
SOURCES = ("mrd", "openigtlink", "dicom")
LINACS = ("lease", "modbus", "serial", "openigtlink", "dry_run")
ADDRESS = {"mrd": "mrd://127.0.0.1:{}", "openigtlink": "igtl://127.0.0.1:{}", "dicom": "dicom://127.0.0.1:{}"}
FRAMES_PER_S = 8.0
START_S = 120.0


class DryFarEnd:
    """Yield None; a dry run has no far end."""

    config = None


def far_end(linac: str, folder: Path) -> Any:
    """Return the far end of a linac port, a context manager that records the orders."""
    # Only these need pytest.
    from tests.support.far_ends import InterlockFarEnd, SerialFarEnd
    from tests.support.far_ends_modbus import ModbusFarEnd
    from tests.support.far_ends_openigtlink import ReceiverFarEnd

    ends = {"lease": InterlockFarEnd, "modbus": ModbusFarEnd, "serial": SerialFarEnd, "openigtlink": ReceiverFarEnd}
    return ends[linac](folder) if linac in ends else nullcontext(DryFarEnd())


def wait_until_on(heard: Sequence[Any], seconds: float) -> None:
    """Return when the last order that a far end received is beam-on; raise TimeoutError after `seconds`."""
    end_s = time.monotonic() + seconds
    while not (heard and heard[-1].beam_on):
        if time.monotonic() > end_s:
            raise TimeoutError(f"the far end received no beam-on within {seconds:g} s")
        time.sleep(0.002)


class Process:
    """A gatekeeper command in a process, and the lines of its output."""

    def __init__(self, *arguments: object) -> None:
        self._process = subprocess.Popen(  # noqa: S603
            [*GATEKEEPER, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[str] = []
        self.errors: list[str] = []
        self._new: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._readers = [
            threading.Thread(target=self._read, args=(self._process.stdout, self.lines, self._new.put)),
            threading.Thread(target=self._read, args=(self._process.stderr, self.errors, self._new.put)),
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: Any, lines: list[str], tell: Callable[[str], None]) -> None:
        for line in stream:
            lines.append(line.rstrip("\n"))
            tell(lines[-1])

    def wait_for(self, pattern: str, seconds: float = START_S, feeder: "Process | None" = None) -> re.Match[str]:
        """Return the match of the next matching line; raise when the feeder has ended."""
        end_s = time.monotonic() + seconds
        while True:
            try:
                line = self._new.get(timeout=0.25)
            except queue.Empty:
                if feeder is not None and feeder.has_ended:
                    raise OSError(f"the feeder has ended: {feeder.errors[-2:]}") from None
                if time.monotonic() < end_s and not self.has_ended:
                    continue
                last = (*self.lines[-5:], *self.errors[-5:])
                raise TimeoutError(
                    f"no {pattern!r} within {seconds:g} s, or ended; the last lines were {last}"
                ) from None
            if found := re.search(pattern, line):
                return found

    def wait_for_next(self, pattern: str, seconds: float = START_S, feeder: "Process | None" = None) -> re.Match[str]:
        """Return the match of the next line written from now on."""
        while not self._new.empty():
            self._new.get()
        return self.wait_for(pattern, seconds, feeder)

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    def type(self, words: str) -> None:
        """Type a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{words}\n")
        self._process.stdin.flush()

    def signal(self, number: int) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def ended(self, seconds: float = START_S) -> int:
        """Return the exit code."""
        code = self._process.wait(seconds)
        for reader in self._readers:
            reader.join(10.0)
        return code

    def json(self) -> dict[str, Any]:
        """Return the values of the last line of standard output."""
        values: dict[str, Any] = json.loads(self.lines[-1])
        return values

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self.ended()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()


def write_session(folder: Path, case: Path, source: str, far: Any, preview_s: float) -> Path:
    """Write the SESSION.toml of a cell, and return its path."""
    values: dict[str, Any] = {
        "source": {"kind": source, "port": 0, "frames_per_s": FRAMES_PER_S},
        "target": {"kind": "trackrad", "case": str(case)},
        "preview": {"seconds": preview_s},
        "linac": {"kind": "dry_run"} if far.config is None else far.config.model_dump(exclude_none=True),
    }
    path = folder / "live.toml"
    path.write_text(tomli_w.dumps(values))
    return path
