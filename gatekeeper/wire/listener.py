"""The listening side of a link, for one sender at a time, from allowed addresses only."""

import ipaddress
import select
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from gatekeeper.core.clock import pause
from gatekeeper.core.errors import ConfigError

WAITING = 128
"""Largest number of connections waiting to be accepted."""
DRAIN_S = 1.0
"""Time for which a reconnecting sender waits while the last messages of its old connection are read, in s."""
BREATH_S = 0.05
"""Pause after a failure to accept, for example without free file descriptors, in s."""
CLOSING_S = 2.0
"""Longest wait for a thread to end at the end, in s; one that is still busy with a message cannot delay the record."""
KEEPALIVE_S, KEEPALIVE_PROBES = 2, 2
"""Idle time and interval of TCP keep-alive probes, in s, and their number."""

Serve = Callable[[socket.socket, str], None]
Count = Callable[[str, str], None]


class Listener:
    """Listen on one TCP port in a thread of its own, and serve one connection at a time in another.

    Parameters
    ----------
    host : str
        Name or address to listen on.
    port : int
        TCP port; 0 is any free one.
    allow : sequence of str
        Addresses, or networks such as 10.1.0.0/16, from which a sender may connect.
    serve : callable
        Called with each connected socket and the address of its sender; the connection ends when it returns. It must
        return soon after the socket was shut down. Calls never overlap.
    count : callable
        Called with what happened, "connection", "refused" or "failed", and a detail: for a refusal "address" or "busy",
        for a failure the text of an exception in `serve`. May be called from two threads.
    name : str
        Name in messages and threads.

    Raises
    ------
    ConfigError
        When it cannot listen there, or an allowed address is not valid.
    """

    def __init__(self, host: str, port: int, allow: Sequence[str], serve: Serve, count: Count, name: str) -> None:
        self._allowed = _networks(allow, name)
        self._serve = serve
        self._count = count
        self._name = name
        self._lock = threading.Lock()
        self._link: socket.socket | None = None
        self._server: threading.Thread | None = None
        self._closing = False
        self._socket = _listening(host, port, name)
        self._accepter = threading.Thread(target=self._accept, name=f"{name} listener", daemon=True)
        self._accepter.start()

    @property
    def address(self) -> tuple[str, int]:
        """Address and port on which it listens."""
        host, port = self._socket.getsockname()[:2]
        return str(host), int(port)

    def close(self) -> None:
        """End the connection and both threads, and stop listening; may be called twice."""
        with self._lock:
            self._closing = True
            if self._link is not None:
                shut(self._link)
        shut(self._socket)
        self._accepter.join(CLOSING_S)
        if self._server is not None:
            self._server.join(CLOSING_S)
        self._socket.close()

    def _accept(self) -> None:
        """Accept or refuse one connection after the other, until closed."""
        while not self._closing:
            try:
                link, address = self._socket.accept()
            except OSError:
                if not self._closing:
                    pause(BREATH_S)
                continue
            peer = str(address[0])
            if not self._is_allowed(peer):
                self._count("refused", "address")
                link.close()
            elif not self._take(link, peer):
                self._count("refused", "busy")
                link.close()

    def _is_allowed(self, peer: str) -> bool:
        address = ipaddress.ip_address(peer.partition("%")[0])
        plain = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped else address
        return any(plain in network for network in self._allowed)

    def _take(self, link: socket.socket, peer: str) -> bool:
        """Serve a connection in a thread of its own; return False while there is another one."""
        with self._lock:
            gone = self._link is not None and _has_hung_up(self._link)
            server = self._server
        if gone and server is not None:
            server.join(DRAIN_S)
        with self._lock:
            if self._link is not None or self._closing:
                return False
            self._link = link
        self._count("connection", peer)
        self._server = threading.Thread(target=self._work, args=(link, peer), name=f"{self._name} sender", daemon=True)
        try:
            self._server.start()
        except RuntimeError:
            # The system cannot start a thread: this connection is lost, a later one may succeed.
            self._server = None
            self._drop(link)
        return True

    def _work(self, link: socket.socket, peer: str) -> None:
        """Serve one connection to its end."""
        try:
            with suppress(OSError):
                set_up(link)
            self._serve(link, peer)
        except Exception as error:
            self._count("failed", f"{type(error).__name__}: {error}")
        finally:
            self._drop(link)

    def _drop(self, link: socket.socket) -> None:
        with self._lock:
            self._link = None
            link.close()


def _networks(allow: Sequence[str], name: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """Return the networks of the list of allowed addresses."""
    networks = []
    for text in allow:
        try:
            networks.append(ipaddress.ip_network(text, strict=False))
        except ValueError:
            raise ConfigError(
                f"{name}: allow holds {text!r}, which is neither an address nor a network; write it like 10.1.2.3 or "
                "10.1.0.0/16"
            ) from None
    return tuple(networks)


def _listening(host: str, port: int, name: str) -> socket.socket:
    """Return a listening socket."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(WAITING)
        except OSError:
            listening.close()
            raise
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"{name}: cannot listen on {host}:{port} ({reason}); name an address of this machine and a free port"
        ) from None
    return listening


def set_up(link: socket.socket) -> None:
    """Let the system detect a sender whose machine is gone, so that it does not stay the only one."""
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_S)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_S)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_PROBES)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _has_hung_up(link: socket.socket) -> bool:
    """Return whether the other side has closed, even when not all it sent has been read."""
    poll = select.poll()
    poll.register(link, select.POLLRDHUP)
    return bool(poll.poll(0))


def shut(link: socket.socket) -> None:
    """Shut a socket down, which ends every wait on it in any thread."""
    with suppress(OSError):
        link.shutdown(socket.SHUT_RDWR)
