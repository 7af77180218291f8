"""Patches are found where they are, and a smooth displacement is fitted to those that agree."""

import numpy as np
import pytest

from kernels.patch_votes import SCRATCH, STEP, part_for_votes, vote_patches
from kernels.patches import SIDE, fit_displacements, match_patches, weakest_agreement
from tests.oracles.patches import (
    agreement_in_weakest_parts,
    matched_patches,
    reweighted_least_squares,
    voted_patches,
)
from tests.support.guarded_arrays import assert_fence_stands, fenced
from tests.support.scenes import Scene

REACH = 4
IMAGE = Scene((60, 50), seed=3).image()


def templates_at(image, corners):
    patches = np.stack([image[row : row + SIDE, col : col + SIDE].ravel() for row, col in corners]).astype(np.float64)
    patches -= patches.mean(axis=1, keepdims=True)
    return np.ascontiguousarray(patches / np.linalg.norm(patches, axis=1, keepdims=True), np.float32)


def matched(image, corners, expected, templates, reach=REACH, least=0.0):
    scratch, moves, weights = (
        fenced(np.zeros((5, (2 * reach + SIDE) ** 2))),
        np.full((len(corners), 2), np.nan),
        np.zeros(len(corners)),
    )
    rows, cols = np.ascontiguousarray(np.transpose(corners), np.float32)
    at_rows, at_cols = np.ascontiguousarray(np.transpose(expected), np.float32)
    match_patches(
        fenced(image), rows, cols, at_rows, at_cols, templates, reach, 0.5, 0.25, least, scratch, moves, weights
    )
    assert_fence_stands(scratch)
    return moves * (0.5, 0.25) + corners, weights


def test_patches_are_matched_as_by_the_slow_twin():
    rng = np.random.default_rng(0)
    corners = rng.uniform((-6.0, -6.0), (58.0, 48.0), (40, 2)).astype(np.float32)
    templates = templates_at(IMAGE, rng.integers((0, 0), (52, 42), (40, 2)))
    places, weights = matched(IMAGE, corners[::-1], corners, templates)
    expected = matched_patches(IMAGE, corners, templates, REACH)
    np.testing.assert_allclose(places, expected[:, :2], atol=1e-3)
    np.testing.assert_allclose(weights, expected[:, 2] ** 2, atol=1e-4)


def test_a_patch_is_found_where_it_was_cut_out_whatever_the_brightness():
    corners = np.array([[12, 10], [30, 25], [44, 36]])
    places, weights = matched(0.3 * IMAGE + 700.0, corners, np.add(corners, (2, -3)), templates_at(IMAGE, corners))
    np.testing.assert_allclose(places, corners, atol=0.2)
    np.testing.assert_allclose(weights, 1.0, atol=1e-3)


def test_a_match_at_the_end_of_the_range_does_not_count():
    corners = np.array([[12, 10], [30, 25]])
    _, weights = matched(IMAGE, corners, np.add(corners, (REACH, 0)), templates_at(IMAGE, corners))
    assert (weights == 0.0).all()


def test_a_match_below_the_least_correlation_does_not_count():
    corners = np.array([[12, 10], [30, 25]])
    other = templates_at(Scene((60, 50), seed=9).image(), corners)
    _, weights = matched(IMAGE, corners, corners, other, least=0.99)
    assert (weights == 0.0).all()


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_nothing_matches_an_image_without_structure(value):
    corners = np.array([[12, 10], [30, 25]])
    _, weights = matched(np.full_like(IMAGE, value), corners, corners, templates_at(IMAGE, corners))
    assert (weights == 0.0).all()


@pytest.fixture
def problem():
    """Displacements by four modes at 40 points, with noise of 0.1 mm; return them with the modes and parameters."""
    rng = np.random.default_rng(1)
    modes, truth = (3.0 * rng.normal(size=(4, 40))).astype(np.float32), rng.normal(size=8)
    modes[0] = 30.0
    moves = (truth.reshape(2, -1) @ modes).T + rng.normal(0.0, 0.1, (40, 2))
    return modes, moves, rng.uniform(0.3, 1.0, 40), np.array([1.0, 0.5, 2.0, 1.0]), truth


def fitted(modes, moves, weights, prior, iterations=8):
    count = len(modes)
    params, system, strength = np.zeros(2 * count, np.float32), np.zeros((count + 2, count)), np.zeros(len(weights))
    agreed = fit_displacements(modes, moves, weights, prior, 1.0, 3.0, iterations, system, strength, params)
    return params, agreed


