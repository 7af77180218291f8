"""Keep all compiled kernels in one file, and load them from it at once.

Numba keeps two files for each kernel. Loading them costs more than importing Numba itself: it imports what compiling
needs (SciPy's linear algebra among it), and links every kernel on its own. Once all kernels are compiled, their machine
code is written into one file, from which it is linked in one go and put into Numba's dispatchers, which check the types
of arguments as always.

The name of the file holds a hash of what the code depends on: versions, processor and its features, and options of
Numba's. The folder it lies in has the hash of the sources. A kernel that is not in the file is compiled by Numba; what
is loaded from it can be called from Python, but not from code that Numba compiles later.
"""

import ctypes
import hashlib
import os
import pickle
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import llvmlite
import llvmlite.binding as llvm
import numba
from numba.core import compiler, registry

from kernels.cache import VARIABLE

# Numba has no public way to make a function of compiled code, and no types for these.
_dynfunc: Any = import_module("numba._dynfunc")
_runtime: Any = import_module("numba.core.runtime._nrt_python")

SUFFIX = ".nbl"
HASH_BYTES = 32

Key = tuple[str, str, str]
"""Module, name and signature of a kernel."""


class Code(NamedTuple):
    """Machine code of a kernel for one signature.

    Attributes
    ----------
    object_code : bytes
        An object file.
    entry : str
        Symbol of the function that Python calls.
    environments : tuple of str
        Symbols that must hold a pointer to an environment, the kernel's own first.
    """

    object_code: bytes
    entry: str
    environments: tuple[str, ...]


class Library:
    """All kernels of a file, linked.

    Parameters
    ----------
    kept : dict of Key to Code
        What the file holds.
    """

    def __init__(self, kept: dict[Key, Code]) -> None:
        self._kept = kept
        self._environments: dict[str, Any] = {}
        self._engine = _linked(code.object_code for code in kept.values())

    def fill(self, dispatcher: Any, signatures: Iterable[Any]) -> bool:
        """Put the code of a kernel into its dispatcher; return False when it is not in the library.

        Parameters
        ----------
        dispatcher : numba dispatcher
            Of the function, without compiled code.
        signatures : iterable of numba signatures
            The types for which the kernel is declared.
        """
        function = dispatcher.py_func
        found = [(one, self._kept.get(_key(function, one))) for one in signatures]
        for signature, code in found:
            if code is None:
                return False
            entry_point, environment = self._function(function, code)
            fields: dict[str, Any] = dict.fromkeys(compiler.CR_FIELDS)
            fields |= {"entry_point": entry_point, "environment": environment, "signature": signature}
            dispatcher.add_overload(compiler.CompileResult(**fields | {"objectmode": False, "lifted": ()}))
        dispatcher.disable_compile()
        return True

    def _function(self, function: Callable[..., object], code: Code) -> tuple[Any, Any]:
        """Return the compiled function that Python calls, and its environment."""
        for name in code.environments:
            if name not in self._environments:
                self._environments[name] = _dynfunc.Environment(function.__globals__)
                place = (ctypes.c_void_p * 1).from_address(self._engine.get_global_value_address(name))
                place[0] = ctypes.c_void_p(id(self._environments[name]))
        own, module = self._environments[code.environments[0]], sys.modules[function.__module__]
        address = self._engine.get_function_address(code.entry)
        return _dynfunc.make_function(module, function.__name__, "", address, own, (self,)), own


def library_in(folder: Path) -> Library | None:
    """Return the library of a folder of compiled kernels; None when there is none that fits."""
    try:
        content = _file(folder).read_bytes()
    except OSError:
        return None
    content, hashed = content[:-HASH_BYTES], content[-HASH_BYTES:]
    if hashlib.sha256(content).digest() != hashed:
        return None
    kept = pickle.loads(content)  # noqa: S301  (only its owner can write to the folder)
    return Library({key: Code(*code) for key, code in kept.items()})


def write_library(folder: Path, dispatchers: Iterable[Any]) -> None:
    """Write one file of all kernels that are compiled.

    Parameters
    ----------
    folder : Path
        The folder of compiled kernels.
    dispatchers : iterable of numba dispatchers
        All kernels, each compiled and kept by Numba.
    """
    kept = {}
    for dispatcher in dispatchers:
        codegen = dispatcher.targetctx.codegen()
        for signature in (compiled.signature for compiled in dispatcher.overloads.values()):
            cache = dispatcher._cache  # noqa: SLF001  (Numba has no public way to the code that it kept)
            loaded = cache._cache_file.load(cache._index_key(signature, codegen))  # noqa: SLF001
            if loaded is None:
                return
            (_, kind, (object_code, _)), description, own, *_, others = loaded
            if kind != "object":
                return
            names = (own.env_name, *(one.env_name for one in others if one.env_name != own.env_name))
            code = Code(object_code, description.llvm_cpython_wrapper_name, names)
            kept[_key(dispatcher.py_func, signature)] = tuple(code)
    content, file = pickle.dumps(kept), _file(folder)
    unfinished = file.with_suffix(f".{os.getpid()}")
    try:
        unfinished.write_bytes(content + hashlib.sha256(content).digest())
        unfinished.replace(file)
    except OSError:  # Without the file kernels are loaded one by one.
        return


def _key(function: Callable[..., object], signature: object) -> Key:
    return function.__module__, function.__qualname__, str(signature)


def _file(folder: Path) -> Path:
    """Return the library of a folder for this machine, these versions and these options of Numba's."""
    options = sorted(f"{name}={value}" for name, value in os.environ.items() if name.startswith("NUMBA_"))
    on = (
        *(sys.version, numba.__version__, llvmlite.__version__, llvm.llvm_version_info),
        *registry.cpu_target.target_context.codegen().magic_tuple(),
        *(option for option in options if not option.startswith(VARIABLE)),
    )
    return folder / f"kernels-{hashlib.sha256(repr(on).encode()).hexdigest()[:16]}{SUFFIX}"


def _linked(objects: Iterable[bytes]) -> Any:
    """Return an execution engine that holds the code of object files."""
    for name, address in _runtime.c_helpers.items():
        llvm.add_symbol(name if name.startswith("_") else f"NRT_{name}", address)
    machine = llvm.Target.from_default_triple().create_target_machine(jit=True)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    for code in objects:
        engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return engine
