"""Implement `gatekeeper feed`: send a recording or a phantom to a live source, as a scanner does."""

import json
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Annotated

import typer

from gatekeeper.cli.options import (
    AgainOption,
    AsStoredOption,
    FeedCaseArg,
    JsonOption,
    NoiseOption,
    ObserverOption,
    PaceOption,
    PlaneOption,
    RateOption,
    ResampleOption,
    ScanOption,
    SecondsOption,
    SpacingOption,
    TimeAxisOption,
    ToOption,
)
from gatekeeper.cli.output import say
from gatekeeper.cli.settings import choices_of, recording_of
from gatekeeper.core.clock import PacedClock, stopwatch_ns, utc_s
from gatekeeper.core.errors import InputError, LinkError

HALF_A_DAY_S = 43_200.0
ImagingLatencyOption = Annotated[
    float,
    typer.Option(
        "--imaging-latency-ms",
        help="Time from the middle of a frame's acquisition until it is sent, in ms: frames are stamped so much "
        "earlier.",
        metavar="MS",
        min=0.0,
        max=10_000.0,
    ),
]


def feed(
    case: FeedCaseArg,
    to: ToOption,
    speed: PaceOption = 1.0,
    again: AgainOption = False,
    noise: NoiseOption = 0.0,
    seconds: SecondsOption = None,
    imaging_latency_ms: ImagingLatencyOption = 0.0,
    scan: ScanOption = None,
    observer: ObserverOption = None,
    time_axis: TimeAxisOption = None,
    as_stored: AsStoredOption = False,
    rate_hz: RateOption = None,
    spacing_mm: SpacingOption = None,
    plane: PlaneOption = None,
    resample: ResampleOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send a recording, a session or a phantom to a live source, each frame at its time."""
    from replay.feed.address import open_feeder, parse
    from replay.feed.laps import feed as send
    from replay.fresh_noise import FreshNoise
    from replay.progress import ProgressBars

    address = parse(to)
    choices = choices_of(scan, observer, time_axis, as_stored, rate_hz, spacing_mm, plane, None, resample)
    recording = recording_of(case, choices)
    sent, gone, interrupted, ended = 0, None, False, False
    feeder = open_feeder(address)
    period_s = (recording.times_s[-1] - recording.times_s[0]) / max(1, len(recording.times_s) - 1)
    rate = f"{speed / period_s:.1f} frames/s" if period_s > 0.0 else "one frame"
    say(f"feeding {recording.name} to {address}, {rate}", err=as_json)
    began_ns = stopwatch_ns()
    with closing(feeder), ends_on_sigterm(), ProgressBars() as bars:

        def progress(done: int, total: int | None) -> None:
            nonlocal sent
            sent = done
            bars("feeding", done, total)

        try:
            send(
                recording,
                feeder,
                PacedClock(speed),
                progress,
                seconds,
                again=again,
                shown_s=_shown(speed, imaging_latency_ms),
                noise=FreshNoise(noise),
            )
        except LinkError as error:
            gone = error
        except KeyboardInterrupt:
            interrupted = True
        except Terminated:
            ended = True
    took_s = (stopwatch_ns() - began_ns) * 1e-9
    say(f"{sent} frames in {took_s:.1f} s", err=as_json)
    if gone is not None:
        raise InputError(f"{gone} (after {sent} frames)")
    if as_json:
        typer.echo(json.dumps({"case": recording.name, "to": str(address), "frames": sent, "seconds": took_s}))
    if ended:
        raise typer.Exit(128 + signal.SIGTERM)
    if interrupted and not again:
        raise typer.Exit(130)


class Terminated(BaseException):
    """SIGTERM: the feed ends, with its summary."""


@contextmanager
def ends_on_sigterm() -> Iterator[None]:
    """Raise `Terminated` on SIGTERM, as Ctrl-C raises KeyboardInterrupt."""

    def stop(*_: object) -> None:
        raise Terminated

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _shown(speed: float, imaging_latency_ms: float) -> Callable[[float], float]:
    """Return what the sender's clock showed when a frame was acquired, so long before it is sent.

    The clock goes on between two feeds as a scanner's does, and never faster.
    """
    begin_s = utc_s() % HALF_A_DAY_S - imaging_latency_ms * 1e-3
    return lambda at_s: begin_s + at_s / speed
