"""Sweep cases in a plain loop, on one worker of Dask and on two: python -m benchmarks.sweep_load.

Workers are started, and have imported everything, before the time counts. Their results must be the same. From what was
measured follows how long a sweep of ten million frames takes on a hundred workers.
"""

import argparse
import math
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gatekeeper.config import build
from replay.formats.trackrad import write_case
from replay.phantom import PhantomConfig, make_phantom
from replay.sweep.grid import Grid, read_grid
from replay.sweep.schedule import dask_client, in_turn, on_dask, on_worker
from replay.sweep.task import Task, TaskResult, run_task

CASES, FRAMES, RATE_HZ, SIDE = 24, 240, 8.0, 128
GRID = """
[grid]
envelope.margin_mm = [3.0, 5.0, 8.0]
gate.outside_percent = [2.0, 5.0, 10.0]
"""
MANY_FRAMES, MANY_WORKERS = 1e7, 100
EMPTY = 200
"""Number of tasks that do nothing, from which the time that Dask takes for a task is measured."""


def write_cases(folder: Path, count: int, frames: int) -> list[Path]:
    """Return folders of as many cases, copies of one phantom."""
    acquisition = {"matrix": (SIDE, SIDE), "frame_rate_hz": RATE_HZ, "duration_s": frames / RATE_HZ}
    recording = make_phantom(build(PhantomConfig, {"acquisition": acquisition}, "benchmark")).recording
    return [write_case(replace(recording, name=f"case-{number}"), folder / f"case-{number}") for number in range(count)]


def tasks_of(cases: Sequence[Path], grid: Grid) -> list[Task]:
    return [Task(number, str(case), None, grid.tracked[0], grid.judged) for number, case in enumerate(cases)]


def timed(outcomes) -> tuple[float, list[TaskResult]]:
    """Return the time until all tasks have ended, in s, and their results in the order of the tasks."""
    began = time.perf_counter()
    found = {task.number: result for task, result in outcomes}
    return time.perf_counter() - began, [found[number] for number in sorted(found)]


def nothing(number: int) -> int:
    return number


def on_workers(workers: int, tasks: list[Task]) -> tuple[float, list[float], float, list[TaskResult]]:
    """Return the time of the tasks on warm workers, their processor time on workers and in this process, in s.

    Then the time of Dask for a task that does nothing, in s, and the results.
    """
    with dask_client(None, workers, "auto") as client:
        client.run(on_worker, tasks[0])
        began = time.perf_counter()
        client.gather(client.map(nothing, range(EMPTY), pure=False))
        empty_s = (time.perf_counter() - began) / EMPTY
        before_s = sum(client.run(time.process_time).values()), time.process_time()
        taken_s, results = timed(on_dask(client, tasks))
        after_s = sum(client.run(time.process_time).values()), time.process_time()
    return taken_s, [after - before for before, after in zip(before_s, after_s, strict=True)], empty_s, results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--frames", type=int, default=FRAMES, help="of each case")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        grid_file = Path(made) / "grid.toml"
        grid_file.write_text(GRID)
        tasks = tasks_of(write_cases(Path(made), options.cases, options.frames), read_grid(grid_file))
        run_task(tasks[0])
        began_s = time.process_time()
        plain_s, plain = timed(in_turn(tasks))
        plain_cpu_s = time.process_time() - began_s
        one_s, (worker_s, scheduler_s), empty_s, one = on_workers(1, tasks)
        two_s, _, _, two = on_workers(2, tasks)
    rows = [[result.rows for result in results] for results in (plain, one, two)]
    assert rows[0] == rows[1] == rows[2], "results differ"
    frames = sum(result.frames for result in plain)
    track_ms = 1e3 * sum(result.track_s for result in plain) / frames
    judge_ms = 1e3 * sum(result.judge_s for result in plain) / frames / len(tasks[0].judged)
    print(f"{len(tasks)} cases of {options.frames} frames, {len(tasks[0].judged)} settings judged; results are equal")
    print(f"plain loop          {plain_s:7.2f} s, {frames / plain_s:.0f} frames/s")
    print(f"Dask, one worker    {one_s:7.2f} s, {100.0 * (one_s / plain_s - 1.0):+.1f} %")
    print(
        f"processor time      {plain_cpu_s:7.2f} s in the loop, {worker_s:.2f} s on the worker "
        f"({100.0 * (worker_s / plain_cpu_s - 1.0):+.1f} %), {scheduler_s:.2f} s of scheduler and client"
    )
    print(f"Dask, two workers   {two_s:7.2f} s, {one_s / two_s:.2f} x one worker")
    print(f"a task that does nothing takes Dask {1e3 * empty_s:.2f} ms")
    print(f"tracking {track_ms:.3f} ms, judging anew {judge_ms:.4f} ms a frame, 1/{track_ms / judge_ms:.0f}")
    task_s = plain_s / len(tasks)
    count = math.ceil(MANY_FRAMES / (frames / len(tasks)))
    worked_s, scheduled_s = math.ceil(count / MANY_WORKERS) * task_s, count * empty_s
    print(
        f"{MANY_FRAMES:.0e} frames on {MANY_WORKERS} workers: {count} tasks of {task_s:.2f} s, "
        f"{worked_s / 60.0:.1f} min; the scheduler is busy for {scheduled_s / 60.0:.1f} min of it"
    )


if __name__ == "__main__":
    main()
