"""Sessions, cohorts and sweeps in pandas and xarray, for analysis; it needs the extra `analysis`.

The names below are imported on first access.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatekeeper.analysis.cohort import Cohort, read_sweep
    from gatekeeper.analysis.session import read_decisions, read_frames

__all__ = ["Cohort", "read_decisions", "read_frames", "read_sweep"]

_HOME = {"Cohort": "cohort", "read_decisions": "session", "read_frames": "session", "read_sweep": "cohort"}


def __getattr__(name: str) -> object:
    """Import a public name from its module on first access (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """Return the names in the module and the public names."""
    return sorted({*globals(), *__all__})
