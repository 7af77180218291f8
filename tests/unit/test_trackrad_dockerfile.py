"""The challenge's container: its entry point works on a case in the platform's layout, here without a container."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from replay.phantom import PhantomConfig, make_phantom
from replay.scores.tracking import score
from tests.support.challenge_layout import read_masks, write_input

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
STEPS = re.sub(r"\\\n", "", re.sub(r"(?m)^#.*\n", "", DOCKERFILE))
FINAL = STEPS[STEPS.rindex("FROM ") :]


@pytest.fixture(scope="module")
def phantom():
    small = {"duration_s": 3.0, "matrix": [96, 80], "pixel_mm": [2.5, 2.5]}
    return make_phantom(PhantomConfig.model_validate({"name": "P_001", "acquisition": small}, strict=False)).recording


@pytest.mark.slow
def test_entry_point_tracks_a_case(phantom, tmp_path):
    program, *args = json.loads(re.search(r"^ENTRYPOINT (.*)$", FINAL, flags=re.MULTILINE)[1])
    module, function = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"][program].split(":")
    mounted = {"/input": str(write_input(phantom, tmp_path / "input")), "/output": str(tmp_path / "output")}
    (tmp_path / "output").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", f"from {module} import {function}; {function}()", *(mounted.get(a, a) for a in args)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert score(read_masks(tmp_path / "output") != 0, phantom).dsc > 0.85
    assert mounted.keys() <= set(args)


def test_container_is_for_the_platform_and_runs_without_privileges():
    assert re.findall(r"^FROM (\S+)", STEPS, flags=re.MULTILINE) == ["--platform=linux/amd64"] * 2
    assert re.findall(r"^USER (.*)$", FINAL, flags=re.MULTILINE) == ["gatekeeper"]
    assert FINAL.index("\nUSER ") < FINAL.index("\nENTRYPOINT ")
    assert "install --directory --owner gatekeeper /input /output" in FINAL


def test_all_that_is_installed_comes_from_the_lock_and_from_here():
    installed = re.findall(r"pip install(.*)$", STEPS, flags=re.MULTILINE)
    assert len(installed) == 2
    assert "--require-hashes --requirement requirements.lock" in installed[0]
    assert "--no-deps --no-build-isolation ." in installed[1]
    assert "://" not in DOCKERFILE


def test_all_that_is_copied_is_there_and_let_into_the_build():
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", STEPS, flags=re.MULTILINE)
    names = [name for line in copied for name in line.split()]
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert set(packages["packages"]) < set(names)
    for name in names:
        assert (ROOT / name).exists()
        assert f"!{name}" in allowed
