"""Import what only analysis needs, or say in one line how to install it."""

from importlib import import_module
from typing import Any

from gatekeeper.core.errors import PluginError


def needed(name: str) -> Any:
    """Import a module of the extra `analysis`.

    Parameters
    ----------
    name : str
        Name of the module, for example "pandas" or "pyarrow.parquet".

    Returns
    -------
    module

    Raises
    ------
    PluginError
        When it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise PluginError(
            f"{name}: cannot be imported ({error}); cohorts, sweeps and tables need the extra `analysis`: "
            "make env-analysis, or pip install 'gatekeeper-mrgrt[analysis]'"
        ) from None
