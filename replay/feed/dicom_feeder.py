"""Send frames to a DICOM storage provider as MR Image Storage objects, over one association."""

from contextlib import suppress

from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage
from pynetdicom.ae import ApplicationEntity

from gatekeeper.core.errors import LinkError
from gatekeeper.core.frame import Frame
from replay.mr_object import mr_object, new_uid

PATIENCE_S = 5.0
"""Longest wait for an answer of the provider, in seconds."""
START_S = 36_000.0
"""Session time 0 on the sender's clock, in seconds since midnight (10:00)."""
LARGEST_PDU = 128 * 1024


class DicomFeeder:
    """A feeder that sends frames as MR images, with plane, number and time of acquisition (to the microsecond).

    Parameters
    ----------
    host, port : str, int
        Address of the storage provider.
    ae_title : str
        Application entity title of the provider.

    Raises
    ------
    LinkError
        When the provider does not answer, or refuses the association.
    """

    def __init__(self, host: str, port: int, ae_title: str = "GATEKEEPER") -> None:
        self._where = f"dicom://{host}:{port}"
        entity = ApplicationEntity("FEEDER")
        entity.add_requested_context(MRImageStorage, ExplicitVRLittleEndian)
        entity.connection_timeout = entity.acse_timeout = entity.dimse_timeout = PATIENCE_S
        entity.network_timeout = None
        self._series, self._reference = new_uid(), new_uid()
        self._link = None
        try:
            self._association = entity.associate(host, port, ae_title=ae_title, max_pdu=LARGEST_PDU)
        except (OSError, RuntimeError, ValueError) as error:
            raise LinkError(f"{self._where}: cannot call {ae_title} ({error}); check the address") from None
        link = self._association.dul.socket
        self._link = None if link is None else link.socket
        if not self._association.is_established:
            refused = self._association.is_rejected
            self.close()
            why = f"refuses {ae_title} or is busy" if refused else "does not answer"
            raise LinkError(f"{self._where}: {why}; start the session that listens there, and check its ae_title")

    def send(self, frame: Frame) -> None:
        """Send one frame as one object.

        Parameters
        ----------
        frame : Frame
            The frame.

        Raises
        ------
        LinkError
            When the provider does not accept the object, or has closed the connection.
        OutputError
            When the frame holds NaN or infinity, which DICOM cannot store.
        """
        item = mr_object(
            frame.image,
            frame.spacing_mm,
            frame.plane,
            START_S + frame.acquired_s,
            frame.sequence + 1,
            self._series,
            self._reference,
        )
        try:
            status = self._association.send_c_store(item).get("Status")
        except RuntimeError:
            status = None
        if status != 0x0000:
            why = "connection lost" if status is None else f"provider answers with status 0x{status:04X}"
            raise LinkError(f"{self._where}: {why}; see the messages of the session that receives the frames")

    def close(self) -> None:
        """Release the association and end its threads; may be called twice."""
        association = self._association
        if association.is_established:
            association.release()
        for thread in (association, association.dul):
            if thread.ident is not None:
                thread.join(PATIENCE_S)
        if self._link is not None:
            with suppress(OSError):
                self._link.close()  # pynetdicom leaves the socket open when the provider has ended the association
