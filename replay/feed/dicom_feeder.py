"""DICOM feeder: a storage user that sends frames as MR Image Storage objects over one association."""

from contextlib import suppress

from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage
from pynetdicom.ae import ApplicationEntity

from gatekeeper.core.errors import LinkError
from gatekeeper.core.frame import Frame
from replay.mr_object import mr_object, new_uid

PATIENCE_S = 5.0
"""The other side answers within this time, in seconds."""
MORNING_S = 36_000.0
"""Session time 0 is ten o'clock on the sender's clock, in seconds since midnight."""
LARGEST_PDU = 128 * 1024


class DicomFeeder:
    """Sends frames as MR images, with their plane, number and time of acquisition (to the microsecond).

    Parameters
    ----------
    host, port : str, int
        Where the storage provider listens.
    ae_title : str
        What the provider is called.

    Raises
    ------
    LinkError
        When nobody listens there, or the association is refused.
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
            raise LinkError(f"{self._where}: cannot be called {ae_title} ({error}); look at the address") from None
        link = self._association.dul.socket
        self._link = None if link is None else link.socket
        if not self._association.is_established:
            refused = self._association.is_rejected
            self.close()
            why = f"refuses {ae_title} or is busy" if refused else "does not answer"
            raise LinkError(f"{self._where}: {why}; start the session that listens there, and call it by its ae_title")

    def send(self, frame: Frame) -> None:
        """Send one frame as an object of its own.

        Raises
        ------
        LinkError
            When the provider does not take it, or is gone.
        OutputError
            When the frame holds what no MR image can: NaN or infinity.
        """
        item = mr_object(
            frame.image,
            frame.spacing_mm,
            frame.plane,
            MORNING_S + frame.acquired_s,
            frame.sequence + 1,
            self._series,
            self._reference,
        )
        try:
            status = self._association.send_c_store(item).get("Status")
        except RuntimeError:
            status = None
        if status != 0x0000:
            why = "is gone" if status is None else f"answers with the status 0x{status:04X}"
            raise LinkError(f"{self._where}: {why}; look at what it says of its source")

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
                self._link.close()  # pynetdicom leaves it open when the other side was first
