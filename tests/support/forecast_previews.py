"""Make previews of a target that breathes."""

import numpy as np

from gatekeeper.forecast.breaths import Preview

ANGLE = np.linspace(0.0, 2.0 * np.pi, 24, endpoint=False)
CIRCLE = 30.0 + 5.0 * np.stack([np.cos(ANGLE), np.sin(ANGLE)], axis=1)
PERIOD_S = 0.125


def preview(rows_mm: np.ndarray, confidence: float = 0.9) -> Preview:
    """Return a preview of a round target with these positions along rows, and a fifth of them along columns."""
    times_s = PERIOD_S * np.arange(len(rows_mm))
    center_mm = np.column_stack([60.0 + rows_mm, 60.0 - 0.2 * rows_mm])
    return Preview(times_s, center_mm, np.full(len(rows_mm), confidence), CIRCLE, (60.0, 60.0), (2.0, 2.0))


def breathing(seconds: float = 20.0, size_mm: float = 10.0, phase: float = 0.3) -> np.ndarray:
    """Return positions of regular breathing of four seconds."""
    times_s = np.arange(0.0, seconds, PERIOD_S)
    return size_mm * np.sin(np.pi * (times_s / 4.0 + phase)) ** 4
