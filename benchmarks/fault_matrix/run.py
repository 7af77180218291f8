"""Run one case of the matrix: interlock, relay and engine with one fault, and the interlock's record of the beam."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.fault_matrix.faults import SLACK_S, Fault
from benchmarks.fault_matrix.relay import Relay
from benchmarks.fault_matrix.scene import Scene
from gatekeeper.recording.hash_chain import read_chain
from replay.faults.processes import no_room

RUN = "from gatekeeper.cli import main; main()"
HANG_S = 0.5
JUMP_BEFORE = 0.5
"""Number of frame periods from a jump of the clock to the first frame judged at the wrong time."""
START_S = 60.0


class Interlock:
    """A process `gatekeeper interlock --json`, and its output."""

    def __init__(self, key_file: Path, port: int = 0) -> None:
        options = ["--listen", f"127.0.0.1:{port}", "--key-file", str(key_file), "--json"]
        self.process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", RUN, "interlock", *options], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.events: list[dict[str, Any]] = [json.loads(self.process.stdout.readline())]
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
        self.ended_s = time.monotonic()
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
            found.append((since_s, self.ended_s if self.ended_s is not None else time.monotonic()))
        return found


@dataclass
class Outcome:
    """Outcome of one case; times are those of the monotonic clock, in s.

    Attributes
    ----------
    fault : Fault
        The fault.
    period_s : float
        Time from frame to frame.
    was_on : bool
        Whether the beam was on when the fault began; otherwise the case shows nothing.
    to_hold_s : float
        Time from the fault until the beam was off.
    limit_s : float
        The stated time.
    beyond_s : float
        Time with the beam on after the stated time, while the input was faulty.
    while_out_s : float
        Time with the beam on while the target was out, beyond the detection time.
    reasons : set of str
        All reasons in the session's journal.
    """

    fault: Fault
    period_s: float
    was_on: bool = False
    to_hold_s: float = float("nan")
    limit_s: float = 0.0
    beyond_s: float = 0.0
    while_out_s: float = 0.0
    reasons: set[str] = field(default_factory=set)

    @property
    def good(self) -> bool:
        """Whether the outcome is as stated."""
        means = self.fault.means
        return (
            self.was_on
            and self.to_hold_s <= self.limit_s
            and self.beyond_s <= 0.0
            and self.while_out_s <= 0.0
            and (means is None or means in self.reasons)
        )


def run_case(fault: Fault, scene: Scene, recording: Path, folder: Path) -> Outcome:
    """Run one case in an empty folder, and judge it."""
    key_file = folder / "key"
    key_file.write_bytes(os.urandom(32))
    key_file.chmod(0o600)
    interlocks = [Interlock(key_file)]
    relay, undo = Relay(interlocks[0].port), ExitStack()
    settings = folder / "settings.json"
    values = {
        "recording": str(recording),
        "period_s": scene.period_s,
        "fault_frame": scene.fault_frame,
        "port": relay.port,
        "key_file": str(key_file),
        "session": str(folder / "session"),
        "source": [text.replace("F", str(scene.fault_frame)) for text in fault.source],
        **fault.engine,
    }
    settings.write_text(json.dumps(values), encoding="utf-8")
    engine = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "benchmarks.fault_matrix.engine", str(settings)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert engine.stdout is not None
        ready = json.loads(engine.stdout.readline())
        first_s = json.loads(engine.stdout.readline())["first_s"]
        acted_s = over_s = first_s + (scene.fault_frame + 0.3) * scene.period_s
        if fault.act is not None:
            time.sleep(max(0.0, acted_s - time.monotonic()))
            acted_s, over_s = _act(fault.act, engine, int(ready["writer_pid"]), relay, interlocks, key_file, undo)
        time.sleep(max(0.0, first_s + len(scene.out) * scene.period_s - time.monotonic()))
    finally:
        with suppress(ProcessLookupError):
            os.kill(engine.pid, signal.SIGCONT)
        _end(engine)
        undo.close()
        relay.close()
        for interlock in interlocks:
            if interlock.process.poll() is None:
                interlock.end()
    on = [stretch for interlock in interlocks for stretch in interlock.beam_on()]
    outcome = _judge(fault, scene, on, first_s, acted_s, over_s)
    outcome.reasons = _reasons(folder / "session" / "decisions.jsonl")
    return outcome


def _act(
    act: str,
    engine: "subprocess.Popen[str]",
    writer_pid: int,
    relay: Relay,
    interlocks: list[Interlock],
    key: Path,
    undo: ExitStack,
) -> tuple[float, float]:
    """Apply the fault; return when it began (or when a stopped process continued), and when it was over."""
    now_s = time.monotonic()
    if act in ("crash", "kill", "stop"):
        engine.send_signal({"crash": signal.SIGSEGV, "kill": signal.SIGKILL, "stop": signal.SIGSTOP}[act])
    elif act == "cut":
        relay.cut()
    elif act == "writer death":
        os.kill(writer_pid, signal.SIGKILL)
    elif act == "writer stop":
        os.kill(writer_pid, signal.SIGSTOP)
    elif act == "disk full":
        undo.enter_context(no_room(writer_pid))
    elif act == "linac death":
        interlocks[0].end(signal.SIGKILL)
    elif act == "linac restart":
        interlocks[0].end(signal.SIGKILL)
        interlocks.append(Interlock(key, interlocks[0].port))
    elif act == "linac hang":
        interlocks[0].process.send_signal(signal.SIGSTOP)
        time.sleep(HANG_S)
        now_s = time.monotonic()
        interlocks[0].process.send_signal(signal.SIGCONT)
    else:
        raise ValueError(act)
    return now_s, time.monotonic()


def _end(engine: "subprocess.Popen[str]") -> None:
    """Wait for the engine to end its session, or end the process."""
    try:
        engine.wait(5.0)
    except subprocess.TimeoutExpired:
        engine.kill()
        engine.wait(5.0)
    if engine.stdout is not None:
        engine.stdout.close()


def _judge(
    fault: Fault, scene: Scene, on: list[tuple[float, float]], first_s: float, acted_s: float, over_s: float
) -> Outcome:
    """Compare the beam with the stated times and with the truth."""
    period_s = scene.period_s
    times_s = [first_s + index * period_s for index in range(len(scene.out) + 1)]
    begins = {
        "frame": times_s[scene.fault_frame],
        "last": times_s[scene.fault_frame - 1],
        "jump": times_s[scene.fault_frame] - JUMP_BEFORE * period_s,
        "act": acted_s,
    }
    # Without a fault the beam is held because of the target itself.
    begin_s = times_s[int(scene.out.argmax())] if fault.name == "none" else begins[fault.since]
    limit_s = fault.limit_s(period_s)
    outcome = Outcome(fault, period_s, limit_s=limit_s)
    # The decision on this frame is made when the fault begins; a moment earlier is before the fault.
    outcome.was_on = any(since_s <= begin_s - 0.001 <= until_s for since_s, until_s in on)
    outcome.to_hold_s = max(
        (until_s - begin_s for since_s, until_s in on if since_s <= begin_s <= until_s), default=0.0
    )
    if fault.faulty_frames != 0:
        last = len(scene.out) if fault.faulty_frames is None else scene.fault_frame + fault.faulty_frames - 1
        # After reconnection the next good frames may turn the beam on again.
        end_s = over_s if fault.act in ("linac hang", "linac restart") else times_s[last]
        outcome.beyond_s = overlap_s(on, begin_s + limit_s, max(begin_s, end_s))
    # Out on two successive frames means out in between. A fault that delays detection has its own limit, above.
    noticed_s = begin_s + limit_s if fault.faulty_frames != 0 else first_s
    for index, (is_out, next_out) in enumerate(pairwise(scene.out)):
        if is_out and next_out:
            outcome.while_out_s += overlap_s(on, max(noticed_s, times_s[index] + SLACK_S), times_s[index + 1])
    return outcome


def overlap_s(on: list[tuple[float, float]], begin_s: float, end_s: float) -> float:
    """Return the time with the beam on between two times, in s."""
    return sum(max(0.0, min(until_s, end_s) - max(since_s, begin_s)) for since_s, until_s in on)


def _reasons(journal: Path) -> set[str]:
    """Return all reasons in a session's journal."""
    if not journal.exists():
        return set()
    return {reason for entry in read_chain(journal.read_bytes()).entries for reason in entry.get("reasons", ())}
