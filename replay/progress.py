"""Show progress on the terminal, drawn between two frames and without a thread of its own."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.status import Status

from gatekeeper.core.clock import stopwatch_ns
from gatekeeper.core.printable import printable

REDRAW_NS = 100_000_000

OnProgress = Callable[[str, int, int], None]
"""Called with the name of the work, how much of it is done and how much there is."""


def no_progress(_label: str, _done: int, _total: int) -> None:
    """Show nothing."""


def waiting(label: str) -> Status:
    """Return a context that shows a label and a spinner on standard error, if that is a terminal."""
    return Console(stderr=True).status(escape(printable(label)))


class ProgressBars:
    """One progress bar for each piece of work, on standard error; nothing if that is not a terminal.

    Call the object with the name of the work, how much of it is done, and how much there is (None if unknown).
    """

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description:<16}", markup=False),
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

    def __call__(self, label: str, done: int, total: int | None) -> None:
        """Update a bar, at most ten times a second."""
        if self._progress.disable:
            return
        now_ns = stopwatch_ns()
        if label in self._tasks and done != total and now_ns - self._drawn_ns < REDRAW_NS:
            return
        if label not in self._tasks:
            self._tasks[label] = self._progress.add_task(printable(label), total=total)
        self._progress.update(self._tasks[label], completed=done, refresh=True)
        self._drawn_ns = now_ns

    def __enter__(self) -> Self:
        """Start drawing."""
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Remove the bars."""
        self._progress.stop()
