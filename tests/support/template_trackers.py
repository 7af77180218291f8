"""Make a template tracker on a scene of 176 x 140 pixels, and noise for its frames."""

import numpy as np

from tests.support.scenes import Scene

SCENE = Scene((176, 140))
NOISE = np.random.default_rng(4).normal(0.0, 150.0, SCENE.shape).astype(np.float32)


def a_template_tracker():
    return SCENE.tracker().template_tracker
