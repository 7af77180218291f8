"""Run the process of the terminal display: read messages from the session and draw them."""

import os
import select
import signal
import socket
import sys
from contextlib import suppress

from rich.console import Console
from rich.live import Live

from gatekeeper.core.clock import monotonic_ns
from gatekeeper.display.terminal.history import History
from gatekeeper.display.terminal.plain_lines import Plain
from gatekeeper.display.terminal.screen import draw
from gatekeeper.display.terminal.snapshot import Message, Snapshot, unpacked

LARGEST = 65536
"""Size of the largest message in bytes."""
REDRAW_S = 0.1


def main(descriptor: int) -> None:
    """Show the messages from a socket on standard output until the socket is closed.

    Parameters
    ----------
    descriptor : int
        File descriptor of a socket that is connected to the session.
    """
    # Ctrl-C reaches all processes of the terminal: the session ends first and closes the socket.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=descriptor) as link, suppress(OSError):
        link.setblocking(False)
        if os.isatty(1):
            show(link, Console())
        else:
            write(link)


def show(link: socket.socket, console: Console) -> None:
    """Draw on a terminal, at most 20 times per second, until the socket is closed.

    Parameters
    ----------
    link : socket
        Non-blocking socket from which messages are read.
    console : Console
        The terminal.
    """
    history, received_ns, open_ = History(), monotonic_ns(), True
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while open_:
            select.select([link], [], [], REDRAW_S)
            messages, open_ = received(link)
            for message in messages:
                history.add(message)
                if isinstance(message, Snapshot):
                    received_ns = monotonic_ns()
            silent_s = (monotonic_ns() - received_ns) * 1e-9
            live.update(draw(history, silent_s, console.width, console.height), refresh=True)
            # Messages in quick succession are drawn together.
            select.select([], [], [], REDRAW_S / 2)


def write(link: socket.socket) -> None:
    """Write plain lines to standard output until the socket is closed.

    Parameters
    ----------
    link : socket
        Non-blocking socket from which messages are read.
    """
    plain, open_ = Plain(), True
    while open_:
        select.select([link], [], [])
        messages, open_ = received(link)
        for message in messages:
            for line in plain.lines(message):
                os.write(1, line.encode() + b"\n")


def received(link: socket.socket) -> tuple[list[Message], bool]:
    """Return the messages that have arrived.

    Parameters
    ----------
    link : socket
        Non-blocking socket from which messages are read.

    Returns
    -------
    messages : list of Message
        Oldest first.
    open_ : bool
        Whether the socket is still open.
    """
    messages: list[Message] = []
    with suppress(BlockingIOError):
        while data := link.recv(LARGEST):
            messages.append(unpacked(data))
        return messages, False
    return messages, True


if __name__ == "__main__":
    main(int(sys.argv[1]))
