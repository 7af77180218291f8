import numpy as np
import pytest
from numpy.typing import NDArray

from gatekeeper.config import GateConfig
from gatekeeper.forecast.outside_table import OutsideTable, outside_table
from gatekeeper.forecast.simulate import Cells, motion_limits
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.motion import LearnedRange
from kernels.futures import compose
from kernels.gate_cells import check_motion, counted, judge, shares_outside
from tests.oracles.futures import composed, decided

SQUARE = np.array([[-8.0, -8.0], [-8.0, 8.0], [8.0, 8.0], [8.0, -8.0]])
PERIOD_S = 0.125
PERCENTS = (1.0, 3.0, 5.0, 10.0, 20.0)


def course(seed: int, frames: int = 480) -> NDArray[np.float32]:
    """Return a course that reaches every rule: breaths, drift, jumps, far places and low confidence."""
    random = np.random.default_rng(seed)
    times_s = PERIOD_S * np.arange(frames)
    size_mm = 8.0 + 3.0 * np.cumsum(random.standard_normal(frames)) / np.sqrt(frames)
    rows = size_mm * np.sin(np.pi * times_s / 4.0) ** 4 + random.choice([0.0, 2.0, 5.0]) * times_s / times_s[-1]
    rows += np.where(random.random(frames) < 0.01, 25.0, 0.0)
    cols = 0.2 * rows + 0.3 * random.standard_normal(frames)
    confidence = np.where(random.random(frames) < 0.06, random.choice([0.2, 0.52], frames), 0.9)
    # Half millimetres, where the table is exact.
    return np.column_stack([np.round(2.0 * rows) / 2.0, np.round(2.0 * cols) / 2.0, confidence]).astype(np.float32)


def judged(
    path: NDArray[np.float32], table: OutsideTable, config: GateConfig, learned: LearnedRange, delay: int = 3
) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.float32]]:
    """Return the words of all frames, the counts in planes, and the shares, for one margin."""
    frames, cells = len(path), Cells.of(config, PERCENTS)
    shares, checks = np.empty((1, frames), np.float32), np.empty(frames, np.int64)
    shares_outside(path, 0.0, 0.0, table.percent, *table.grid_mm.tolist(), shares)
    limits = motion_limits(config, learned)
    check_motion(path, PERIOD_S, limits, config.drift_cycles, np.empty(2 * config.drift_cycles), checks)
    words, planes = np.zeros(frames, np.uint64), np.zeros((2 + 40, 12), np.uint64)
    judge(
        shares[0],
        shares[0],
        np.hypot(path[:, 0], path[:, 1]).astype(np.float32),
        checks,
        cells.edges,
        cells.classes,
        cells.stay,
        cells.resume,
        config.frames_to_resume,
        delay,
        2.0,
        np.empty(config.frames_to_resume + delay, np.uint64),
        planes,
        words,
    )
    return words, planes, shares[0]


@pytest.mark.slow
@pytest.mark.parametrize("resume", [1, 2, 3])
@pytest.mark.parametrize("seed", range(6))
def test_every_decision_is_that_of_the_real_gate(seed: int, resume: int) -> None:
    config = GateConfig(frames_to_resume=resume, drift_cycles=4 if seed % 2 else 5)
    learned = LearnedRange((-1.0, 9.0), (-1.0, 3.0), np.nan if seed == 3 else 0.0)
    path, table = course(seed), outside_table(SQUARE, (1.0, 1.0), (4.0,), 20.0)
    words, _, _ = judged(path, table, config, learned)
    for cell, percent in enumerate(PERCENTS):
        of_gate = decided(
            path.astype(np.float64),
            PERIOD_S,
            SQUARE,
            4.0,
            config.model_copy(update={"outside_percent": percent}),
            learned,
        )
        of_cell = (words >> np.uint64(cell)) & np.uint64(1) == 1
        assert of_cell.tolist() == of_gate.tolist(), f"{percent} %: frame {np.flatnonzero(of_cell != of_gate)[:3]}"
        assert 0 < of_gate.sum() < len(path)


def test_counts_are_those_of_the_decisions_one_latency_before() -> None:
    config, learned = GateConfig(), LearnedRange((-1.0, 9.0), (-1.0, 3.0), 0.0)
    path, table = course(1), outside_table(SQUARE, (1.0, 1.0), (4.0,), 20.0)
    delay = 3
    words, planes, shares = judged(path, table, config, learned, delay)
    away_mm = np.hypot(path[:, 0], path[:, 1])
    for cell, percent in enumerate(PERCENTS):
        on = (words >> np.uint64(cell)) & np.uint64(1) == 1
        force = np.concatenate([np.zeros(delay, np.bool_), on[:-delay]])
        assert counted(planes, 0, cell) == on.sum()
        assert counted(planes, 1, cell) == (force & (shares > percent)).sum() > 0
        bins = np.minimum((2.0 * away_mm[force]).astype(int), 39)
        found = [counted(planes, 2 + one, cell) for one in range(40)]
        assert found == np.bincount(bins, minlength=40).tolist()


def test_a_share_that_is_not_known_never_means_beam_on() -> None:
    config, frames = GateConfig(frames_to_resume=1), 8
    cells, words = Cells.of(config, PERCENTS), np.zeros(frames, np.uint64)
    unknown, checks = np.full(frames, np.nan, np.float32), np.full(frames, 7, np.int64)
    scratch, limits = (np.empty(1, np.uint64), np.zeros((4, 8), np.uint64)), (cells.edges, cells.classes)
    judge(unknown, unknown, unknown, checks, *limits, cells.stay, cells.resume, 1, 0, 1.0, *scratch, words)
    assert not words.any()


def test_the_table_is_the_envelopes_geometry_between_its_nodes() -> None:
    random = np.random.default_rng(0)
    angle = np.linspace(0.0, 2.0 * np.pi, 40, endpoint=False)
    outline = np.stack([9.0 * np.cos(angle), 6.0 * np.sin(angle)], axis=1)
    table = outside_table(outline, (1.0, 1.0), (3.0, 6.0), 20.0)
    path = np.column_stack([random.uniform(-8.0, 8.0, (300, 2)), np.ones(300)]).astype(np.float32)
    shares = np.empty((2, 300), np.float32)
    shares_outside(path, 0.0, 0.0, table.percent, *table.grid_mm.tolist(), shares)
    for row, margin_mm in enumerate((3.0, 6.0)):
        envelope = Envelope.around(outline, margin_mm, (1.0, 1.0))
        exact = np.array([envelope.outside_percent(outline + place) for place in path[:, :2].astype(np.float64)])
        near = exact <= 20.0
        assert near.sum() > 100
        np.testing.assert_allclose(shares[row, near], exact[near], atol=0.5)
        assert (shares[row, ~near] > 19.0).all()


def test_a_course_is_its_pieces_joined_at_their_bases() -> None:
    random = np.random.default_rng(2)
    starts = np.array([0, 9, 14, 40])
    source = random.standard_normal((40, 3)).astype(np.float32)
    begins_s = np.array([0.0, 2.1, 3.0, 6.7, 11.0])
    bases_mm, scales = random.standard_normal((5, 2)), np.array([1.0, 2.0, 0.5, 1.5])
    pieces, out = np.array([2, 0, 1, 2]), np.empty((80, 3), np.float32)
    compose(begins_s, bases_mm, pieces, scales, source, starts, PERIOD_S, out)
    expected = composed(begins_s, bases_mm, pieces, scales, source, starts, PERIOD_S * np.arange(80))
    np.testing.assert_allclose(out, expected, atol=1e-5)
