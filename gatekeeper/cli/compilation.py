"""Compile the kernels before a command that needs them, and show how far it is.

Kernels are compiled when their module is imported, unless the cache has them: once after an installation or a change of
a kernel, for about ten seconds. Compiled ones are kept in one file, from which each module that is imported takes its
own.
"""

import functools
import importlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from gatekeeper.core.errors import OutputError

if TYPE_CHECKING:
    from numba.core.event import Event

P = ParamSpec("P")
T = TypeVar("T")


def compiles_kernels(command: Callable[P, T]) -> Callable[P, T]:
    """Return a command that compiles all kernels before it begins.

    Parameters
    ----------
    command : callable
        A command of the command line.

    Returns
    -------
    callable
        The command, with the same parameters.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        compile_kernels()
        return command(*args, **kwargs)

    return run


def compile_kernels() -> None:
    """Compile all kernels unless they are kept, with a progress bar on standard error where that is a terminal.

    Raises
    ------
    OutputError
        When compiled kernels can be kept nowhere.
    """
    from kernels import jit

    if jit.LIBRARY is not None:
        return
    from numba.core.event import Listener, install_listener

    import kernels
    from replay.progress import ProgressBars

    sources = sorted(Path(kernels.__path__[0]).glob("[a-z]*.py"))
    total = sum(len(re.findall(r"^@kernel\(", source.read_text(encoding="utf-8"), re.MULTILINE)) for source in sources)
    begun: set[object] = set()

    class ShowProgress(Listener):
        def on_start(self, event: "Event") -> None:
            begun.add(event.data["dispatcher"])  # one for each kernel, whatever number of signatures it has
            bars("compiling kernels", len(begun), total)

        def on_end(self, event: "Event") -> None:
            pass

    with ProgressBars() as bars, install_listener("numba:compile", ShowProgress()):
        for source in sources:
            try:
                importlib.import_module(f"kernels.{source.stem}")
            except OSError as error:
                raise OutputError(str(error)) from None
    jit.keep_all(total)
