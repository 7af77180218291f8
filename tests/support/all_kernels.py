"""List every compiled function of the package `kernels`."""

import importlib
import pkgutil

from numba.core.dispatcher import Dispatcher

import kernels


def all_kernels():
    """Return the compiled functions of all modules of `kernels`, those that one has from another included."""
    modules = [importlib.import_module(f"kernels.{found.name}") for found in pkgutil.iter_modules(kernels.__path__)]
    return {thing for module in modules for thing in vars(module).values() if isinstance(thing, Dispatcher)}
