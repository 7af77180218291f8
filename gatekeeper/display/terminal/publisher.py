"""Pump: looks at the board from time to time, on a thread of its own, and sends the display what is new."""

import math
import threading
from collections.abc import Callable
from typing import Self

from gatekeeper.core.clock import Clock
from gatekeeper.display.terminal.snapshot import LogLine, Message, SessionInfo, Snapshot
from gatekeeper.session.phases import Phase
from gatekeeper.session.status import SessionStatus, Status

LOOK_S = 0.04
"""Frames come a few times a second, and each has its snapshot."""

Send = Callable[[Message], None]


def snapshot_of(status: Status, now_s: float) -> Snapshot:
    """Return how a session is, for the display.

    Parameters
    ----------
    status : Status
        As it stands on the board.
    now_s : float
        Session time in seconds.
    """
    decision = None if status.step is None else status.step.decision
    frame = status.frame
    track = None if status.step is None else status.step.track
    latency, counts = status.latency, status.counts
    row_mm, col_mm = (math.nan, math.nan) if track is None else track.center_mm
    values = Snapshot(
        time_s=status.now_s,
        phase=status.phase.value,
        gathered=_gathered(status),
        frame_rate=status.rate_hz,
        age_ms=math.nan if frame is None else 1e3 * (now_s - frame.acquired_s),
        confidence=math.nan if track is None else float(track.confidence),
        row_mm=float(row_mm),
        col_mm=float(col_mm),
        duty_cycle=counts.armed_duty_cycle,
        beam_on_s=counts.beam_on_s,
        frames=counts.frames,
        silences=counts.silences,
        lost=counts.missing,
        skipped=counts.skipped,
        dropped=counts.not_kept,
        link_alive=status.link_alive is True,
    )
    if counts.frames:
        values = values._replace(
            p50_ms=latency.percentile_ms(50.0), p99_ms=latency.percentile_ms(99.0), max_ms=latency.longest_ms
        )
    if decision is None:
        return values
    return values._replace(
        state=decision.state.value,
        reasons=tuple(reason.value for reason in decision.reasons),
        outside_percent=float(decision.outside_percent),
        predicted_percent=float(decision.predicted_percent),
    )


def _gathered(status: Status) -> str:
    """Return how far a phase is, in words, where that can be told."""
    seconds, wanted_s = status.preview_progress
    if status.phase is Phase.PREVIEW and wanted_s > 0.0:
        return f"{seconds:.0f} of {wanted_s:.0f} s"
    if status.contouring is not None:
        return "(on the console's page)"
    return ""


class TerminalPublisher:
    """Keeps a display up to date, from when it is entered until it is left.

    Parameters
    ----------
    status : SessionStatus
        Where the session is shown.
    clock : Clock
        Session time.
    send : callable
        Takes messages, and never waits.
    facts : SessionInfo
        What stays the same.
    """

    def __init__(self, status: SessionStatus, clock: Clock, send: Send, facts: SessionInfo) -> None:
        self._status = status
        self._clock = clock
        self._send = send
        self._facts = facts
        self._shown: Status | None = None
        self._told = -1
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="view", daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._send(self._facts)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Send what is last, and end."""
        self._stop.set()
        self._thread.join()
        self._look()

    @property
    def snapshot(self) -> Snapshot:
        """How the session is now."""
        return snapshot_of(self._status.current, self._clock.now_s())

    def _run(self) -> None:
        while not self._stop.wait(LOOK_S):
            self._look()

    def _look(self) -> None:
        if (begun := self._status.begun) is not None:
            # Whoever draws the target gives it another margin.
            margin_mm = begun[1].config.envelope.margin_mm
            if margin_mm != self._facts.margin_mm:
                self._facts = self._facts._replace(margin_mm=margin_mm)
                self._send(self._facts)
        for line in self._status.lines:
            if line.number > self._told:
                self._told = line.number
                self._send(LogLine(line.time_s, line.text))
        if self._status.current is not self._shown:
            self._shown = self._status.current
            self._send(self.snapshot)
