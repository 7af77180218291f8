"""The display, a process of its own: reads what it is sent, draws, and waits for nobody who waits for it."""

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
from gatekeeper.display.terminal.screen import Plain, draw
from gatekeeper.display.terminal.snapshot import Message, Snapshot, unpacked

LARGEST = 65536
REDRAW_S = 0.1


def main(number: int) -> None:
    """Show what comes in on a socket, on standard output, until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever sends ends in order, and so do we
    with socket.socket(fileno=number) as link, suppress(OSError):
        link.setblocking(False)
        if os.isatty(1):
            show(link, Console())
        else:
            write(link)


def show(link: socket.socket, console: Console) -> None:
    """Draw on a terminal, at most ten times a second."""
    seen, heard_ns, open_ = History(), monotonic_ns(), True
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while open_:
            select.select([link], [], [], REDRAW_S)
            messages, open_ = received(link)
            for message in messages:
                seen.take(message)
                if isinstance(message, Snapshot):
                    heard_ns = monotonic_ns()
            silent_s = (monotonic_ns() - heard_ns) * 1e-9
            live.update(draw(seen, silent_s, console.width, console.height), refresh=True)
            # Messages that come in quick succession are drawn once.
            select.select([], [], [], REDRAW_S / 2)


def write(link: socket.socket) -> None:
    """Write lines."""
    plain, open_ = Plain(), True
    while open_:
        select.select([link], [], [])
        messages, open_ = received(link)
        for message in messages:
            for line in plain.lines(message):
                os.write(1, line.encode() + b"\n")


def received(link: socket.socket) -> tuple[list[Message], bool]:
    """Return all messages that have come, and whether more may."""
    messages: list[Message] = []
    with suppress(BlockingIOError):
        while data := link.recv(LARGEST):
            messages.append(unpacked(data))
        return messages, False
    return messages, True


if __name__ == "__main__":
    main(int(sys.argv[1]))
