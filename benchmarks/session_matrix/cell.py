"""Run one cell: a complete session with one source and one linac port, and check it."""

import math
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.session_matrix.judge import Change, Entry, besides, changes, heard_changes, hold_after, lost, offset_s
from benchmarks.session_matrix.parts import (
    ADDRESS,
    FRAMES_PER_S,
    START_S,
    Process,
    far_end,
    wait_until_on,
    write_session,
)
from gatekeeper.config import SessionConfig
from gatekeeper.core.session_counts import counts_of
from gatekeeper.recording.hash_chain import read_chain
from replay.sessions.verify import verify_folder

LINK_S = 0.02
"""Limit of the time from a decision to the far end, as in docs/explanation/safety.md, in s."""
NOISE = 0.05
"""Noise of each frame that is fed, as a share of the brightness."""
ON_S = 60.0
"""Limit of the time until the beam is on again, in s; a deep breath is shorter."""


@dataclass(slots=True)
class Cell:
    """Result of one session.

    Attributes
    ----------
    source, linac : str
        Kinds of source and linac port.
    frames, lost, skipped, silences : int
        Number of judged frames, of sent frames without a decision, of frames skipped for newer ones, and of frame
        timeouts.
    changes : int
        Number of changes of the beam in the journal.
    same : bool or None
        Whether the far end received the same changes; None without a far end.
    held_besides, on_besides : int
        Number of HOLDs, and of beam-ons without a HOLD before, received but not in the journal.
    source_ms, linac_ms : float
        Time from the last frame's arrival to HOLD at the far end when the feeder is stopped, and from the far end's
        last answer to the gate's HOLD when the far end is stopped; NaN where not applicable.
    source_stated_ms, linac_stated_ms : float
        Stated limits of these times.
    p50_ms, p99_ms : float
        Time from a frame's arrival until its decision was sent.
    findings : list of str
        Violated requirements.
    """

    source: str
    linac: str
    frames: int = 0
    lost: int = 0
    skipped: int = 0
    silences: int = 0
    changes: int = 0
    same: bool | None = None
    held_besides: int = 0
    on_besides: int = 0
    source_ms: float = math.nan
    source_stated_ms: float = math.nan
    linac_ms: float = math.nan
    linac_stated_ms: float = math.nan
    p50_ms: float = math.nan
    p99_ms: float = math.nan
    findings: list[str] = field(default_factory=list)


def run_cell(source: str, linac: str, case: Path, seconds: float, preview_s: float, spare_s: float = 0.0) -> Cell:
    """Run one session: preview, `seconds` of delivery, the feeder stopped and back, the far end stopped, the end.

    Parameters
    ----------
    source, linac : str
        Kinds of source and linac port.
    case : Path
        The case that is sent repeatedly.
    seconds : float
        Time for which the gate is armed before anything is stopped, in s.
    preview_s : float
        Length of the preview, in s.
    spare_s : float
        Allowance on the stated times for a busy machine, in s.
    """
    # A process started in the background may ignore SIGINT, and so would the feeders, which are stopped by it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    cell = Cell(source, linac)
    with tempfile.TemporaryDirectory(prefix="session-matrix-") as name:
        folder = Path(name)
        try:
            with far_end(linac, folder) as far:
                _session(cell, far, folder, case, seconds, preview_s, spare_s)
        except (TimeoutError, subprocess.TimeoutExpired, AssertionError, OSError) as error:
            cell.findings.append(f"{type(error).__name__}: {error}")
    return cell


def _session(cell: Cell, far: Any, folder: Path, case: Path, seconds: float, preview_s: float, spare_s: float) -> None:
    path, kept = write_session(folder, case, cell.source, far, preview_s), folder / "session"
    fed = 0
    with Process("run", path, "--arm", "matrix", "--out", kept, "--json") as run:
        port = int(run.wait_for(r"source \w+ [^ ]+:(\d+),")[1])
        run.wait_for("phase (preview|delivery)")
        to = ADDRESS[cell.source].format(port)
        # The case comes back, to the second feeder too: only new noise makes frames live.
        feeding = ("feed", case, "--to", to, "--loop", "--noise", NOISE, "--json")
        with Process(*feeding) as feeder:
            feeder.wait_for("feeding ")
            run.wait_for("delivery +ON", START_S, feeder)
            time.sleep(seconds)
            run.wait_for_next("delivery +ON", ON_S, feeder)
            feeder.signal(signal.SIGINT)
            feeder.ended()
            fed += int(feeder.json()["frames"])
        run.wait_for("delivery +HOLD +[a-z_,]*no_frame", ON_S)
        with Process(*feeding) as feeder:
            run.wait_for("delivery +HOLD +[a-z_,]*source_changed", ON_S, feeder)
            run.type("reset by matrix")
            run.wait_for("delivery +ON", ON_S, feeder)
            if far.config is not None:
                run.wait_for_next("delivery +ON", ON_S, feeder)
                # The line may be there before the far end has received the order that it tells of.
                wait_until_on(far.record.heard, ON_S)
                far.stop()
                run.wait_for("delivery +HOLD +[a-z_,]*link_lost", ON_S, feeder)
            feeder.signal(signal.SIGINT)
            feeder.ended()
            fed += int(feeder.json()["frames"])
        run.type("end by matrix")
        code = run.ended()
        if code != 0:
            cell.findings.append(f"gatekeeper run ended with {code}: {run.errors[-3:]}")
            return
        summary = run.json()
    _judge(cell, far, kept, fed, summary, spare_s)


