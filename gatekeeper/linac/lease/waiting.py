"""Connections to the interlock that have not proven that they hold the key; none of them has the sender's place."""

import socket
from dataclasses import dataclass, field

from gatekeeper.linac.lease.messages import MessageBuffer
from gatekeeper.linac.lease.receiver import Interlock

CHUNK = 4096
"""Bytes read at once; more than one message is available only after a delay."""


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
