"""Provide the far end of each linac port for tests; each records the states that it receives.

A far end is entered with `with`, has a `config` that leads to it, and a `record`. The record says what the far end
heard, and what an output would have done that holds by itself when it hears nothing, as
docs/reference/linac-ports.md requires. Equal states in a row are one state.
"""

import json
import os
import select
import shutil
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

import pytest

from gatekeeper.config import LeaseLinacConfig, SerialLinacConfig
from gatekeeper.core.errors import LinkError
from gatekeeper.linac.ascii_protocol import Answer, answer_line, read_order
from tests.support.leases import KEY
from tests.support.waiting import until


class Heard(NamedTuple):
    """One message as it arrived; the beat is its heartbeat, or the number of a lease."""

    time_s: float
    beam_on: bool
    beat: int


@dataclass
class Record:
    """What a far end was told; time.monotonic() is its clock."""

    heard: list = field(default_factory=list)
    faults: list = field(default_factory=list)

    def put(self, beam_on, beat):
        self.heard.append(Heard(time.monotonic(), beam_on, beat))

    @property
    def states(self):
        return [state for state, _ in groupby(one.beam_on for one in self.heard)]

    @property
    def beam_on(self):
        return bool(self.heard) and self.heard[-1].beam_on

    @property
    def last_s(self):
        """When something was heard last."""
        return self.heard[-1].time_s

    def held_at_s(self, hold_after_s):
        """Return when an output falls for good that holds so long after it has last heard something."""
        last = max(at for at, one in enumerate(self.heard) if one.beam_on)
        alone_s = self.heard[last].time_s + hold_after_s
        return min([alone_s, *(one.time_s for one in self.heard[last + 1 : last + 2])])


class InterlockFarEnd:
    """`gatekeeper interlock --json` as a process of its own."""

    def __init__(self, folder, **settings):
        self.record, self._settings = Record(), settings
        self.lines = []
        self._key_file = folder / "far.key"
        self._key_file.write_bytes(KEY)
        self._key_file.chmod(0o600)

    def __enter__(self):
        options = ["interlock", "--listen", "127.0.0.1:0", "--key-file", str(self._key_file), "--json"]
        code = "from gatekeeper.cli import main; main()"
        self.process = subprocess.Popen([sys.executable, "-c", code, *options], stdout=subprocess.PIPE, text=True)
        self.lines.append(self.process.stdout.readline())
        first = json.loads(self.lines[0])
        self.record.put(False, 0)
        port = int(first["listen"].rpartition(":")[2])
        self.config = LeaseLinacConfig(port=port, key_file=str(self._key_file), **self._settings)
        self._thread = threading.Thread(target=self._read)
        self._thread.start()
        return self

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line)
            event = json.loads(line)
            if event["event"] == "state":
                self.record.put(event["state"] == "ON", event["lease"])
            if event["event"] == "refused":
                self.record.faults.append(event["refused"])

    def stop(self):
        """Be gone without a word."""
        self.process.kill()
        self.process.wait(10.0)

    def __exit__(self, *error):
        self.process.terminate()
        self.process.wait(10.0)
        self._thread.join(10.0)
        self.process.stdout.close()


class SerialFarEnd:
    """A device at the other end of a pair of pseudo terminals, which socat makes; it answers each line.

    `mute`, `lies` and `slow_s` make it fail; `log` holds the lines as they came.
    """

    def __init__(self, folder, acknowledge=True, **settings):
        if shutil.which("socat") is None:
            pytest.skip("socat is not installed: it makes the pair of pseudo terminals")
        self.record, self.log = Record(), deque(maxlen=10_000)
        self.mute, self.lies, self.slow_s = False, False, 0.0
        self._near, self._far = folder / "near", folder / "far"
        self.config = SerialLinacConfig(device=str(self._near), acknowledge=acknowledge, **settings)

    def __enter__(self):
        ends = [f"pty,raw,echo=0,link={end}" for end in (self._near, self._far)]
        self.process = subprocess.Popen([shutil.which("socat"), *ends], stderr=subprocess.PIPE)
        until(lambda: self._near.exists() and self._far.exists())
        self._file = os.open(self._far, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._stop, self._stopper = os.pipe()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def _run(self):
        waiting = b""
        while True:
            ready, _, _ = select.select([self._file, self._stop], [], [])
            if self._stop in ready:
                return
            try:
                chunk = os.read(self._file, 4096)
            except OSError:  # socat has gone
                return
            if not chunk:
                return
            *lines, waiting = (waiting + chunk).split(b"\r\n")
            for line in lines:
                self._take(line.decode("ascii", "replace"))

    def _take(self, line):
        self.log.append(line)
        if self.mute:
            return
        try:
            order = read_order(line)
        except LinkError as error:
            self.record.faults.append(str(error))
            return
        self.record.put(order.beam_on, order.beat)
        if self.config.acknowledge:
            time.sleep(self.slow_s)
            answer = answer_line(Answer(order.beam_on != self.lies, order.beat))
            with suppress(OSError):  # socat has gone
                os.write(self._file, f"{answer}\r\n".encode("ascii"))

    def stop(self):
        """Cut the cable: the pair of terminals is gone."""
        self.process.kill()
        self.process.wait(10.0)

    def __exit__(self, *error):
        os.write(self._stopper, b"x")
        self._thread.join(10.0)
        self.process.terminate()
        self.process.wait(10.0)
        self.process.stderr.close()
        for one in (self._file, self._stop, self._stopper):
            os.close(one)
