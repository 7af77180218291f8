"""Progress on the terminal; while frames are judged it is drawn between two of them, by no thread of its own."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.status import Status

from gatekeeper.core.clock import stopwatch_ns

REDRAW_NS = 100_000_000

OnProgress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""


def unseen(_doing: str, _done: int, _total: int) -> None:
    """Show nothing."""


def waiting(doing: str) -> Status:
    """Return a context that shows on standard error, if that is a terminal, that something takes its time."""
    return Console(stderr=True).status(doing)


class ProgressBars:
    """One bar for each thing that is done, on standard error; nothing where that is no terminal.

    Call it with the name of what is being done, how much of it is done, and how much there is; None where nobody knows.
    """

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description:<16}"),
            BarColumn(bar_width=40),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            auto_refresh=False,
            transient=True,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._drawn_ns = 0

    def __call__(self, doing: str, done: int, total: int | None) -> None:
        """Show how far it is, ten times a second at most."""
        if self._progress.disable:
            return
        now_ns = stopwatch_ns()
        if doing in self._tasks and done != total and now_ns - self._drawn_ns < REDRAW_NS:
            return
        if doing not in self._tasks:
            self._tasks[doing] = self._progress.add_task(doing, total=total)
        self._progress.update(self._tasks[doing], completed=done, refresh=True)
        self._drawn_ns = now_ns

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Take the bars away."""
        self._progress.stop()
