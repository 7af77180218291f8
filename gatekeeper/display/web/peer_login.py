"""Find the user of this machine at the other end of a connection, as the operating system says."""

import ipaddress
import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from starlette.requests import Request

from gatekeeper.core.login import login_name

TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
"""Connections of this machine with the user of each, see proc(5)."""
ESTABLISHED = "01"
LOCAL, REMOTE, STATE, USER, INODE = 1, 2, 3, 7, 9
"""Columns of these tables."""

End = tuple[bytes, int]
"""Address and port of one end of a connection."""


def login_of(request: Request) -> str | None:
    """Return the login name of the user whose program sent a request, or None when it came from another machine.

    Parameters
    ----------
    request : Request
        A request whose connection is still open.

    Returns
    -------
    str or None
        Through a tunnel, the user in whose name the tunnel's end on this machine runs.
    """
    client, server = request.client, request.scope.get("server")
    if client is None or server is None:
        return None
    with suppress(OSError, ValueError, TypeError, IndexError):
        ends = _end(*client), _end(*server)
        for table in TABLES:
            if (user := user_in(table.read_text().splitlines()[1:], *ends)) is not None:
                return login_name(user)
    return None


def user_in(rows: Iterable[str], client: End, server: End) -> int | None:
    """Return the user whose program holds the client's end of an open connection, from the rows of a table.

    Parameters
    ----------
    rows : iterable of str
        Rows as in /proc/net/tcp, without the heading.
    client, server : tuple
        Both ends.

    Returns
    -------
    int or None
        Number of the user; None when the client's end is not on this machine.
    """
    for row in rows:
        columns = row.split()
        # A closed socket without a program, whose inode is 0, shows user 0.
        if (
            columns[STATE] == ESTABLISHED
            and columns[INODE] != "0"
            and _listed(columns[LOCAL]) == client
            and _listed(columns[REMOTE]) == server
        ):
            return int(columns[USER])
    return None


def _end(host: str, port: int) -> End:
    """Return one end, with an IPv4 address in an IPv6 one as IPv4."""
    return _plain(ipaddress.ip_address(host.partition("%")[0]).packed), port


def _listed(text: str) -> End:
    """Return one end as the tables write it: words of 32 bits in the machine's byte order, and the port."""
    words, _, port = text.partition(":")
    numbers = (int(words[at : at + 8], 16) for at in range(0, len(words), 8))
    return _plain(b"".join(struct.pack("=I", number) for number in numbers)), int(port, 16)


def _plain(packed: bytes) -> bytes:
    address = ipaddress.ip_address(packed)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return packed if mapped is None else mapped.packed
