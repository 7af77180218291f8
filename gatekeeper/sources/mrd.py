"""MRD source: a server that receives images of an image reconstruction (ISMRMRD, as FIRE, OpenRecon, Gadgetron)."""

import hashlib
import math
import socket
from collections.abc import Mapping
from contextlib import suppress

from gatekeeper.config.source import MrdSourceConfig
from gatekeeper.core.clock import Clock
from gatekeeper.core.errors import GeometryError, OtherPlaneError
from gatekeeper.core.frame import Frame, Plane, Vector
from gatekeeper.core.orientation import Reorientation, reorientation
from gatekeeper.sources.connections import peer_of
from gatekeeper.sources.interleaving import InterleavedFrames
from gatekeeper.sources.mrd_dicom import ATTRIBUTE, compared, dicom_attributes
from gatekeeper.sources.network import DAY_S, NO_TIME, ImageStamps, NetworkSource, ReorientationCache, canonical
from gatekeeper.wire import mrd_codec as mrd
from gatekeeper.wire.mrd_attributes import read_attributes
from gatekeeper.wire.mrd_codec import ImageHeader, ImageMessage, Kind, TextMessage
from gatekeeper.wire.single import shortest_decimals
from gatekeeper.wire.stream import MessageStream, StreamError

NUMBERS = 65_536
"""Number of image indices, after which they start again at 0."""
MAGNITUDES = (0, mrd.MAGNITUDE, mrd.REAL, mrd.COMPLEX)
"""Types of images that can be tracked; 0 means not specified."""
OTHERS = ("plane", "type")
"""Valid images that a device sends in turn with those of the session, which are not missing frames."""


class MrdSource(NetworkSource):
    """Receive images from one MRD client at a time, and turn them into frames.

    Rows and columns come from the image's header: x, the fastest in memory, runs along `read_dir` and y along
    `phase_dir`, or along the meta attributes `ImageRowDir` and `ImageColumnDir` where the sender has rotated the image;
    `position` is the centre of the image, and the pixel size is `field_of_view / matrix_size`. Where images carry the
    DICOM attributes that they were made from, and these place them elsewhere, the attributes count, with a note.
    Complex images become magnitudes. Images other than magnitudes of one plane are counted and ignored.

    Parameters
    ----------
    config : MrdSourceConfig
        Address, allowed senders and limits.
    clock : Clock
        Session time, running with the machine's.

    Raises
    ------
    ConfigError
        When it cannot listen there.
    """

    def __init__(self, config: MrdSourceConfig, clock: Clock) -> None:
        super().__init__(config)
        self._config = config
        self._clock = clock
        self._stamps = ImageStamps(config.clock, NUMBERS, DAY_S)
        self._interleaved = InterleavedFrames()
        self._planes = ReorientationCache()
        self._peer, self._said = "", hashlib.sha256()
        self._link = self._listener(config, config.port, self._serve, "mrd source", mrd.greets)

    def _serve(self, link: socket.socket, peer: str) -> None:
        """Read one connection to its end."""
        where = f"mrd source: {peer}"
        self._stamps.connected()
        self._connections.begin()
        self._peer, self._said = peer_of(link, peer), hashlib.sha256()
        try:
            with self._secure(link, self._config.read_deadline_s) as secured:
                self._read(secured, where)
        except StreamError as error:
            self._statistics.add("broken", error.breach.value, str(error))

    def _read(self, link: socket.socket, where: str) -> None:
        """Read messages until the sender says goodbye."""
        stream = MessageStream(link, self._config.largest_message_bytes, self._config.read_deadline_s, where)
        while stream.begin():
            message = mrd.read_message(stream, where)
            if message is Kind.CLOSE:
                self._statistics.add("ignored", "close")
                # The client waits for our close message before it closes, unless it is gone.
                with suppress(OSError):
                    link.sendall(mrd.CLOSE)
                return
            self._take(message, where)

    def _take(self, message: mrd.Message, where: str) -> None:
        received_s = self._clock.now_s()
        if isinstance(message, ImageMessage):
            self._take_image(message, received_s, where)
        elif isinstance(message, TextMessage):
            if message.kind is not Kind.TEXT:
                self._said.update(f"{message.kind.name}\0{message.text}\0".encode())
            self._statistics.add(
                "ignored", message.kind.name.lower(), message.text if message.kind is Kind.TEXT else ""
            )
        else:
            self._statistics.add("ignored", message.name.lower())

    def _take_image(self, message: ImageMessage, received_s: float, where: str) -> None:
        """Turn an image into a frame, or count why it is not one; both have a number and a time."""
        header = message.header
        number = self._stamps.number(header.image_index)
        acquired_s, stamp_s = self._stamps.times_s(header.stamp * self._config.tick_ms * 1e-3, received_s)
        where = f"{where}: image {header.image_index}"
        try:
            kind, fault = _unfit_reason(header)
            reorient = None if fault else self._reorientation(message, where)
        except OtherPlaneError as error:
            kind, fault, reorient = "plane", str(error), None
        except GeometryError as error:
            kind, fault, reorient = "geometry", str(error), None
        if reorient is None:
            self._statistics.add("unfit", kind, fault if fault.startswith(where) else f"{where}: {fault}")
            if kind in OTHERS:
                self._interleaved.put(number)
            return
        if math.isnan(acquired_s):
            self._statistics.add("unfit", "clock", f"{where}: {NO_TIME}")
        image = canonical(message.pixels[0, 0], reorient)
        frame = Frame(
            image,
            reorient.spacing_mm,
            number,
            acquired_s,
            received_s,
            reorient.plane,
            connection=self._connections.number(self._peer, "MRD 1", header=self._said.hexdigest()),
            stamp_s=stamp_s,
        )
        self._statistics.frame()
        self._queue.put(self._interleaved.give(frame))

    def _reorientation(self, message: ImageMessage, where: str) -> Reorientation:
        """Return the reorientation of images of this geometry."""
        header = message.header
        meta = _meta(message, where)
        along_x = _direction(meta.get("ImageRowDir"), shortest_decimals(header.read_dir), where)
        along_y = _direction(meta.get("ImageColumnDir"), shortest_decimals(header.phase_dir), where)
        shape = header.matrix[1], header.matrix[0]
        dicom = dicom_attributes(meta, shape) if ATTRIBUTE in meta else None
        by_dicom = None if dicom is None else dicom.geometry
        (plane, spacing_mm), note = compared(_geometry(header, along_x, along_y), by_dicom, shape)
        if note:
            self._statistics.add("noted", "geometry", f"{where}: {note}")
        key = shape, spacing_mm, plane
        return self._planes.get(key, lambda: reorientation(plane, spacing_mm, shape, where, self._config.plane))


