"""The loop: source -> engine -> linac, the same live and in replay; at the first doubt it sends HOLD."""

import math

from gatekeeper.clock import Clock, stopwatch_ns
from gatekeeper.decision import BeamState, Decision, Reason
from gatekeeper.engine import Engine
from gatekeeper.errors import EngineError, GatekeeperError
from gatekeeper.frame import Frame
from gatekeeper.linac.port import LinacPort
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
) -> None:
    """Judge every frame of a source and tell the linac, until the source has ended.

    HOLD is sent before the first frame, whenever no frame has come in time, and on every way out, be it the end of
    the source, an exception or an interrupt. The caller closes what it opened.

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

    Raises
    ------
    EngineError
        When tracking or deciding failed on a frame.
    GatekeeperError
        Whatever source, linac or recorder raise, after HOLD was sent.
    """
    _hold(linac, clock)
    try:
        patience_s = max_age_s
        while not source.ended():
            frame = source.next_frame(patience_s)
            if frame is None and source.ended():
                break
            began_ns = stopwatch_ns()
            now_s = clock.now_s()
            step = _judge(engine, frame, now_s)
            linac.send(step.decision)
            recorder.record(step, (stopwatch_ns() - began_ns) * 1e-6)
            patience_s = _patience_s(frame, clock.now_s(), max_age_s)
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


def _patience_s(frame: Frame | None, now_s: float, max_age_s: float) -> float:
    """Return how long to wait for the next frame, in s: until this one is too old, at most `max_age_s`."""
    if frame is None:
        return max_age_s
    left_s = frame.acquired_s + max_age_s - now_s
    return left_s if 0.0 < left_s <= max_age_s else max_age_s


def _hold(linac: LinacPort, clock: Clock) -> None:
    """Send the HOLD that stands before the first frame and after the last."""
    linac.send(Decision(-1, clock.now_s(), BeamState.HOLD, (Reason.NOT_ARMED,), math.nan))
