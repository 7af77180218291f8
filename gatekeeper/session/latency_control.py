"""Journal and show the measured latency of the chain, and let the prediction use it, between two frames."""

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

from gatekeeper.core.clock import Clock, utc_s
from gatekeeper.core.protocols import LinacPort
from gatekeeper.core.step import Step
from gatekeeper.linac.link_status import LinkStatus
from gatekeeper.session.arming import Armed
from gatekeeper.session.chain_latency import CHANGE_S, LATENCY, ChainLatency, LatencyMonitor, followed
from gatekeeper.session.status import SessionStatus

EVERY_S = 5.0
"""Time between two looks at the measurements, in s."""
JOURNAL_S = 60.0
"""Time between two events where nothing changes, in s."""
STEP_S = 0.005
"""Least change of the latency that a prediction uses, in s."""

JournalEvent = Callable[[str, float, Mapping[str, object]], None]


@runtime_checkable
class MeasuresBeam(Protocol):
    """A linac port that measures its link and the delays of the machine's beam."""

    @property
    def link(self) -> LinkStatus:
        """State of the link."""
        ...

    def beam_delays(self) -> list[tuple[bool, float]]:
        """Return the delays since the last call: whether the beam came on or went off, and the delay in s."""
        ...


class LatencyControl:
    """Measure the chain of a live session.

    Parameters
    ----------
    armed : Armed
        The session, whose prediction uses the latency.
    linac : LinacPort
        The port, which may measure the machine.
    status : SessionStatus
        Shows what was measured.
    clock : Clock
        Session time.
    """

    def __init__(self, armed: Armed, linac: LinacPort, status: SessionStatus, clock: Clock) -> None:
        self._armed, self._status, self._clock = armed, status, clock
        self._linac = linac if isinstance(linac, MeasuresBeam) else None
        self._monitor = LatencyMonitor()
        self._used_s = armed.config.prediction.latency_s
        self._armed_with_s: float | None = None
        self._next_s, self._journalled_s = clock.now_s() + EVERY_S, clock.now_s()
        self._told = False

    def record(self, step: Step, total_ms: float) -> None:
        """Add the frame of a pass of the loop."""
        if step.frame is not None:
            since_s = self._clock.now_s() - step.frame.received_s
            self._monitor.add_frame(step.frame, total_ms, utc_s() - since_s)

    def look(self, event: JournalEvent, warning: str) -> None:
        """Look at the measurements if it is time, journal them, and use them.

        Parameters
        ----------
        event : callable
            Records an event.
        warning : str
            Name of the event for a finding.
        """
        now_s = self._clock.now_s()
        if now_s < self._next_s:
            return
        self._next_s = now_s + EVERY_S
        if self._linac is not None:
            if self._linac.link.rtt_ms > 0.0:
                self._monitor.add_link(1e-3 * self._linac.link.rtt_ms)
            for on, delay_s in self._linac.beam_delays():
                self._monitor.add_beam(on, delay_s)
        measured, prediction = self._monitor.measured(), self._armed.config.prediction
        self._status.latency_line = measured.as_line()
        measured_s = measured.total_s(prediction)
        if prediction.latency == "set":
            used_s, finding = prediction.latency_s, abs(measured_s - prediction.latency_s) > CHANGE_S
        else:
            is_armed = self._armed.gate.state.armed
            if not is_armed:
                self._armed_with_s = None
            elif self._armed_with_s is None:
                self._armed_with_s = self._used_s
            used_s, finding = followed(measured_s, self._armed_with_s)
        is_new = abs(used_s - self._used_s) >= STEP_S
        if is_new or now_s - self._journalled_s >= JOURNAL_S:
            self._use(event, measured, used_s if is_new else self._used_s, now_s)
        if prediction.mode != "off":
            self._tell(event, warning, finding, measured_s, now_s)

    def _use(self, event: JournalEvent, measured: ChainLatency, used_s: float, now_s: float) -> None:
        self._used_s, self._journalled_s = round(used_s, 6), now_s
        self._armed.engine.use_latency(self._used_s)
        event(LATENCY, now_s, {"used_s": self._used_s, **measured.as_json()})
        self._status.add_line(now_s, f"latency: {measured.as_line()}; {1e3 * self._used_s:.0f} ms in use")

    def _tell(self, event: JournalEvent, warning: str, finding: bool, measured_s: float, now_s: float) -> None:
        """Warn once of a latency that differs, until it no longer does."""
        if finding and not self._told:
            note = (
                f"latency measured {1e3 * measured_s:.0f} ms, {1e3 * self._used_s:.0f} ms in use; find what has "
                "changed, then disarm and arm to use it, or correct the settings"
            )
            event(warning, now_s, {"note": note})
            self._status.add_line(now_s, f"WARNING: {note}")
        self._told = finding
