"""Run the tasks of a sweep: one after the other, or on Dask."""

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

from gatekeeper.analysis.extra import needed
from gatekeeper.core.errors import InputError
from replay.sweep.task import Task, TaskResult, run_task

if TYPE_CHECKING:
    from distributed import Client

TRIES = 3
"""How often a task is tried whose worker dies or whose machine lacks something."""
CONNECT_S = 20.0
COLLECTED_EVERY = 25
"""A worker collects all garbage once in so many tasks."""
Outcome = tuple[Task, TaskResult]


def in_turn(tasks: Sequence[Task]) -> Iterator[Outcome]:
    """Yield the result of each task, run one after the other in this process."""
    for task in tasks:
        yield task, _tried(task)


_tasks_here = count()


def on_worker(task: Task) -> TaskResult:
    """Run a task in a process that does nothing else.

    Each task begins with a garbage collection, which need not walk through all that a worker has imported.
    """
    if next(_tasks_here) % COLLECTED_EVERY == 0:
        gc.unfreeze()
        gc.collect()
        gc.freeze()
    return run_task(task)


def _tried(task: Task) -> TaskResult:
    for left in reversed(range(TRIES)):
        try:
            return run_task(task)
        except (OSError, MemoryError) as error:
            if not left:
                return TaskResult(fault=f"{type(error).__name__}: {error}, {TRIES} times")
    raise AssertionError


@contextmanager
def dask_client(scheduler: str | None, workers: int | None, memory_limit: str) -> Iterator["Client"]:
    """Connect to a scheduler, or start one with workers on this machine, reached from this machine alone.

    Parameters
    ----------
    scheduler : str or None
        Address of a scheduler; None to start one.
    workers : int or None
        Number of processes to start; by default one for each core.
    memory_limit : str
        Memory of each of them, above which Dask restarts it: "auto", or such as "4GiB".

    Raises
    ------
    InputError
        When the scheduler cannot be reached.
    PluginError
        When the extra `analysis` is not installed.
    """
    distributed: Any = needed("distributed")
    if scheduler is not None:
        try:
            client = distributed.Client(scheduler, timeout=CONNECT_S)
        except (OSError, ValueError, TimeoutError) as error:
            raise InputError(
                f"--scheduler {scheduler}: cannot be reached ({' '.join(str(error).split()):.200}); "
                "start one with dask scheduler, and name its address"
            ) from None
        with client:
            yield client
        return
    processes = workers or os.cpu_count() or 1
    settings = {"distributed.scheduler.allowed-failures": TRIES, "distributed.worker.profile.enabled": False}
    with (
        needed("dask").config.set(settings),
        distributed.LocalCluster(
            n_workers=processes,
            threads_per_worker=1,
            memory_limit=memory_limit,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            silence_logs=50,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def on_dask(client: "Client", tasks: Sequence[Task]) -> Iterator[Outcome]:
    """Yield the result of each task in the order in which they end.

    A task whose worker dies runs on another one; one that has cost `TRIES` workers is given up.

    Parameters
    ----------
    client : Client
        Where to run them.
    tasks : sequence of Task
        The tasks.
    """
    distributed: Any = needed("distributed")
    futures = {
        # Tasks are not pure for Dask: what it remembers from an earlier sweep may be of other files.
        client.submit(on_worker, task, pure=False, retries=TRIES - 1, key=f"sweep-{os.getpid()}-{task.number}"): task
        for task in tasks
    }
    for future in distributed.as_completed(list(futures)):
        task = futures.pop(future)
        error = future.exception()
        if error is None:
            yield task, future.result()
        else:
            yield task, TaskResult(fault=f"{type(error).__name__}: {' '.join(str(error).split()):.300}")
        future.release()
