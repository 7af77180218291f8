import pytest

from kernels.waiting import spin
from tests.oracles.waiting import xorshift


@pytest.mark.parametrize("count", [0, 1, 2, 1000])
def test_waiting_computes_every_number_of_its_sequence(count):
    assert spin(count) == xorshift(count)