def _unfit_reason(header: ImageHeader) -> tuple[str, str]:
    """Return a word and a text on why an image is not a frame; empty when it may be one."""
    if header.image_type not in MAGNITUDES:
        return "type", f"image_type {header.image_type} is not a magnitude; send magnitude images (1)"
    if 0 in header.matrix:
        return "empty", f"it has {header.matrix[0]} x {header.matrix[1]} pixels; send images that have some"
    if header.channels != 1:
        return "channels", f"it has {header.channels} channels; combine the coils to 1"
    if header.matrix[2] != 1:
        return "volume", f"it has {header.matrix[2]} slices in one image; send each as an image of its own"
    return "", ""


def _meta(message: ImageMessage, where: str) -> Mapping[str, tuple[str, ...]]:
    """Return the meta attributes of an image."""
    try:
        return read_attributes(message.attributes)
    except ValueError as error:
        raise GeometryError(f"{where}: its meta attributes cannot be read ({error}); send XML as MRD has it") from None


def _direction(words: tuple[str, ...] | None, otherwise: Vector, where: str) -> Vector:
    if words is None:
        return otherwise
    try:
        first, second, third = (float(word) for word in words)
    except ValueError:
        raise GeometryError(
            f"{where}: a direction in its meta attributes is {', '.join(words)[:60]!r}; give three numbers"
        ) from None
    return first, second, third


def _geometry(header: ImageHeader, along_x: Vector, along_y: Vector) -> tuple[Plane, tuple[float, float]]:
    """Return the plane of the pixels as stored, and their distances along rows and columns, in mm."""
    (nx, ny, _), (width_mm, height_mm, _) = header.matrix, shortest_decimals(header.field_of_view_mm)
    spacing_mm = height_mm / ny, width_mm / nx
    back_x_mm, back_y_mm = 0.5 * (nx - 1) * spacing_mm[1], 0.5 * (ny - 1) * spacing_mm[0]
    first, second, third = (
        middle - back_x_mm * x - back_y_mm * y
        for middle, x, y in zip(shortest_decimals(header.position_mm), along_x, along_y, strict=True)
    )
    return Plane((first, second, third), row_step=along_y, col_step=along_x), spacing_mm
