"""Time an engine's steps at a scanner's pace beside processes that walk through memory, and in a hot loop."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection

import numpy as np
from numpy.typing import NDArray

from benchmarks.wire import neighbour, sleep_until
from gatekeeper.config import GateConfig
from gatekeeper.core.frame import Frame
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.gate import Gate
from gatekeeper.gating.zones import TargetZone
from gatekeeper.runtime.realtime import garbage_collection_paused
from gatekeeper.session.engine import Engine
from gatekeeper.tracking.tracker import StructureTracker
from replay.fresh_noise import FreshNoise
from replay.phantom import PhantomConfig, make_phantom

FIELD_MM = 300.0
"""Side of the image; more pixels are smaller ones."""
CENTERS_MM = ((0.0, 0.0), (24.0, -24.0), (-24.0, -24.0), (24.0, 24.0), (-24.0, 24.0), (45.0, 0.0))
"""Displacement of each structure from the first along rows and columns."""
DIAMETER_MM = 24.0
MARGIN_MM = 40.0
"""Wide, so that the beam is on and every check is made."""
NOISE = 0.03
"""Noise of each frame, as a share of the brightness: the gate holds frames that come back."""
WARM = 40
"""Number of frames before the first one that counts, in which the usual noise is learned."""
JITTER = 0.1
"""Largest deviation of a frame from its time, as a share of the time between two."""
REHEARSED_S = 0.001
"""Time before a frame at which its path is rehearsed, on every other frame, in s."""
HOT = 400
"""Number of frames of the hot loop."""
STAGES = ("track", "decide", "step")


@dataclass(frozen=True)
class Case:
    """What is tracked, and how often.

    Attributes
    ----------
    structures : int
        Number of structures.
    side_px : int
        Rows and columns of the image.
    frames_per_s : float
        Rate of the frames, per second.
    """

    structures: int = 1
    side_px: int = 256
    frames_per_s: float = 8.0


@dataclass(frozen=True)
class Timed:
    """Times of a case.

    Attributes
    ----------
    case : Case
        The case.
    cold_ms, rehearsed_ms, hot_ms : ndarray of float64, shape (N, 3)
        Time of each frame's tracking, decision and whole step, in ms: at the pace of the case, at that pace after a
        rehearsal of the last frame by a copy of the engine, and in a hot loop.
    sure : float
        Share of the frames on which all structures were found.
    """

    case: Case
    cold_ms: NDArray[np.float64]
    rehearsed_ms: NDArray[np.float64]
    hot_ms: NDArray[np.float64]
    sure: float

    @property
    def share_of_period(self) -> float:
        """Share of the time between two frames that a cold step takes at p99."""
        return float(np.percentile(self.cold_ms[:, 2], 99)) * 1e-3 * self.case.frames_per_s


class Neighbours:
    """Processes that walk through memory."""

    def __init__(self) -> None:
        self.pids: list[int] = []

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Let them rest meanwhile."""
        for pid in self.pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in self.pids:
                os.kill(pid, signal.SIGCONT)


@contextmanager
def neighbours() -> Iterator[Neighbours]:
    """Let a process walk through memory on each processor, behind the engine in priority."""
    context, found = get_context("spawn"), Neighbours()
    with ExitStack() as stack:
        for processor in sorted(os.sched_getaffinity(0)):
            ours, theirs = context.Pipe()
            process = context.Process(target=_walk, args=(theirs, processor), daemon=True)
            process.start()
            stack.callback(process.join)
            stack.callback(process.terminate)
            ours.recv()
            assert process.pid is not None
            found.pids.append(process.pid)
        yield found


def _walk(pipe: Connection, processor: int) -> None:
    """Walk through memory on one processor whenever it is free, until ended."""
    os.sched_setaffinity(0, {processor})
    os.nice(19)
    neighbour(pipe)


def time_case(case: Case, seconds: float, least_frames: int, beside: Neighbours) -> Timed:
    """Return the times of a case, at its pace beside neighbours and in a hot loop while they rest.

    Parameters
    ----------
    case : Case
        The case.
    seconds : float
        Time at the pace.
    least_frames : int
        Least number of frames of either kind at the pace, with a rehearsal before and without.
    beside : Neighbours
        The neighbours.
    """
    engine, images = _engine(case)
    noise, spacing_mm = FreshNoise(NOISE, seed=1), (FIELD_MM / case.side_px,) * 2
    random, period_s, number = np.random.default_rng(0), 1.0 / case.frames_per_s, 0
    sure = []

    def timed() -> tuple[float, float, float]:
        nonlocal number
        time_s = number * period_s
        frame = Frame(image, spacing_mm, number, time_s, time_s)
        began_ns = time.perf_counter_ns()
        step = engine.step(frame, time_s)
        total_ms = (time.perf_counter_ns() - began_ns) * 1e-6
        number += 1
        tracks = [one for one in (step.track, *step.others) if one is not None]
        sure.append(bool(tracks) and all(track.confidence > 0.5 for track in tracks))
        return step.track_ms, step.decide_ms, total_ms

    with garbage_collection_paused():
        for at in range(WARM):
            image = noise.added(images[at % len(images)])
            timed()
        sure.clear()
        twin = engine.twin()
        assert twin is not None
        began_s, paced = time.monotonic(), []
        for at in range(2 * max(least_frames, round(0.5 * seconds * case.frames_per_s))):
            last, image = image, noise.added(images[at % len(images)])
            due_s = began_s + (at + 1 + JITTER * random.uniform(-1.0, 1.0)) * period_s
            if at % 2:
                sleep_until(due_s - REHEARSED_S)
                twin.step(Frame(last, spacing_mm, number, 0.0, 0.0), 0.0)
            sleep_until(due_s)
            paced.append(timed())
        # New frames are made before, not between, so that nothing else takes the caches.
        fresh = [noise.added(images[at % len(images)]) for at in range(HOT)]
        hot = []
        with beside.resting():
            for image in fresh:  # noqa: B007  (`timed` uses it)
                hot.append(timed())
    return Timed(case, np.array(paced[::2]), np.array(paced[1::2]), np.array(hot), float(np.mean(sure)))


def _engine(case: Case) -> tuple[Engine, list[NDArray[np.float32]]]:
    """Return an engine for a case, and the frames of ten seconds of breathing that it is shown."""
    config = PhantomConfig.model_validate(
        {
            "acquisition": {
                "matrix": (case.side_px, case.side_px),
                "pixel_mm": (FIELD_MM / case.side_px, FIELD_MM / case.side_px),
                "duration_s": 10.0,
            }
        }
    )
    recording = make_phantom(config).recording
    images = [np.ascontiguousarray(frame, dtype=np.float32) for frame in recording.frames]
    assert recording.first_mask is not None
    pixel_mm = FIELD_MM / case.side_px
    middle_mm = np.argwhere(recording.first_mask).mean(axis=0) * pixel_mm
    row_mm, col_mm = np.mgrid[: case.side_px, : case.side_px] * pixel_mm
    masks = {
        f"structure {index}": np.hypot(row_mm - middle_mm[0] - down_mm, col_mm - middle_mm[1] - right_mm)
        <= 0.5 * DIAMETER_MM
        for index, (down_mm, right_mm) in enumerate(CENTERS_MM[: case.structures])
    }
    tracker = StructureTracker(images[0], masks, recording.spacing_mm)
    shape = (case.side_px, case.side_px)
    zones = [
        TargetZone(Envelope.around(track.contour_px, MARGIN_MM, recording.spacing_mm, shape))
        for track in tracker.track(images[0])
    ]
    return Engine(tracker, Gate(zones, GateConfig())), images
