"""The installation's signing key (Ed25519), and the keys that a checker of records trusts.

The private key is made on first use, readable by its owner only. Its public half lies beside it, as PEM, to be handed
to those who check records.
"""

import base64
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from gatekeeper.core.errors import ConfigError, OutputError

PRIVATE, PUBLIC = "signing.key", "signing.pub"
"""Names of the two halves in the folder of keys."""
_BEGIN, _END = b"-----BEGIN PUBLIC KEY-----", b"-----END PUBLIC KEY-----"
LARGEST_BYTES = 1 << 20
"""Largest file of trusted keys that is read, in bytes."""


class SigningKey:
    """A private key that signs.

    Parameters
    ----------
    key : Ed25519PrivateKey
        The key.

    Attributes
    ----------
    public : str
        The public half: 64 hexadecimal digits.
    """

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    def sign(self, message: bytes) -> str:
        """Return the signature of a message in base 64."""
        return base64.b64encode(self._key.sign(message)).decode()


def is_signed_by(public: str, signature: object, message: bytes) -> bool:
    """Return whether a signature in base 64 is that of a message by the key with this public half."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(base64.b64decode(str(signature), validate=True), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def keys_folder() -> Path:
    """Return the folder of the installation's key: `gatekeeper` in the user's folder for settings."""
    configured = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    return (configured if configured.is_absolute() else _home() / ".config") / "gatekeeper"


def _home() -> Path:
    """Return the home of the user; the root folder, as containers do, where a user without a name has none."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("/")


def session_key() -> SigningKey:
    """Return the key that signs a session: the installation's, or one that is not kept where no home can keep it.

    A service account or a user of a container often has no home. Who wants its key kept names a folder with
    XDG_CONFIG_HOME.

    Returns
    -------
    SigningKey

    Raises
    ------
    ConfigError, OutputError
        As `installation_key`, where there is a home or a folder is named.
    """
    try:
        return installation_key()
    except OutputError:
        if Path(os.environ.get("XDG_CONFIG_HOME", "")).is_absolute() or os.access(_home(), os.W_OK | os.X_OK):
            raise
        return SigningKey(Ed25519PrivateKey.generate())


def installation_key(folder: Path | None = None) -> SigningKey:
    """Return the installation's signing key, and make it on first use.

    Parameters
    ----------
    folder : Path, optional
        Folder of the key; by default `keys_folder`.

    Returns
    -------
    SigningKey

    Raises
    ------
    ConfigError
        When the key is accessible to others, belongs to another user, or is not an Ed25519 key.
    OutputError
        When it cannot be made.
    """
    folder = keys_folder() if folder is None else folder
    path = folder / PRIVATE
    try:
        if not path.exists():
            _make(folder, path)
        status = path.stat()
        if status.st_uid != os.geteuid():
            raise ConfigError(f"{path}: the signing key belongs to another user; give the key to who runs gatekeeper")
        if (mode := stat.S_IMODE(status.st_mode)) & 0o077:
            raise ConfigError(f"{path}: the signing key has mode {mode:03o}, open to others; chmod 600 it")
        data = path.read_bytes()
    except OSError as error:
        raise OutputError(
            f"{path}: the signing key cannot be made or read ({error.strerror or error}); name another folder with "
            "XDG_CONFIG_HOME"
        ) from None
    try:
        key = load_pem_private_key(data, None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"{path}: is not an Ed25519 key in PEM; move it away and a new key is made")
    return SigningKey(key)


def _make(folder: Path, path: Path) -> None:
    """Make a key; of two processes that do so at once, the first wins."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = Ed25519PrivateKey.generate()
    part = folder / f"{PRIVATE}.{secrets.token_hex(8)}"
    try:
        _write(part, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)
        with suppress(FileExistsError):
            os.link(part, path)
            (folder / PUBLIC).unlink(missing_ok=True)
            _write(
                folder / PUBLIC, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), 0o644
            )
    finally:
        part.unlink(missing_ok=True)


def _write(path: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        os.write(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def own_public() -> str | None:
    """Return the public half of the installation's key, as 64 hexadecimal digits; None when there is no key yet."""
    path = keys_folder() / PUBLIC
    return next(iter(read_trusted(path)), None) if path.is_file() else None


def read_trusted(path: Path) -> frozenset[str]:
    """Return the public keys in a file, or in the files of a folder, as 64 hexadecimal digits each.

    Parameters
    ----------
    path : Path
        A file with public keys in PEM, one after the other, or a folder of such files.

    Raises
    ------
    ConfigError
        When it cannot be read, holds no key, or a key is not of Ed25519.
    """
    found: set[str] = set()
    try:
        files = sorted(one for one in path.iterdir() if one.is_file()) if path.is_dir() else [path]
        for file in files:
            with file.open("rb") as opened:
                data = opened.read(LARGEST_BYTES)
            for block in data.split(_BEGIN)[1:]:
                found.add(_public_of(_BEGIN + block.split(_END)[0] + _END + b"\n", file))
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror or error}); name the public keys you trust"
        ) from None
    if not found:
        raise ConfigError(f"{path}: holds no public key in PEM; name a copy of {PUBLIC}, or a folder of such files")
    return frozenset(found)


def _public_of(pem: bytes, file: Path) -> str:
    try:
        key = load_pem_public_key(pem)
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError(f"{file}: holds a public key that is not of Ed25519; name a copy of {PUBLIC}")
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
