"""Draw futures of breath-holds with free breathing between them."""

import math
from dataclasses import replace

import numpy as np

from gatekeeper.config.forecast import HoldConfig
from gatekeeper.forecast.breathing_model import BreathingModel, Futures
from gatekeeper.forecast.strategies import SeenHolds

RAMP_S = 1.5
"""Time into a hold and out of it, in seconds."""
HOLDS_WORTH = 4.0
"""Number of holds that the usual spread counts for beside those seen."""
FAILED_SHARE = 0.5
"""Part of its time that a failed hold lasts."""
ALONG_COLUMNS = 0.3
"""Spread along columns as share of that along rows."""


def draw_holds(
    model: BreathingModel,
    config: HoldConfig,
    place_mm: tuple[float, float],
    seen: SeenHolds,
    breath_sign: float,
    count: int,
    seconds: float,
    random: np.random.Generator,
) -> Futures:
    """Return futures in which free breathing and breath-holds take turns.

    Each hold has its own position about the place, whose mean and spread are drawn anew for each future, and moves
    towards exhale while it lasts.

    Parameters
    ----------
    model : BreathingModel
        The breathing between holds.
    config : HoldConfig
        How people hold their breath.
    place_mm : tuple of float
        Position (row, col) of the target at which the envelope lies around it.
    seen : SeenHolds
        Holds in the preview.
    breath_sign : float
        1 when the row index grows as the patient breathes in, otherwise -1.
    count : int
        Number of futures.
    seconds : float
        Least length of each.
    random : numpy.random.Generator
        Random numbers.

    Returns
    -------
    Futures
    """
    hold_s = float(np.median(seen.lasted_s)) if seen.lasted_s else config.hold_s
    free = model.draw(count, seconds, random)
    breaths = max(int(np.median(np.searchsorted(free.begins_s.mean(axis=0), config.rest_s))), 1)
    cycles = min(math.ceil(seconds / (config.rest_s + FAILED_SHARE * hold_s)) + 1, free.pieces.shape[1] // breaths)
    still = len(free.starts) - 1
    flat = np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]], dtype=np.float32)
    squares = float(np.var([row for row, _ in seen.places_mm]) * len(seen.places_mm)) if seen.places_mm else 0.0
    known = HOLDS_WORTH + max(len(seen.places_mm) - 1, 0)
    spread = np.sqrt((HOLDS_WORTH * config.spread_mm**2 + squares) / random.chisquare(known, count))[:, None, None]
    spread = spread * np.array([1.0, ALONG_COLUMNS])
    level = np.array(place_mm) + spread / math.sqrt(max(len(seen.places_mm), 1)) * random.standard_normal((count, 1, 2))
    level = level + spread * random.standard_normal((count, cycles, 2))
    failed = random.random((count, cycles)) < 0.01 * config.failed_percent
    lasts_s = hold_s * np.where(failed, FAILED_SHARE, 1.0)
    creep_mm = np.stack(
        [-breath_sign * config.creep_mm * random.random((count, cycles)), np.zeros((count, cycles))], -1
    )
    pieces, scales, taken_s, bases = [], [], [], []
    lengths_s = np.diff(np.concatenate([np.zeros((count, 1)), free.begins_s[:, 1:]], axis=1), axis=1)
    for cycle in range(cycles):
        rest = slice(cycle * breaths, (cycle + 1) * breaths)
        pieces += [*free.pieces[:, rest].T, *[np.full(count, still)] * 3]
        scales += [*free.scales[:, rest].T, *[np.ones(count)] * 3]
        taken_s += [*lengths_s[:, rest].T, np.full(count, RAMP_S), lasts_s[:, cycle], np.full(count, RAMP_S)]
        bases += [*free.bases_mm[:, rest].swapaxes(0, 1), free.bases_mm[:, rest.stop]]
        bases += [level[:, cycle], level[:, cycle] + creep_mm[:, cycle]]
    bases.append(free.bases_mm[:, min(cycles * breaths, free.bases_mm.shape[1] - 1)])
    ends_s = np.cumsum(np.stack(taken_s, axis=1), axis=1)
    # Holds begin with every third piece of a cycle behind its breaths.
    begun = ends_s[:, breaths :: breaths + 3]
    return replace(
        free,
        begins_s=np.ascontiguousarray(np.concatenate([np.zeros((count, 1)), ends_s], axis=1)),
        bases_mm=np.ascontiguousarray(np.stack(bases, axis=1)),
        pieces=np.ascontiguousarray(np.stack(pieces, axis=1)),
        scales=np.ascontiguousarray(np.stack(scales, axis=1)),
        source=np.ascontiguousarray(np.concatenate([free.source, flat])),
        starts=np.append(free.starts, free.starts[-1] + len(flat)),
        holds=(begun < seconds).sum(axis=1),
    )
