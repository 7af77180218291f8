"""Who sends: the connections of a session, each with what is known of its sender."""

import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Protocol, runtime_checkable

from gatekeeper.core.printable import printable

REMEMBERED = 32
"""Number of connections whose details are kept."""
LONGEST = 80
"""Longest detail, in characters, because a sender has written it."""


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection that has delivered images.

    Attributes
    ----------
    number : int
        Its number in the session, from 1.
    peer : str
        Address and port of the sender.
    protocol : str
        Protocol and version.
    device : str
        How the sender calls itself; empty where it does not.
    header : str
        SHA-256 of what it has said before its images, in hexadecimal digits; empty where it says nothing.
    """

    number: int
    peer: str
    protocol: str
    device: str = ""
    header: str = ""

    def as_line(self) -> str:
        """Return the connection as one line for the event log."""
        about = [f"from {self.peer}" if self.peer else "", self.protocol, self.device and f"device {self.device!r}"]
        header = self.header and f"header {self.header[:12]}"
        return f"source: connection {self.number} " + ", ".join(one for one in (*about, header) if one)

    def as_json(self) -> dict[str, object]:
        """Return everything as plain values for JSON."""
        return asdict(self)


@runtime_checkable
class KnowsConnections(Protocol):
    """A source that tells who sends."""

    @property
    def connections(self) -> tuple[Connection, ...]:
        """The last connections that have delivered images, oldest first; replaced, never changed."""
        ...


class Connections:
    """Number the connections of one source. Whatever changes about a sender makes a new one.

    Attributes
    ----------
    last : tuple of Connection
        The last ones, oldest first; may be read from any thread.
    """

    def __init__(self) -> None:
        self.last: tuple[Connection, ...] = ()
        self._known: tuple[str, ...] | None = None

    def begin(self) -> None:
        """Begin a new connection, from any sender; it gets its number with its first image."""
        self._known = None

    def number(self, peer: str, protocol: str, device: str = "", header: str = "") -> int:
        """Return the number of the connection over which an image came; the details are as for `Connection`."""
        known = peer, protocol, device, header
        if known != self._known:
            self._known = known
            number = self.last[-1].number + 1 if self.last else 1
            peer, protocol, device = (printable(one, LONGEST) for one in (peer, protocol, device))
            one = Connection(number, peer, protocol, device, header)
            self.last = (*self.last, one)[-REMEMBERED:]
        return self.last[-1].number


def peer_of(link: socket.socket, address: str) -> str:
    """Return address and port of the other side of a link."""
    with suppress(OSError):
        return f"{address}:{link.getpeername()[1]}"
    return address


def new_connections(source: object, told: int) -> Sequence[Connection]:
    """Return the connections of a source with a number above `told`."""
    if not isinstance(source, KnowsConnections):
        return ()
    return [one for one in source.connections if one.number > told]
