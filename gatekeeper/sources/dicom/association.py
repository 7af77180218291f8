"""One association with a sender of DICOM MR images, whose objects are passed on as received."""

import gc
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import deepcopy
from functools import partial

from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000TransferSyntaxes,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
    RLELossless,
)
from pynetdicom import _config, evt
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.events import Event
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    EnhancedMRImageStorage,
    LegacyConvertedEnhancedMRImageStorage,
    MRImageStorage,
    Verification,
)
from pynetdicom.transport import AddressInformation

from gatekeeper.sources.dicom.transport import LARGEST_PDU, GuardedSocket
from gatekeeper.wire.listener import CLOSING_S
from gatekeeper.wire.security import Secure, plain
from gatekeeper.wire.stream import Breach, StreamError

_config.LOG_HANDLER_LEVEL = "none"
STORED = MRImageStorage, EnhancedMRImageStorage, LegacyConvertedEnhancedMRImageStorage
"""SOP classes that are accepted."""
SYNTAXES = [
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    RLELossless,
    *JPEGLSTransferSyntaxes,
    *JPEG2000TransferSyntaxes,
    *JPEGTransferSyntaxes,
]
"""Accepted transfer syntaxes, in order of preference; not deflated ones, whose objects could expand to any size."""
SUCCESS = 0x0000

Stored = Callable[[bytes, UID, tuple[str, str]], None]
"""Takes an object as received, its transfer syntax, and the AE title and implementation of its sender."""


def provider(ae_title: str, calling: Sequence[str], deadline_s: float) -> ApplicationEntity:
    """Return our side of an association: storage of MR images, and verification.

    Parameters
    ----------
    ae_title : str
        Our AE title, which a sender must use.
    calling : sequence of str
        AE titles that a sender may have; empty for any.
    deadline_s : float
        Longest time from a connection to its association request, in s.

    Returns
    -------
    ApplicationEntity
        The application entity.
    """
    entity = ApplicationEntity(ae_title)
    for image_class in STORED:
        entity.add_supported_context(image_class, SYNTAXES)
    entity.add_supported_context(Verification)
    entity.require_called_aet = True
    entity.require_calling_aet = list(calling)
    entity.maximum_pdu_size = LARGEST_PDU
    entity.acse_timeout = deadline_s
    entity.dimse_timeout = deadline_s
    # A scanner may pause for any time; the system detects whether its machine is gone.
    entity.network_timeout = None
    return entity


def serve(
    entity: ApplicationEntity,
    link: socket.socket,
    peer: str,
    largest_bytes: int,
    deadline_s: float,
    stored: Stored,
    broken: Callable[[Breach, str], None],
    secure: Secure = plain,
) -> None:
    """Serve one sender until its association ends or the socket is shut down.

    Parameters
    ----------
    entity : ApplicationEntity
        From `provider`.
    link : socket
        Socket connected to the sender.
    peer : str
        Its address.
    largest_bytes : int
        As for `GuardedSocket`.
    deadline_s : float
        As for `GuardedSocket`, in s.
    stored : callable
        Called with each object as received; must return at once.
    broken : callable
        Called when the connection ends because of a violation by the sender.
    secure : callable
        Secures the link.
    """
    try:
        with secure(link, deadline_s) as secured:
            # pynetdicom closes this copy, the listener the original.
            own = link.dup() if secured is link else secured
            _serve(entity, link, own, peer, largest_bytes, deadline_s, stored, broken)
    except StreamError as error:
        broken(error.breach, str(error))


def _serve(
    entity: ApplicationEntity,
    link: socket.socket,
    own: socket.socket,
    peer: str,
    largest_bytes: int,
    deadline_s: float,
    stored: Stored,
    broken: Callable[[Breach, str], None],
) -> None:
    """Serve one sender on a copy of the link, or on the secured one."""
    association = Association(entity, "acceptor")
    association.set_socket(GuardedSocket(association, own, largest_bytes, deadline_s, broken))
    association.acceptor.maximum_length = entity.maximum_pdu_size
    association.acceptor.ae_title = entity.ae_title
    host, port = link.getsockname()[:2]
    association.acceptor.address_info = AddressInformation(host, port)
    association.acceptor.implementation_class_uid = entity.implementation_class_uid
    association.acceptor.implementation_version_name = entity.implementation_version_name
    association.acceptor.supported_contexts = deepcopy(entity.supported_contexts)
    association.requestor.address_info = AddressInformation(peer, 0)
    association.bind(evt.EVT_DIMSE_RECV, partial(_take, stored))
    association.bind(evt.EVT_C_STORE, _answer)
    dul = association.dul
    dul._run_loop_delay = 0.0  # the guarded socket waits, and wakes up for what comes  # noqa: SLF001
    dul.daemon = True
    dul.name = "dicom reader"
    setattr(dul, "run", partial(_read, association, dul.run))  # noqa: B010
    try:
        association.run_reactor()
    except Exception as error:
        # pynetdicom raises on some protocol errors of a sender as if they were errors of the program.
        broken(Breach.MALFORMED, f"an association ended in {type(error).__name__}")
    finally:
        with suppress(OSError):
            link.shutdown(socket.SHUT_RDWR)
        dul.kill_dul()
        if dul.ident is not None:
            dul.join(CLOSING_S)
        own.close()
        del association, dul
        # Its parts reference each other, and the collector is paused while the loop runs; what was there before is left
        # out.
        gc.collect()


def _read(association: Association, run: Callable[[], None]) -> None:
    """Run the upper layer to the end of a connection, then wake the association if it still waits for a request."""
    # An exception that a sender provokes ends its connection, without a traceback on the terminal.
    with suppress(Exception):
        run()
    if association.requestor.primitive is None:
        association.dul.to_user_queue.put(None)


def _take(stored: Stored, event: Event) -> None:
    """Pass an object on as soon as it is complete, before pynetdicom's other thread finds it."""
    message = event.message
    if not isinstance(message, C_STORE_RQ) or message.data_set is None or message.context_id is None:
        return
    context = event.assoc._accepted_cx.get(message.context_id)  # noqa: SLF001
    if context is not None and context.abstract_syntax in STORED:
        sender = event.assoc.requestor
        implementation = sender.implementation_version_name or sender.implementation_class_uid or ""
        about = sender.ae_title.strip(), str(implementation)
        stored(message.data_set.getvalue(), UID(context.transfer_syntax[0]), about)


def _answer(_: Event) -> int:
    return SUCCESS
