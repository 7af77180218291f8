"""Send changes of the session status to the terminal display, from a separate thread."""

import math
import threading
from collections.abc import Callable, Sequence
from typing import Self

from gatekeeper.core.axes import SI, orientation_of
from gatekeeper.core.clock import Clock
from gatekeeper.core.contour import center_mm
from gatekeeper.display.terminal.snapshot import (
    LogLine,
    Message,
    SessionInfo,
    Snapshot,
    StructureLimits,
    StructureNow,
)
from gatekeeper.recording.session_setup import SessionSetup
from gatekeeper.session.arming import Armed
from gatekeeper.session.hold_rows import hold_row, hold_words
from gatekeeper.session.phases import Phase
from gatekeeper.session.status import SessionStatus, Status
from gatekeeper.session.structure_info import MEASURE_TEXT, StructureInfo, structure_infos

PERIOD_S = 0.04
"""Period in seconds; much shorter than that of the frames, so that each frame gets a snapshot."""

Send = Callable[[Message], None]


def snapshot_of(
    status: Status, now_s: float, names: Sequence[str] = (), drawn_mm: tuple[float, float] | None = None
) -> Snapshot:
    """Return the snapshot of a session status.

    Parameters
    ----------
    status : Status
        The session status.
    now_s : float
        Session time in seconds, from which the age of the newest frame is counted.
    names : sequence of str
        Names of several structures, the primary target first.
    drawn_mm : tuple of float, optional
        Centre of the target where it was drawn, as (row, col) in mm, from which breath-holds are measured.

    Returns
    -------
    Snapshot
        Values that are not measured yet are NaN.
    """
    decision = status.decision
    frame = status.frame
    track = None if status.step is None else status.step.track
    latency, counts = status.latency, status.counts
    row_mm, col_mm = (math.nan, math.nan) if track is None else track.center_mm
    values = Snapshot(
        time_s=status.now_s,
        phase=status.phase.value,
        gathered=_progress_text(status),
        frame_rate=status.rate_hz,
        age_ms=math.nan if frame is None else 1e3 * (now_s - frame.acquired_s),
        confidence=math.nan if track is None else float(track.confidence),
        row_mm=float(row_mm),
        col_mm=float(col_mm),
        axis=SI.name if frame is None else orientation_of(frame.plane).rows.name,
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
    if status.exposure is not None:
        values = values._replace(risk_limit=status.exposure[0], risk_percent=status.exposure[1])
    if status.breath_holds and drawn_mm is not None and frame is not None:
        orientation, holds = orientation_of(frame.plane), status.breath_holds
        row = hold_row(holds[-1], holds[0], drawn_mm, orientation)
        values = values._replace(breath_hold=hold_words(row, orientation.names))
    if decision is None:
        return values
    return values._replace(
        state=decision.state.value,
        reasons=tuple(reason.value for reason in decision.reasons),
        outside_percent=float(decision.outside_percent),
        predicted_percent=float(decision.predicted_percent),
        structures=_structures(status, names),
    )


def _structures(status: Status, names: Sequence[str]) -> tuple[StructureNow, ...]:
    """Return each of several structures in the decision that stands."""
    step = status.step
    if step is None or step.track is None or status.decision is not step.decision:
        return ()
    tracks, results = (step.track, *step.others), step.decision.structures
    return tuple(
        StructureNow(
            name, float(result.value), float(track.confidence), tuple(reason.value for reason in result.reasons)
        )
        for name, track, result in zip(names, tracks, results, strict=False)
    )


def _limits_of(info: StructureInfo) -> StructureLimits:
    """Return what does not change of a structure."""
    what, unit = MEASURE_TEXT[info.measure]
    return StructureLimits(info.name, info.color, what, unit, info.limit, info.min_confidence)


def _progress_text(status: Status) -> str:
    """Return the progress of the preview, or where the target is drawn, as text."""
    seconds, wanted_s = status.preview_progress
    if status.phase is Phase.PREVIEW and wanted_s > 0.0:
        return f"{seconds:.0f} of {wanted_s:.0f} s"
    if status.contouring is not None:
        return "(on the console's page)"
    return ""


class TerminalPublisher:
    """Context manager that keeps the terminal display up to date.

    Parameters
    ----------
    status : SessionStatus
        The session status.
    clock : Clock
        Session time.
    send : callable
        Called with each message; must not block.
    info : SessionInfo
        Constants of the session.
    """

    def __init__(self, status: SessionStatus, clock: Clock, send: Send, info: SessionInfo) -> None:
        self._status = status
        self._clock = clock
        self._send = send
        self._info = info
        self._begun: tuple[SessionSetup, Armed] | None = None
        self._names: tuple[str, ...] = ()
        self._drawn_mm: tuple[float, float] | None = None
        self._last: Status | None = None
        self._last_line = -1
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="view", daemon=True)

    def __enter__(self) -> Self:
        """Start the thread."""
        self._send(self._info)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the thread and send the last status."""
        self._stop.set()
        self._thread.join()
        self._publish()

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot of the session at this moment."""
        return snapshot_of(self._status.current, self._clock.now_s(), self._names, self._drawn_mm)

    def _run(self) -> None:
        while not self._stop.wait(PERIOD_S):
            self._publish()

    def _publish(self) -> None:
        if (warnings := self._status.warnings) != self._info.warnings:
            self._info = self._info._replace(warnings=warnings)
            self._send(self._info)
        if (begun := self._status.begun) is not None and begun is not self._begun:
            self._begun = begun
            # The target may have limits of its own, or an operator who draws it choose another margin.
            setup, armed = begun
            own = armed.limits
            self._drawn_mm = center_mm(armed.target_px, setup.spacing_mm)
            limits = own.outside_percent, own.min_confidence, own.margin_mm
            structures = tuple(map(_limits_of, structure_infos(setup, armed.config))) if setup.structures else ()
            self._names = tuple(one.name for one in structures)
            if (*limits, structures) != (*self._info[3:6], self._info.structures):
                self._info = SessionInfo(*self._info[:3], *limits, self._info.warnings, structures)
                self._send(self._info)
        for line in self._status.lines:
            if line.number > self._last_line:
                self._last_line = line.number
                self._send(LogLine(line.time_s, line.text))
        if self._status.current is not self._last:
            self._last = self._status.current
            self._send(self.snapshot)