def _judge(cell: Cell, far: Any, kept: Path, fed: int, summary: dict[str, Any], spare_s: float) -> None:
    """Compare what was sent to the session, decided, and received at the far end."""
    config = SessionConfig()
    chain = read_chain((kept / "decisions.jsonl").read_bytes())
    entries: Sequence[Entry] = [dict(entry) for entry in chain.entries]
    told = changes(entries, config.gate.max_age_s)
    counts = counts_of(entries)
    cell.frames, cell.skipped, cell.silences = counts.frames, counts.skipped, counts.silences
    cell.p50_ms, cell.p99_ms = (float(summary["latency_ms"][name]) for name in ("p50", "p99"))
    # A stopped feeder may have sent a frame that it has not counted.
    cell.lost, cell.changes = max(0, lost(entries, fed)), len(told) - 1
    if cell.lost:
        cell.findings.append(f"{cell.lost} of {fed} frames have no decision")
    found = verify_folder(kept)
    cell.findings += [f"verify: {finding}" for finding in found.findings]
    heard = [] if far.config is None else heard_changes(far.record.heard)
    _compare(cell, far, told, heard)
    _time(cell, far, entries, told, heard, config.silence_s(1.0 / FRAMES_PER_S), spare_s)


def _compare(cell: Cell, far: Any, told: Sequence[Change], heard: Sequence[tuple[float, bool]]) -> None:
    """Compare the states: the far end was stopped with the beam on, so only the journal has the last HOLD."""
    if far.config is None:
        return
    journal, record = [change.beam_on for change in told], [state for _, state in heard]
    cell.same = record in (journal, journal[:-1])
    if not cell.same:
        held, on = besides(told, heard, offset_s(told, heard))
        # A beam-on after a HOLD sent by the port itself, for a decision still valid, is also in the journal.
        cell.held_besides, cell.on_besides = held, max(0, on - held)
        cell.findings.append(
            f"the far end received {len(record)} states, the journal has {len(journal)}; "
            f"HOLD {held} times and beam-on {on} times when the journal has none"
        )
    if far.record.faults:
        cell.findings.append(f"the far end has found fault: {far.record.faults[0]}")


def _time(
    cell: Cell,
    far: Any,
    entries: Sequence[Entry],
    told: Sequence[Change],
    heard: Sequence[tuple[float, bool]],
    silence_s: float,
    spare_s: float,
) -> None:
    """Measure the time from each stop to HOLD, and compare it with the stated limit."""
    ahead_s = offset_s(told, heard)
    stopped = [
        (entry["decided_s"], before["received_s"])
        for before, entry in pairwise(entries)
        if entry["kind"] == "silence" and before["kind"] == "frame" and before["state"] == "ON"
    ]
    if not stopped:
        cell.findings.append("the feeder was stopped and no HOLD followed")
    else:
        decided_s, arrived_s = max(stopped, key=lambda stop: _pause_s(entries, stop[0]))
        held_s = decided_s
        if heard:
            after = (at_s - ahead_s for at_s, beam_on in heard if not beam_on and at_s - ahead_s >= arrived_s)
            held_s = next(after, math.inf)
        cell.source_ms, cell.source_stated_ms = 1e3 * (held_s - arrived_s), 1e3 * (silence_s + LINK_S)
        if not cell.source_ms <= cell.source_stated_ms + 1e3 * spare_s:
            cell.findings.append(f"feeder stopped: HOLD after {cell.source_ms:.0f} ms")
    if far.config is None:
        return
    last_s = far.record.heard[-1].time_s - ahead_s
    hold = hold_after(told, last_s)
    cell.linac_stated_ms = 1e3 * (far.config.failure_detect_s + 1.0 / FRAMES_PER_S + LINK_S)
    if hold is None:
        cell.findings.append("the far end was stopped and no HOLD followed")
        return
    cell.linac_ms = 1e3 * (hold.time_s - last_s)
    if not cell.linac_ms <= cell.linac_stated_ms + 1e3 * spare_s:
        cell.findings.append(f"far end stopped: HOLD after {cell.linac_ms:.0f} ms")


def _pause_s(entries: Sequence[Entry], since_s: float) -> float:
    """Return the time from a frame timeout to the next frame, in s; the stop is the longest pause."""
    later = (entry["received_s"] for entry in entries if entry["kind"] == "frame" and entry["received_s"] > since_s)
    return next(later, math.inf) - since_s
