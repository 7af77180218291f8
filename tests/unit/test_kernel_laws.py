import ast
import importlib
import inspect
import sys
from pathlib import Path

import numpy as np
import pytest
from numba import types

import kernels

FILES = sorted(Path(kernels.__file__).parent.glob("*.py"))
NO_KERNELS = ("__init__", "cache", "jit", "library")
MODULES = [importlib.import_module(f"kernels.{file.stem}") for file in FILES if file.stem not in NO_KERNELS]
ALLOWED = {"numpy", "numba", "math", "kernels"}


def functions(module):
    """Everything that a module defines itself and that can be called: (name, object)."""
    return [
        (name, thing)
        for name, thing in vars(module).items()
        if callable(thing) and getattr(thing, "__module__", None) == module.__name__
    ]


KERNELS = [
    pytest.param(thing, id=f"{module.__name__}.{name}") for module in MODULES for name, thing in functions(module)
]


def argument(kind, *, right):
    """A value that a kernel takes where `kind` is declared, or one that it must refuse."""
    if isinstance(kind, types.Array):
        dtype = np.dtype(str(kind.dtype)) if right else np.complex64
        return np.zeros((1,) * kind.ndim, dtype=dtype)
    return 1 if right else np.zeros(1, dtype=np.complex64)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_kernels_import_numpy_numba_and_math_only(file):
    allowed = ALLOWED | sys.stdlib_module_names | {"llvmlite"} if file.stem in NO_KERNELS else ALLOWED
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert {alias.name.split(".")[0] for alias in node.names} <= allowed
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            assert node.module.split(".")[0] in allowed


def test_the_kernels_are_found():
    assert {"kernels.polygon", "kernels.overlap"} <= {module.__name__ for module in MODULES}
    assert len(KERNELS) >= 8


@pytest.mark.parametrize("function", KERNELS)
def test_a_kernel_has_explicit_signatures_and_never_compiles_again(function):
    assert function.signatures
    assert not function._can_compile


@pytest.mark.parametrize("function", KERNELS)
def test_a_kernel_lets_go_of_the_gil_and_knows_nan(function):
    assert function.targetoptions["nogil"]
    assert not {"nnan", "ninf", "fast"} & set(function.targetoptions["fastmath"])
    assert function.targetoptions["fastmath"] is not True


@pytest.mark.parametrize("function", KERNELS)
def test_another_type_is_refused_instead_of_compiled(function):
    signatures = list(function.signatures)
    for signature in signatures:
        for wrong in range(len(signature)):
            values = [argument(kind, right=i != wrong) for i, kind in enumerate(signature)]
            with pytest.raises(TypeError):
                function(*values)
    assert function.signatures == signatures


@pytest.mark.parametrize("function", KERNELS)
def test_a_kernel_says_what_it_does(function):
    assert inspect.getdoc(function.py_func)
