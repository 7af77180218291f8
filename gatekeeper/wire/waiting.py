"""Connections that have not greeted yet, and how many of them may wait."""

import socket
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from gatekeeper.core.clock import monotonic_ns

MOST_WAITING = 32
"""Largest number of connections that wait at once; beyond it the one that has waited longest is dropped."""
MOST_EACH = 8
"""Largest number of them from one address; beyond it the oldest from that address is dropped."""
GREETING_BYTES = 128
"""Largest number of bytes of a greeting."""

Greeting = Callable[[bytes], bool]
"""Return whether the first bytes of a connection begin one of the protocol; False while there are too few."""


class HasAddress(Protocol):
    """A connection with the address of its other side."""

    @property
    def address(self) -> str:
        """Address of the other side."""
        ...


ConnectionT = TypeVar("ConnectionT", bound=HasAddress)


def crowded(waiting: Sequence[ConnectionT], address: str) -> ConnectionT | None:
    """Return the connection to drop in favour of a new one, or None while there is room.

    Parameters
    ----------
    waiting : sequence
        All that wait, oldest first.
    address : str
        Address of the new one.

    Returns
    -------
    connection or None
        The oldest from the same address when that has too many, else the oldest of all when there are too many.
    """
    same = [one for one in waiting if one.address == address]
    if len(same) >= MOST_EACH:
        return same[0]
    return waiting[0] if len(waiting) >= MOST_WAITING else None


def any_byte(_: bytes) -> bool:
    """Return True for any greeting."""
    return True


class WaitingLink:
    """A connection that was accepted and has not been given the place.

    Parameters
    ----------
    link : socket
        The connection; made non-blocking while it waits.
    address : str
        Address of its other side.
    greeting : callable
        What its first bytes must be.

    Attributes
    ----------
    link, address
        As given.
    since_ns : int
        Time of the connection, in ns.
    greeted : bool or None
        Whether it has greeted as the protocol has it; None while it has sent nothing.
    gone : bool
        Whether the other side has closed without sending anything.
    """

    def __init__(self, link: socket.socket, address: str, greeting: Greeting) -> None:
        link.setblocking(False)
        self.link, self.address = link, address
        self.since_ns = monotonic_ns()
        self.greeted: bool | None = None
        self.gone = False
        self._greeting = greeting

    def look(self) -> None:
        """Look at what has arrived, without taking it."""
        try:
            start = self.link.recv(GREETING_BYTES, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError:
            start = b""
        self.gone = not start
        if start and not self.greeted:
            self.greeted = self._greeting(start)

    def waited_s(self) -> float:
        """Return how long it has waited, in s."""
        return (monotonic_ns() - self.since_ns) * 1e-9
