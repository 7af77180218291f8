"""Read the commands that an operator types, and hold the beam when the terminal is gone."""

import codecs
import errno
import os
import select
import termios
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Self

from gatekeeper.core.axes import SAGITTAL, Orientation
from gatekeeper.core.command import Action
from gatekeeper.core.errors import InputError
from gatekeeper.operator.request import END, Request, help_on, request_from_json
from gatekeeper.operator.request_queue import RequestQueue

ENTER = "\r\n"
BACKSPACE = "\x7f\x08"
CLEAR = "\x15\x03"
ESCAPE = "\x1b"
LONGEST = 200


HOLD_KEY = " "
"""Space at the beginning of a line holds the beam at once, as Escape does anywhere."""


class Line:
    """Assemble typed bytes into lines.

    Parameters
    ----------
    keys : bool
        Whether Space at the beginning of a line, and Escape, are the line "hold"; for a keyboard, not for a file.

    Attributes
    ----------
    text : str
        The unfinished line.
    """

    def __init__(self, keys: bool = False) -> None:
        self._keys = keys
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._escaped = ""
        self.text = ""

    def take(self, data: bytes) -> list[str]:
        """Return the lines that these bytes complete, without cursor keys and characters beyond the longest line."""
        lines: list[str] = []
        for key in self._decoder.decode(data):
            alone = self._escaped == ESCAPE and key not in "[O"
            if alone and self._keys:
                self._hold(lines)
            if self._escapes(key):
                continue
            if self._keys and key == HOLD_KEY and not self.text:
                self._hold(lines)
            elif key in ENTER:
                lines.append(self.text)
                self.text = ""
            elif key in BACKSPACE:
                self.text = self.text[:-1]
            elif key in CLEAR:
                self.text = ""
            elif key.isprintable() and len(self.text) < LONGEST:
                self.text += key
        if self._escaped == ESCAPE and self._keys:  # nothing follows it: the key, and no cursor key
            self._escaped = ""
            self._hold(lines)
        return lines

    def _hold(self, lines: list[str]) -> None:
        """Hold at once, and forget what was being typed."""
        lines.append(Action.HOLD.value)
        self.text = ""

    def _escapes(self, key: str) -> bool:
        """Return whether a key belongs to a sequence such as ``ESC [ A``."""
        if not self._escaped:
            self._escaped = key if key == ESCAPE else ""
            return key == ESCAPE
        first = len(self._escaped) == 1
        done = key not in "[O" if first else "@" <= key <= "~"
        self._escaped = "" if done else self._escaped + key
        # An escape by itself, and then a key, is no sequence.
        return not (first and done)


ASKS_FOR_HELP = frozenset({"help", "?"})
BY = "by"
PATIENT = "patient"
"""Word that shows the address of the patient's page."""


def parse(line: str, login: str, origin: str, orientation: Orientation = SAGITTAL) -> Request | None:
    """Return the request in a line, for example ``hold`` or ``rebase 2 0 by Anna Berg``.

    Parameters
    ----------
    line : str
        The line as typed.
    login : str
        Login name of the operator; a line that ends with ``by`` and a name gives another name.
    origin : str
        Where it was typed.
    orientation : Orientation
        That of the session's images.

    Returns
    -------
    Request or None
        None when the line is empty or a request for help (`wants_help`).

    Raises
    ------
    InputError
        When it is not a command.
    """
    words = line.split()
    if not words or wants_help(line):
        return None
    operator = login
    lower = [word.lower() for word in words]
    if BY in lower:
        at = lower.index(BY)
        words, operator = words[:at], " ".join(words[at + 1 :])
    return request_from_json(words, operator, origin, login, orientation)


def wants_help(line: str) -> bool:
    """Return whether a line is a request for help."""
    return line.strip().lower() in ASKS_FOR_HELP


def help_lines(orientation: Orientation = SAGITTAL) -> tuple[str, ...]:
    """Return a line for each command, for names and for what only the terminal knows, for images of an orientation."""
    return (
        *(f"{words:15}{does}" for words, does in help_on(orientation)),
        f"{'... by NAME':15}names the operator, after any of these",
        f"{PATIENT:15}shows the address of the patient's page as a QR code",
        f"{'help':15}shows this list; any key closes it",
    )


ORIGIN = "terminal"
GONE = "terminal gone"
ANSWER_S = 2.0
"""Longest wait for the answer to a typed line, in seconds of real time."""
CHUNK = 1024
ENDS_S = 5.0

Say = Callable[[str], None]
Show = Callable[[str, Sequence[str], bool], None]
"""Shows a title and lines, and is told whether they are a QR code."""
Patient = tuple[str, Sequence[str]]


