"""The display as the session knows it: a socket into which messages are dropped, and a process that draws them."""

import os
import socket
from contextlib import suppress

from gatekeeper.display.terminal.snapshot import Message, Typing, packed
from gatekeeper.runtime import process as background

ENDS_S = 3.0
"""How long the display may take to draw its last picture, in seconds of real time."""
LEAVE = b"\x1b[?1049l\x1b[?25h"
"""Back from the full screen, and the cursor again; for when the display could not do so itself."""


class Display:
    """Starts the process and sends it what is to be shown; never waits for it.

    Parameters
    ----------
    descriptor : int
        Where it draws: a terminal, or anything else, on which it writes plain lines.

    Attributes
    ----------
    missed : int
        Messages that it was too slow for, or gone.
    """

    def __init__(self, descriptor: int = 1) -> None:
        self.missed = 0
        self._descriptor = descriptor
        self._link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._link.setblocking(False)
            file = theirs.fileno()
            self._process = background.start_process(
                "gatekeeper.display.terminal", file, passed=(file,), stdout=descriptor
            )

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    @property
    def full_screen(self) -> bool:
        """True when it draws on a terminal, so that nobody else may."""
        return os.isatty(self._descriptor)

    def send(self, message: Message) -> None:
        """Show something, if the display can take it now."""
        try:
            self._link.send(packed(message))
        except OSError:
            self.missed += 1

    def typing(self, text: str) -> None:
        """Show what is being typed."""
        self.send(Typing(text))

    def close(self) -> None:
        """Let it draw what it has, and end it; may be called twice."""
        self._link.close()
        # Killed when its terminal takes nothing.
        ended = background.end_process(self._process, ENDS_S)
        if ended and self.full_screen:
            with suppress(OSError):
                os.write(self._descriptor, LEAVE)
