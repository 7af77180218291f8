"""The loop: source -> engine -> linac, the same live and in replay; at the first doubt it sends HOLD."""

import math
from collections.abc import Callable

from gatekeeper.core.clock import Clock, stopwatch_ns
from gatekeeper.core.command import Command
from gatekeeper.core.decision import BeamState, Decision, Reason
from gatekeeper.core.errors import EngineError, GatekeeperError
from gatekeeper.core.frame import Frame
from gatekeeper.core.protocols import FrameSource, LinacPort, Recorder
from gatekeeper.core.step import Step
from gatekeeper.runtime.realtime import garbage_collection_paused
from gatekeeper.runtime.timing import LoopStats
from gatekeeper.session.engine import Engine

OPERATOR_S = 0.05
"""An operator, where there is one, is listened to at least this often, in seconds of session time."""


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
) -> None:
    """Judge every frame of a source and tell the linac, until the source has ended.

    HOLD is sent before the first frame, whenever no frame has come by its deadline, and on every way out, be it the
    end of the source, an exception or an interrupt. A beam-on that took so long that its frame is too old by then is
    not sent; the record holds it, and the hold that was sent in its place. Deadlines are absolute, so that being late
    does not add up. When the record is lost, that is a fault of the gate: the beam is held and the loop goes on. The
    garbage collector rests meanwhile. The caller closes what it opened.

    Parameters
    ----------
    source : FrameSource
        Where frames come from.
    engine : Engine
        One frame in, one decision out.
    linac : LinacPort
        Where decisions go, and who says whether they arrive.
    recorder : Recorder
        Told of each decision after the linac was.
    clock : Clock
        Session time.
    max_age_s : float
        When the newest frame was acquired longer ago than this, in seconds, the source counts as silent.
    stats : LoopStats, optional
        Told how late each pass began and how long it took.
    beat : callable, optional
        Called once in every pass, after its decision was sent; a watchdog listens for it.
    silence_s : float
        When the last frame arrived longer ago than this, in seconds, the source counts as silent too.
    operator : callable, optional
        Returns the next command of the operator that waits, or None; never waits itself.

    Raises
    ------
    EngineError
        When tracking or deciding failed on a frame.
    GatekeeperError
        Whatever source, linac or recorder raise, after HOLD was sent.
    """
    stats = LoopStats() if stats is None else stats
    patience_s = min(max_age_s, silence_s)
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
                link_alive = linac.alive
                step = _judge(engine, frame, now_s, link_alive)
                overdue = _overdue(engine, step, clock, max_age_s, link_alive)
                sent = step.decision if overdue is None else overdue.decision
                linac.send(sent)
                if beat is not None:
                    beat()
                total_ms = (stopwatch_ns() - began_ns) * 1e-6
                recorder.record(step, total_ms)
                if overdue is not None:
                    recorder.record(overdue, total_ms)
                late_s = now_s - (deadline_s if frame is None else frame.received_s)
                stats.add(1e3 * late_s, (stopwatch_ns() - began_ns) * 1e-6)
                due_s = deadline_s + patience_s if frame is None else _due_s(frame, max_age_s, silence_s)
                deadline_s = _next_deadline_s(due_s, sent.state, clock.now_s(), patience_s)
        finally:
            _hold(linac, clock)


def _judge(engine: Engine, frame: Frame | None, now_s: float, link_alive: bool) -> Step:
    """Return the engine's answer to a frame, or to its absence."""
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
    """Do what the operator asks for, tell the linac at once where that holds the beam, and keep it in the record."""
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
                "accepted": event.accepted,
                "note": event.note,
            },
        )


def _overdue(engine: Engine, step: Step, clock: Clock, max_age_s: float, link_alive: bool) -> Step | None:
    """Return the hold that takes the place of a beam-on whose frame has become too old while it was judged."""
    if step.frame is None or step.decision.state is BeamState.HOLD:
        return None
    now_s = clock.now_s()
    return None if now_s - step.frame.acquired_s <= max_age_s else _judge(engine, None, now_s, link_alive)


def _due_s(frame: Frame, max_age_s: float, silence_s: float) -> float:
    """Return by when the next frame must have come, in s: one silence after this one, or before it is too old."""
    return min(frame.acquired_s + max_age_s, frame.received_s + silence_s)


def _next_deadline_s(due_s: float, beam: BeamState, now_s: float, patience_s: float) -> float:
    """Return when the next silence is due, in s.

    With the beam on that may be past already, when recording took long: the beam is held then unless a frame waits.
    With the beam held, a time that is past or too far away begins a silence anew: a frame's time may be anything.
    """
    earliest_s = -math.inf if beam is BeamState.ON else now_s
    return due_s if earliest_s < due_s <= now_s + patience_s else now_s + patience_s


def _left_s(deadline_s: float, now_s: float, patience_s: float) -> float:
    """Return how long there is until the deadline, in s; at most `patience_s`, whatever the clock does meanwhile."""
    return min(max(deadline_s - now_s, 0.0), patience_s)


def _hold(linac: LinacPort, clock: Clock) -> None:
    """Send the HOLD that stands before the first frame and after the last."""
    linac.send(Decision(-1, clock.now_s(), BeamState.HOLD, (Reason.NOT_ARMED,), math.nan))
