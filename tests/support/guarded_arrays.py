"""Make arrays with NaN before and behind them in memory, which reveal access beyond their ends."""

import numpy as np

FENCE = 512


def fenced(values):
    """Return `values` as C-contiguous float32 inside a fence."""
    values = np.asarray(values, np.float32)
    memory = np.full(values.size + 2 * FENCE, np.nan, np.float32)
    array = memory[FENCE : FENCE + values.size].reshape(values.shape)
    array[...] = values
    return array


def assert_fence_stands(array):
    """Fail when something wrote beyond the ends of a fenced array."""
    memory = array.base
    assert np.isnan(memory[:FENCE]).all()
    assert np.isnan(memory[-FENCE:]).all()
