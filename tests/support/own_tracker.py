"""A tracker and a source of one's own through the real loop, as the tutorial shows it; 40 lines at most."""

import json
from dataclasses import asdict

import numpy as np

import gatekeeper as gk


class Correlation:
    def __init__(self, reference, structures, spacing_mm, config):
        self.reference, self.spacing_mm = reference, spacing_mm
        self.outlines = [gk.mask_to_contour(mask) for mask in structures.values()]

    def track(self, image):
        flat = self.reference.ravel()
        scores = [np.corrcoef(flat, np.roll(image, -down, 0).ravel())[0, 1] for down in range(-12, 13)]
        down, sure = int(np.argmax(scores)) - 12, max(float(max(scores)), 0.0)
        return tuple(gk.Track.of_contour(one + np.array([down, 0]), self.spacing_mm, sure) for one in self.outlines)


class Cine:
    def __init__(self, images, spacing_mm, clock):
        self.images, self.spacing_mm, self.clock, self.number = images, spacing_mm, clock, 0

    def next_frame(self, timeout_s):
        self.clock.sleep_until(0.25 * self.number)
        image, now_s, self.number = self.images[self.number], self.clock.now_s(), self.number + 1
        return gk.Frame(image, self.spacing_mm, self.number, now_s, now_s)

    def ended(self):
        return self.number == len(self.images)

    def close(self):
        self.number = len(self.images)


def gate(images, mask, spacing_mm, folder):
    setup = gk.SessionSetup("own", images[0], mask, spacing_mm)
    armed, clock, linac = gk.arm(setup, gk.SessionConfig(), tracker=Correlation), gk.VirtualClock(), gk.DryRunLinac()
    with gk.SessionRecorder(folder, armed.config, setup) as session:
        gk.run_loop(Cine(images, spacing_mm, clock), armed.engine, linac, session, clock, max_age_s=0.5)
        session.finish(json.loads(json.dumps(asdict(session.summary()))))
