"""Run a cell of the matrix: interlock, relay and engine with one fault, and the interlock's record of the beam."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from benchmarks.fault_matrix.cell import Cell, Trial, overlap_s
from benchmarks.fault_matrix.faults import HANG_S, IMAGING_S, LINAC_S, Fault
from benchmarks.fault_matrix.relay import Relay
from benchmarks.fault_matrix.scene import FAULT_FRAME, Scene
from benchmarks.fault_matrix.stalls import Stalls
from gatekeeper.core.clock import monotonic_ns
from replay.faults.processes import kill, no_room, stopped

PRIORITY = 20
"""Real-time priority of the interlock, where the machine grants it."""
ACT_PRIORITY = 30
"""Real-time priority of the process that causes the faults, so that each happens when its time is read."""
RUN = "from gatekeeper.cli import main; main()"


def now_s() -> float:
    """Return the time on the clock that engine, interlock and this process share, in s."""
    return monotonic_ns() * 1e-9


def act_in_time() -> None:
    """Run this thread with real-time priority where the machine grants it, but not what it starts."""
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(ACT_PRIORITY))


class Interlock:
    """A process `gatekeeper interlock --json`, and its output."""

    def __init__(self, key_file: Path, port: int = 0) -> None:
        options = ["--listen", f"127.0.0.1:{port}", "--key-file", str(key_file), "--json"]
        self.process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", RUN, "interlock", *options], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.events: list[dict[str, Any]] = [json.loads(self.process.stdout.readline())]
        # Only now: a start with real-time priority would keep the other cells waiting.
        with suppress(OSError):
            for thread in Path(f"/proc/{self.process.pid}/task").iterdir():
                os.sched_setscheduler(int(thread.name), os.SCHED_FIFO, os.sched_param(PRIORITY))
        self.port = int(self.events[0]["listen"].rpartition(":")[2])
        self.ended_s: float | None = None
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with suppress(ValueError):
                self.events.append(json.loads(line))

    def end(self, number: int = signal.SIGTERM) -> None:
        """End the process, and read the rest of its output."""
        self.process.send_signal(number)
        self.process.wait(10.0)
        self.ended_s = now_s()
        self._thread.join(2.0)
        if self.process.stdout is not None and not self._thread.is_alive():
            self.process.stdout.close()

    def beam_on(self) -> list[tuple[float, float]]:
        """Return the intervals with the beam on, on the clock that all processes share, in s."""
        found, since_s = [], None
        for event in self.events:
            on = event["state"] == "ON"
            if on and since_s is None:
                since_s = event["time_s"]
            elif not on and since_s is not None:
                found.append((since_s, event["time_s"]))
                since_s = None
        if since_s is not None:
            # The process ended with the beam on: its output ends the beam as well.
            found.append((since_s, self.ended_s if self.ended_s is not None else now_s()))
        return found


class Engine:
    """The engine's process; see `benchmarks.fault_matrix.engine`."""

    def __init__(self, settings: dict[str, Any], folder: Path) -> None:
        path = folder / "settings.json"
        path.write_text(json.dumps(settings), encoding="utf-8")
        self.process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "benchmarks.fault_matrix.engine", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )
        self.line()

    def begin(self, trial: dict[str, Any]) -> dict[str, Any]:
        """Begin a trial, and return what its process says when it is ready and at its first frame."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(trial) + "\n")
        self.process.stdin.flush()
        return {**self.line(), **self.line()}

    def rest(self) -> frozenset[str]:
        """Wait for the end of the trial, and return its reasons."""
        reasons: frozenset[str] = frozenset()
        while "ended" not in (found := self.line()):
            reasons = frozenset(found["reasons"])
        return reasons

    def line(self) -> dict[str, Any]:
        """Return the next line of the process."""
        assert self.process.stdout is not None
        return dict(json.loads(self.process.stdout.readline()))

    def close(self) -> None:
        """End the process; a trial that still runs has been ended before."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self.process.wait(5.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5.0)


