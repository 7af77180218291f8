"""Compile C++ programs for tests, once per run against the OpenIGTLink library of the system."""

import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

HEADERS = Path("/usr/include/openigtlink")
EXAMPLES = Path("/usr/share/doc/openigtlink-examples/examples")
OURS = Path(__file__).parents[1] / "interop" / "openigtlink"


def program(name):
    """Return a compiled program of ours."""
    return _compiled(OURS / f"{name}.cxx")


def example(name):
    """Return a compiled example program of the library's own, for example "Imager/ImagerClient"."""
    if not EXAMPLES.is_dir():
        pytest.skip("the example programs of OpenIGTLink are absent (Debian: openigtlink-examples)")
    return _compiled(EXAMPLES / f"{name}.cxx")


@functools.cache
def _folder():
    return tempfile.TemporaryDirectory(prefix="openigtlink-")


@functools.cache
def _compiled(source):
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("a C++ compiler is absent (g++)")
    if not HEADERS.is_dir():
        pytest.skip("the OpenIGTLink library is absent (Debian: libopenigtlink-dev)")
    made = Path(_folder().name) / source.stem
    options = ["-O1", "-w", f"-I{HEADERS}", "-o", made, "-lOpenIGTLink", "-lpthread"]
    done = subprocess.run([compiler, source, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return str(made)
