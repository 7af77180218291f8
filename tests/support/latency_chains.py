"""Simulated chains from a target's motion to the beam, as a latency test sees them."""

import numpy as np

from gatekeeper.core.axes import SAGITTAL
from replay.qa.beam import from_pulses
from replay.qa.measure import measure
from replay.qa.motion import joined, periodic
from replay.qa.parts import SessionFrames
from replay.qa.simulate import simulate
from replay.qa.window import even_window

WINDOW = even_window(6.0, 5.7, SAGITTAL)


def short_motion():
    return joined([periodic("sine", 20.0, 3.11, 30.0), periodic("square", 15.0, 2.57, 30.0)])


def frames_of(ran):
    """Return what the record of a session would tell."""
    return SessionFrames(ran.arrived_s, ran.decided_s, ran.on, np.ones(ran.on.size, bool), ran.measured_mm)


def measured_chain(chain, motion, seed=1, recorded=True):
    """Return the figures of a simulated chain, with the record of the session or from outside alone."""
    ran = simulate(chain, motion, WINDOW, seed)
    frames = frames_of(ran) if recorded else None
    imaging_s = None if recorded else chain.imaging_s
    beam, period_s = from_pulses(ran.pulses_s), 1.0 / chain.rate_hz
    # With the record, the estimate from outside is left out: it takes a second.
    return measure(motion, WINDOW, beam, period_s, chain.frames_to_resume, frames, None, imaging_s, predicts=recorded)
