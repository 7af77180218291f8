"""Relay bytes between engine and interlock, like a cable that can be cut without notice to either end."""

import select
import socket
import threading
from contextlib import suppress


class Relay:
    """Forward bytes between clients and a port of this machine, from a thread.

    Parameters
    ----------
    port : int
        Port that connections are forwarded to.

    Attributes
    ----------
    port : int
        Port that the relay listens on.
    """

    def __init__(self, port: int) -> None:
        self._to = port
        self._cut = threading.Event()
        self._stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """Drop every byte from now on."""
        self._cut.set()

    def repair(self) -> None:
        """Forward again what is sent from now on."""
        self._cut.clear()

    def close(self) -> None:
        """Stop the relay."""
        self._stopping.set()
        self._thread.join(2.0)
        self._listener.close()

    def _run(self) -> None:
        other: dict[socket.socket, socket.socket] = {}
        while not self._stopping.is_set():
            ready, _, _ = select.select([self._listener, *other], [], [], 0.05)
            for one in ready:
                if one is self._listener:
                    self._accept(other)
                elif one in other:
                    self._pass_on(one, other)
        for one in other:
            one.close()

    def _accept(self, other: dict[socket.socket, socket.socket]) -> None:
        inner, _ = self._listener.accept()
        try:
            outer = socket.create_connection(("127.0.0.1", self._to), 1.0)
        except OSError:
            inner.close()
            return
        for one in (inner, outer):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        other[inner], other[outer] = outer, inner

    def _pass_on(self, one: socket.socket, other: dict[socket.socket, socket.socket]) -> None:
        data = b""
        with suppress(OSError):
            data = one.recv(4096)
        if self._cut.is_set() and data:
            return
        if data:
            with suppress(OSError):
                other[one].sendall(data)
                return
        for end in (one, other.pop(one)):
            other.pop(end, None)
            end.close()
