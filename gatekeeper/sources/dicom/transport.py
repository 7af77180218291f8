"""The wire under a DICOM association: no announcement is believed, no message waited for without end, none piled up.

pynetdicom alone reads whatever length a PDU announces, waits for its bytes for ever, and gathers the fragments of a
message without a limit (PS3.8 sets none).
"""

import select
import socket
import struct
from collections.abc import Callable
from contextlib import suppress

from pynetdicom.association import Association
from pynetdicom.transport import AssociationSocket

from gatekeeper.core.clock import monotonic_ns, pause
from gatekeeper.wire.stream import Breach

LARGEST_PDU = 256 * 1024
"""The sender is asked for P-DATA PDUs of at most this many bytes; a larger one ends its connection."""
LARGEST_OTHER = {1: 64 * 1024, 2: 64 * 1024, 3: 4, 4: LARGEST_PDU, 5: 4, 6: 4, 7: 4}
"""Bytes after the header of each type of PDU (PS3.8 section 9.3)."""
_HEADER = struct.Struct(">BBL")
_PIECE = 64 * 1024
_ASKED = "Sta3"
"""A request for an association waits for our answer, so that what comes after it must wait too (PS3.8 table 9-10)."""
_LOOK_S = 0.001
"""What is to be sent waits no longer than this, in seconds, for somebody to look."""
_MOST_WAITING = 4
"""So many messages may wait to be answered; meanwhile nothing more is read."""


class GuardedSocket(AssociationSocket):
    """The socket of an association, which refuses what is too large or too late.

    Parameters
    ----------
    association : Association
        Whose socket it is.
    link : socket
        A connected one.
    largest_bytes : int
        A message may have this many bytes.
    deadline_s : float
        A PDU and a message must be whole within this time of their first byte, in seconds.
    broken : callable
        Told what was wrong, and more about it in words, when the connection ends for it.
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
        """Return True when bytes may be read now; a message that is late or too large ends the connection."""
        # What was read already is dealt with first, or a later PDU would meet the state that an earlier one changes.
        if not self.event_queue.empty():
            return False
        if self._is_over or self.assoc.dul.state_machine.current_state == _ASKED:
            pause(_LOOK_S)
            return False
        message = self.assoc.dimse.message
        if message is None:
            self._message_due_ns = None
        else:
            now_ns = monotonic_ns()
            if self._message_due_ns is None:
                self._message_due_ns = now_ns + self._deadline_ns
            if now_ns > self._message_due_ns:
                self._refuse(Breach.LATE, "a message was not whole in time; raise read_deadline_s")
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
            pause(_LOOK_S)
            return False
        if self.assoc.dul.to_provider_queue.empty():
            self._wait()
        return bool(super().ready)

    def _wait(self) -> None:
        """Wait until bytes are there, or it is time to look whether there is something to send.

        pynetdicom sleeps between two looks instead, and a frame waits for it to wake up.
        """
        if self.socket is None:
            pause(_LOOK_S)
            return
        poll = select.poll()
        with suppress(OSError, ValueError):
            poll.register(self._link, select.POLLIN)
            poll.poll(_LOOK_S * 1e3)

    def recv(self, nr_bytes: int) -> bytearray:
        """Return exactly so many bytes, fewer when the sender is gone.

        Raises
        ------
        OSError
            When they are not there in time, or more are announced than this type of PDU may have.
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
            self._refuse(Breach.LATE, "a PDU was not whole in time; raise read_deadline_s")
            raise
        except OSError:
            self._is_over = True
            raise
        finally:
            with suppress(OSError):
                self._link.settimeout(self._deadline_ns * 1e-9)
        return taken

    def _refuse(self, breach: Breach, why: str) -> None:
        """Read no more."""
        self._is_over = True
        self._broken(breach, why)
