"""The socket below a DICOM association, with limits on sizes, times and waiting messages.

pynetdicom by itself reads any length that a PDU announces, waits for its bytes without limit, and collects the
fragments of a message without limit (PS3.8 sets none).
"""

import select
import socket
import ssl
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress

from pynetdicom.association import Association
from pynetdicom.transport import AssociationSocket

from gatekeeper.core.clock import monotonic_ns, pause
from gatekeeper.wire.stream import Breach

LARGEST_PDU = 256 * 1024
"""Largest P-DATA PDU that a sender is asked to send, in bytes; a larger one ends its connection."""
LARGEST_OTHER = {1: 64 * 1024, 2: 64 * 1024, 3: 4, 4: LARGEST_PDU, 5: 4, 6: 4, 7: 4}
"""Largest size after the header of each type of PDU, in bytes (PS3.8 section 9.3)."""
_HEADER = struct.Struct(">BBL")
_ASSOCIATE_RQ = 1
_REQUEST = struct.Struct(">B9x16s16s")
"""Type of the PDU, called and calling AE title of an association request (PS3.8 table 9-11)."""
_PIECE = 64 * 1024
_ASSOCIATION_REQUESTED = "Sta3"
"""State in which an association request waits for our answer; later PDUs must wait too (PS3.8 table 9-10)."""
_POLL_S = 0.001
"""Longest delay of outgoing data, in s."""
_MOST_WAITING = 4
"""Largest number of unanswered messages; meanwhile nothing more is read."""


def greets(ae_title: str, calling: Sequence[str], start: bytes) -> bool:
    """Return whether the first bytes of a connection request an association with us.

    Parameters
    ----------
    ae_title : str
        Our AE title.
    calling : sequence of str
        AE titles that a sender may have; empty for any.
    start : bytes
        What has arrived so far.

    Returns
    -------
    bool
        False for another kind of PDU or another title, and while there are too few bytes.
    """
    if len(start) < _REQUEST.size:
        return False
    kind, *titles = _REQUEST.unpack_from(start)
    to, sender = (str(title, "ascii", "replace").strip() for title in titles)
    return bool(kind == _ASSOCIATE_RQ and to == ae_title.strip() and (not calling or sender in calling))


class GuardedSocket(AssociationSocket):
    """The socket of an association, which refuses data that are too large or too late.

    Parameters
    ----------
    association : Association
        The association.
    link : socket
        A connected socket.
    largest_bytes : int
        Largest size of a message, in bytes.
    deadline_s : float
        Longest time from the first byte of a PDU or message to its last, in s.
    broken : callable
        Called with the kind of violation and a text when it ends the connection.
    """

    def __init__(
        self,
        association: Association,
        link: socket.socket,
        largest_bytes: int,
        deadline_s: float,
        broken: Callable[[Breach, str], None],
    ) -> None:
        super().__init__(association, client_socket=link)
        self._link = link
        self._largest_bytes = largest_bytes
        self._deadline_ns = round(deadline_s * 1e9)
        self._broken = broken
        self._is_over = False
        self._is_body_next = False
        self._pdu_due_ns = 0
        self._message_due_ns: int | None = None

    @property
    def ready(self) -> bool:
        """Whether bytes may be read now; a message that is late or too large ends the connection."""
        # Process what was read first: a later PDU must not meet the state that an earlier one changes.
        if not self.event_queue.empty():
            return False
        if self._is_over or self.assoc.dul.state_machine.current_state == _ASSOCIATION_REQUESTED:
            pause(_POLL_S)
            return False
        message = self.assoc.dimse.message
        if message is None:
            self._message_due_ns = None
        else:
            now_ns = monotonic_ns()
            if self._message_due_ns is None:
                self._message_due_ns = now_ns + self._deadline_ns
            if now_ns > self._message_due_ns:
                self._refuse(Breach.LATE, "a message was incomplete at its deadline; raise read_deadline_s")
                self.event_queue.put("Evt17")
                return False
            gathered = message.encoded_command_set.tell() + (message.data_set.tell() if message.data_set else 0)
            if gathered > self._largest_bytes:
                self._refuse(
                    Breach.TOO_LARGE, f"a message is larger than {self._largest_bytes} bytes; raise largest_message_mb"
                )
                self.event_queue.put("Evt17")
                return False
        if self.assoc.dimse.msg_queue.qsize() >= _MOST_WAITING:
            pause(_POLL_S)
            return False
        if self.assoc.dul.to_provider_queue.empty():
            self._wait()
        return bool(super().ready)

    def _wait(self) -> None:
        """Wait until there are bytes, or until it is time to check for outgoing data.

        pynetdicom would sleep instead, which delays frames.
        """
        if self.socket is None:
            pause(_POLL_S)
            return
        if isinstance(self._link, ssl.SSLSocket) and self._link.pending():
            return
        poll = select.poll()
        with suppress(OSError, ValueError):
            poll.register(self._link, select.POLLIN)
            poll.poll(_POLL_S * 1e3)

    def recv(self, nr_bytes: int) -> bytearray:
        """Return exactly `nr_bytes` bytes, fewer when the sender is gone.

        Raises
        ------
        OSError
            When they are late, or this type of PDU announces too many.
        """
        if self._is_body_next:
            self._is_body_next = False
            return self._take(nr_bytes)
        self._pdu_due_ns = monotonic_ns() + self._deadline_ns
        header = self._take(nr_bytes)
        if len(header) == _HEADER.size:
            kind, _, length = _HEADER.unpack(header)
            if length > LARGEST_OTHER.get(kind, 0) and kind in LARGEST_OTHER:
                self._refuse(Breach.TOO_LARGE, f"a PDU of type {kind} announces {length} bytes")
                raise OSError("announces too much")
            self._is_body_next = kind in LARGEST_OTHER
        else:
            self._is_over = True
        return header

    def _take(self, count: int) -> bytearray:
        due_ns = self._pdu_due_ns
        if self._message_due_ns is not None:
            due_ns = min(due_ns, self._message_due_ns)
        taken = bytearray()
        try:
            while len(taken) < count:
                left_s = (due_ns - monotonic_ns()) * 1e-9
                if left_s <= 0.0:
                    raise TimeoutError
                self._link.settimeout(left_s)
                part = self._link.recv(min(count - len(taken), _PIECE))
                if not part:
                    self._is_over = True
                    return taken
                taken += part
        except TimeoutError:
            self._refuse(Breach.LATE, "a PDU was incomplete at its deadline; raise read_deadline_s")
            raise
        except OSError:
            self._is_over = True
            raise
        finally:
            with suppress(OSError):
                self._link.settimeout(self._deadline_ns * 1e-9)
        return taken

    def _refuse(self, breach: Breach, why: str) -> None:
        """Stop reading, and report why."""
        self._is_over = True
        self._broken(breach, why)
