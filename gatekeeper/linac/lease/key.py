"""The secret that sender and interlock share: a file that nobody else may read."""

import stat
from pathlib import Path

from gatekeeper.core.errors import ConfigError

MIN_BYTES, MAX_BYTES = 32, 4096


def load_key(path: Path) -> bytes:
    """Return the bytes of a key file, every one of them, a line end included.

    Raises
    ------
    ConfigError
        When it is missing, no plain file, open to group or others, or not 32 to 4096 bytes long.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ConfigError(f"{path}: the key is no plain file; name a file")
        if (mode := stat.S_IMODE(status.st_mode)) & 0o077:
            raise ConfigError(f"{path}: the key has mode {mode:03o}, others can read or change it; chmod 600 it")
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
    return key
