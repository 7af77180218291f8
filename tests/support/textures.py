"""Make textures that are known between pixels, and templates of them with their buffers."""

from dataclasses import replace

import numpy as np
from scipy.ndimage import distance_transform_edt

from gatekeeper.tracking.deformation import deformation_modes
from gatekeeper.tracking.grid import make_grid, select_points
from gatekeeper.tracking.template import make_template
from gatekeeper.tracking.template_fit import TemplateFit
from tests.support.recordings import disc

SHAPE = (96, 92)
ROWS, COLS = np.indices(SHAPE).astype(np.float64)
TARGET = disc(SHAPE, (48.0, 46.0), 10.0)
SPACING_MM = (1.0, 1.0)
CONTEXT_MM = 15.0


def texture(seed=0, waves=40, shortest_px=12.0, longest_px=30.0):
    """Return a function of rows and columns: waves of all directions, with a variance of 1."""
    rng = np.random.default_rng(seed)
    length_px = rng.uniform(shortest_px, longest_px, waves)
    direction, phase = rng.uniform(0.0, 2.0 * np.pi, (2, waves))
    down, right = 2.0 * np.pi / length_px * (np.cos(direction), np.sin(direction))

    def value(rows, cols):
        return sum(np.sin(d * rows + r * cols + p) for d, r, p in zip(down, right, phase, strict=True)) / np.sqrt(
            waves / 2.0
        )

    return value


def displacement_model():
    """Return the free-form model of the target's surroundings."""
    inside = np.argwhere(TARGET) * np.array(SPACING_MM)
    return deformation_modes(inside.min(axis=0) - CONTEXT_MM, inside.max(axis=0) + CONTEXT_MM, 25.0, 3.0, 0.985, 7)


def level_of(reference, certainty=1.0, factor=1, share=0.0, most=4000, **how):
    """Return the fit of a reference's template; of great `certainty`, only the image counts and not the prior."""
    distance_mm = distance_transform_edt(~TARGET, sampling=SPACING_MM).astype(np.float32)
    image = reference.astype(np.float32)
    grid = make_grid(image, distance_mm, SPACING_MM, factor, share)
    plain = make_template(grid, select_points(grid, CONTEXT_MM, most), displacement_model(), CONTEXT_MM)
    steepest = certainty * plain.steepest.astype(np.float64)
    hessian = steepest @ steepest.T + np.eye(len(steepest))
    template = replace(
        plain,
        points=plain.points * np.array([[1.0], [1.0], [certainty]], np.float32),
        steepest=steepest.astype(np.float32),
        prior=np.ones(len(steepest), np.float32),
        inverse_hessian=np.linalg.inv(hessian).astype(np.float32),
        norm=certainty * plain.norm,
    )
    return TemplateFit(template, SHAPE, **how)


def fitted(level, frame, start=None, iterations=30):
    """Return whether the fit of a level to a frame has a result, and the parameters."""
    params = np.zeros(2 * len(level.template.modes), np.float32) if start is None else start.astype(np.float32)
    return level.fit(np.ascontiguousarray(frame, np.float32), params, iterations), params


def moved_px(level, params):
    """Return how far the fit moves the points of the template that lie in the target, shape (2, N), in image pixels."""
    template = level.template
    centres = template.points[:2] * template.factor + 0.5 * (template.factor - 1)
    inside = TARGET[tuple(np.rint(centres).astype(int))]
    moves_mm = np.asarray(params, np.float64).reshape(2, -1) @ template.modes[:, inside]
    return moves_mm / np.array(SPACING_MM)[:, None]
