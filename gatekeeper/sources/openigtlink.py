"""OpenIGTLink source: images that a program sends over TCP, as frames of the session."""

import math
import socket

from gatekeeper.config.source import OpenIGTLinkSourceConfig
from gatekeeper.core.clock import Clock
from gatekeeper.core.errors import GeometryError, OtherPlaneError, WireError
from gatekeeper.core.frame import Frame
from gatekeeper.core.orientation import Reorientation, reorientation
from gatekeeper.sources.connections import peer_of
from gatekeeper.sources.interleaving import InterleavedFrames
from gatekeeper.sources.network import NO_TIME, ImageStamps, NetworkSource, ReorientationCache, canonical
from gatekeeper.wire.caller import Caller
from gatekeeper.wire.openigtlink.geometry import plane_of
from gatekeeper.wire.openigtlink.header import HEADER_BYTES, Header, decode_header, greets, to_seconds
from gatekeeper.wire.openigtlink.image import Image, decode_image
from gatekeeper.wire.openigtlink.message import Message, decode_message
from gatekeeper.wire.stream import Breach, MessageStream, StreamError

NAME = "openigtlink source"
NUMBERS = 1 << 32
"""Number of message numbers, after which they start again at 0."""
IGNORED = {"TRANSFORM": "transform", "STATUS": "status", "STRING": "string"}
"""Message types that are skipped, and the word under which each is counted; all others are "other"."""


class OpenIGTLinkSource(NetworkSource):
    """A live source of OpenIGTLink IMAGE messages, as a server that senders connect to or as a client of one.

    One sender at a time. Messages of other types or devices are skipped and counted. A damaged message ends its
    connection; a valid image that is no frame of the session is counted with the reason. The time of acquisition
    is the header's time stamp, the number that of the extended header.

    Parameters
    ----------
    config : OpenIGTLinkSourceConfig
        Address, device name and limits.
    clock : Clock
        Session time, by which arrivals are stamped.

    Raises
    ------
    ConfigError
        When it cannot listen there.
    """

    def __init__(self, config: OpenIGTLinkSourceConfig, clock: Clock) -> None:
        super().__init__(config, server=config.role == "server")
        self._config = config
        self._clock = clock
        self._stamps = ImageStamps(config.clock, NUMBERS)
        self._interleaved = InterleavedFrames()
        self._planes = ReorientationCache()
        self._peer = ""
        if config.role == "server":
            self._link = self._listener(config, config.port, self._serve, NAME, greets)
        else:
            self._link = Caller(config.host, config.port, self._serve, self._statistics.count_connection, NAME)

    def _serve(self, link: socket.socket, peer: str) -> None:
        """Read one connection to its end."""
        where = f"{NAME}: {peer}"
        self._stamps.connected()
        self._connections.begin()
        self._peer = peer_of(link, peer)
        try:
            with self._secure(link, self._config.read_deadline_s) as secured:
                stream = MessageStream(secured, self._config.largest_message_bytes, self._config.read_deadline_s, where)
                while stream.begin():
                    self._take(stream, where)
        except StreamError as error:
            self._statistics.add("broken", error.breach.value, str(error))
        except WireError as error:
            self._statistics.add("broken", Breach.MALFORMED.value, f"{where}: {error}")

    def _take(self, stream: MessageStream, where: str) -> None:
        """Read one message."""
        header = decode_header(stream.take(HEADER_BYTES))
        if (kind := self._ignored(header)) is not None:
            stream.skip(header.body_size)
            self._statistics.add("ignored", kind)
            return
        body = stream.take(header.body_size)
        received_s = self._clock.now_s()
        message = decode_message(header, body)
        image = decode_image(message.content)
        connection = self._connections.number(self._peer, f"OpenIGTLink header {header.version}", message.device)
        self._take_image(message, image, received_s, connection, f"{where}: image of {message.device!r}")

    def _take_image(self, message: Message, image: Image, received_s: float, connection: int, where: str) -> None:
        """Turn an image into a frame, or count why it is not one; both have a number and a time."""
        number = self._stamps.number(message.number)
        acquired_s, stamp_s = self._stamps.times_s(to_seconds(message.timestamp), received_s)
        kind, fault = _unfit_reason(image)
        if fault:
            self._statistics.add("unfit", kind, f"{where}: {fault}")
            return
        try:
            reorient = self._reorientation(image, where)
        except OtherPlaneError as error:
            self._statistics.add("unfit", "plane", str(error))
            # Images of other planes, in turn with the session's, are not missing frames.
            self._interleaved.put(number)
            return
        except GeometryError as error:
            self._statistics.add("unfit", "geometry", str(error))
            return
        if math.isnan(acquired_s):
            self._statistics.add("unfit", "clock", f"{where}: {NO_TIME}")
        frame = Frame(
            canonical(image.pixels[0], reorient),
            reorient.spacing_mm,
            number,
            acquired_s,
            received_s,
            reorient.plane,
            connection=connection,
            stamp_s=stamp_s,
        )
        self._statistics.frame()
        self._queue.put(self._interleaved.give(frame))

    def _ignored(self, header: Header) -> str | None:
        """Return the word under which an ignored message is counted, or None for an image to be used."""
        if header.type_name != "IMAGE":
            return IGNORED.get(header.type_name, "other")
        return "device" if self._config.device and header.device != self._config.device else None

    def _reorientation(self, image: Image, where: str) -> Reorientation:
        """Return the reorientation of images of this geometry."""
        key = image.i_step_mm, image.j_step_mm, image.centre_mm, image.coordinates, image.whole

        def make() -> Reorientation:
            plane, spacing_mm = plane_of(image, where)
            columns, rows, _ = image.whole
            return reorientation(plane, spacing_mm, (rows, columns), where, self._config.plane)

        return self._planes.get(key, make)


def _unfit_reason(image: Image) -> tuple[str, str]:
    """Return a word and a text on why an image is not a frame; empty when it may be one."""
    if image.pixels.ndim == 4:
        return "vector", f"it has {image.pixels.shape[3]} numbers per pixel; send one"
    if not image.is_whole:
        return "part", f"it is a part of {image.pixels.shape[::-1]} pixels of {image.whole}; send the whole image"
    if image.whole[2] != 1:
        return "volume", f"it has {image.whole[2]} slices; send each as an image of its own"
    return "", ""
