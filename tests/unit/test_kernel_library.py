"""All kernels come from one file once they are compiled, with the same results, and only from a file that fits."""

import subprocess
import sys

import numba
import numpy as np
import pytest

from gatekeeper.cli.compilation import compile_kernels
from kernels import jit, library
from kernels.polygon import is_measurable

SQUARE = np.array([[0.0, 0.0], [0.0, 2.0], [3.0, 2.0], [3.0, 0.0]])


@pytest.fixture(scope="module")
def kept():
    """The library that fits here; written by this process unless it was there before."""
    compile_kernels()
    found = library.library_in(jit.FOLDER)
    assert found is not None
    return found


def copied(kept, folder, change=lambda content: content):
    """Copy the library into a folder with a change of its content, and return the folder."""
    file = library._file(jit.FOLDER)
    (folder / file.name).write_bytes(change(file.read_bytes()))
    return folder


def test_a_kernel_of_the_library_does_what_the_compiled_one_does(kept):
    signature = next(iter(is_measurable.overloads.values())).signature
    loaded, compiled = numba.njit(is_measurable.py_func), numba.njit(signature)(is_measurable.py_func)
    assert kept.fill(loaded, [signature])
    for outline, answer in ((SQUARE, True), (np.nan * SQUARE, False)):
        assert loaded(outline) is compiled(outline) is answer
    assert loaded.signatures == compiled.signatures
    with pytest.raises(TypeError, match="No matching definition"):
        loaded(SQUARE.astype(np.complex64))


def test_what_is_not_in_the_library_is_left_to_be_compiled(kept):
    other = numba.njit(lambda value: value)
    assert not kept.fill(other, [jit.f8(jit.f8)])
    assert not kept.fill(numba.njit(is_measurable.py_func), [jit.f8(jit.f8)])
    assert jit.kernel(jit.f8(jit.f8))(other.py_func)(2.0) == 2.0


def test_a_library_for_others_is_not_used(kept, tmp_path, monkeypatch):
    folder = copied(kept, tmp_path)
    assert library.library_in(folder) is not None
    for change in ("numba", "llvmlite"):
        with monkeypatch.context() as patch:
            patch.setattr(getattr(library, change), "__version__", "0")
            assert library.library_in(folder) is None
    for name, value in (("NUMBA_OPT", "1"), ("NUMBA_CPU_NAME", "generic")):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            assert library.library_in(folder) is None


@pytest.mark.parametrize("change", [lambda content: content[:-1], lambda content: content[:100], lambda _: b""])
def test_a_damaged_library_is_not_used(kept, tmp_path, change):
    assert library.library_in(copied(kept, tmp_path, change)) is None


def test_kernels_are_loaded_without_what_compiling_needs(kept):
    """What Numba needs for compiling costs more than all kernels, and brings SciPy's linear algebra."""
    program = (
        "import sys, kernels.polygon, kernels.deformation, kernels.overlap\n"
        "print({'numba.np.arraymath', 'numba.cpython.unicode', 'scipy.linalg'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout.strip() == "set()"


def test_a_library_of_fewer_kernels_than_there_are_is_not_written(monkeypatch):
    """As in a process in which the module was imported anew, after all kernels."""
    written = []
    monkeypatch.setattr(jit, "LIBRARY", None)
    monkeypatch.setattr(jit, "write_library", lambda folder, kernels: written.append(list(kernels)))
    monkeypatch.setattr(jit, "_compiled", [])
    jit.keep_all(81)
    assert written == []
    one = numba.njit(lambda value: value)
    monkeypatch.setattr(jit, "_compiled", [is_measurable, one])
    jit.keep_all(1)
    assert written == [[is_measurable]]
