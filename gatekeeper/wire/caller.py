"""The connecting side of a link, which retries until a server answers and reconnects after a connection has ended."""

import socket
import threading

from gatekeeper.wire.listener import CLOSING_S, Count, Serve, set_up, shut

ANSWER_S = 1.0
"""Longest time of one attempt to connect, in s."""
PAUSE_S = 0.5
"""Pause between the end of an attempt or connection and the next attempt, in s."""


class Caller:
    """Connect to one address in a thread of its own, and serve one connection after the other.

    Parameters
    ----------
    host : str
        Name or address to connect to.
    port : int
        TCP port.
    serve, count : callable
        As for `gatekeeper.wire.listener.Listener`; a refusal is "unreachable".
    name : str
        Name in messages and threads.
    pause_s : float
        Pause between attempts, in s.
    """

    def __init__(self, host: str, port: int, serve: Serve, count: Count, name: str, pause_s: float = PAUSE_S) -> None:
        self.address = host, port
        self._serve = serve
        self._count = count
        self._pause_s = pause_s
        self._lock = threading.Lock()
        self._link: socket.socket | None = None
        self._closing = threading.Event()
        self._worker = threading.Thread(target=self._call, name=f"{name} caller", daemon=True)
        self._worker.start()

    def close(self) -> None:
        """End the connection and the thread; may be called twice."""
        with self._lock:
            self._closing.set()
            if self._link is not None:
                shut(self._link)
        self._worker.join(CLOSING_S)

    def _call(self) -> None:
        """Connect and serve, until closed."""
        while not self._closing.is_set():
            try:
                link = _connected(self.address)
            except OSError:
                self._count("refused", "unreachable", "{}:{}".format(*self.address))
            else:
                self._work(link)
            self._closing.wait(self._pause_s)

    def _work(self, link: socket.socket) -> None:
        """Serve one connection to its end."""
        with self._lock:
            self._link = link
            if self._closing.is_set():
                shut(link)
        peer = self.address[0]
        try:
            set_up(link)
            peer = str(link.getpeername()[0])
            self._count("connection", peer, peer)
            self._serve(link, peer)
        except Exception as error:
            self._count("failed", f"{type(error).__name__}: {error}", peer)
        finally:
            with self._lock:
                self._link = None
                link.close()


def _connected(address: tuple[str, int]) -> socket.socket:
    """Return a socket that is connected to an address."""
    link = socket.create_connection(address, ANSWER_S)
    try:
        # On a local port without a listener, TCP may connect the socket to itself.
        if link.getsockname() == link.getpeername():
            raise ConnectionRefusedError
        link.settimeout(None)
    except OSError:
        link.close()
        raise
    return link
