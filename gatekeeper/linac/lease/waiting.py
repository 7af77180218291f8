"""Connections to the interlock that have not proven that they hold the key; none of them has the sender's place."""

import socket
from dataclasses import dataclass, field

from gatekeeper.linac.lease.messages import MessageBuffer
from gatekeeper.linac.lease.receiver import Interlock

CHUNK = 4096
"""Bytes read at once; more than one message is available only after a delay."""
MOST_WAITING = 32
"""Largest number of connections that wait at once; beyond it the one that has waited longest is dropped."""
MOST_EACH = 8
"""Largest number of them from one address; beyond it the oldest from that address is dropped."""


@dataclass(slots=True, eq=False)
class Waiting:
    """A connection that has been sent a challenge.

    Attributes
    ----------
    link : socket
        The connection.
    address : str
        Address of its other side.
    state : Interlock
        State of its greeting, in which the beam is held.
    buffer : MessageBuffer
        What has arrived of its next message.
    """

    link: socket.socket
    address: str
    state: Interlock
    buffer: MessageBuffer = field(default_factory=MessageBuffer)


def crowded(waiting: list[Waiting], address: str) -> Waiting | None:
    """Return the connection to drop in favour of a new one, or None while there is room.

    Parameters
    ----------
    waiting : list of Waiting
        All that wait, oldest first.
    address : str
        Address of the new one.

    Returns
    -------
    Waiting or None
        The oldest from the same address when that has too many, else the oldest of all when there are too many.
    """
    same = [one for one in waiting if one.address == address]
    if len(same) >= MOST_EACH:
        return same[0]
    return waiting[0] if len(waiting) >= MOST_WAITING else None


def received_now(link: socket.socket) -> bytes | None:
    """Return what has arrived; nothing when the other side is gone, None when there is nothing yet."""
    try:
        return link.recv(CHUNK)
    except BlockingIOError:
        return None
    except OSError:
        return b""


def send_now(sender: socket.socket, raw: bytes | None) -> bool:
    """Send one message without blocking; return False when it did not fit or the sender is gone."""
    try:
        return raw is None or sender.send(raw, socket.MSG_DONTWAIT) == len(raw)
    except OSError:
        return False