class Terminal:
    """Read typed commands on a thread of its own, from `open` until `close`.

    A terminal that hangs up ends the session, with the beam held. The end of a pipe or a file only means that no more
    commands come from it. A terminal in whose background the program runs is not read.

    Parameters
    ----------
    requests : RequestQueue
        Receives the requests.
    operator : str
        Name of the operator.
    say : callable
        Called with each answer, as one line, on the terminal's thread.
    shown : callable, optional
        Called with the line being typed. With it the terminal neither echoes nor edits lines, so that the display
        beside them stays intact; without it the terminal does both itself.
    descriptor : int
        File descriptor to read from; standard input.
    refusals_only : bool
        Whether to leave out answers to accepted requests, which the session's display shows anyway.
    show : callable, optional
        Shows several lines at once until the next key; without it they are said one by one.
    patient : tuple of str and sequence of str, optional
        Address of the patient's page, and the lines of its QR code.
    """

    def __init__(
        self,
        requests: RequestQueue,
        operator: str,
        say: Say,
        shown: Say | None = None,
        descriptor: int = 0,
        *,
        refusals_only: bool = False,
        show: Show | None = None,
        patient: Patient | None = None,
    ) -> None:
        self._requests = requests
        self._operator = operator
        self._say = say
        self._shown = shown
        self._descriptor = descriptor
        self._refusals_only = refusals_only
        self._show, self._patient = show, patient
        self._modes: list[Any] | None = None
        self._is_terminal = False
        self._wake = os.pipe()
        self._thread = threading.Thread(target=self._listen, name="terminal", daemon=True)

    def __enter__(self) -> Self:
        """Start reading."""
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop reading."""
        self.close()

    def open(self) -> None:
        """Start reading."""
        if not self._is_foreground():
            self._say("no commands are read from this terminal, which belongs to another program now")
            return
        # Test now: a terminal that is gone would pass for a pipe.
        self._is_terminal = is_terminal(self._descriptor)
        if self._shown is not None and self._is_terminal:
            with suppress(termios.error):  # it is gone already; the thread finds out
                self._set_raw_mode()
        self._thread.start()

    def close(self) -> None:
        """Stop reading, and restore the terminal's modes; may be called twice."""
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

    def _is_foreground(self) -> bool:
        """Return False for a terminal that would stop our process for reading from the background."""
        with suppress(OSError):  # no terminal, or not the one that we run in
            return os.tcgetpgrp(self._descriptor) == os.getpgrp()
        return True

    def _set_raw_mode(self) -> None:
        """Read keys one by one, without echo; Ctrl-C still interrupts, Ctrl-Z no longer stops the process."""
        self._modes = termios.tcgetattr(self._descriptor)
        modes = termios.tcgetattr(self._descriptor)
        modes[3] &= ~(termios.ICANON | termios.ECHO)
        modes[6][termios.VMIN], modes[6][termios.VTIME] = 1, 0
        modes[6][termios.VSUSP] = b"\0"
        termios.tcsetattr(self._descriptor, termios.TCSADRAIN, modes)

    def _listen(self) -> None:
        line = Line(keys=self._is_terminal)
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        poll.register(self._wake[0], select.POLLIN)
        while True:
            ready = dict(poll.poll())
            if self._wake[0] in ready:
                return
            try:
                data = os.read(self._descriptor, CHUNK)
            except OSError:  # raised by a terminal that is gone
                data = b""
            if not data:
                self._finish_input(line)
                return
            for typed in line.take(data):
                self._execute(typed)
            if self._shown is not None:
                self._shown(line.text)

    def _finish_input(self, line: Line) -> None:
        """End the session when the terminal is gone; process the last line of a file or pipe."""
        if self._is_terminal:
            self._requests.submit(Request(END, GONE, ORIGIN))
        elif line.text:
            self._execute(line.text)

    def _execute(self, typed: str) -> None:
        if wants_help(typed):
            self._tell("Commands", help_lines(self._requests.orientation))
            return
        if typed.strip().lower() == PATIENT:
            self._tell_patient()
            return
        try:
            request = parse(typed, self._operator, ORIGIN, self._requests.orientation)
        except InputError as error:
            self._say(f"refused: {error}")
            return
        if request is not None:
            answer = self._requests.submit(request).wait(ANSWER_S)
            if not (answer.accepted and self._refusals_only):
                self._say(f"{'done' if answer.accepted else 'refused'}: {answer.note}")

    def _tell(self, title: str, lines: Sequence[str]) -> None:
        """Show some lines."""
        if self._show is not None:
            self._show(title, lines, False)
            return
        for line in lines:
            self._say(line)

    def _tell_patient(self) -> None:
        """Show the address of the patient's page, where there is one."""
        if self._patient is None:
            self._say("there is no patient's page; start the session with --console")
        elif self._show is not None:
            self._show(self._patient[0], self._patient[1], True)
        else:
            self._say(self._patient[0])


def is_terminal(descriptor: int) -> bool:
    """Return whether a descriptor is a terminal; unlike `os.isatty`, also for one that has hung up."""
    try:
        termios.tcgetattr(descriptor)
    except termios.error as error:
        return bool(error.args[0] == errno.EIO)
    return True
