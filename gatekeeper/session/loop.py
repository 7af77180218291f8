"""The loop from source to engine to linac, the same live and in replay; it sends HOLD on any fault."""

import math
from collections.abc import Callable
from dataclasses import replace

from gatekeeper.core.clock import Clock, stopwatch_ns
from gatekeeper.core.command import Action, Command
from gatekeeper.core.decision import BeamState, Decision, Reason
from gatekeeper.core.errors import EngineError, GatekeeperError
from gatekeeper.core.frame import Frame
from gatekeeper.core.protocols import FrameSource, LinacPort, Recorder
from gatekeeper.core.step import Step
from gatekeeper.runtime.realtime import garbage_collection_paused
from gatekeeper.runtime.timing import LoopStats
from gatekeeper.session.engine import Engine
from gatekeeper.session.hold_rows import BREATH_HOLD

TRACKER_FAILED = "tracker_failed"
"""The journal's event for a tracker that is a plug-in and failed, for which the gate holds."""
OPERATOR_S = 0.05
"""Longest time between two checks for operator commands, in seconds of session time."""


def run_loop(
    source: FrameSource,
    engine: Engine,
    linac: LinacPort,
    recorder: Recorder,
    clock: Clock,
    max_age_s: float,
    stats: LoopStats | None = None,
    beat: Callable[[], None] | None = None,
    silence_s: float = math.inf,
    operator: Callable[[], Command | None] | None = None,
    fault: Callable[[], Reason | None] | None = None,
) -> None:
    """Decide on every frame of a source and send the decisions to the linac, until the source has ended.

    HOLD is sent before the first frame, whenever a frame misses its deadline, and on every exit: end of the source,
    exception or interrupt. When deciding took so long that the frame is too old, a hold is sent in place of the
    beam-on, and both are recorded. Deadlines are absolute, so that delays do not accumulate. A failed recorder is a
    fault of the gate: the beam is held and the loop continues. The garbage collector is disabled meanwhile. The caller
    closes source, linac and recorder.

    Parameters
    ----------
    source : FrameSource
        Supplies the frames.
    engine : Engine
        Turns each frame into a decision.
    linac : LinacPort
        Receives the decisions and reports whether the link is alive.
    recorder : Recorder
        Records each decision after it was sent.
    clock : Clock
        Session time.
    max_age_s : float
        Age of the newest frame, from its acquisition, above which a frame counts as missing, in s.
    stats : LoopStats, optional
        Collects lateness and duration of each pass.
    beat : callable, optional
        Called once in every pass, after its decision was sent; feeds the watchdog.
    silence_s : float
        Time since the arrival of the last frame above which a frame counts as missing, in s.
    operator : callable, optional
        Return the next operator command, or None; must not block.
    fault : callable, optional
        Return a fault of what the session needs besides, such as its watchdog, or None; called before each decision.

    Raises
    ------
    EngineError
        When tracking or deciding failed on a frame.
    GatekeeperError
        Errors of source, linac or recorder, after HOLD was sent.

    Examples
    --------
    >>> import numpy as np
    >>> from gatekeeper import Engine, Envelope, Frame, Gate, GateConfig, Tracker, run_loop
    >>> from gatekeeper.core.clock import VirtualClock
    >>> from gatekeeper.linac.dry_run import DryRunLinac
    >>> rows, cols = np.mgrid[:96, :96]
    >>> images = [np.float32(100.0 * np.sin(rows / 5.0) * np.cos(cols / 7.0) + rows + k) for k in range(4)]
    >>> class Images:
    ...     def __init__(self):
    ...         self.sent = 0
    ...     def next_frame(self, timeout_s):
    ...         number, self.sent = self.sent, self.sent + 1
    ...         clock.sleep_until(0.25 * number + 0.1)
    ...         return Frame(images[number], (2.0, 2.0), number, 0.25 * number, 0.25 * number + 0.1)
    ...     def ended(self):
    ...         return self.sent == len(images)
    ...     def close(self):
    ...         pass
    >>> class Printer:
    ...     fault = None
    ...     def record(self, step, total_ms):
    ...         print(step.decision.sequence, step.decision.state)
    ...     def event(self, name, time_s, values):
    ...         pass
    >>> tracker = Tracker(images[0], np.hypot(rows - 48, cols - 48) < 8, (2.0, 2.0))
    >>> envelope = Envelope.around(tracker.track(images[0]).contour_px, margin_mm=5.0, spacing_mm=(2.0, 2.0))
    >>> engine = Engine(tracker, Gate(envelope, GateConfig(frames_to_resume=2)))
    >>> clock = VirtualClock()
    >>> run_loop(Images(), engine, DryRunLinac(), Printer(), clock, max_age_s=0.5)
    0 HOLD
    1 ON
    2 ON
    3 ON
    """
    stats = LoopStats() if stats is None else stats
    patience_s = min(max_age_s, silence_s)
    allowed = _Allowed(linac, clock)
    with garbage_collection_paused():
        _hold(linac, clock)
        try:
            deadline_s = clock.now_s() + patience_s
            while not source.ended():
                left_s = _left_s(deadline_s, clock.now_s(), patience_s)
                frame = source.next_frame(left_s if operator is None else min(left_s, OPERATOR_S))
                if frame is None and source.ended():
                    break
                if operator is not None:
                    _obey(operator, engine, linac, recorder)
                    if frame is None and clock.now_s() < deadline_s:
                        continue
                began_ns = stopwatch_ns()
                now_s = clock.now_s()
                if recorder.fault is not None:
                    engine.latch(Reason.RECORDING_LOST)
                if fault is not None and (found := fault()) is not None:
                    engine.latch(found)
                link_alive = linac.alive
                allowed_s = allowed.since_last_s()
                step = _judge(engine, frame, now_s, link_alive)
                overdue = _overdue(engine, step, clock, max_age_s, link_alive)
                late_allowed_s = None if overdue is None else allowed.since_last_s()
                sent = step.decision if overdue is None else overdue.decision
                linac.send(sent)
                if beat is not None:
                    beat()
                total_ms = (stopwatch_ns() - began_ns) * 1e-6
                recorder.record(_with_allowed(step, allowed_s), total_ms)
                if overdue is not None:
                    recorder.record(_with_allowed(overdue, late_allowed_s), total_ms)
                for hold in step.breath_holds:
                    recorder.event(BREATH_HOLD, now_s, hold)
                if step.failure is not None:
                    recorder.event(TRACKER_FAILED, now_s, {"note": step.failure})
                late_s = now_s - (deadline_s if frame is None else frame.received_s)
                stats.add(1e3 * late_s, (stopwatch_ns() - began_ns) * 1e-6)
                due_s = deadline_s + patience_s if frame is None else _due_s(frame, max_age_s, silence_s)
                deadline_s = _next_deadline_s(due_s, sent.state, clock.now_s(), patience_s)
        finally:
            _hold(linac, clock)


