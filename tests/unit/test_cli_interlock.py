"""`gatekeeper interlock` refuses bad usage in one line, and starts without what it does not need."""

import subprocess
import sys

import pytest

from tests.support.command_line import gatekeeper
from tests.support.leases import interlock


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "key"
    path.write_bytes(bytes(range(32)))
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("listen", ["7400", "localhost", "localhost:", ":7400", "localhost:x", "localhost:65536", ""])
def test_place_that_is_none_is_refused(key_file, capsys, listen):
    assert gatekeeper("interlock", "--listen", listen, "--key-file", key_file) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "must be HOST:PORT, for example 127.0.0.1:7400" in said


def test_key_that_is_too_short_is_refused(key_file, capsys):
    key_file.write_bytes(b"secret")
    assert gatekeeper("interlock", "--listen", "127.0.0.1:0", "--key-file", key_file) == 2
    assert "has 6 bytes; it needs 32" in capsys.readouterr().err


def test_place_that_is_taken_is_refused(key_file, capsys):
    with interlock() as server:
        place = "{}:{}".format(*server.address)
        assert gatekeeper("interlock", "--listen", place, "--key-file", key_file) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"listen {place}: not possible" in said


@pytest.mark.parametrize("options", [[], ["--listen", "127.0.0.1:0"], ["--key-file", "k"]])
def test_place_and_key_are_needed(options):
    assert gatekeeper("interlock", *options) == 2


def test_interlock_is_small():
    heavy = ("numba", "numpy", "matplotlib", "scipy", "SimpleITK", "h5py", "kernels")
    code = (
        "import sys, gatekeeper.cli, gatekeeper.linac.lease.interlock, gatekeeper.linac.lease.event_log; "
        "import gatekeeper.linac.lease.key; "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
