"""Run futures through the rules of the gate, for all margins and limits at once."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import GateConfig
from gatekeeper.core.errors import InputError
from gatekeeper.forecast.breathing_model import Futures
from gatekeeper.forecast.outside_table import OutsideTable
from gatekeeper.gating.motion import LearnedRange
from kernels.futures import judge_futures
from kernels.gate_cells import CLASSES_PER_PERCENT

MOST_CELLS = 64
"""Number of limits that one word holds."""
BINS_PER_MM, FARTHEST_MM = 4.0, 20.0
"""Resolution and end of the distances of which the 95th percentile is taken."""
CHUNK = 25
"""Number of futures that a thread judges at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Limits of the share outside, as bits.

    Attributes
    ----------
    edges, classes, stay, resume : ndarray
        As in `kernels.gate_cells.judge`.
    percents : tuple of float
        Limit of each cell.
    """

    edges: NDArray[np.float64]
    classes: NDArray[np.int64]
    stay: NDArray[np.uint64]
    resume: NDArray[np.uint64]
    percents: tuple[float, ...]

    @classmethod
    def of(cls, config: GateConfig, percents: tuple[float, ...]) -> "Cells":
        """Return the cells of some limits, with the hysteresis of a config.

        Raises
        ------
        InputError
            When there are more than `MOST_CELLS`, or none.
        """
        if not 0 < len(percents) <= MOST_CELLS:
            raise InputError(f"forecast: {len(percents)} limits are given; give 1 to {MOST_CELLS}")
        configs = [config.model_copy(update={"outside_percent": percent}) for percent in percents]
        stay = np.array([one.outside_percent for one in configs])
        resume = np.array([one.resume_percent for one in configs])
        edges = np.unique(np.concatenate([stay, resume]))
        at = np.arange(100 * CLASSES_PER_PERCENT + 1) / CLASSES_PER_PERCENT
        bits = np.uint64(1) << np.arange(len(percents), dtype=np.uint64)
        words = [
            np.array(
                [bits[np.searchsorted(edges, limits) >= below].sum() for below in range(len(edges) + 1)], np.uint64
            )
            for limits in (stay, resume)
        ]
        return cls(edges, np.searchsorted(edges, at).astype(np.int64), words[0], words[1], percents)


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Figures of each future with each margin and limit, shape (F, M, cells).

    Attributes
    ----------
    duty_percent : ndarray of float32
        Frames with the beam on, in percent.
    out_percent : ndarray of float32
        Frames with the beam in force, one latency later, on while the target is measured out, in percent.
    residual_mm : ndarray of float32
        95th percentile of the distance from the place in the envelope while the beam in force is on; NaN without beam.
    """

    duty_percent: NDArray[np.float32]
    out_percent: NDArray[np.float32]
    residual_mm: NDArray[np.float32]


def motion_limits(config: GateConfig, learned: LearnedRange) -> NDArray[np.float64]:
    """Return the limits that all cells share, as `kernels.gate_cells.check_motion` takes them."""
    return np.array(
        [
            config.min_confidence,
            min(config.min_confidence + config.confidence_hysteresis, 1.0),
            config.jump_mm_per_s,
            config.exception_mm,
            *learned.row_mm,
            *learned.col_mm,
            config.drift_mm,
            learned.end_exhale_mm,
            config.breath_mm,
            learned.breath_sign,
        ]
    )


def simulate(
    futures: Futures,
    table: OutsideTable,
    cells: Cells,
    config: GateConfig,
    learned: LearnedRange,
    place_mm: tuple[float, float],
    period_s: float,
    seconds: float,
    latency_s: float,
    threads: int = 2,
) -> Judged:
    """Judge futures as the gate does.

    Parameters
    ----------
    futures : Futures
        The futures.
    table : OutsideTable
        Share outside for each margin.
    cells : Cells
        The limits.
    config : GateConfig
        All other limits.
    learned : LearnedRange
        Range of motion with which the session begins.
    place_mm : tuple of float
        Position (row, col) of the target at which the envelope lies around it.
    period_s, seconds : float
        Time between frames, and length of the futures.
    latency_s : float
        Time from a frame to the beam.
    threads : int, optional
        Threads among which the futures are divided; the result does not depend on it.

    Returns
    -------
    Judged
    """
    count, margins, frames = len(futures.pieces), len(table.percent), max(int(seconds / period_s), 1)
    shape = (count, margins, len(cells.percents))
    results = [np.empty(shape, np.float32) for _ in range(3)]
    limits = motion_limits(config, learned)
    delay = math.ceil(latency_s / period_s - 1e-9)
    planes = frames.bit_length() + 1

    def judge(first: int) -> None:
        judge_futures(
            first,
            min(first + CHUNK, count),
            futures.begins_s,
            futures.bases_mm,
            futures.pieces,
            futures.scales,
            futures.source,
            futures.starts,
            period_s,
            np.array(place_mm),
            table.percent,
            table.grid_mm,
            limits,
            config.drift_cycles,
            cells.edges,
            cells.classes,
            cells.stay,
            cells.resume,
            config.frames_to_resume,
            delay,
            BINS_PER_MM,
            len(cells.percents),
            np.empty((frames, 3), np.float32),
            np.empty((margins, frames), np.float32),
            np.empty(frames, np.float32),
            np.empty(frames, np.int64),
            np.empty(2 * config.drift_cycles),
            np.empty(config.frames_to_resume + delay, np.uint64),
            np.zeros((2 + int(BINS_PER_MM * FARTHEST_MM), planes), np.uint64),
            *results,
        )

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(judge, range(0, count, CHUNK)))
    return Judged(*results)
