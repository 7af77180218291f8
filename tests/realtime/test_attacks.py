"""Every attack of `make attack` in its shorter form."""

import pytest

from benchmarks.attacks.attack import Attack, collect, run_all


@pytest.mark.slow
@pytest.mark.parametrize("attack", [pytest.param(attack, id=attack.name) for attack in collect()])
def test_attack_is_held_within_its_limit(attack: Attack):
    (row,) = run_all([attack], quick=True)
    assert row.ok, row.outcome
