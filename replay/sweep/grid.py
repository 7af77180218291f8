"""The settings of a sweep: all combinations of the values that a grid names."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from gatekeeper.config import SessionConfig
from gatekeeper.config.strict import StrictModel, build, read_toml
from gatekeeper.core.errors import ConfigError

Setting = tuple[tuple[str, object], ...]
"""Values by the dotted names of settings, such as ``envelope.margin_mm``."""
JUDGED_STAGES = ("envelope", "prediction")
JUDGED_OF_GATE = frozenset(
    {
        "outside_percent",
        "outside_hysteresis_percent",
        "risk_percent",
        "overlap_percent",
        "overlap_resume_share",
        "min_confidence",
        "confidence_hysteresis",
        "frames_to_resume",
        "learning_s",
        "exception_mm",
        "jump_mm_per_s",
        "drift_mm",
        "drift_cycles",
        "breath_mm",
    }
)
"""Settings of the gate on which neither tracking nor the times of decisions depend; for others, frames are tracked
again."""
MOST_SETTINGS = 100_000


class BestRule(StrictModel):
    """The rule by which the best settings are chosen."""

    on_while_out_percent: float = 1.0
    """Largest share of the beam-on time with the target out, in percent; of the settings within it, the one with the
    highest duty cycle is best."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A grid of settings.

    Attributes
    ----------
    tracked : tuple of Setting
        Settings for each of which a case is tracked.
    judged : tuple of Setting
        Settings under each of which it is then judged.
    rule : BestRule
        How the best settings are chosen.
    """

    tracked: tuple[Setting, ...]
    judged: tuple[Setting, ...]
    rule: BestRule

    @property
    def names(self) -> tuple[str, ...]:
        """Dotted names of the settings that vary."""
        return tuple(name for name, _ in (*self.tracked[0], *self.judged[0]))


def read_grid(path: Path) -> Grid:
    """Read a grid.

    Parameters
    ----------
    path : Path
        TOML with a table `grid`, in which settings have lists of values, and a table `best`.

    Returns
    -------
    Grid

    Raises
    ------
    ConfigError
        When the file cannot be read, or a setting or value is not there.
    """
    values = read_toml(path)
    if unknown := set(values) - {"grid", "best"}:
        raise ConfigError(f"{path}: has {', '.join(sorted(unknown)):.200}; it may have the tables grid and best")
    grid = values.get("grid")
    lists = dict(_lists(grid, path)) if isinstance(grid, dict) else {}
    if not lists:
        raise ConfigError(f"{path}: has no table grid with a list of values for a setting, such as envelope.margin_mm")
    best = values.get("best", {})
    rule = build(BestRule, best if isinstance(best, dict) else {"best": best}, f"{path}: best")
    if (count := math.prod(len(values) for values in lists.values())) > MOST_SETTINGS:
        raise ConfigError(f"{path}: has {count} combinations, at most {MOST_SETTINGS} are allowed; give shorter lists")
    tracked, judged = ([name for name in lists if is_judged(name) is wanted] for wanted in (False, True))
    return Grid(_combined(tracked, lists), _combined(judged, lists), rule)


def is_judged(name: str) -> bool:
    """Return whether frames need not be tracked again for another value of a setting."""
    stage, _, rest = name.partition(".")
    return stage in JUDGED_STAGES or (stage == "gate" and rest in JUDGED_OF_GATE)


def _lists(table: Mapping[str, Any], path: Path, above: str = "") -> Iterator[tuple[str, list[object]]]:
    """Yield each list of values with the dotted name of its setting; keys with dots and tables are the same."""
    for key, value in table.items():
        name = f"{above}{key}"
        if isinstance(value, dict):
            yield from _lists(value, path, f"{name}.")
        elif isinstance(value, list) and value:
            yield name, list(dict.fromkeys(value)) if all(not isinstance(one, list | dict) for one in value) else value
        else:
            raise ConfigError(f"{path}: grid.{name} = {value!r:.80}: must be a list of values with at least one")


def _combined(names: Sequence[str], lists: Mapping[str, list[object]]) -> tuple[Setting, ...]:
    return tuple(tuple(zip(names, values, strict=True)) for values in product(*(lists[name] for name in names)))


def with_settings(base: SessionConfig, setting: Setting, where: str) -> SessionConfig:
    """Return settings with the values of a combination.

    Parameters
    ----------
    base : SessionConfig
        The settings.
    setting : Setting
        Values by dotted names.
    where : str
        Origin of the values for the error message.

    Returns
    -------
    SessionConfig

    Raises
    ------
    ConfigError
        When there is no such setting, or a value is outside its limits.

    Examples
    --------
    >>> with_settings(SessionConfig(), (("envelope.margin_mm", 3.0),), "example").envelope.margin_mm
    3.0
    """
    values = base.model_dump()
    for name, value in setting:
        *stages, last = name.split(".")
        table = values
        for stage in stages:
            below = table.get(stage)
            if not isinstance(below, dict):
                raise ConfigError(f"{where}: {name} is no setting of a session; see docs/reference/settings.md")
            table = below
        table[last] = value
    return build(SessionConfig, values, where)
