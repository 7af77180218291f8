"""Kernels are compiled before a command begins, with progress."""

import sys

import numba
import pytest

import kernels
from gatekeeper.cli.compilation import compile_kernels, compiles_kernels
from kernels import jit

SOURCE = '''"""Two kernels."""

from kernels.jit import f8, kernel


@kernel(f8(f8))
def double(value):
    """Double."""
    return value * 2.0


@kernel([f8(f8)])
def halve(value):
    """Halve."""
    return value * 0.5
'''


@pytest.fixture
def two_kernels(tmp_path, monkeypatch):
    """Let the package of kernels be a module of two that no cache has."""
    (tmp_path / "two.py").write_text(SOURCE)
    monkeypatch.setattr(kernels, "__path__", [str(tmp_path), *kernels.__path__])
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setattr(jit, "LIBRARY", None)
    yield
    forget()


def forget():
    """Let the module be imported anew, as another process would."""
    sys.modules.pop("kernels.two", None)
    vars(kernels).pop("two", None)


def test_progress_counts_the_kernels_compiled(two_kernels, capsys):
    compile_kernels()
    assert sys.modules["kernels.two"].double(2.0) == 4.0
    printed = capsys.readouterr().err
    assert "compiling kernels" in printed
    assert "2/2" in printed


def test_nothing_is_shown_when_the_cache_has_all(two_kernels, capsys):
    compile_kernels()
    forget()
    capsys.readouterr()
    compile_kernels()
    assert "compiling" not in capsys.readouterr().err
    assert sys.modules["kernels.two"].halve(2.0) == 1.0


def test_a_command_begins_after_its_kernels_are_compiled(two_kernels):
    @compiles_kernels
    def command(value: float) -> float:
        return sys.modules["kernels.two"].double(value)

    assert command(3.0) == 6.0
