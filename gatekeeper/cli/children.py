"""Commands that the library runs in processes of their own: consoles of single sessions, and replays."""

import os
import select
import tempfile
import threading
import time
from collections import OrderedDict
from pathlib import Path

from gatekeeper.core.errors import InputError
from gatekeeper.runtime.process import end_process, start_process

MOST_OPEN = 6
"""Largest number of sessions that are open at once; the one that was opened first is closed for another."""
START_S = 120.0
"""Time within which a console tells its address, in s; kernels may have to be compiled."""
END_S = 5.0
ADDRESS = "console  "


class Child:
    """A command in a process of its own, which ends with this one.

    Parameters
    ----------
    *words
        The command line.
    """

    def __init__(self, *words: object) -> None:
        ours, self._out = os.pipe()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the child)
        theirs, ours_alive = os.pipe()
        self._alive: int | None = ours_alive
        os.set_inheritable(theirs, True)
        try:
            self._process = start_process(
                "gatekeeper.cli.beside",
                theirs,
                *words,
                passed=(theirs,),
                stdout=self._out,
                stderr=self._errors.fileno(),
            )
        finally:
            os.close(theirs)
            os.close(self._out)
        self._said = os.fdopen(ours, "rb", buffering=0)

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.poll()

    def line(self, begin: str) -> str | None:
        """Wait for a line that it prints, and return what follows `begin` in it; None when it ended without."""
        until_s, data = time.monotonic() + START_S, b""
        while (left_s := until_s - time.monotonic()) > 0.0:
            ready, _, _ = select.select([self._said], [], [], left_s)
            got = self._said.read(4096) if ready else b""
            if not got:
                return None
            data += got
            for line in data.decode("utf-8", "replace").split("\n")[:-1]:
                if line.startswith(begin):
                    return line.removeprefix(begin)
        return None

    def complaint(self) -> str:
        """Return the last line that it complained in, without the name of the program."""
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").split("\n")
        own = [line.removeprefix("gatekeeper: ") for line in lines if line.startswith("gatekeeper: ")]
        return own[-1] if own else next((line for line in reversed(lines) if line.strip()), "it ended without a word")

    def tell(self) -> None:
        """Tell it to end, as by Ctrl-C."""
        if self._alive is not None:
            os.close(self._alive)
            self._alive = None

    def close(self) -> None:
        """End it as by Ctrl-C; may be called twice."""
        self.tell()
        if not self._said.closed:
            end_process(self._process, END_S)
            self._said.close()
            self._errors.close()


class OpenSessions:
    """Sessions that are shown, each by a console in a process of its own.

    Parameters
    ----------
    host : str
        Address or name on which the consoles listen.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        self._open: OrderedDict[Path, tuple[Child, str]] = OrderedDict()
        self._turn = threading.Lock()

    def url(self, folder: Path) -> str:
        """Return the address of the console of a session, which is started unless it runs.

        Raises
        ------
        InputError
            When it cannot be shown.
        """
        with self._turn:
            child, url = self._open.pop(folder, (None, ""))
            if child is not None and child.exit_code is not None:
                child.close()
                child = None
            if child is None:
                while len(self._open) >= MOST_OPEN:
                    self._open.popitem(last=False)[1][0].close()
                child = Child("console", folder, "--console-host", self._host)
                told = child.line(ADDRESS)
                if told is None:
                    why = child.complaint()
                    child.close()
                    raise InputError(f"{folder.name}: cannot be opened: {why}")
                url = told
            self._open[folder] = child, url
            return url

    def close(self) -> None:
        """Close all of them, at the same time."""
        for child, _ in self._open.values():
            child.tell()
        while self._open:
            self._open.popitem()[1][0].close()
