"""Start the process of the terminal display and send it messages without waiting."""

import os
import socket
from collections.abc import Sequence
from contextlib import suppress

from gatekeeper.display.terminal.snapshot import Message, Sheet, Typing, packed
from gatekeeper.runtime import process as background

ENDS_S = 3.0
"""Time for the display to draw its last screen before it is killed, in seconds of real time."""
LEAVE = b"\x1b[?1049l\x1b[?25h"
"""Leave the full screen and show the cursor; sent on behalf of a display that was killed."""


class Display:
    """A display process that shows the session on a terminal or in plain lines.

    Parameters
    ----------
    descriptor : int
        File descriptor of the output. A terminal is drawn full-screen; anything else gets plain lines.

    Attributes
    ----------
    missed : int
        Number of messages that were not sent because the display was too slow or had ended.
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
        """Process id of the display."""
        return self._process.pid

    @property
    def full_screen(self) -> bool:
        """Whether the display fills a terminal, so that other output would disturb it."""
        return os.isatty(self._descriptor)

    def send(self, message: Message) -> None:
        """Send a message, or count it as missed when the display cannot take it now.

        Parameters
        ----------
        message : Message
            Sent without waiting.
        """
        try:
            self._link.send(packed(message))
        except OSError:
            self.missed += 1

    def typing(self, text: str) -> None:
        """Show the input line of the operator.

        Parameters
        ----------
        text : str
            The line so far.
        """
        self.send(Typing(text))

    def show(self, title: str, lines: Sequence[str], is_code: bool) -> None:
        """Show some lines until the next key.

        Parameters
        ----------
        title : str
            What they are.
        lines : sequence of str
            The lines.
        is_code : bool
            Whether they are a QR code.
        """
        self.send(Sheet(title, tuple(lines), is_code))

    def close(self) -> None:
        """Let the display draw the messages that it has, and end it; may be called twice."""
        self._link.close()
        # A display is killed when its terminal takes no more output.
        ended = background.end_process(self._process, ENDS_S)
        if ended and self.full_screen:
            with suppress(OSError):
                os.write(self._descriptor, LEAVE)
