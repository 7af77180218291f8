"""What others import stays where it is, and costs nothing before it is used."""

import subprocess
import sys
from pathlib import Path

import pytest

import gatekeeper
import kernels
import replay


@pytest.mark.parametrize("name", gatekeeper.__all__)
def test_stable_name_is_there(name):
    assert getattr(gatekeeper, name).__name__ == name
    assert name in dir(gatekeeper)


def test_every_stable_name_has_a_home():
    assert sorted(gatekeeper._HOME) == sorted(gatekeeper.__all__)


def test_unknown_name_is_refused_as_python_does():
    with pytest.raises(AttributeError, match="has no attribute 'Gatekeeper'"):
        _ = gatekeeper.Gatekeeper


def test_all_three_packages_come_from_one_folder():
    assert len({Path(package.__file__).parents[1] for package in (gatekeeper, kernels, replay)}) == 1


def test_command_line_starts_without_kernels_and_pictures():
    heavy = ("numba", "matplotlib", "scipy", "SimpleITK", "kernels.jit")
    code = f"import sys, gatekeeper, gatekeeper.cli; print([name for name in {heavy} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