def run_cell(fault: Fault, scene: Scene, recording: Path, folder: Path, trials: int, stalls: Stalls) -> Cell:
    """Run the trials of one cell in an empty folder, and judge them.

    Actions on processes are spread evenly over the frame period. A trial without the beam on before, or during which
    the machine stood still, is repeated, for as many times as there are trials at most.
    """
    key_file = folder / "key"
    key_file.write_bytes(os.urandom(32))
    key_file.chmod(0o600)
    interlocks = [Interlock(key_file)]
    # A relay delays what passes it.
    relay = Relay(interlocks[0].port) if fault.act == "cut" else None
    values = {
        "recording": str(recording),
        "period_s": scene.period_s,
        "port": interlocks[0].port if relay is None else relay.port,
        "key_file": str(key_file),
        "source": [text.replace("F", str(FAULT_FRAME)) for text in fault.source],
        **fault.engine,
    }
    found: list[Trial] = []
    attempts = 0
    with ExitStack() as stack:
        stack.callback(lambda: interlocks[-1].process.poll() is None and interlocks[-1].end())
        if relay is not None:
            stack.callback(relay.close)
        engine = Engine(values, folder)
        stack.callback(engine.close)
        while len(found) < trials and attempts < 2 * trials:
            if interlocks[-1].process.poll() is not None:
                interlocks.append(Interlock(key_file, interlocks[0].port))
            phase = (len(found) + 0.5) / trials
            session = "" if scene.leaves else str(folder / f"session-{attempts}")
            attempts += 1
            one = _run_trial(fault, scene, engine, relay, interlocks, key_file, phase, session, stalls)
            if one.was_on and not one.stalled:
                found.append(one)
    return Cell(fault, scene.period_s, tuple(found), attempts - len(found))


def _run_trial(
    fault: Fault,
    scene: Scene,
    engine: Engine,
    relay: Relay | None,
    interlocks: list[Interlock],
    key_file: Path,
    phase: float,
    session: str,
    stalls: Stalls,
) -> Trial:
    """Run one trial, with its action on a process at a phase of the frame period."""
    first = engine.begin({"phase": phase, "session": session})
    leaves_s = first["first_s"] + (FAULT_FRAME - 1) * scene.period_s
    acted_s = leaves_s + IMAGING_S + phase * scene.period_s
    end_s = first["first_s"] + IMAGING_S + len(scene.recording.times_s) * scene.period_s
    longer_s = 0.0
    with ExitStack() as undo:
        if fault.act is not None:
            time.sleep(max(0.0, acted_s - now_s()))
            acted_s = now_s()
            longer_s = _act(fault.act, int(first["pid"]), int(first["writer_pid"]), relay, interlocks, key_file, undo)
            time.sleep(max(0.0, end_s - now_s()))
    reasons = engine.rest()
    on = [stretch for interlock in interlocks for stretch in interlock.beam_on()]
    began_s = min(leaves_s + IMAGING_S, acted_s) if scene.leaves else acted_s
    # A moment earlier is before the fault.
    was_on = all(any(since_s <= at_s - 0.001 <= until_s for since_s, until_s in on) for at_s in (leaves_s, began_s))
    # What happens after the limit cannot have made it longer than stated.
    stalled = stalls.any_between(leaves_s, max(leaves_s, acted_s) + fault.limit_s(scene.period_s))
    if not scene.leaves:
        return Trial(was_on, overlap_s(on, acted_s, end_s), reasons, stalled)
    return Trial(was_on, overlap_s(on, leaves_s, end_s) - longer_s + LINAC_S, reasons, stalled)


def _act(
    act: str, pid: int, writer_pid: int, relay: Relay | None, interlocks: list[Interlock], key: Path, undo: ExitStack
) -> float:
    """Apply the fault, leave to `undo` what ends it, and return by how much it took longer than it should, in s."""
    if act in ("crash", "kill"):
        os.kill(pid, {"crash": signal.SIGSEGV, "kill": signal.SIGKILL}[act])
    elif act == "stop":
        undo.enter_context(stopped(pid))
    elif act == "cut" and relay is not None:
        relay.cut()
        undo.callback(relay.repair)
    elif act == "writer death":
        kill(writer_pid)
    elif act == "writer stop":
        undo.enter_context(stopped(writer_pid))
    elif act == "disk full":
        undo.enter_context(no_room(writer_pid))
    elif act == "linac death":
        interlocks[-1].end(signal.SIGKILL)
    elif act == "linac restart":
        interlocks[-1].end(signal.SIGKILL)
        interlocks.append(Interlock(key, interlocks[0].port))
    elif act == "linac hang":
        began_s = now_s()
        with stopped(interlocks[-1].process.pid):
            time.sleep(HANG_S)
        return now_s() - began_s - HANG_S
    else:
        raise ValueError(act)
    return 0.0
