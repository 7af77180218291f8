"""The terminal as a door: lines that are typed become wishes, and a terminal that is gone holds the beam and ends."""

import errno
import os
import select
import termios
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

from gatekeeper.core.errors import InputError
from gatekeeper.operator.line import Line
from gatekeeper.operator.request import END, Wish
from gatekeeper.operator.request_queue import Desk
from gatekeeper.operator.typed import help_lines, parse, wants_help

DOOR = "terminal"
GONE = "terminal gone"
ANSWER_S = 2.0
"""How long the answer to a typed line is waited for, in seconds of real time."""
CHUNK = 1024
ENDS_S = 5.0

Say = Callable[[str], None]


class Terminal:
    """Reads what an operator types, on a thread of its own, from `open` until `close`.

    A terminal that hangs up ends the session, beam held. The end of a pipe or a file only means that no more commands
    come from there. A terminal in whose background the program runs is left alone.

    Parameters
    ----------
    desk : Desk
        Where wishes go.
    operator : str
        Who sits there.
    say : callable
        Told answers, each as one line, on the thread of the terminal.
    shown : callable, optional
        Told what is being typed. With it the terminal neither echoes nor edits lines, so that whatever is drawn
        beside them stays whole; without it the terminal does both itself.
    descriptor : int
        Where lines come from; standard input.
    refusals_only : bool
        Leave out answers to what was done, which whoever shows the session tells anyway.
    """

    def __init__(
        self,
        desk: Desk,
        operator: str,
        say: Say,
        shown: Say | None = None,
        descriptor: int = 0,
        *,
        refusals_only: bool = False,
    ) -> None:
        self._desk = desk
        self._operator = operator
        self._say = say
        self._shown = shown
        self._descriptor = descriptor
        self._refusals_only = refusals_only
        self._modes: list[Any] | None = None
        self._is_terminal = False
        self._wake = os.pipe()
        self._thread = threading.Thread(target=self._listen, name="terminal", daemon=True)

    def __enter__(self) -> Self:
        """Begin to listen."""
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        """Listen no more."""
        self.close()

    def open(self) -> None:
        """Begin to listen."""
        if not self._may_listen():
            self._say("no commands are taken from this terminal, which belongs to another program now")
            return
        # Asked now, and not when it is gone: then it would pass for a pipe.
        self._is_terminal = is_terminal(self._descriptor)
        if self._shown is not None and self._is_terminal:
            with suppress(termios.error):  # it is gone already, which the thread will find
                self._quieten()
        self._thread.start()

    def close(self) -> None:
        """Listen no more, and leave the terminal as it was; may be called twice."""
        if self._wake[1] < 0:
            return
        os.close(self._wake[1])
        if self._thread.is_alive():
            self._thread.join(ENDS_S)
        os.close(self._wake[0])
        self._wake = (-1, -1)
        if self._modes is not None:
            with suppress(termios.error):  # a terminal that is gone
                termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._modes)

    def _may_listen(self) -> bool:
        """Return False for a terminal that would stop us for reading from it, since we run in its background."""
        with suppress(OSError):  # no terminal, or not the one that we run in
            return os.tcgetpgrp(self._descriptor) == os.getpgrp()
        return True

    def _quieten(self) -> None:
        """Take keys one by one, without echo; Ctrl-C goes on to interrupt, Ctrl-Z no longer stops the gate."""
        self._modes = termios.tcgetattr(self._descriptor)
        modes = termios.tcgetattr(self._descriptor)
        modes[3] &= ~(termios.ICANON | termios.ECHO)
        modes[6][termios.VMIN], modes[6][termios.VTIME] = 1, 0
        modes[6][termios.VSUSP] = b"\0"
        termios.tcsetattr(self._descriptor, termios.TCSADRAIN, modes)

    def _listen(self) -> None:
        line = Line()
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        poll.register(self._wake[0], select.POLLIN)
        while True:
            ready = dict(poll.poll())
            if self._wake[0] in ready:
                return
            try:
                data = os.read(self._descriptor, CHUNK)
            except OSError:  # as a terminal says that it is gone
                data = b""
            if not data:
                self._left(line)
                return
            for typed in line.take(data):
                self._obey(typed)
            if self._shown is not None:
                self._shown(line.text)

    def _left(self, line: Line) -> None:
        """Do what is to be done when nothing will be typed any more."""
        if self._is_terminal:
            self._desk.ask(Wish(END, GONE, DOOR))
        elif line.text:
            self._obey(line.text)

    def _obey(self, typed: str) -> None:
        if wants_help(typed):
            for words in help_lines():
                self._say(words)
            return
        try:
            wish = parse(typed, self._operator, DOOR)
        except InputError as error:
            self._say(f"refused: {error}")
            return
        if wish is not None:
            answer = self._desk.ask(wish).wait(ANSWER_S)
            if not (answer.accepted and self._refusals_only):
                self._say(f"{'done' if answer.accepted else 'refused'}: {answer.note}")


def is_terminal(descriptor: int) -> bool:
    """Return whether a descriptor is a terminal, also one that has hung up, which `os.isatty` denies."""
    try:
        termios.tcgetattr(descriptor)
    except termios.error as error:
        return bool(error.args[0] == errno.EIO)
    return True
