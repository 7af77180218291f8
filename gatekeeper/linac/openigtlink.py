"""OpenIGTLink port: a receiver gets the state of the beam in STATUS or STRING messages, and answers each with its own.

We connect, the receiver listens. In a STATUS message, code 1 (OK) allows the beam and every other code holds it; a hold
is sent as code 15 (device disabled). The sub-code is the heartbeat. The text of a STATUS, and the content of a STRING,
is the line of `gatekeeper.linac.ascii_protocol`.
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
"""Status code "device disabled", sent for a hold."""
LONGEST = 4096
"""Largest body that is read, in bytes; an answer has about a hundred."""
QUEUED = struct.Struct("i")


class OpenIGTLinkWire:
    """A connection to a receiver.

    Parameters
    ----------
    config : OpenIGTLinkLinacConfig
        Address of the receiver, message type and times.
    now_ns : callable
        Monotonic clock in ns.

    Raises
    ------
    LinkError
        When the receiver cannot be reached.
    """

    def __init__(self, config: OpenIGTLinkLinacConfig, now_ns: Callable[[], int] = monotonic_ns) -> None:
        self._config, self._now_ns = config, now_ns
        self._address = f"{config.host}:{config.port}"
        self._deadline_ns = config.deadline_ms * NS_PER_MS
        self._oldest_ns = 0
        try:
            self._link = socket.create_connection((config.host, config.port), config.deadline_ms / 1000)
        except OSError as error:
            raise LinkError(f"{self._address}: cannot connect to a receiver ({error}); is it running?") from None
        self._link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def deliver(self, order: BeamOrder) -> None:
        """Send the message, and compare the answer where there is one.

        Parameters
        ----------
        order : BeamOrder
            State of the beam and heartbeat.

        Raises
        ------
        LinkError, OSError
            When the message is not accepted or answered in time, or the answer differs.
        """
        due_ns = self._now_ns() + self._deadline_ns
        try:
            if not self._config.acknowledge:
                self._check_receiver()
            self._link.settimeout(self._config.deadline_ms / 1000)
            self._link.sendall(encode_message(_message(self._config, order)))
            if self._config.acknowledge:
                check(order, self._answer(due_ns), self._address)
        except (LinkError, OSError):
            # Unsent data must not arrive after closing.
            self._link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST_ON_CLOSE)
            raise

    def close(self) -> None:
        """Disconnect."""
        self._link.close()

    def _answer(self, due_ns: int) -> Answer:
        """Return the receiver's next answer; messages of other types are skipped."""
        while True:
            header = decode_header(self._take(HEADER_BYTES, due_ns))
            if header.body_size > LONGEST:
                raise LinkError(f"{self._address}: a message of {header.body_size} bytes; at most {LONGEST} are read")
            message = decode_message(header, self._take(header.body_size, due_ns))
            if message.type_name == self._config.message.upper():
                return _answer(message)

    def _take(self, count: int, due_ns: int) -> bytes:
        """Return the next `count` bytes from the receiver."""
        taken = b""
        while len(taken) < count:
            left_s = (due_ns - self._now_ns()) * 1e-9
            if left_s <= 0.0:
                raise LinkError(f"{self._address}: no answer within deadline_ms = {self._config.deadline_ms}")
            self._link.settimeout(left_s)
            try:
                chunk = self._link.recv(count - len(taken))
            except TimeoutError:
                continue
            if not chunk:
                raise LinkError(f"{self._address}: the receiver has closed the connection")
            taken += chunk
        return taken

    def _check_receiver(self) -> None:
        """Raise LinkError when the receiver has gone, or its machine has accepted nothing for as long as the deadline.

        Incoming data are discarded.
        """
        self._link.setblocking(False)
        try:
            if not self._link.recv(LONGEST):
                raise LinkError(f"{self._address}: the receiver has closed the connection")
        except BlockingIOError:
            pass
        (queued,) = QUEUED.unpack(fcntl.ioctl(self._link, termios.TIOCOUTQ, bytes(QUEUED.size)))
        now_ns = self._now_ns()
        if not queued:
            self._oldest_ns = now_ns
        elif now_ns - self._oldest_ns >= self._deadline_ns:
            raise LinkError(
                f"{self._address}: {queued} bytes were not accepted within deadline_ms = {self._config.deadline_ms}"
            )


def _message(config: OpenIGTLinkLinacConfig, order: BeamOrder) -> Message:
    """Return the message of an order."""
    line = order_line(order)
    if config.message == "string":
        return Message("STRING", config.device, encode_string(line))
    code, name = (STATUS_OK, "ON") if order.beam_on else (HELD, "HOLD")
    return Message("STATUS", config.device, encode_status(Status(code, order.beat, name, line)))


def _answer(message: Message) -> Answer:
    """Return the answer in a message of the receiver."""
    if message.type_name == "STRING":
        return read_answer(decode_string(message.content))
    status = decode_status(message.content)
    return Answer(status.code == STATUS_OK, status.subcode)


def probe(config: OpenIGTLinkLinacConfig) -> str:
    """Return a line of text saying that a receiver accepts connections; nothing is sent.

    Raises
    ------
    LinkError
        When the receiver cannot be reached.
    """
    with closing(OpenIGTLinkWire(config)):
        return f"OpenIGTLink receiver at {config.host}:{config.port}: accepts connections"
