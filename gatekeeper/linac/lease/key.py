"""The secret shared by sender and interlock, in a file that only its owner can read."""

import os
import stat
from pathlib import Path

from gatekeeper.core.errors import ConfigError

MIN_BYTES, MAX_BYTES = 32, 4096
MIN_DISTINCT = 8
"""Smallest number of different bytes; 32 random ones, also as hexadecimal digits, have more."""


def load_key(path: Path) -> bytes:
    """Return the bytes of a key file, including a line end.

    Parameters
    ----------
    path : Path
        The key file.

    Returns
    -------
    bytes
        The key, 32 to 4096 bytes.

    Raises
    ------
    ConfigError
        When it is missing, not a regular file, accessible to group or others, of another owner, of another size, or
        nothing that a random number could be.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ConfigError(f"{path}: the key is not a regular file; name a file")
        if (mode := stat.S_IMODE(status.st_mode)) & 0o077:
            raise ConfigError(f"{path}: the key has mode {mode:03o}, others can read or change it; chmod 600 it")
        if status.st_uid != os.geteuid():
            raise ConfigError(
                f"{path}: the key belongs to user {status.st_uid} and is read by user {os.geteuid()}; "
                "whoever reads it must own it"
            )
        with path.open("rb") as file:
            key = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: the key cannot be read ({error.strerror}); name another file") from None
    if not MIN_BYTES <= len(key) <= MAX_BYTES:
        size = f"{len(key)}" if len(key) <= MAX_BYTES else f"more than {MAX_BYTES}"
        raise ConfigError(
            f"{path}: the key has {size} bytes; it needs {MIN_BYTES} to {MAX_BYTES} random ones, "
            f"for example: head -c {MIN_BYTES} /dev/urandom > {path.name}"
        )
    if (distinct := len(set(key))) < MIN_DISTINCT:
        raise ConfigError(
            f"{path}: the key has {distinct} different bytes, a random one has more; "
            f"make one: head -c {MIN_BYTES} /dev/urandom > {path.name}"
        )
    return key
