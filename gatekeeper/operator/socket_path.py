"""Place: where the control socket is, and how a path of any length is reached."""

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

from gatekeeper.core.clock import pause
from gatekeeper.core.errors import InputError

NAME = "control.sock"
"""What the socket is called in the folder of a session."""
CONNECT_S, RETRY_S = 2.0, 0.02


def socket_path_of(path: Path) -> Path:
    """Return the control socket that a path names: itself, or the one in the folder of a session."""
    return path / NAME if path.is_dir() else path


def reached(path: Path, act: Callable[[str], None]) -> None:
    """Call `act` with a short name of a socket, since the system takes no names above 107 bytes.

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
    """Return a socket that listens at `path`, and was never open to anybody but its owner.

    A socket that a session has left behind when it was killed is taken away.

    Raises
    ------
    InputError
        When another session listens there, something else is in the way, or the place cannot be used.
    """
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _clear(path)
        os.fchmod(server.fileno(), 0o600)  # before there is a name, which then has these permissions from the start
        reached(path, server.bind)
        if stat.S_IMODE(path.lstat().st_mode) & 0o177:
            path.unlink()
            raise InputError(f"{path}: the file system cannot keep others from it; give another place for the socket")
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
    """Return a connection to the control socket at `path`, within so many seconds where others wait for one.

    Raises
    ------
    OSError
        When nobody listens there.
    """
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    tries = max(1, round(seconds / RETRY_S))
    try:
        client.settimeout(seconds)
        for left in reversed(range(tries)):
            try:
                reached(path, client.connect)
                break
            except BlockingIOError:  # others wait already, as many as may
                if not left:
                    raise
                pause(RETRY_S)
    except BaseException:
        client.close()
        raise
    return client


def _clear(path: Path) -> None:
    """Take away a socket behind which there is nobody."""
    try:
        kind = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(kind):
        raise InputError(f"{path}: is there already and no socket; name another place for the control socket")
    try:
        connect(path).close()
    except ConnectionRefusedError:
        path.unlink()
        return
    raise InputError(f"{path}: another session listens there; end it or name another folder")
