"""Describe an attack, its outcome and its limit."""

import importlib
import pkgutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import benchmarks.attacks


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attack achieved.

    Attributes
    ----------
    on_while_out_s : float
        Time with the beam on while the target was out, after the attack began, in s; 0 where no target moves.
    time_to_hold_s : float
        Time from the beginning of the attack to HOLD, in s; 0 when the attack was refused, infinite when nothing held,
        NaN when the beam was not on before, which shows nothing.
    reason : str
        What held, a hold reason or the first words of the refusal.
    """

    on_while_out_s: float
    time_to_hold_s: float
    reason: str


@dataclass(frozen=True, slots=True)
class Attack:
    """One row of the table.

    Attributes
    ----------
    name : str
        Name of the attack.
    run : callable
        Run the attack and return its outcome.
    limit_s : float
        Stated limit of both times of the outcome, in s.
    why : str
        What sets the limit.
    quick : callable, optional
        A shorter form for tests; `run` where there is none.
    """

    name: str
    run: Callable[[], Outcome]
    limit_s: float
    why: str
    quick: Callable[[], Outcome] | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """An attack that was run.

    Attributes
    ----------
    attack : Attack
        The attack.
    outcome : Outcome
        Its outcome.
    took_s : float
        Duration of the run, in s.
    """

    attack: Attack
    outcome: Outcome
    took_s: float

    @property
    def ok(self) -> bool:
        """Whether both times are within the limit; NaN is not."""
        limit_s = self.attack.limit_s
        return self.outcome.on_while_out_s <= limit_s and self.outcome.time_to_hold_s <= limit_s


def collect() -> tuple[Attack, ...]:
    """Return the attacks of all modules of the package, in the order of the modules' names."""
    names = sorted(module.name for module in pkgutil.iter_modules(benchmarks.attacks.__path__))
    modules = [importlib.import_module(f"benchmarks.attacks.{name}") for name in names if name != "__main__"]
    return tuple(attack for module in modules for attack in getattr(module, "ATTACKS", ()))


def run_all(attacks: Sequence[Attack], quick: bool = False, told: Callable[[Row], None] | None = None) -> list[Row]:
    """Run attacks one after the other; one that fails with an exception counts as not held.

    Parameters
    ----------
    attacks : sequence of Attack
        The attacks.
    quick : bool
        Run the shorter forms.
    told : callable, optional
        Called with each row.

    Returns
    -------
    list of Row
        The rows, in the order of the attacks.
    """
    rows = []
    for attack in attacks:
        began_s = time.monotonic()
        try:
            outcome = (attack.quick or attack.run)() if quick else attack.run()
        except Exception as error:
            outcome = Outcome(float("nan"), float("nan"), f"failed with {type(error).__name__}: {error}")
        rows.append(Row(attack, outcome, time.monotonic() - began_s))
        if told is not None:
            told(rows[-1])
    return rows
