"""Run a sweep: which tasks there are, which are done already, and what came of them."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatekeeper.analysis.extra import needed
from gatekeeper.config import SessionConfig
from gatekeeper.core.atomic_write import write_atomically
from gatekeeper.core.errors import InputError, OutputError
from gatekeeper.core.json_values import aligned, parsed
from replay.progress import OnProgress, no_progress
from replay.sweep.grid import Grid, with_settings
from replay.sweep.results import PICTURE, RESULTS, rule_in_words, write_results
from replay.sweep.schedule import Outcome, dask_client, in_turn, on_dask
from replay.sweep.task import Task, TaskResult

if TYPE_CHECKING:
    from collections.abc import Callable

TASKS, FAULTS = "tasks", "faults.json"
MOST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Where:
    """Where a sweep runs.

    Attributes
    ----------
    scheduler : str or None
        Address of a Dask scheduler.
    workers : int or None
        Number of processes on this machine; by default one for each core, 0 for none: one task after the other in this
        process, without Dask.
    memory_limit : str
        Memory of each of them.
    on_link : callable
        Called with the address of Dask's dashboard.
    """

    scheduler: str | None = None
    workers: int | None = None
    memory_limit: str = "auto"
    on_link: "Callable[[str], None]" = lambda _link: None


@dataclass(slots=True)
class Swept:
    """What came of a sweep.

    Attributes
    ----------
    out : Path
        Its folder.
    names : tuple of str
        Settings that vary.
    tasks, done_before : int
        Number of tasks, and of those that an earlier run had done.
    faults : dict of str to str
        Why a task has no result, by its words.
    best : list of dict
        Settings with their figures, the best first.
    rule : str
        The rule in words.
    frames : int
        Number of frames that were tracked now.
    track_s, judge_s, wall_s : float
        Real time of tracking and of judging, added over the workers, and of the whole run, in s.
    """

    out: Path
    names: tuple[str, ...]
    tasks: int
    done_before: int
    faults: dict[str, str] = field(default_factory=dict)
    best: list[dict[str, Any]] = field(default_factory=list)
    rule: str = ""
    frames: int = 0
    track_s: float = 0.0
    judge_s: float = 0.0
    wall_s: float = 0.0

    def as_json(self) -> dict[str, object]:
        """Return everything as JSON values."""
        return asdict(self) | {"out": str(self.out), "best": self.best[:1]}

    def as_table(self) -> str:
        """Return the figures and the best settings as aligned lines for a reader."""
        rows = [("tasks", f"{self.tasks}, {self.done_before} done before, {len(self.faults)} without a result")]
        if self.frames:
            rows.append(
                (
                    "time",
                    f"{self.wall_s:.1f} s; {1e3 * self.track_s / self.frames:.3f} ms to track a frame, "
                    f"{1e3 * self.judge_s / self.frames:.3f} ms to judge it under all settings",
                )
            )
        rows.append(("rule", self.rule))
        for place, one in enumerate(self.best[:MOST_SHOWN], start=1):
            settings = ", ".join(f"{name} = {one[name]}" for name in self.names)
            told = f"duty cycle {100.0 * one['duty_cycle']:.1f} %, out {one['on_while_out_percent']:.2f} %"
            rows.append((f"{place}." if one["within"] else f"{place}. (beyond the rule)", f"{settings}: {told}"))
        rows += [("results", str(self.out / RESULTS)), ("picture", str(self.out / PICTURE))]
        return "\n".join(aligned(rows))


def sweep(
    cases: Sequence[Path],
    grid: Grid,
    out: Path,
    base: SessionConfig | None = None,
    where: Where | None = None,
    resume: bool = False,
    on_progress: OnProgress = no_progress,
) -> Swept:
    """Track every case with every setting of the tracker, and judge it under all other settings.

    Parameters
    ----------
    cases : sequence of Path
        Recordings and sessions.
    grid : Grid
        The settings.
    out : Path
        Folder of the results; new or empty, unless an earlier run is resumed.
    base : SessionConfig, optional
        Settings besides those of the grid; by default a session's own, and the defaults for a recording.
    where : Where, optional
        Where to run; by default on all cores of this machine.
    resume : bool
        Whether to use what an earlier run has done with the same files, settings and versions.
    on_progress : callable, optional
        Called after each task.

    Returns
    -------
    Swept

    Raises
    ------
    ConfigError
        When a combination of settings is not valid.
    InputError
        When a case is named twice, the folder is not empty, or the scheduler cannot be reached.
    OutputError
        When the results cannot be written.
    """
    needed("pyarrow")
    where = Where() if where is None else where
    for tracked in grid.tracked:
        for judged in grid.judged:
            with_settings(base or SessionConfig(), (*tracked, *judged), "grid")
    tasks = _tasks(cases, grid, base)
    _prepare(out, resume)
    keys = {task.number: task.key() for task in tasks}
    found = {task.number: rows for task in tasks if (rows := _read(out, keys[task.number])) is not None}
    left = [task for task in tasks if task.number not in found]
    swept = Swept(out, grid.names, len(tasks), len(found), rule=rule_in_words(grid.rule))
    began = time.perf_counter()
    with _runner(where, left) as outcomes:
        for done, (task, result) in enumerate(outcomes, start=len(found) + 1):
            fault = result.fault or _kept(out, keys[task.number], result)
            if fault is not None:
                swept.faults[task.words] = fault
            else:
                found[task.number] = result.rows
            swept.frames += result.frames
            swept.track_s += result.track_s
            swept.judge_s += result.judge_s
            on_progress("sweeping", done, len(tasks))
    swept.wall_s = time.perf_counter() - began
    rows = [row for number in sorted(found) for row in found[number]]
    swept.best = write_results(out, rows, grid).astype(object).to_dict("records")
    write_atomically(out / FAULTS, json.dumps(swept.faults, indent=1).encode())
    return swept


def _tasks(cases: Sequence[Path], grid: Grid, base: SessionConfig | None) -> list[Task]:
    paths = [str(case.resolve()) for case in cases]
    if len(set(paths)) < len(paths):
        raise InputError("a case is named twice; name each once")
    pairs = [(path, tracked) for path in paths for tracked in grid.tracked]
    return [Task(number, path, base, tracked, grid.judged) for number, (path, tracked) in enumerate(pairs)]


def _prepare(out: Path, resume: bool) -> None:
    try:
        (out / TASKS).mkdir(parents=True, exist_ok=resume)
    except FileExistsError:
        raise InputError(
            f"{out}: holds a sweep already; give --resume to go on with it, or name another folder"
        ) from None
    except OSError as error:
        raise OutputError(f"{out}: cannot be written ({error.strerror or error}); name another folder") from None


@contextmanager
def _runner(where: Where, tasks: Sequence[Task]) -> "Iterator[Iterator[Outcome]]":
    if not tasks or (where.workers == 0 and where.scheduler is None):
        yield in_turn(tasks)
        return
    with dask_client(where.scheduler, where.workers, where.memory_limit) as client:
        where.on_link(client.dashboard_link)
        yield on_dask(client, tasks)


def _read(out: Path, key: str) -> list[dict[str, Any]] | None:
    """Return the rows of a task that an earlier run has done; None where it has not."""
    try:
        rows: Any = parsed((out / TASKS / f"{key}.json").read_bytes())
    except (OSError, ValueError):
        return None
    return rows if isinstance(rows, list) else None


def _kept(out: Path, key: str, result: TaskResult) -> str | None:
    """Keep the rows of a task; return why that failed, as when the disk is full."""
    try:
        write_atomically(out / TASKS / f"{key}.json", json.dumps(result.rows).encode())
    except OutputError as error:
        return str(error)
    return None