class _Allowed:
    """Tell for how long the port allowed the beam from one decision to the next, where it tells."""

    def __init__(self, linac: LinacPort, clock: Clock) -> None:
        self._linac = linac
        # A port counts real time, decisions are stamped with session time: a replay may run faster.
        self._speed: float = getattr(clock, "speed", 1.0)
        self._total_s = self._read_s()

    def since_last_s(self) -> float | None:
        """Return the time allowed since the last call in s; None where the port does not tell."""
        before_s, self._total_s = self._total_s, self._read_s()
        return None if before_s is None or self._total_s is None else self._total_s - before_s

    def _read_s(self) -> float | None:
        total_s: float | None = getattr(self._linac, "allowed_s", None)
        return None if total_s is None else total_s * self._speed


def _with_allowed(step: Step, allowed_s: float | None) -> Step:
    return step if allowed_s is None else replace(step, allowed_s=allowed_s)


def _judge(engine: Engine, frame: Frame | None, now_s: float, link_alive: bool) -> Step:
    """Return the engine's step for a frame, or for a missing one."""
    try:
        if frame is None:
            return engine.silence(now_s, link_alive=link_alive)
        return engine.step(frame, now_s, link_alive=link_alive)
    except GatekeeperError:
        raise
    except Exception as error:
        where = "silence" if frame is None else f"frame {frame.sequence}"
        raise EngineError(
            f"{where}: the engine failed with {type(error).__name__}: {error}; the beam is held and the session "
            "has ended; start a new one"
        ) from error


def _obey(operator: Callable[[], Command | None], engine: Engine, linac: LinacPort, recorder: Recorder) -> None:
    """Execute waiting operator commands, send the holds they cause at once, and record them."""
    while (command := operator()) is not None:
        event = engine.command(command)
        if event.decision is not None:
            linac.send(event.decision)
        recorder.event(
            command.action.value,
            command.time_s,
            {
                "operator": command.operator,
                "shift_mm": list(command.shift_mm),
                **({"sequence": command.sequence} if command.action is Action.REFERENCE else {}),
                "accepted": event.accepted,
                "note": event.note,
            },
        )


def _overdue(engine: Engine, step: Step, clock: Clock, max_age_s: float, link_alive: bool) -> Step | None:
    """Return the hold that replaces a beam-on whose frame became too old during the decision."""
    if step.frame is None or step.decision.state is BeamState.HOLD:
        return None
    now_s = clock.now_s()
    return None if now_s - step.frame.acquired_s <= max_age_s else _judge(engine, None, now_s, link_alive)


def _due_s(frame: Frame, max_age_s: float, silence_s: float) -> float:
    """Return the deadline of the next frame, in s: `silence_s` after this one, or when this one becomes too old."""
    return min(frame.acquired_s + max_age_s, frame.received_s + silence_s)


def _next_deadline_s(due_s: float, beam: BeamState, now_s: float, patience_s: float) -> float:
    """Return the next deadline, in s.

    With the beam on, the deadline may already have passed because recording took long; then the beam is held unless
    a frame is waiting. With the beam held, a deadline that has passed or is too far away is replaced by a new one,
    because the time stamps of a frame may be wrong.
    """
    earliest_s = -math.inf if beam is BeamState.ON else now_s
    return due_s if earliest_s < due_s <= now_s + patience_s else now_s + patience_s


def _left_s(deadline_s: float, now_s: float, patience_s: float) -> float:
    """Return the time left until the deadline, in s; at most `patience_s`, even when the clock jumps."""
    return min(max(deadline_s - now_s, 0.0), patience_s)


def _hold(linac: LinacPort, clock: Clock) -> None:
    """Send the HOLD that precedes the first frame and follows the last."""
    linac.send(Decision(-1, clock.now_s(), BeamState.HOLD, (Reason.NOT_ARMED,), math.nan))
