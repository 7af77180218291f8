"""The path of the control socket, and connections to paths of any length."""

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

from gatekeeper.core.clock import pause
from gatekeeper.core.errors import InputError

NAME = "control.sock"
"""Name of the socket in a session folder."""
CONNECT_S, RETRY_S = 2.0, 0.02


def socket_path_of(path: Path) -> Path:
    """Return the control socket of a path: the path itself, or the socket in a session folder."""
    return path / NAME if path.is_dir() else path


def reached(path: Path, act: Callable[[str], None]) -> None:
    """Call `act` with a short name of a socket, because the system limits names to 107 bytes.

    Raises
    ------
    OSError
        When its folder cannot be opened, and whatever `act` raises.
    """
    folder = os.open(path.parent, os.O_DIRECTORY | os.O_RDONLY | os.O_CLOEXEC)
    try:
        act(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)


def listen(path: Path, waiting: int) -> socket.socket:
    """Return a socket that listens at `path` and is open to its owner only from the start.

    A socket that a killed session has left behind is removed.

    Raises
    ------
    InputError
        When another session listens there, another file is in the way, or the path cannot be used.
    """
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _clear(path)
        os.fchmod(server.fileno(), 0o600)  # before there is a name, which then has these permissions from the start
        reached(path, server.bind)
        if stat.S_IMODE(path.lstat().st_mode) & 0o177:
            path.unlink()
            raise InputError(f"{path}: the file system cannot restrict access to it; give another path for the socket")
        server.listen(waiting)
        server.setblocking(False)
    except OSError as error:
        server.close()
        raise InputError(
            f"{path}: no control socket can be made ({error.strerror or error}); name another folder"
        ) from None
    except BaseException:
        server.close()
        raise
    return server


def connect(path: Path, seconds: float = CONNECT_S) -> socket.socket:
    """Return a connection to the control socket at `path`.

    Parameters
    ----------
    path : Path
        Path of the socket.
    seconds : float
        Longest wait while the socket's backlog is full, in seconds of real time.

    Raises
    ------
    OSError
        When no session listens there.
    """
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    tries = max(1, round(seconds / RETRY_S))
    try:
        client.settimeout(seconds)
        for left in reversed(range(tries)):
            try:
                reached(path, client.connect)
                break
            except BlockingIOError:  # the backlog is full
                if not left:
                    raise
                pause(RETRY_S)
    except BaseException:
        client.close()
        raise
    return client


def _clear(path: Path) -> None:
    """Remove a socket on which no session listens."""
    try:
        kind = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(kind):
        raise InputError(f"{path}: exists already and is not a socket; name another path for the control socket")
    try:
        connect(path).close()
    except ConnectionRefusedError:
        path.unlink()
        return
    raise InputError(f"{path}: another session listens there; end it or name another folder")
