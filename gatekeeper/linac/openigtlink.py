"""OpenIGTLink: a receiver is told the state in STATUS or STRING messages, and answers each with its own.

We connect, the receiver listens. In a STATUS message, code 1 (OK) lets the beam on and every other code holds it; we
hold with 15 (device disabled). The sub-code is the heartbeat. The text of a STATUS, and the content of a STRING, is the
line of `gatekeeper.linac.ascii_protocol`.
"""

import fcntl
import socket
import struct
import termios
from collections.abc import Callable
from contextlib import closing

from gatekeeper.config import OpenIGTLinkLinacConfig
from gatekeeper.core.clock import monotonic_ns
from gatekeeper.core.errors import LinkError
from gatekeeper.linac.ascii_protocol import Answer, check, order_line, read_answer
from gatekeeper.linac.link_status import RST_ON_CLOSE
from gatekeeper.linac.repeater import NS_PER_MS, BeamOrder
from gatekeeper.wire.openigtlink.contents import (
    STATUS_OK,
    Status,
    decode_status,
    decode_string,
    encode_status,
    encode_string,
)
from gatekeeper.wire.openigtlink.header import HEADER_BYTES, decode_header
from gatekeeper.wire.openigtlink.message import Message, decode_message, encode_message

HELD = 15
"""Status code "device disabled": what a hold says."""
LONGEST = 4096
"""Bytes of the largest body that is read; an answer has about a hundred."""
QUEUED = struct.Struct("i")


class OpenIGTLinkWire:
    """A connection to a receiver.

    Parameters
    ----------
    config : OpenIGTLinkLinacConfig
        Where the receiver is, what it is told, and the times.
    now_ns : callable
        Monotonic clock in ns.

    Raises
    ------
    LinkError
        When it cannot be connected to.
    """

    def __init__(self, config: OpenIGTLinkLinacConfig, now_ns: Callable[[], int] = monotonic_ns) -> None:
        self._config, self._now_ns = config, now_ns
        self._place = f"{config.host}:{config.port}"
        self._deadline_ns = config.deadline_ms * NS_PER_MS
        self._oldest_ns = 0
        try:
            self._link = socket.create_connection((config.host, config.port), config.deadline_ms / 1000)
        except OSError as error:
            raise LinkError(f"{self._place}: no receiver can be connected to there ({error}); is it running?") from None
        self._link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def deliver(self, order: BeamOrder) -> None:
        """Send the message, and compare the answer where there is one.

        Raises
        ------
        LinkError, OSError
            When it is not taken or answered in time, or the answer is another.
        """
        due_ns = self._now_ns() + self._deadline_ns
        try:
            if not self._config.acknowledge:
                self._see_that_it_listens()
            self._link.settimeout(self._config.deadline_ms / 1000)
            self._link.sendall(encode_message(_message(self._config, order)))
            if self._config.acknowledge:
                check(order, self._answer(due_ns), self._place)
        except (LinkError, OSError):
            # What still waits to be sent must not arrive after all.
            self._link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST_ON_CLOSE)
            raise

    def close(self) -> None:
        """Disconnect."""
        self._link.close()

    def _answer(self, due_ns: int) -> Answer:
        """Return what the receiver says of itself; messages of other types are passed over."""
        while True:
            header = decode_header(self._take(HEADER_BYTES, due_ns))
            if header.body_size > LONGEST:
                raise LinkError(f"{self._place}: a message of {header.body_size} bytes; at most {LONGEST} are read")
            message = decode_message(header, self._take(header.body_size, due_ns))
            if message.type_name == self._config.message.upper():
                return _answer(message)

    def _take(self, count: int, due_ns: int) -> bytes:
        """Return the next bytes that the receiver sends."""
        taken = b""
        while len(taken) < count:
            left_s = (due_ns - self._now_ns()) * 1e-9
            if left_s <= 0.0:
                raise LinkError(f"{self._place}: no answer within deadline_ms = {self._config.deadline_ms}")
            self._link.settimeout(left_s)
            try:
                chunk = self._link.recv(count - len(taken))
            except TimeoutError:
                continue
            if not chunk:
                raise LinkError(f"{self._place}: the receiver has closed the connection")
            taken += chunk
        return taken

    def _see_that_it_listens(self) -> None:
        """Raise LinkError when the receiver has gone, or its machine has taken nothing for as long as the deadline.

        What it sends is thrown away.
        """
        self._link.setblocking(False)
        try:
            if not self._link.recv(LONGEST):
                raise LinkError(f"{self._place}: the receiver has closed the connection")
        except BlockingIOError:
            pass
        (queued,) = QUEUED.unpack(fcntl.ioctl(self._link, termios.TIOCOUTQ, bytes(QUEUED.size)))
        now_ns = self._now_ns()
        if not queued:
            self._oldest_ns = now_ns
        elif now_ns - self._oldest_ns >= self._deadline_ns:
            raise LinkError(
                f"{self._place}: {queued} bytes were not taken within deadline_ms = {self._config.deadline_ms}"
            )


def _message(config: OpenIGTLinkLinacConfig, order: BeamOrder) -> Message:
    """Return the message that says an order."""
    line = order_line(order)
    if config.message == "string":
        return Message("STRING", config.device, encode_string(line))
    code, name = (STATUS_OK, "ON") if order.beam_on else (HELD, "HOLD")
    return Message("STATUS", config.device, encode_status(Status(code, order.beat, name, line)))


def _answer(message: Message) -> Answer:
    """Return what an answer of the receiver says."""
    if message.type_name == "STRING":
        return read_answer(decode_string(message.content))
    status = decode_status(message.content)
    return Answer(status.code == STATUS_OK, status.subcode)


def probe(config: OpenIGTLinkLinacConfig) -> str:
    """Return that a receiver accepts connections; nothing is sent.

    Raises
    ------
    LinkError
        When it cannot be connected to.
    """
    with closing(OpenIGTLinkWire(config)):
        return f"OpenIGTLink receiver at {config.host}:{config.port}: accepts connections"
