"""A TCP connection of this process with itself, over which messages go that nobody else may receive."""

import socket
from contextlib import suppress

LOOPBACK = "127.0.0.1"
CHUNK = 4096


class ScratchLink:
    """Send messages to oneself, so that a rehearsal goes through the system's code for sending and receiving, too.

    It never waits. Where the connection cannot be made or breaks, messages are dropped.

    Examples
    --------
    >>> from contextlib import closing
    >>> from gatekeeper.linac.lease.scratch_link import ScratchLink
    >>> with closing(ScratchLink()) as link:
    ...     link.carried(b"lease")
    b'lease'
    """

    def __init__(self) -> None:
        self._ends: tuple[socket.socket, socket.socket] | None = None
        with suppress(OSError):
            self._ends = _connected()

    def carried(self, raw: bytes) -> bytes:
        """Send bytes over the link, and return what has arrived; nothing when the link is broken."""
        if self._ends is None:
            return b""
        near, far = self._ends
        try:
            near.send(raw)
            return far.recv(CHUNK)
        except OSError:
            return b""

    def close(self) -> None:
        """Close both ends; may be called twice."""
        for one in self._ends or ():
            one.close()
        self._ends = None


def _connected() -> tuple[socket.socket, socket.socket]:
    """Return both ends of a connection; OSError where another process was faster to connect."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, address = listener.accept()
    if address != near.getsockname():
        near.close()
        far.close()
        raise ConnectionError("another process has connected")
    for one in (near, far):
        one.setblocking(False)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return near, far
