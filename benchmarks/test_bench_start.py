"""Benchmark the first import, which compiles every kernel, and later ones, which load them from the cache."""

import os
import subprocess
import sys
from pathlib import Path

from pytest_benchmark.fixture import BenchmarkFixture

LOAD = "from gatekeeper import Engine, Gate, Session, Tracker, run_loop"


def _start(cache: Path) -> None:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    subprocess.run([sys.executable, "-c", LOAD], check=True, env=environment)  # noqa: S603


def test_first_import(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    benchmark.pedantic(_start, args=(tmp_path,), rounds=1)


def test_next_import(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    benchmark.pedantic(_start, args=(tmp_path,), rounds=3, warmup_rounds=1)
