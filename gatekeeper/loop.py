"""The loop: source -> engine -> linac, the same live and in replay; at the first doubt it sends HOLD."""

import math
from collections.abc import Callable

from gatekeeper.clock import Clock, stopwatch_ns
from gatekeeper.decision import BeamState, Decision, Reason
from gatekeeper.engine import Engine
from gatekeeper.errors import EngineError, GatekeeperError
from gatekeeper.frame import Frame
from gatekeeper.lag import LoopStats
from gatekeeper.linac.port import LinacPort
from gatekeeper.realtime import quiet_memory
from gatekeeper.recording.port import Recorder
from gatekeeper.sources.port import FrameSource
from gatekeeper.step import Step


def run_loop(
    source: FrameSource,
    engine: Engine,
    linac: LinacPort,
    recorder: Recorder,
    clock: Clock,
    max_age_s: float,
    stats: LoopStats | None = None,
    beat: Callable[[], None] | None = None,
) -> None:
    """Judge every frame of a source and tell the linac, until the source has ended.

    HOLD is sent before the first frame, whenever no frame has come by its deadline, and on every way out, be it the
    end of the source, an exception or an interrupt. A beam-on that took so long that its frame is too old by then is
    not sent; the record holds it, and the hold that was sent in its place. Deadlines are absolute, so that being late
    does not add up. The garbage collector rests meanwhile. The caller closes what it opened.

    Parameters
    ----------
    source : FrameSource
        Where frames come from.
    engine : Engine
        One frame in, one decision out.
    linac : LinacPort
        Where decisions go.
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

    Raises
    ------
    EngineError
        When tracking or deciding failed on a frame.
    GatekeeperError
        Whatever source, linac or recorder raise, after HOLD was sent.
    """
    stats = LoopStats() if stats is None else stats
    with quiet_memory():
        _hold(linac, clock)
        try:
            deadline_s = clock.now_s() + max_age_s
            while not source.ended():
                frame = source.next_frame(_left_s(deadline_s, clock.now_s(), max_age_s))
                if frame is None and source.ended():
                    break
                began_ns = stopwatch_ns()
                now_s = clock.now_s()
                step = _judge(engine, frame, now_s)
                overdue = _overdue(engine, step, clock, max_age_s)
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
                deadline_s = _next_deadline_s(deadline_s, frame, sent.state, clock.now_s(), max_age_s)
        finally:
            _hold(linac, clock)


def _judge(engine: Engine, frame: Frame | None, now_s: float) -> Step:
    """Return the engine's answer to a frame, or to its absence."""
    try:
        return engine.silence(now_s) if frame is None else engine.step(frame, now_s)
    except GatekeeperError:
        raise
    except Exception as error:
        where = "silence" if frame is None else f"frame {frame.sequence}"
        raise EngineError(
            f"{where}: the engine failed with {type(error).__name__}: {error}; the beam is held and the session "
            "has ended; start a new one"
        ) from error


def _overdue(engine: Engine, step: Step, clock: Clock, max_age_s: float) -> Step | None:
    """Return the hold that takes the place of a beam-on whose frame has become too old while it was judged."""
    if step.frame is None or step.decision.state is BeamState.HOLD:
        return None
    now_s = clock.now_s()
    return None if now_s - step.frame.acquired_s <= max_age_s else _judge(engine, None, now_s)


def _next_deadline_s(deadline_s: float, frame: Frame | None, beam: BeamState, now_s: float, max_age_s: float) -> float:
    """Return by when the next frame must have come, in s: before this one is too old, or one silence after the last.

    With the beam on that may be past already, when recording took long: the beam is held then unless a frame waits.
    With the beam held, a time that is past or too far away begins a silence anew: a frame's time may be anything.
    """
    due_s = (deadline_s if frame is None else frame.acquired_s) + max_age_s
    earliest_s = -math.inf if beam is BeamState.ON else now_s
    return due_s if earliest_s < due_s <= now_s + max_age_s else now_s + max_age_s


def _left_s(deadline_s: float, now_s: float, max_age_s: float) -> float:
    """Return how long there is until the deadline, in s; at most `max_age_s`, whatever the clock does meanwhile."""
    return min(max(deadline_s - now_s, 0.0), max_age_s)


def _hold(linac: LinacPort, clock: Clock) -> None:
    """Send the HOLD that stands before the first frame and after the last."""
    linac.send(Decision(-1, clock.now_s(), BeamState.HOLD, (Reason.NOT_ARMED,), math.nan))
