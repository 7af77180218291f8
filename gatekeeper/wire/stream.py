"""Messages of a stream: exactly so many bytes, no more than the cap, and each message whole by its deadline."""

import socket
from enum import StrEnum

from gatekeeper.core.clock import monotonic_ns
from gatekeeper.core.errors import LinkError

PIECE = 65536
"""What is read only to be thrown away is read in pieces of this many bytes."""

STEP = 1 << 20
"""No more memory than this is taken ahead of the bytes that come, whatever is announced."""


class Breach(StrEnum):
    """How a message on a stream was not what it must be."""

    CUT = "cut"
    """The sender was gone before its end."""
    LATE = "late"
    """It was not whole by its deadline."""
    TOO_LARGE = "too_large"
    """It is announced to be larger than the cap."""
    MALFORMED = "malformed"
    """Its content contradicts the protocol, so that nobody knows where the next one begins."""


class StreamError(LinkError):
    """A stream that cannot be read on; its connection ends.

    Attributes
    ----------
    breach : Breach
        What was wrong, for those who count.
    """

    def __init__(self, breach: Breach, message: str) -> None:
        super().__init__(message)
        self.breach = breach


class MessageStream:
    """Reads the messages of one connection; `begin` each, then `take` its parts.

    Between messages it waits without limit, until the sender or somebody here shuts the socket down. From the first
    byte of a message on it waits no longer than the deadline for all of it, however few bytes come at a time. No
    memory is taken for what is announced until the announcement is found to be within the cap.

    Parameters
    ----------
    link : socket
        A connected stream socket; closing it is the caller's affair, and shutting it down ends every wait.
    largest_bytes : int
        All parts of one message together may have this many bytes.
    deadline_s : float
        A message must be whole within this time from its first byte, in seconds.
    where : str
        What messages call the sender.
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
        """Wait for the first byte of the next message; return False when no message will come any more."""
        self._link.settimeout(None)
        try:
            self._first = self._link.recv(1)
        except OSError:
            # Shut down here, or the sender vanished between two messages: there is nothing to mend.
            self._first = b""
        self._due_ns = monotonic_ns() + self._deadline_ns
        self._left_bytes = self._largest_bytes
        return bool(self._first)

    def take(self, count: int) -> bytearray:
        """Return the next `count` bytes of the message.

        Raises
        ------
        StreamError
            When the message grows larger than the cap, is late, or is cut.
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
        """Read the next `count` bytes of the message and throw them away.

        Raises
        ------
        StreamError
            As `take` does.
        """
        self._announce(count)
        piece = memoryview(bytearray(min(count, PIECE)))
        while count > 0:
            self._fill(piece[:count])
            count -= min(count, PIECE)

    def _announce(self, count: int) -> None:
        """Take `count` bytes off what the message may still have."""
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
            f"{self._where}: a message was not whole within {self._deadline_ns * 1e-9:g} s of its first byte; "
            "raise read_deadline_s if the network is that slow",
        )

    def _cut(self, why: str) -> StreamError:
        return StreamError(
            Breach.CUT, f"{self._where}: the connection ended inside a message ({why}); look at the sender"
        )
