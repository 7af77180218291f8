"""Send frames as OpenIGTLink IMAGE messages to a source that listens or connects."""

import socket
from contextlib import suppress
from typing import Literal

import numpy as np

from gatekeeper.core.errors import LinkError
from gatekeeper.core.frame import Frame
from gatekeeper.wire.openigtlink.geometry import image_on
from gatekeeper.wire.openigtlink.header import to_timestamp
from gatekeeper.wire.openigtlink.image import encode_image
from gatekeeper.wire.openigtlink.message import Message, encode_message

PATIENCE_S = 10.0
"""Longest wait for the source to connect, and to accept a frame, in seconds."""
START_S = 1.0
"""Session time 0 on the feeder's clock, in seconds; a time stamp of 0 would mean that there is none."""
THICKNESS_MM = 5.0
"""Slice thickness written to the IMAGE message, which requires one; recordings do not hold it, in mm."""
NUMBERS = 1 << 32


class OpenIGTLinkFeeder:
    """A sender of IMAGE messages with the frame's geometry, time of acquisition and number.

    Pixels go as float32 and positions as the protocol's single precision, in LPS.

    Parameters
    ----------
    host : str
        Name or address to connect to, or to listen on.
    port : int
        TCP port.
    role : str
        "client": connect to the source; "server": listen until the source connects.
    device : str
        Device name, at most 20 bytes.
    version : int
        Header version. Version 1 carries no number: the source then counts frames on arrival, and gaps go undetected.
    patience_s : float
        Longest wait for the source, in seconds.

    Raises
    ------
    LinkError
        When the source does not answer or connect in time.
    """

    def __init__(
        self,
        host: str,
        port: int,
        role: Literal["client", "server"] = "client",
        device: str = "gatekeeper",
        version: int = 2,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._where = f"openigtlink {host}:{port}"
        self._device = device
        self._version = version
        try:
            self._link = _connected(host, port, patience_s) if role == "client" else _called(host, port, patience_s)
        except TimeoutError:
            raise LinkError(f"{self._where}: no connection within {patience_s:g} s; start the source") from None
        except OSError as error:
            raise LinkError(f"{self._where}: {error.strerror or error}; start the source, or name its port") from None

    def send(self, frame: Frame) -> None:
        """Send one frame.

        Parameters
        ----------
        frame : Frame
            The frame.

        Raises
        ------
        LinkError
            When the source does not accept it.
        """
        pixels = np.ascontiguousarray(frame.image, np.float32)
        content = encode_image(image_on(frame.plane, frame.spacing_mm, pixels, THICKNESS_MM))
        number = (frame.sequence + 1) % NUMBERS if self._version > 1 else 0
        stamp = to_timestamp(START_S + frame.acquired_s)
        message = Message("IMAGE", self._device, content, stamp, self._version, number)
        try:
            self._link.sendall(encode_message(message))
        except OSError as error:
            raise LinkError(f"{self._where}: frame {frame.sequence} not accepted ({error}); start the source") from None

    def close(self) -> None:
        """Close the connection, for which the protocol has no message; may be called twice."""
        with suppress(OSError):
            self._link.shutdown(socket.SHUT_RDWR)
        self._link.close()


def _connected(host: str, port: int, patience_s: float) -> socket.socket:
    link = socket.create_connection((host, port), patience_s)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return link


def _called(host: str, port: int, patience_s: float) -> socket.socket:
    with socket.create_server((host, port)) as listening:
        listening.settimeout(patience_s)
        link, _ = listening.accept()
    link.settimeout(patience_s)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return link
