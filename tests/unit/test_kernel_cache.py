"""Compiled kernels are kept where they can be written, used where they can be read, and never taken from others."""

import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from gatekeeper.cli import compilation
from gatekeeper.core.errors import OutputError
from kernels import cache, jit
from kernels.cache import CacheError, cache_folder

MADE = {"a.f-1.py311.nbi": b"index", "a.f-1.py311.1.nbc": b"code"}


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder with compiled kernels that cannot be written to, and another folder for temporary files."""
    folder = tmp_path / "own"
    folder.mkdir()
    for name, content in MADE.items():
        (folder / name).write_bytes(content)
    (folder / "other.py").write_text("")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(cache.tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr(cache, "_is_writable", lambda _folder: False)
    return folder


def test_a_folder_that_can_be_written_is_used_and_made(tmp_path):
    assert cache_folder(tmp_path / "a" / "b", "1f") == tmp_path / "a" / "b"
    assert (tmp_path / "a" / "b").is_dir()
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_what_is_compiled_is_copied_into_a_folder_of_the_users(own, tmp_path):
    folder = cache_folder(own, "1f")
    assert folder == tmp_path / "temporary" / f"gatekeeper-kernels-{os.getuid()}-1f"
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == MADE
    assert folder.stat().st_mode & 0o777 == 0o700
    (folder / "b.g-1.py311.nbi").write_bytes(b"")
    assert cache_folder(own, "1f") == folder
    assert (folder / "b.g-1.py311.nbi").exists()
    assert [one.name for one in (tmp_path / "temporary").iterdir()] == [folder.name]


@pytest.mark.parametrize("of", ["another user", "everyone", "a link"])
def test_code_that_others_can_write_is_not_used(own, tmp_path, monkeypatch, of):
    folder = tmp_path / "temporary" / f"gatekeeper-kernels-{os.getuid()}-1f"
    if of == "a link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "elsewhere")
    else:
        folder.mkdir()
        folder.chmod(0o777 if of == "everyone" else 0o700)
    if of == "another user":
        user = os.getuid()
        monkeypatch.setattr(cache.os, "getuid", lambda: user + 1)
        folder.rename(folder.with_name(f"gatekeeper-kernels-{user + 1}-1f"))
    found = cache_folder(own, "1f")
    assert found.parent == tmp_path / "temporary"
    assert found != folder
    assert "-1f" not in found.name


def test_without_a_folder_for_temporary_files_what_is_compiled_is_used_as_it_is(own, monkeypatch):
    def none():
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(cache.tempfile, "gettempdir", none)
    assert cache_folder(own, "1f") == own
    for file in own.glob("*.nb?"):
        file.unlink()
    with pytest.raises(CacheError, match="name one in NUMBA_CACHE_DIR"):
        cache_folder(own, "1f")


def test_compiled_code_that_cannot_be_kept_is_one_line(monkeypatch, capsys):
    def failing(*_, **__):
        def compile_(_function):
            raise PermissionError(13, "Permission denied")

        return compile_

    monkeypatch.setattr(numba, "njit", failing)
    monkeypatch.setattr(jit, "LIBRARY", None)
    with pytest.raises(CacheError, match="NUMBA_CACHE_DIR"):
        jit.kernel(jit.f8(jit.f8))(lambda value: value)

    def no_folder(_name):
        raise CacheError

    monkeypatch.setattr(compilation.importlib, "import_module", no_folder)
    with pytest.raises(OutputError, match="no folder for compiled kernels can be written; name one"):
        compilation.compile_kernels()


def test_kernels_of_an_installation_that_is_only_read_are_used(tmp_path):
    """A user without a home, who cannot write into the installation, compiles nothing."""
    program = (
        "import kernels.cache as cache, sys\n"
        "cache._is_writable = lambda folder: False\n"
        "from numba.core.event import Listener, install_listener\n"
        "class Told(Listener):\n"
        "    def on_start(self, event): print('compiled')\n"
        "    def on_end(self, event): pass\n"
        "with install_listener('numba:compile', Told()):\n"
        "    import kernels.crc\n"
        "print(kernels.jit.FOLDER)\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "TMPDIR": str(tmp_path), "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(str(tmp_path / "gatekeeper-kernels-"))


def test_the_name_of_a_processor_alone_decides_about_what_is_compiled_in_the_container():
    text = (Path(__file__).parents[2] / "Dockerfile").read_text(encoding="utf-8")
    assert "NUMBA_CPU_NAME=x86-64-v3 NUMBA_CPU_FEATURES= NUMBA_CACHE_DIR=/opt/kernels" in text
    program = "from numba.core.codegen import JITCPUCodegen as C; print(C('a').magic_tuple()[1:])"
    told = {"NUMBA_CPU_NAME": "x86-64-v3", "NUMBA_CPU_FEATURES": ""}
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **told}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "('x86-64-v3', '')"
