"""Send frames to an MRD server, as a client like the scanner's image reconstruction."""

import socket
from contextlib import suppress

import numpy as np

from gatekeeper.core.errors import LinkError
from gatekeeper.core.frame import Frame, Vector
from gatekeeper.wire import mrd_codec as mrd
from gatekeeper.wire.mrd_codec import ImageHeader, Kind
from replay.formats.mrd_header import header_xml

PATIENCE_S = 5.0
"""Longest wait for the server to accept a message or to close, in seconds."""
START_S = 36_000.0
"""Session time 0 on the sender's clock, in seconds since midnight (10:00)."""
TICK_S = 2.5e-3
TICKS_A_DAY = round(86_400.0 / TICK_S)
NUMBERS = 65_536
SLICE_MM = 5.0

FIELD_T = 0.35
"""Field strength written to the MRD header, which requires a frequency, in tesla."""


class MrdFeeder:
    """A feeder that sends frames as MRD images of float32, with plane, number and time of acquisition.

    Parameters
    ----------
    host, port : str, int
        Address of the server.

    Raises
    ------
    LinkError
        When the server does not answer.
    """

    def __init__(self, host: str, port: int) -> None:
        self._where = f"mrd://{host}:{port}"
        self._has_begun = False
        try:
            self._link = socket.create_connection((host, port), PATIENCE_S)
        except OSError as error:
            raise LinkError(
                f"{self._where}: no answer ({error.strerror or error}); start the session that listens there"
            ) from None
        self._link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, frame: Frame) -> None:
        """Send one frame, and before the first one a configuration and a header.

        Parameters
        ----------
        frame : Frame
            The frame.

        Raises
        ------
        LinkError
            When the server has closed the connection, or accepts no data for `PATIENCE_S`.
        """
        if not self._has_begun:
            self._has_begun = True
            self._write(
                mrd.write_text(Kind.CONFIG_FILE, "gatekeeper")
                + mrd.write_text(Kind.HEADER, header_xml(frame.image.shape, frame.spacing_mm, SLICE_MM, FIELD_T))
            )
        self._write(mrd.write_image(header_of(frame), frame.image))

    def close(self) -> None:
        """Send CLOSE, wait until the server closes, and close; may be called twice."""
        with suppress(OSError):
            self._link.sendall(mrd.CLOSE)
            self._link.shutdown(socket.SHUT_WR)
            while self._link.recv(4096):
                pass
        self._link.close()

    def _write(self, message: bytes) -> None:
        try:
            self._link.sendall(message)
        except OSError as error:
            raise LinkError(
                f"{self._where}: the server accepts no more data ({error.strerror or error}); see the messages of the "
                "session that receives the frames"
            ) from None


def header_of(frame: Frame) -> ImageHeader:
    """Return the MRD image header of a frame: x runs along its columns, y along its rows.

    Parameters
    ----------
    frame : Frame
        The frame.

    Returns
    -------
    ImageHeader
    """
    rows, cols = frame.image.shape
    middle_mm = frame.plane.to_patient_mm(np.array([[0.5 * (rows - 1), 0.5 * (cols - 1)]]), frame.spacing_mm)[0]
    return ImageHeader(
        pixel_type=5,
        matrix=(cols, rows, 1),
        field_of_view_mm=_extent_mm(frame),
        channels=1,
        position_mm=(float(middle_mm[0]), float(middle_mm[1]), float(middle_mm[2])),
        read_dir=frame.plane.col_step,
        phase_dir=frame.plane.row_step,
        stamp=round((START_S + frame.acquired_s) / TICK_S) % TICKS_A_DAY,
        image_index=frame.sequence % NUMBERS,
    )


def _extent_mm(frame: Frame) -> Vector:
    rows, cols = frame.image.shape
    return cols * frame.spacing_mm[1], rows * frame.spacing_mm[0], SLICE_MM
