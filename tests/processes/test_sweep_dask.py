"""A sweep on Dask gives the same bytes as one task after the other, whatever happens to its workers."""

import os
import signal
import subprocess
import sys
from dataclasses import replace

import distributed
import pytest

from replay.formats.trackrad import write_case
from replay.sweep.grid import read_grid
from replay.sweep.run import Where, sweep
from tests.support.cases import breathing_case
from tests.support.waiting import until

pytestmark = pytest.mark.slow
GRID = (
    '[grid]\ntracker.kind = ["template", "ncc"]\nenvelope.margin_mm = [3.0, 5.0]\ngate.outside_percent = [2.0, 5.0]\n'
)


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """Return cases, the grid, and the results of one task after the other."""
    folder = tmp_path_factory.mktemp("sweep")
    cases = [folder / f"case{number}" for number in range(4)]
    for number, case in enumerate(cases):
        write_case(replace(breathing_case(frames=40 + number), name=case.name), case)
    (folder / "grid.toml").write_text(GRID)
    grid = read_grid(folder / "grid.toml")
    sweep(cases, grid, folder / "plain", where=Where(workers=0))
    return cases, grid, (folder / "plain" / "results.parquet").read_bytes()


def test_a_worker_that_is_killed_changes_nothing(swept, tmp_path):
    cases, grid, expected = swept
    killed = []

    def kill_one(_label, _done, _total):
        if not killed:
            pids = distributed.default_client().run(os.getpid)
            killed.append(next(iter(pids.values())))
            os.kill(killed[0], signal.SIGKILL)

    found = sweep(cases, grid, tmp_path / "out", where=Where(workers=2), on_progress=kill_one)
    assert killed
    assert found.faults == {}
    assert (tmp_path / "out" / "results.parquet").read_bytes() == expected


@pytest.fixture
def cluster(tmp_path):
    """Start a scheduler and two workers as on a cluster, and return the scheduler's address."""
    started = []

    def start(*words):
        with (tmp_path / f"dask-{len(started)}.log").open("wb") as log:
            command = [sys.executable, "-m", "dask", *words]
            started.append(subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=tmp_path))

    file = tmp_path / "scheduler.json"
    start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file))
    for _ in range(2):
        start("worker", "--scheduler-file", str(file), "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1")
    try:
        until(file.exists, 60.0)
        with distributed.Client(scheduler_file=str(file), timeout=60) as client:
            client.wait_for_workers(2, timeout=120)
            yield client.scheduler.address
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(60)


def test_the_same_command_runs_on_a_cluster_of_dask_workers(swept, tmp_path, cluster):
    cases, grid, expected = swept
    found = sweep(cases, grid, tmp_path / "out", where=Where(scheduler=cluster))
    assert found.faults == {}
    assert (tmp_path / "out" / "results.parquet").read_bytes() == expected
