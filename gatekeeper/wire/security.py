"""TLS on a link whose two sides know each other's certificate (mutual TLS with pinned certificates)."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from gatekeeper.core.errors import ConfigError
from gatekeeper.wire.stream import Breach, StreamError


class Certificates(Protocol):
    """Files of certificates; `gatekeeper.config.source.TlsConfig` is one."""

    @property
    def certificate_file(self) -> str:
        """Our certificate, in PEM."""
        ...

    @property
    def private_key_file(self) -> str:
        """Its private key, in PEM."""
        ...

    @property
    def peer_file(self) -> str:
        """The other side's certificate, or that of the authority that has signed it, in PEM."""
        ...


_HANDSHAKE = b"\x16\x03"

Secure = Callable[[socket.socket, float], AbstractContextManager[socket.socket]]
"""Secure a connected link within some seconds, for as long as the context lasts."""


def greets(start: bytes) -> bool:
    """Return whether the first bytes of a connection begin a handshake of TLS."""
    return start.startswith(_HANDSHAKE)


@contextmanager
def plain(link: socket.socket, _: float) -> Iterator[socket.socket]:
    """Use a link as it is.

    Yields
    ------
    socket
        The link.
    """
    yield link


def security(certificates: Certificates | None, *, server: bool = True) -> Secure:
    """Return how links are secured.

    Parameters
    ----------
    certificates : Certificates or None
        Certificates of both sides; None: links are not encrypted, and neither side proves its identity.
    server : bool
        Whether the other side calls.

    Returns
    -------
    callable
        Secures a link. The original is neither closed nor used, and shutting it down ends every wait on either.

    Raises
    ------
    ConfigError
        When a file cannot be read.
    """
    if certificates is None:
        return plain
    context = _context(certificates, server)

    @contextmanager
    def secured(link: socket.socket, deadline_s: float) -> Iterator[socket.socket]:
        own = link.dup()
        try:
            own.settimeout(deadline_s)
            try:
                own = context.wrap_socket(own, server_side=server)
            except OSError as error:
                why = getattr(error, "reason", None) or error
                raise StreamError(Breach.UNKNOWN, f"the other side has not proved who it is by TLS ({why})") from None
            own.settimeout(None)
            yield own
        finally:
            own.close()

    return secured


def _context(certificates: Certificates, server: bool) -> ssl.SSLContext:
    """Return a context of TLS 1.3 that accepts the one certificate only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # The certificate is known; the name in it is of no account.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    try:
        context.load_cert_chain(certificates.certificate_file, certificates.private_key_file)
        context.load_verify_locations(certificates.peer_file)
    except (OSError, ValueError) as error:
        files = ", ".join((certificates.certificate_file, certificates.private_key_file, certificates.peer_file))
        raise ConfigError(f"tls: {files}: cannot be used ({error}); name PEM files that belong together") from None
    return context