def test_the_fit_is_that_of_the_slow_twin(problem):
    modes, moves, weights, prior, _ = problem
    moves[::5] += 20.0
    params, agreed = fitted(modes, moves, weights, prior)
    expected, share = reweighted_least_squares(modes, moves, weights, prior, 1.0, 3.0, 8, np.zeros(8))
    np.testing.assert_allclose(params, expected, atol=1e-4)
    assert agreed == pytest.approx(share, abs=1e-4)


def test_a_third_of_wrong_points_is_outvoted(problem):
    modes, moves, weights, prior, truth = problem
    moves[::3] += (25.0, -10.0)
    params, agreed = fitted(modes, moves, weights, prior, iterations=20)
    np.testing.assert_allclose(params, truth, atol=0.1)
    assert 0.5 * weights.mean() < agreed < 0.8 * weights.mean()


def test_without_any_weight_the_prior_decides(problem):
    modes, moves, weights, prior, _ = problem
    params, agreed = fitted(modes, moves, 0.0 * weights, prior)
    np.testing.assert_allclose(params, 0.0, atol=1e-12)
    assert agreed == 0.0


def agreement(problem, part, noise=0.3):
    modes, moves, squares, _, truth = problem
    strength, sums = np.linspace(0.2, 2.0, len(squares)), np.full((4, 2), np.nan)
    part = np.asarray(part, np.int64)
    found = weakest_agreement(modes, np.float32(truth), moves, squares, strength, noise, part, 0.15, sums)
    expected = agreement_in_weakest_parts(modes, truth, moves, squares, strength, noise, part, 0.15)
    return found, expected


@pytest.mark.parametrize("parts", [1, 2, 3, 4])
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_the_agreement_of_the_weakest_parts_is_that_of_the_slow_twin(problem, parts, noise):
    found, expected = agreement(problem, np.arange(40) % parts, noise)
    assert 0.1 < found == pytest.approx(expected, abs=1e-5)


def test_parts_without_agreement_are_not_outvoted(problem):
    part = np.arange(40) // 10
    whole, _ = agreement(problem, part)
    problem[1][part >= 2] += 5.0
    assert agreement(problem, part)[0] == 0.0 < whole
    problem[2][:] = 0.0
    assert agreement(problem, part)[0] == 0.0


def test_nothing_agrees_where_there_is_no_patch(problem):
    modes, moves, squares, _, truth = problem
    nothing = np.ascontiguousarray(modes[:, :0]), np.float32(truth), moves[:0], squares[:0], squares[:0]
    assert weakest_agreement(*nothing, 0.0, np.empty(0, np.int64), 1.0, np.zeros((4, 2))) == 0.0


def voted(image, corners, templates, weights, shape=(7, 9), least=0.3):
    rows, cols = np.ascontiguousarray(np.transpose(corners), np.float32)
    pixels = np.prod(part_for_votes(rows, cols, *shape)[2:])
    scratch, votes = fenced(np.full((SCRATCH, pixels), np.nan)), fenced(np.zeros(shape))
    vote_patches(fenced(image), rows, cols, templates, np.float32(weights), least, scratch, votes)
    assert_fence_stands(scratch)
    assert_fence_stands(votes)
    return votes


def test_patches_vote_as_in_the_slow_twin():
    rng = np.random.default_rng(1)
    corners = rng.integers((-4, -4), (57, 47), (12, 2))
    templates, weights = templates_at(IMAGE, rng.integers((0, 0), (52, 42), (12, 2))), rng.uniform(size=12)
    votes = voted(IMAGE, corners, templates, weights)
    np.testing.assert_allclose(votes, voted_patches(IMAGE, corners, templates, weights, STEP, 0.3, (7, 9)), atol=1e-4)


def test_most_votes_are_for_the_displacement_that_most_patches_share():
    moved = np.roll(IMAGE, (6, -4), axis=(0, 1))
    # A third of what is there stands still.
    moved[:, 34:] = IMAGE[:, 34:]
    corners = np.stack(np.meshgrid([14, 24, 34], [8, 18, 38], indexing="ij"), axis=-1).reshape(-1, 2)
    votes = voted(moved, corners, templates_at(IMAGE, corners), np.ones(9), shape=(11, 11))
    assert np.unravel_index(votes.argmax(), votes.shape) in {(i, j) for i in (7, 8, 9) for j in (2, 3, 4)}
    assert votes[8, 3] > 1.5 * votes[5, 5]
