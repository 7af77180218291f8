"""Systems with a positive definite matrix are solved."""

import numpy as np

from kernels.cholesky import backward, decompose, forward


def solve(system):
    decompose(system)
    for row in range(system.shape[1], len(system)):
        forward(system, row)
        backward(system, row)


def test_each_right_hand_side_is_solved():
    rng = np.random.default_rng(0)
    factor, sides = rng.normal(size=(6, 5)), rng.normal(size=(3, 5))
    matrix = factor.T @ factor + np.eye(5)
    # The upper half is not used.
    system = np.vstack([np.where(np.tri(5), matrix, np.nan), sides])
    solve(system)
    np.testing.assert_allclose(system[5:], np.linalg.solve(matrix, sides.T).T, rtol=1e-9)


def test_a_matrix_that_is_not_positive_definite_gives_no_number():
    system = np.array([[1.0, 0.0], [2.0, 1.0], [1.0, 1.0]])
    solve(system)
    assert np.isnan(system[2]).all()
