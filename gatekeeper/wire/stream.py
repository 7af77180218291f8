"""Messages of a byte stream, read within a size limit and each completely by its deadline."""

import socket
from enum import StrEnum

from gatekeeper.core.clock import monotonic_ns
from gatekeeper.core.errors import LinkError

PIECE = 65536
"""Size of the pieces in which discarded data are read, in bytes."""

STEP = 1 << 20
"""Largest amount of memory that is allocated ahead of received bytes, in bytes."""


class Breach(StrEnum):
    """How a message violated the protocol."""

    CUT = "cut"
    """The connection ended before the end of the message."""
    LATE = "late"
    """The message was incomplete at its deadline."""
    TOO_LARGE = "too_large"
    """The announced size exceeds the limit."""
    UNKNOWN = "unknown"
    """The other side has not proved who it is."""
    MALFORMED = "malformed"
    """The content contradicts the protocol, so that the beginning of the next message is unknown."""


class StreamError(LinkError):
    """A stream that cannot be read any further; its connection ends.

    Attributes
    ----------
    breach : Breach
        What was wrong, for statistics.
    """

    def __init__(self, breach: Breach, message: str) -> None:
        super().__init__(message)
        self.breach = breach


class MessageStream:
    """Read the messages of one connection: `begin` each, then `take` its parts.

    Between messages it waits without limit, until the socket is shut down on either side. From the first byte of a
    message on it waits until the deadline for all of it, however few bytes arrive at a time. Memory for announced data
    is allocated only when the size is within the limit.

    Parameters
    ----------
    link : socket
        A connected stream socket; the caller closes it, and shutting it down ends every wait.
    largest_bytes : int
        Largest size of one message with all its parts, in bytes.
    deadline_s : float
        Longest time from the first byte of a message to its last, in s.
    where : str
        Name of the sender in error messages.
    """

    def __init__(self, link: socket.socket, largest_bytes: int, deadline_s: float, where: str) -> None:
        self._link = link
        self._largest_bytes = largest_bytes
        self._deadline_ns = round(deadline_s * 1e9)
        self._where = where
        self._first = b""
        self._left_bytes = 0
        self._due_ns = 0

    def begin(self) -> bool:
        """Wait for the first byte of the next message; return False when there will be no more messages."""
        self._link.settimeout(None)
        try:
            self._first = self._link.recv(1)
        except OSError:
            # Shut down here, or the sender vanished between two messages: either ends the stream.
            self._first = b""
        self._due_ns = monotonic_ns() + self._deadline_ns
        self._left_bytes = self._largest_bytes
        return bool(self._first)

    def take(self, count: int) -> bytearray:
        """Return the next `count` bytes of the message.

        Raises
        ------
        StreamError
            When the message exceeds the limit, is late, or is cut.
        """
        self._announce(count)
        part = bytearray(min(count, STEP))
        self._fill(memoryview(part))
        while len(part) < count:
            more = bytearray(min(count - len(part), STEP))
            self._fill(memoryview(more))
            part += more
        return part

    def skip(self, count: int) -> None:
        """Read the next `count` bytes of the message and discard them.

        Raises
        ------
        StreamError
            As for `take`.
        """
        self._announce(count)
        piece = memoryview(bytearray(min(count, PIECE)))
        while count > 0:
            self._fill(piece[:count])
            count -= min(count, PIECE)

    def _announce(self, count: int) -> None:
        """Subtract `count` bytes from the rest that the message may have."""
        if not 0 <= count <= self._left_bytes:
            raise StreamError(
                Breach.TOO_LARGE,
                f"{self._where}: a message announces {count} bytes more and may have {self._left_bytes} of the "
                f"{self._largest_bytes} that are allowed; raise largest_message_mb if it is genuine",
            )
        self._left_bytes -= count

    def _fill(self, view: memoryview) -> None:
        """Receive until `view` is full."""
        if view and self._first:
            view[:1] = self._first
            self._first = b""
            view = view[1:]
        while view:
            left_s = (self._due_ns - monotonic_ns()) * 1e-9
            if left_s <= 0.0:
                raise self._late()
            self._link.settimeout(left_s)
            try:
                got = self._link.recv_into(view)
            except TimeoutError:
                raise self._late() from None
            except OSError as error:
                raise self._cut(error.strerror or str(error)) from None
            if got == 0:
                raise self._cut("closed")
            view = view[got:]

    def _late(self) -> StreamError:
        return StreamError(
            Breach.LATE,
            f"{self._where}: a message was incomplete after {self._deadline_ns * 1e-9:g} s of its first byte; "
            "raise read_deadline_s if the network is that slow",
        )

    def _cut(self, why: str) -> StreamError:
        return StreamError(
            Breach.CUT, f"{self._where}: the connection ended inside a message ({why}); look at the sender"
        )
