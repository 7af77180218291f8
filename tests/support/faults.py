"""Make sources with faults for tests, and read their frames."""

import numpy as np

from gatekeeper.core.clock import VirtualClock
from replay.faults import inject
from replay.player import Player
from tests.support.recordings import recording


def drain(source, timeout_s=1.0):
    """Return all frames that a source still gives."""
    frames = []
    while not source.ended():
        frame = source.next_frame(timeout_s)
        if frame is not None:
            frames.append(frame)
    return frames


def faulty(*texts, frames=30, rate_hz=8.0, seed=0):
    """Return a source of a small recording with faults, its clock, and the recording."""
    case = recording(frames=frames, rate_hz=rate_hz, dtype=np.float32)
    clock = VirtualClock()
    return inject(Player(case, clock), texts, clock, seed), clock, case


def numbers(frames):
    return [frame.sequence for frame in frames]
