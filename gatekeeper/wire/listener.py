"""The listening side of a link, for one sender at a time, from allowed addresses only."""

import ipaddress
import select
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from gatekeeper.core.clock import monotonic_ns, pause
from gatekeeper.core.errors import ConfigError
from gatekeeper.wire.waiting import Greeting, WaitingLink, any_byte, crowded

WAITING = 128
"""Largest number of connections waiting to be accepted."""
GREETING_S = 5.0
"""Time within which a connection greets, and without a frame after which one loses its place to another, in s."""
BREATH_S = 0.05
"""Pause after a failure to accept, for example without free file descriptors, and between two looks at the connections
that wait, in s."""
CLOSING_S = 2.0
"""Longest wait for a thread to end at the end, in s; one that is still busy with a message cannot delay the record."""
KEEPALIVE_S, KEEPALIVE_PROBES = 2, 2
"""Idle time and interval of TCP keep-alive probes, in s, and their number."""

Serve = Callable[[socket.socket, str], None]
Count = Callable[[str, str, str], None]


class Listener:
    """Listen on one TCP port in a thread of its own, and serve one connection at a time in another.

    A connection is given the place once it has greeted, and keeps it until it ends. One that has not greeted keeps
    nobody out. One that delivers frames keeps all others out; one that delivers none for `greeting_s` loses its place
    to another that has greeted.

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
        Called with what happened, "connection", "refused" or "failed", a detail, and the address of the sender: for a
        refusal "address", "silent" (no greeting in time), "crowded" or "busy", for a failure the text of an exception
        in `serve`. May be called from two threads.
    name : str
        Name in messages and threads.
    greeting : callable
        What the first bytes of a connection must be; by default anything.
    greeting_s : float
        Time within which a connection greets, and without a frame after which one loses its place to another, in s.
    used_ns : callable, optional
        Return the time of the newest frame, in ns of the monotonic clock.

    Raises
    ------
    ConfigError
        When it cannot listen there, or an allowed address is not valid.
    """

    def __init__(
        self,
        host: str,
        port: int,
        allow: Sequence[str],
        serve: Serve,
        count: Count,
        name: str,
        greeting: Greeting = any_byte,
        greeting_s: float = GREETING_S,
        used_ns: Callable[[], int] = lambda: 0,
    ) -> None:
        self._allowed = _networks(allow, name)
        self._serve, self._count, self._name = serve, count, name
        self._greeting, self._greeting_s, self._used_ns = greeting, greeting_s, used_ns
        self._lock = threading.Lock()
        self._link: socket.socket | None = None
        self._since_ns = 0
        self._is_proven = False
        self._server: threading.Thread | None = None
        self._waiting: list[WaitingLink] = []
        self._closing = False
        self._socket = _listening(host, port, name)
        self._socket.setblocking(False)
        self._wake, self._waker = socket.socketpair()
        self._ready = select.epoll()
        self._ready.register(self._socket, select.EPOLLIN)
        self._ready.register(self._wake, select.EPOLLIN)
        self._accepter = threading.Thread(target=self._run, name=f"{name} listener", daemon=True)
        self._accepter.start()

    @property
    def address(self) -> tuple[str, int]:
        """Address and port on which it listens."""
        host, port = self._socket.getsockname()[:2]
        return str(host), int(port)

    def close(self) -> None:
        """End the connections and both threads, and stop listening; may be called twice."""
        with self._lock:
            self._closing = True
            if self._link is not None:
                shut(self._link)
        self._notify()
        self._accepter.join(CLOSING_S)
        if self._server is not None:
            self._server.join(CLOSING_S)
        if not self._accepter.is_alive():
            for one in (self._ready, self._socket, self._wake, self._waker):
                one.close()

    def _notify(self) -> None:
        """Wake the listening thread."""
        with suppress(OSError):
            self._waker.send(b"x", socket.MSG_DONTWAIT)

    def _run(self) -> None:
        """Accept connections, and give the place to those that greet, until closed."""
        try:
            while not self._closing:
                self._serve_once()
        finally:
            for one in self._waiting:
                one.link.close()

    def _serve_once(self) -> None:
        """Wait for connections or for what they send, and give the place to one of them."""
        try:
            found = {number for number, _ in self._ready.poll(BREATH_S if self._waiting else None)}
            if self._wake.fileno() in found:
                self._wake.recv(4096)
            for one in self._waiting:
                if one.link.fileno() in found:
                    one.look()
            # Before a new connection can replace one that has greeted.
            self._give_place()
            if self._socket.fileno() in found:
                self._accept()
            self._drop_late()
        except Exception as error:
            # Whatever happens with one connection, another may follow.
            self._count("failed", f"{type(error).__name__}: {error}", "listener")
            pause(BREATH_S)

    def _accept(self) -> None:
        """Accept or refuse one connection."""
        try:
            link, address = self._socket.accept()
        except BlockingIOError:
            return
        except OSError:
            pause(BREATH_S)
            return
        peer = str(address[0])
        if not self._is_allowed(peer):
            self._count("refused", "address", peer)
            link.close()
            return
        if (oldest := crowded(self._waiting, peer)) is not None:
            self._refuse(oldest, "crowded")
        one = WaitingLink(link, peer, self._greeting)
        self._waiting.append(one)
        # Only changes are reported: what was looked at is left for who reads the connection.
        self._ready.register(link, select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET)

    def _is_allowed(self, peer: str) -> bool:
        address = ipaddress.ip_address(peer.partition("%")[0])
        plain = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped else address
        return any(plain in network for network in self._allowed)

    def _give_place(self) -> None:
        """Give the place to the newest connection that has greeted, or refuse all while it is taken."""
        greeted = [one for one in self._waiting if one.greeted is not None]
        # Another beginning is heard only when no other connection is there, for what is wrong with it to be counted.
        greeted.sort(key=lambda one: one.greeted is True)
        if not greeted:
            return
        best = greeted[-1]
        # Under the lock the server does not close its connection meanwhile.
        with self._lock:
            is_free = self._link is None
            is_busy = self._link is not None and not _has_hung_up(self._link)
            if is_busy and self._link is not None and best.greeted and self._loses_place():
                shut(self._link)
                is_busy = False
        if is_free:
            self._seat(best)
        elif is_busy and monotonic_ns() - self._used_ns() <= self._greeting_s * 1e9:
            for one in greeted:
                self._refuse(one, "busy")

    def _loses_place(self) -> bool:
        """Return whether the connection that has the place must leave it to one that has greeted."""
        used_ns = self._used_ns()
        idle_ns = monotonic_ns() - max(self._since_ns, used_ns)
        return idle_ns > self._greeting_s * 1e9 or not (self._is_proven or used_ns > self._since_ns)

    def _drop_late(self) -> None:
        """Drop connections that have gone, have not greeted in time, or have waited in vain."""
        for one in tuple(self._waiting):
            if one.greeted is None and (one.gone or one.waited_s() > self._greeting_s):
                self._refuse(one, "silent")
            elif one.waited_s() > 2.0 * self._greeting_s + CLOSING_S:
                self._refuse(one, "busy")

    def _refuse(self, one: WaitingLink, why: str) -> None:
        self._waiting.remove(one)
        self._count("refused", why, one.address)
        one.link.close()

    def _seat(self, one: WaitingLink) -> None:
        """Serve a connection in a thread of its own."""
        self._waiting.remove(one)
        self._ready.unregister(one.link)
        with self._lock:
            if self._closing:
                one.link.close()
                return
            self._link, self._since_ns, self._is_proven = one.link, monotonic_ns(), one.greeted is True
        one.link.setblocking(True)
        self._count("connection", one.address, one.address)
        self._server = threading.Thread(
            target=self._work, args=(one.link, one.address), name=f"{self._name} sender", daemon=True
        )
        try:
            self._server.start()
        except RuntimeError:
            # The system cannot start a thread: this connection is lost, a later one may succeed.
            self._server = None
            self._drop(one.link)

    def _work(self, link: socket.socket, peer: str) -> None:
        """Serve one connection to its end."""
        try:
            with suppress(OSError):
                set_up(link)
            self._serve(link, peer)
        except Exception as error:
            self._count("failed", f"{type(error).__name__}: {error}", peer)
        finally:
            self._drop(link)

    def _drop(self, link: socket.socket) -> None:
        with self._lock:
            self._link = None
            link.close()
        self._notify()


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
